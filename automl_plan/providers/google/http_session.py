"""An HTTP session with bounds on time and size, a log, and the service's clock."""

from __future__ import annotations

import io
import logging
import math
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http.client import HTTPResponse
from types import TracebackType
from typing import Any, NoReturn, Self

import requests
from msgspec import Struct
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

MAX_HEAD = 1024 * 1024
"""Bytes before the body of an answer, with interim answers."""
_READ_AHEAD = 64 * 1024


class Bounds(Struct, frozen=True):
    """What one answer may take, and what reports it. Times are in seconds."""

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
            raise TimeoutError  # it is silent, like many services for a moment
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


LOG = logging.getLogger("automl_plan.requests")


class Asked:
    """One request, reported when it has ended."""

    def __init__(self, method: str, path: str, query: Mapping[str, str] | None) -> None:
        self._what = described(method, path, query)
        self._begun = time.monotonic()
        self.status: int | None = None
        """The answer's HTTP status; None before there is one."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if not LOG.isEnabledFor(logging.DEBUG):
            return
        milliseconds = (time.monotonic() - self._begun) * 1000
        outcome = "" if self.status is None else f" {self.status}"
        # The text of an error of the HTTP library quotes the whole URL.
        outcome += "" if kind is None else f" {kind.__name__}"
        LOG.debug("%s:%s in %.0f ms", self._what, outcome, milliseconds)


def log_retry(method: str, path: str, attempt: int, tries: int, pause: float) -> None:
    """Tell that a request is sent once more."""
    what = described(method, path, None)
    LOG.debug("%s: try %d of %d in %.2f s", what, attempt, tries, pause)


def described(method: str, path: str, query: Mapping[str, str] | None) -> str:
    """`GET /v1/…?filter&pageSize`: of a query, only what it names."""
    plain, _, _ = path.partition("?")
    shown = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in plain)
    return f"{method} {shown}" + (f"?{'&'.join(sorted(query))}" if query else "")


_LAST_YEAR = 9000
"""A date past it is no time of day, and what is added to it may be past the calendar."""


class ServiceClock:
    """Follows the `Date` of HTTP answers (RFC 9110). Safe to use from several threads.

    A wrong clock on this machine then neither hides the end of a model's life nor makes one up.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._heard: tuple[datetime, float] | None = None

    def hear(self, date: str | None) -> None:
        """Take the date of an answer; one that is missing or no date is passed over."""
        if not date:
            return
        try:
            time_there = parsedate_to_datetime(date)
            if time_there.tzinfo is None:
                return
            time_there = time_there.astimezone(UTC)
        except (ValueError, OverflowError):  # the last day of the calendar may have no UTC
            return
        if time_there.year > _LAST_YEAR:
            return
        with self._lock:
            self._heard = (time_there, time.monotonic())

    def now(self) -> datetime:
        """What time it is there; by this machine's clock while nothing was heard."""
        with self._lock:
            heard = self._heard
        if heard is None:
            return datetime.now(UTC)
        time_there, at = heard
        return time_there + timedelta(seconds=time.monotonic() - at)
