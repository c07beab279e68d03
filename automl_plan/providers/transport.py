"""HTTP with credentials, retries where they are safe, and errors of one tree."""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

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
from automl_plan.providers.answers import api_error, shown
from automl_plan.providers.credentials import Credentials

if TYPE_CHECKING:
    import requests

CONNECT_SECONDS = 5.0
READ_SECONDS = 60.0
TRIES = 5
LONGEST_PAUSE = 60.0
"""Seconds; a service that asks for a longer one is not tried again."""
MAX_BODY = 64 * 1024 * 1024
"""Bytes of an answer that are read."""
_PASSING = (ResourceExhausted, Internal, Unavailable, DeadlineExceeded)


class HttpTransport:
    """Requests to one service. Safe to use from several threads."""

    def __init__(
        self,
        base_url: str,
        credentials: Credentials,
        *,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        url = urlsplit(base_url)
        self._base_url = base_url.rstrip("/")
        self._host = url.hostname or ""
        self._loopback = self._host in ("localhost", "127.0.0.1", "::1")
        self._credentials = credentials
        self._sleep = sleep
        self._local = threading.local()
        self._sessions: list[requests.Session] = []
        self._lock = threading.Lock()

    def close(self) -> None:
        """Close all connections."""
        with self._lock:
            for session in self._sessions:
                session.close()
            self._sessions.clear()

    def get(self, path: str, query: Mapping[str, str] | None = None) -> dict[str, Any]:
        """Read; tried again when the failure may pass."""
        return self._json(self._retried("GET", path, query, None), "GET", path)

    def get_bytes(self, path: str, query: Mapping[str, str] | None = None) -> bytes:
        """Read an answer that is not JSON."""
        return self._retried("GET", path, query, None)

    def pages(
        self, path: str, key: str, query: Mapping[str, str] | None = None
    ) -> Iterator[dict[str, Any]]:
        """The items of all pages of a list, whose answer has them under `key`."""
        token = ""
        seen: set[str] = set()
        while True:
            asked = {**(query or {}), **({"pageToken": token} if token else {})}
            answer = self.get(path, asked)
            yield from answer.get(key) or ()
            token = answer.get("nextPageToken") or ""
            if not token:
                return
            if token in seen:
                raise TransportError(
                    "The service gives the same page of a list again.",
                    sent=True,
                    where=f"GET {path}",
                )
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

    def once(self, method: str, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Write something that must not be sent twice.

        On a connection of its own: one that is kept alive may be closed by the service just
        as it is used again, and nobody could tell whether the request arrived.
        """
        return self._json(self._authorised(method, path, None, body, fresh=True), method, path)

    # -- sending ---------------------------------------------------------------------------

    def _retried(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None,
        body: Mapping[str, Any] | None,
    ) -> bytes:
        for attempt in range(1, TRIES + 1):
            try:
                return self._authorised(method, path, query, body, fresh=False)
            except (TransportError, *_PASSING) as error:
                asked = error.retry_after if isinstance(error, ApiError) else None
                if attempt == TRIES or (asked or 0.0) > LONGEST_PAUSE:
                    raise
                # Full jitter, so that many workers don't come back at the same moment.
                pause = random.uniform(0, min(0.25 * 2**attempt, 8.0))  # noqa: S311
                self._sleep(max(pause, asked or 0.0))
        raise AssertionError("unreachable")

    def _authorised(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None,
        body: Mapping[str, Any] | None,
        *,
        fresh: bool,
    ) -> bytes:
        """Send, once more with a new token when the one used was refused."""
        try:
            return self._send(method, path, query, body, fresh=fresh)
        except Unauthenticated:
            # A refused request was not acted on, so this is safe for all methods.
            if not self._credentials.renew():
                raise
        return self._send(method, path, query, body, fresh=fresh)

    def _send(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None,
        body: Mapping[str, Any] | None,
        *,
        fresh: bool,
    ) -> bytes:
        import requests

        where = f"{method} {path}"
        headers = {"User-Agent": f"automl-plan/{__version__}", **self._credentials.headers()}
        data = None
        if body is not None:
            data = json.dumps(body).encode()
            headers["Content-Type"] = "application/json; charset=UTF-8"
        session = self._new_session() if fresh else self._session()
        try:
            with session.request(
                method,
                self._base_url + path,
                params=dict(query or {}),
                data=data,
                headers=headers,
                timeout=(CONNECT_SECONDS, READ_SECONDS),
                allow_redirects=False,
                stream=True,
            ) as response:
                content = self._read(response, where)
                if response.status_code // 100 == 2:
                    return content
                raise api_error(
                    response.status_code,
                    response.headers,
                    content,
                    where=where,
                    host=self._host,
                )
        except requests.RequestException as error:
            raise self._transport_error(error, where) from None
        finally:
            if fresh:
                session.close()

    def _read(self, response: requests.Response, where: str) -> bytes:
        content = bytearray()
        for chunk in response.iter_content(256 * 1024):
            content += chunk
            if len(content) > MAX_BODY:
                raise TransportError(
                    f"The answer is larger than {MAX_BODY // 1024**2} MiB.", sent=True, where=where
                )
        expected = response.headers.get("Content-Length", "")
        encoded = "Content-Encoding" in response.headers
        if expected.isdigit() and not encoded and len(content) < int(expected):
            raise TransportError("The answer was cut off.", sent=True, where=where)
        return bytes(content)

    def _transport_error(self, error: Exception, where: str) -> TransportError:
        """Say what failed in our own words: the library's quote the whole URL."""
        import requests
        from urllib3.exceptions import NameResolutionError, NewConnectionError

        cause = error.args[0] if error.args else None
        reason = getattr(cause, "reason", None)
        never_sent = isinstance(error, requests.ConnectTimeout) or isinstance(
            reason, NewConnectionError | NameResolutionError
        )
        if never_sent:
            text = f"No connection to {self._host} could be made."
            hint = "Check the network, the proxy and the endpoint; nothing was sent."
        elif isinstance(error, requests.Timeout):
            text = f"{self._host} did not answer within {READ_SECONDS:.0f} seconds."
            hint = None
        else:
            text = f"The connection to {self._host} broke before the whole answer arrived."
            hint = None
        return TransportError(text, sent=not never_sent, where=where, hint=hint)

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            session = self._new_session()
            self._local.session = session
            with self._lock:
                self._sessions.append(session)
        return session

    def _new_session(self) -> requests.Session:
        import requests

        session = requests.Session()
        session.trust_env = not self._loopback  # a proxy can't reach this machine's loopback
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
                where=f"{method} {path}",
            )
        return document


def _no_auth(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request
