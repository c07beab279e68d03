"""A proxy on loopback, between a client and the emulator, that records exchanges."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

from tests.contract_vertex.discovery import Exchange

PREFIX = "/vertex"
"""The prefix of the paths of Vertex AI; others are not recorded."""
_OWN = {"connection", "keep-alive", "host", "content-length", "transfer-encoding"}
"""Headers that each connection has of its own."""


class Recorder(ThreadingHTTPServer):
    """Passes requests on to another server."""

    daemon_threads = True

    def __init__(self, server: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.target = urlsplit(server).netloc
        self._exchanges: list[Exchange] = []

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_port}"

    def keep(self, exchange: Exchange) -> None:
        """Add what was said."""
        self._exchanges.append(exchange)

    def take(self) -> list[Exchange]:
        """Return the exchanges since the last call."""
        taken, self._exchanges = self._exchanges, []
        return taken


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True
    server: Recorder

    def _pass_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {k: v for k, v in self.headers.items() if k.lower() not in _OWN}
        connection = HTTPConnection(self.server.target, timeout=60)
        try:
            connection.request(self.command, self.path, body, headers)
            answer = connection.getresponse()
            content = answer.read()
        except (OSError, HTTPException):  # the emulator broke off: so does this
            self.close_connection = True
            return
        finally:
            connection.close()
        self._keep(body, answer.status, content)
        self.send_response_only(answer.status, answer.reason)
        for name, value in answer.getheaders():
            if name.lower() not in _OWN:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PATCH = do_DELETE = _pass_on  # noqa: N815 - names of http.server

    def _keep(self, body: bytes, status: int, content: bytes) -> None:
        url = urlsplit(self.path)
        if url.path.startswith(f"{PREFIX}/"):
            query = parse_qsl(url.query, keep_blank_values=True)
            path = url.path.removeprefix(PREFIX)
            self.server.keep(Exchange(self.command, path, query, body, status, content))

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
        """Say nothing."""


@contextmanager
def recording(server: str) -> Iterator[Recorder]:
    """A recorder that listens until the block ends."""
    with Recorder(server) as recorder:
        thread = threading.Thread(target=recorder.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield recorder
        finally:
            recorder.shutdown()
            thread.join()
