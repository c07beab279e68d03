"""HTTP with credentials, retries where they are safe, and errors of one tree."""

from __future__ import annotations

import json
import logging
import math
import random
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from msgspec import Struct

from automl_plan import __version__
from automl_plan.errors import (
    AnswerTooLarge,
    ApiError,
    DeadlineExceeded,
    Internal,
    ResourceExhausted,
    TransportError,
    Unauthenticated,
    Unavailable,
)
from automl_plan.providers.google.base_url import is_loopback
from automl_plan.providers.google.credentials import Credentials
from automl_plan.providers.google.errors import (
    api_error,
    json_object,
    page,
    strange,
    transport_error,
)
from automl_plan.providers.google.http_session import Asked, ServiceClock, log_retry

if TYPE_CHECKING:
    from datetime import datetime

    import requests

CONNECT_SECONDS = 5.0
TRIES = 5
LONGEST_WAIT = 60.0
"""Seconds between the tries of one call, together; what would take longer is given up."""
SAID_ALOUD = 5.0
"""Seconds from which on a pause is reported."""
_LOG = logging.getLogger(__name__)
"""Warnings go to standard error, unless a program that uses this says otherwise."""
A_MOMENT = 1.0
"""Seconds after an answer in which no service closes a connection as unused: the shortest limit
of common servers is 5 (Node.js, `server.keepAliveTimeout`), that of proxies 15 and more."""
MAX_BODY = 64 * 1024 * 1024
"""Bytes of an answer that are read, unless the caller says otherwise."""
_PASSING = (ResourceExhausted, Internal, Unavailable, DeadlineExceeded)


class Limits(Struct, frozen=True):
    """How long, and how much, a service may answer. Times are in seconds."""

    silence: float = 60.0
    """Between two bytes of an answer."""
    answer: float = 60.0
    """For a whole answer of JSON, from the end of the request on."""
    begun: float = 20.0
    """From the first byte of an answer on: after this it has to come at `rate`."""
    rate: float = 1_000.0
    """Bytes a second."""
    content: float = 600.0
    """For a whole object of a bucket."""
    tries: float = 120.0
    """After which a call that failed is not tried again."""
    list: float = 180.0
    """For all pages of a list."""
    pages: int = 10_000
    empty_pages: int = 200
    """One after the other: a list may have some, where a filter leaves nothing of a page."""
    list_bytes: int = 256 * 1024 * 1024
    """Of all pages of a list."""
    slow: float = 10.0
    """After which the service is reported as slow."""


LIMITS = Limits()


class _Content(Struct, frozen=True):
    """A body that is not JSON."""

    data: bytes
    type: str


class AnswerEndless(TransportError):
    """An answer, or a list, that does not end; nor would a second one."""


class HttpTransport:
    """Requests to one service, over https or to an emulator. Safe to use from several threads.

    Nothing here sends a request twice but `_retried`, and `_authorised` after a 401.
    """

    def __init__(
        self,
        base_url: str,
        credentials: Credentials,
        *,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
        limits: Limits = LIMITS,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self._host = urlsplit(base_url).hostname or ""
        self._credentials = credentials
        self._sleep = sleep
        self._monotonic = clock
        self._limits = limits
        self._said_slow = -math.inf
        """When it was said last that the service is slow."""
        self._idle: list[tuple[float, requests.Session]] = []
        """With when each was used."""
        self._closed = False
        self._lock = threading.Lock()
        self._paused_until = 0.0
        self._clock = ServiceClock()
        self._check: Callable[[], None] = _may

    def fence(self, check: Callable[[], None]) -> None:
        """Call `check` directly before each request that changes something, on its thread.

        What it raises stops the request: the service has not got the whole of it then.
        """
        self._check = check

    def now(self) -> datetime:
        """What time it is at the service (UTC)."""
        return self._clock.now()

    def close(self) -> None:
        """Close all connections."""
        with self._lock:
            self._closed = True
            for _, session in self._idle:
                session.close()
            self._idle.clear()

    def get(self, path: str, query: Mapping[str, str] | None = None) -> dict[str, Any]:
        """Read; tried again when the failure may pass."""
        return json_object(self._retried("GET", path, query, None), "GET", path)

    def get_bytes(
        self, path: str, query: Mapping[str, str] | None = None, *, limit: int = MAX_BODY
    ) -> bytes:
        """Read an answer that is not JSON, of at most `limit` bytes."""
        return self._retried("GET", path, query, None, limit, within=self._limits.content)

    def pages(
        self, path: str, key: str, query: Mapping[str, str] | None = None
    ) -> Iterator[dict[str, Any]]:
        """The items of all pages of a list, whose answer has them under `key`."""
        token, size, empty = "", 0, 0
        items: list[dict[str, Any]] = []
        seen: set[str] = set()
        begun, limits = self._monotonic(), self._limits
        while True:
            asked = {**(query or {}), **({"pageToken": token} if token else {})}
            content = self._retried("GET", path, asked, None)
            answer = json_object(content, "GET", path)
            before = items
            items, token = page(answer, key, path)
            empty = 0 if items else empty + 1
            yield from items
            if not token:
                return
            if token in seen or (items and items == before):
                raise strange("The service gives the same page of a list again.", path)
            seen.add(token)
            size += len(content)
            took = self._monotonic() - begun
            too_many = len(seen) >= limits.pages or empty >= limits.empty_pages
            if too_many or took > limits.list or size > limits.list_bytes:
                raise AnswerEndless(
                    f"{self._host} has sent {len(seen):,} pages of a list ({size:,} bytes) in "
                    f"{took:.0f} seconds, and not its end.",
                    sent=True,
                    where=f"GET {path}",
                    hint="More than this is not read. Does the endpoint speak the API?",
                )
            if took > limits.slow:
                self._say_slow(f"GET {path}: {len(seen):,} pages of a list have arrived")

    def repeatable(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """Write something that has no further effect when it is sent again."""
        return json_object(self._retried(method, path, query, body), method, path)

    def upload(
        self, path: str, content: bytes, content_type: str, query: Mapping[str, str]
    ) -> dict[str, Any]:
        """Post bytes, by a request that has no further effect when it is sent again."""
        body = _Content(content, content_type)
        return json_object(self._retried("POST", path, query, body), "POST", path)

    def once(
        self, method: str, path: str, body: Mapping[str, Any], *, paid: bool = True
    ) -> dict[str, Any]:
        """Write something that must not be sent twice.

        What is `paid` for uses a connection of its own: one that is kept alive may be closed
        by the service just as it is used again, and it would be unknown whether the request
        arrived. For the rest, one that answered a moment ago will do.
        """
        self._await_turn()
        idle = 0.0 if paid else A_MOMENT
        return json_object(self._authorised(method, path, None, body, idle=idle), method, path)

    # -- sending ---------------------------------------------------------------------------

    def _retried(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None,
        body: Mapping[str, Any] | _Content | None,
        limit: int = MAX_BODY,
        *,
        within: float | None = None,
    ) -> bytes:
        self._await_turn()
        left, until = LONGEST_WAIT, self._monotonic() + self._limits.tries
        for attempt in range(1, TRIES):
            try:
                return self._authorised(method, path, query, body, limit=limit, within=within)
            except (AnswerTooLarge, AnswerEndless):
                raise
            except (TransportError, *_PASSING) as error:
                asked = error.retry_after if isinstance(error, ApiError) else None
                # Full jitter, so that many workers don't come back at the same moment.
                pause = random.uniform(0, min(0.25 * 2**attempt, 8.0))  # noqa: S311
                pause = max(pause, asked or 0.0)
                if pause > left or self._monotonic() + pause > until:
                    raise
                left -= pause
                if isinstance(error, ResourceExhausted):
                    self._pause_all(pause)
                if pause >= SAID_ALOUD:
                    _LOG.warning("%s Trying again in %.0f seconds.", error.message, pause)
                log_retry(method, path, attempt + 1, TRIES, pause)
                self._sleep(pause)
        return self._authorised(method, path, query, body, limit=limit, within=within)

    def _authorised(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None,
        body: Mapping[str, Any] | _Content | None,
        *,
        idle: float = math.inf,
        limit: int = MAX_BODY,
        within: float | None = None,
    ) -> bytes:
        """Send, once more with a new token when the one used was refused."""
        try:
            return self._send(method, path, query, body, idle, limit, within)
        except Unauthenticated as error:
            # A refused request was not acted on, so this is safe for all methods.
            if error.http_status != 401 or not self._credentials.renew():
                raise
        return self._send(method, path, query, body, idle, limit, within)

    def _pause_all(self, seconds: float) -> None:
        """A quota is everybody's: no worker sends anything before it may."""
        with self._lock:
            self._paused_until = max(self._paused_until, self._monotonic() + seconds)

    def _await_turn(self) -> None:
        with self._lock:
            left = self._paused_until - self._monotonic()
        if left > 0:
            self._sleep(left)

    def _send(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None,
        body: Mapping[str, Any] | _Content | None,
        idle: float,
        limit: int,
        within: float | None,
    ) -> bytes:
        import requests

        from automl_plan.providers.google.http_session import Bounds, bounded

        where, url = f"{method} {path}", self.base_url + path
        headers = {"User-Agent": f"automl-plan/{__version__}", **self._credentials.headers(url)}
        data: bytes | BytesIO | None = None
        if isinstance(body, _Content):
            # Sent piece by piece: all at once would have to be gone within CONNECT_SECONDS.
            data = _Checked(body.data, self._check) if body.data else b""
            headers["Content-Type"] = body.type
        elif body is not None:
            data = _Checked(json.dumps(body).encode(), self._check)
            headers["Content-Type"] = "application/json; charset=UTF-8"
        if method != "GET":
            self._check()
        limits = self._limits
        bounds = Bounds(
            silence=limits.silence,
            whole=within or limits.answer,
            begun=limits.begun,
            rate=limits.rate,
            slow_after=limits.slow,
            slow=lambda: self._say_slow(f"{where}: no whole answer has arrived"),
            endless=lambda what: AnswerEndless(f"{self._host} {what}.", sent=True, where=where),
        )
        try:
            with (
                Asked(method, path, query) as asked,
                bounded(bounds),
                self._session(idle) as session,
                session.request(
                    method,
                    url,
                    params=dict(query or {}),
                    data=data,
                    headers=headers,
                    timeout=(CONNECT_SECONDS, limits.silence),
                    allow_redirects=False,
                    stream=True,
                ) as response,
            ):
                asked.status = response.status_code
                content = self._read(response, where, limit)
                self._clock.hear(response.headers.get("Date"))
        except requests.RequestException as error:
            raise transport_error(error, where, self._host, limits.silence) from None
        if response.status_code // 100 == 2:
            return content
        raise api_error(
            response.status_code, response.headers, content, where=where, host=self._host
        )

    @staticmethod
    def _read(response: requests.Response, where: str, limit: int) -> bytes:
        content = bytearray()
        for chunk in response.iter_content(256 * 1024):
            content += chunk
            if len(content) > limit:
                raise AnswerTooLarge(
                    f"The answer is larger than {limit:,} bytes.", sent=True, where=where
                )
        expected = response.headers.get("Content-Length", "")
        encoded = "Content-Encoding" in response.headers
        whole = re.fullmatch(r"[0-9]{1,18}", expected) is None or len(content) >= int(expected)
        if not whole and not encoded:
            raise TransportError("The response was incomplete.", sent=True, where=where)
        return bytes(content)

    @contextmanager
    def _session(self, idle: float) -> Iterator[requests.Session]:
        """A session for one request, with no connection that was unused for `idle` seconds."""
        with self._lock:
            since, session = self._idle.pop() if self._idle else (0.0, None)
        if session is None:
            session = self._new_session()
        elif self._monotonic() - since >= idle:
            session.close()  # the connections that it keeps; it can be used as before
        try:
            yield session
        finally:
            with self._lock:
                keep = not self._closed
                if keep:
                    self._idle.append((self._monotonic(), session))
            if not keep:
                session.close()

    def _new_session(self) -> requests.Session:
        from automl_plan.providers.google.http_session import session as new_session

        session = new_session()
        session.trust_env = not is_loopback(self._host)  # a proxy can't reach our loopback
        # .netrc and the like must not add credentials of their own.
        session.auth = _no_auth
        return session

    def _say_slow(self, what: str) -> None:
        """Say that one waits for the service: once for all requests that wait now."""
        with self._lock:
            now = self._monotonic()
            if now - self._said_slow < LONGEST_WAIT:
                return
            self._said_slow = now
        _LOG.warning("%s is slow. %s after %.0f seconds.", self._host, what, self._limits.slow)


class _Checked(BytesIO):
    """A body that is checked once more when the connection is there and the headers are sent.

    A connection may take seconds, in which a process may be stopped for hours. Nothing acts on
    headers alone.
    """

    def __init__(self, data: bytes, check: Callable[[], None]) -> None:
        super().__init__(data)
        self._check = check

    def read(self, size: int | None = -1, /) -> bytes:
        if self.tell() == 0:
            self._check()
        return super().read(size)


def _may() -> None:
    """Nothing has to be checked: no state is open."""


def _no_auth(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request
