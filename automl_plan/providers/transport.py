"""HTTP with credentials, retries where they are safe, and errors of one tree."""

from __future__ import annotations

import json
import logging
import math
import random
import ssl
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
    ApiError,
    DeadlineExceeded,
    Internal,
    ResourceExhausted,
    TransportError,
    Unauthenticated,
    Unavailable,
)
from automl_plan.providers.advice import advice_on_host
from automl_plan.providers.answers import api_error, shown
from automl_plan.providers.credentials import Credentials
from automl_plan.providers.endpoint import is_loopback
from automl_plan.providers.request_log import Asked, told_again
from automl_plan.providers.service_clock import ServiceClock

if TYPE_CHECKING:
    from datetime import datetime

    import requests

CONNECT_SECONDS = 5.0
READ_SECONDS = 60.0
TRIES = 5
LONGEST_WAIT = 60.0
"""Seconds between the tries of one call, together; what would take longer is given up."""
SAID_ALOUD = 5.0
"""Seconds from which on a pause is told to whoever waits."""
_LOG = logging.getLogger(__name__)
"""What is warned of stands on standard error, unless a program that uses this says otherwise."""
A_MOMENT = 1.0
"""Seconds after an answer in which no service closes a connection as unused: the shortest limit
of common servers is 5 (Node.js, `server.keepAliveTimeout`), that of proxies 15 and more."""
MAX_BODY = 64 * 1024 * 1024
"""Bytes of an answer that are read, unless the caller says otherwise."""
_PASSING = (ResourceExhausted, Internal, Unavailable, DeadlineExceeded)


class _Content(Struct, frozen=True):
    """A body that is not JSON."""

    data: bytes
    type: str


class AnswerTooLarge(TransportError):
    """An answer past the limit; a second one would be as large."""


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
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self._host = urlsplit(base_url).hostname or ""
        self._credentials = credentials
        self._sleep = sleep
        self._monotonic = clock
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
        return self._json(self._retried("GET", path, query, None), "GET", path)

    def get_bytes(
        self, path: str, query: Mapping[str, str] | None = None, *, limit: int = MAX_BODY
    ) -> bytes:
        """Read an answer that is not JSON, of at most `limit` bytes."""
        return self._retried("GET", path, query, None, limit)

    def pages(
        self, path: str, key: str, query: Mapping[str, str] | None = None
    ) -> Iterator[dict[str, Any]]:
        """The items of all pages of a list, whose answer has them under `key`."""
        token = ""
        seen: set[str] = set()
        while True:
            asked = {**(query or {}), **({"pageToken": token} if token else {})}
            answer = self.get(path, asked)
            items, following = answer.get(key) or [], answer.get("nextPageToken") or ""
            if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
                raise _strange(f"The answer's {key!r} is not a list of objects.", path)
            yield from items
            if not following:
                return
            if not isinstance(following, str) or following in seen:
                raise _strange("The service gives the same page of a list again.", path)
            token = following
            seen.add(token)

    def repeatable(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """Write something that has no further effect when it is sent again."""
        return self._json(self._retried(method, path, query, body), method, path)

    def upload(
        self, path: str, content: bytes, content_type: str, query: Mapping[str, str]
    ) -> dict[str, Any]:
        """Post bytes, by a request that has no further effect when it is sent again."""
        body = _Content(content, content_type)
        return self._json(self._retried("POST", path, query, body), "POST", path)

    def once(
        self, method: str, path: str, body: Mapping[str, Any], *, paid: bool = True
    ) -> dict[str, Any]:
        """Write something that must not be sent twice.

        What is `paid` for goes on a connection of its own: one that is kept alive may be closed
        by the service just as it is used again, and nobody could tell whether the request
        arrived. For the rest, one that answered a moment ago will do.
        """
        self._await_turn()
        idle = 0.0 if paid else A_MOMENT
        return self._json(self._authorised(method, path, None, body, idle=idle), method, path)

    # -- sending ---------------------------------------------------------------------------

    def _retried(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None,
        body: Mapping[str, Any] | _Content | None,
        limit: int = MAX_BODY,
    ) -> bytes:
        self._await_turn()
        left = LONGEST_WAIT
        for attempt in range(1, TRIES):
            try:
                return self._authorised(method, path, query, body, limit=limit)
            except AnswerTooLarge:
                raise
            except (TransportError, *_PASSING) as error:
                asked = error.retry_after if isinstance(error, ApiError) else None
                # Full jitter, so that many workers don't come back at the same moment.
                pause = random.uniform(0, min(0.25 * 2**attempt, 8.0))  # noqa: S311
                pause = max(pause, asked or 0.0)
                if pause > left:
                    raise
                left -= pause
                if isinstance(error, ResourceExhausted):
                    self._pause_all(pause)
                if pause >= SAID_ALOUD:
                    _LOG.warning("%s Trying again in %.0f seconds.", error.message, pause)
                told_again(method, path, attempt + 1, TRIES, pause)
                self._sleep(pause)
        return self._authorised(method, path, query, body, limit=limit)

    def _authorised(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None,
        body: Mapping[str, Any] | _Content | None,
        *,
        idle: float = math.inf,
        limit: int = MAX_BODY,
    ) -> bytes:
        """Send, once more with a new token when the one used was refused."""
        try:
            return self._send(method, path, query, body, idle=idle, limit=limit)
        except Unauthenticated as error:
            # A refused request was not acted on, so this is safe for all methods.
            if error.http_status != 401 or not self._credentials.renew():
                raise
        return self._send(method, path, query, body, idle=idle, limit=limit)

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
        *,
        idle: float,
        limit: int,
    ) -> bytes:
        import requests

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
        try:
            with (
                Asked(method, path, query) as asked,
                self._session(idle) as session,
                session.request(
                    method,
                    url,
                    params=dict(query or {}),
                    data=data,
                    headers=headers,
                    timeout=(CONNECT_SECONDS, READ_SECONDS),
                    allow_redirects=False,
                    stream=True,
                ) as response,
            ):
                asked.status = response.status_code
                content = self._read(response, where, limit)
                self._clock.hear(response.headers.get("Date"))
        except requests.RequestException as error:
            raise self._transport_error(error, where) from None
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
        if expected.isdigit() and not encoded and len(content) < int(expected):
            raise TransportError("The answer was cut off.", sent=True, where=where)
        return bytes(content)

    def _transport_error(self, error: Exception, where: str) -> TransportError:
        """Say what failed in our own words: the library's quote the whole URL."""
        import requests

        hint = None
        sent = not _never_sent(error)
        if _certificate_refused(error):
            text = f"The certificate of {self._host} is not trusted; nothing was sent."
            hint = "Behind a proxy that has its own, let REQUESTS_CA_BUNDLE name its authority."
        elif not sent:
            text = f"No connection to {self._host} could be made; nothing was sent."
            hint = advice_on_host(self._host) or "Check the network, the proxy and the endpoint."
        elif isinstance(error, requests.Timeout):
            text = f"{self._host} did not answer within {READ_SECONDS:.0f} seconds."
        else:
            text = f"The connection to {self._host} broke before the whole answer arrived."
        return TransportError(text, sent=sent, where=where, hint=hint)

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
        import requests

        session = requests.Session()
        session.trust_env = not is_loopback(self._host)  # a proxy can't reach our loopback
        # .netrc and the like must not add credentials of their own.
        session.auth = _no_auth
        return session

    @staticmethod
    def _json(content: bytes, method: str, path: str) -> dict[str, Any]:
        try:
            document = json.loads(content) if content.strip() else {}
        except (ValueError, RecursionError):
            document = None
        if not isinstance(document, dict):
            raise TransportError(
                f"The answer is not a JSON object: {shown(content)}",
                sent=True,
                accepted=True,
                where=f"{method} {path}",
            )
        return document


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


def _strange(text: str, path: str) -> TransportError:
    return TransportError(text, sent=True, where=f"GET {path}")


def _never_sent(error: Exception) -> bool:
    """Whether it is certain that no byte of the request left: no connection came about."""
    import requests
    from urllib3.exceptions import NewConnectionError, ProxyError

    reason = _reason(error)
    if isinstance(reason, ProxyError):
        reason = reason.original_error
    return (
        isinstance(error, requests.ConnectTimeout)
        or isinstance(reason, NewConnectionError)
        or _certificate_refused(error)
    )


def _certificate_refused(error: Exception) -> bool:
    reason = _reason(error)
    causes = reason.args if isinstance(reason, Exception) else ()
    return any(isinstance(cause, ssl.SSLCertVerificationError) for cause in causes)


def _reason(error: Exception) -> object:
    """What urllib3 says is behind an exception of requests."""
    return getattr(error.args[0] if error.args else None, "reason", None)
