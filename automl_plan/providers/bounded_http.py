"""A session whose answers have an end: by their time as a whole, and by the size of their head.

The timeouts of `requests` are between two bytes, and its HTTP library goes on reading interim
answers (1xx) as long as any arrive: a service that sends a byte now and then would hold a
command for ever. So each read from the socket is given no more time than is left.
"""

from __future__ import annotations

import io
import math
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from http.client import HTTPResponse
from typing import Any, NoReturn

import requests
from msgspec import Struct
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

MAX_HEAD = 1024 * 1024
"""Bytes before the body of an answer, with interim answers."""
_READ_AHEAD = 64 * 1024


class Bounds(Struct, frozen=True):
    """What one answer may take, and who is told. Times are in seconds."""

    silence: float
    """Between two bytes."""
    whole: float
    """From the end of the request to the last byte of the answer."""
    begun: float
    """From the first byte on: after this the answer has to come at `rate`."""
    rate: float
    """Bytes a second, on the average: what comes more slowly is no answer, but holds us up."""
    slow_after: float
    slow: Callable[[], None]
    """Called once, after `slow_after`, while the answer is not whole."""
    endless: Callable[[str], Exception]
    """The error to raise, of what the service does."""


_BOUNDS: ContextVar[Bounds] = ContextVar("_BOUNDS")


@contextmanager
def bounded(bounds: Bounds) -> Iterator[None]:
    """Hold the answers to requests of this thread to these bounds."""
    token = _BOUNDS.set(bounds)
    try:
        yield
    finally:
        _BOUNDS.reset(token)


class _Bytes(io.RawIOBase):
    """The bytes of one answer as they arrive."""

    def __init__(self, connection: socket.socket, file: Any, bounds: Bounds) -> None:
        super().__init__()
        self._connection = connection
        self._file = file
        """What keeps the connection open, and is closed with this."""
        self._bounds = bounds
        now = time.monotonic()
        self._until = now + bounds.whole
        self._slow_at: float | None = now + bounds.slow_after
        self._heard = now
        self._first: float | None = None
        """When the first byte arrived."""
        self._arrived = 0
        self.in_head = True

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while True:
            now = time.monotonic()
            if self._slow_at is not None and now >= self._slow_at:
                self._slow_at = None
                self._bounds.slow()
            left = min(self._until, self._heard + self._bounds.silence, self._too_slow_at()) - now
            if left <= 0:
                self._give_up(now)
            if self._slow_at is not None:
                left = min(left, self._slow_at - now)
            self._connection.settimeout(max(left, 0.001))
            try:
                count = self._connection.recv_into(buffer)
            except TimeoutError:
                continue
            self._heard = time.monotonic()
            self._first = self._first or self._heard
            self._arrived += count
            if self.in_head and self._arrived > MAX_HEAD:
                raise self._bounds.endless("sends headers or interim answers without an end")
            return count

    def _too_slow_at(self) -> float:
        """When the answer comes too slowly, if nothing more of it arrives."""
        if self._first is None:
            return math.inf
        return self._first + max(self._bounds.begun, self._arrived / self._bounds.rate)

    def _give_up(self, now: float) -> NoReturn:
        what = "the head of an answer" if self.in_head else "an answer"
        if now >= self._too_slow_at():
            rate = f"less than {self._bounds.rate:,.0f} bytes a second"
            raise self._bounds.endless(f"does not end {what}: it sends {rate}")
        if not self._arrived or now < self._until:
            raise TimeoutError  # it is silent, as many services are for a moment
        raise self._bounds.endless(f"did not end {what} within {self._bounds.whole:g} seconds")

    def close(self) -> None:
        if not self.closed:
            with suppress(OSError):  # else the next request had what was left of this one's time
                self._connection.settimeout(self._bounds.silence)
            self._file.close()
        super().close()


class _Response(HTTPResponse):
    """An answer that is read within the bounds of its request."""

    def __init__(self, sock: socket.socket, *args: Any, **options: Any) -> None:
        super().__init__(sock, *args, **options)
        self._bytes: _Bytes | None = None
        bounds = _BOUNDS.get(None)
        if bounds is not None:
            self._bytes = _Bytes(sock, self.fp, bounds)
            self.fp = io.BufferedReader(self._bytes, _READ_AHEAD)

    def begin(self) -> None:
        super().begin()
        if self._bytes is not None:
            self._bytes.in_head = False


class _Connection(HTTPConnection):
    response_class = _Response


class _SecureConnection(HTTPSConnection):
    response_class = _Response


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


_POOLS = {"http": _Pool, "https": _SecurePool}


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, *args: Any, **options: Any) -> Any:
        manager = super().proxy_manager_for(*args, **options)
        manager.pool_classes_by_scheme = _POOLS
        return manager


def session() -> requests.Session:
    """A new session whose answers can be bounded."""
    made = requests.Session()
    for scheme in ("http://", "https://"):
        made.mount(scheme, _Adapter())
    return made
