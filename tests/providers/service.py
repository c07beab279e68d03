"""A real HTTP server on loopback that answers, or misbehaves, as a script says."""

from __future__ import annotations

import contextlib
import json
import socket
import socketserver
import ssl
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True, slots=True)
class Received:
    """One request as it arrived."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    """By lower-case name."""
    body: bytes
    connection: int
    """Which connection it came on, counted from 1."""

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Reply:
    """What goes back: an answer, or bytes as they are."""

    status: int = 200
    body: bytes = b"{}"
    headers: Mapping[str, str] = field(default_factory=dict)
    raw: bytes | None = None
    """Sent in place of all else."""
    pieces: Callable[[], Iterator[bytes]] | None = None
    """Sent in place of all else, each as it comes, until the client goes away."""
    hang_up: bool = False
    """Close the connection afterwards, without having said so."""


def answer(content: object, status: int = 200, **headers: str) -> Reply:
    """An answer of JSON."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, json.dumps(content).encode(), named)


def failure(status: int, name: str, message: str = "No.", **headers: str) -> Reply:
    """An error in Google's envelope."""
    return answer(
        {"error": {"code": status, "message": message, "status": name}}, status, **headers
    )


NO_ANSWER = Reply(raw=b"", hang_up=True)
"""The request is read, and the connection closed."""

Script = Callable[[Received], Reply]


class Service:
    """The server. `replies` are given out one by one, `default` when there are none left.

    With `tls` it is also a proxy that answers in place of every https host.
    """

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.tls = tls
        self.received: list[Received] = []
        self.replies: list[Reply] = []
        self.default: Script = lambda _: Reply()
        self.resets = 0
        """So many connections to reset before anything of them is read."""
        self.connections = 0
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._server = _Server(("127.0.0.1", 0), self)
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}
        )

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        with self._lock:
            for connection in self._open:
                with contextlib.suppress(OSError):  # it may have ended by itself
                    connection.shutdown(socket.SHUT_RDWR)
        self._server.server_close()

    def reply_to(self, request: Received) -> Reply:
        with self._lock:
            self.received.append(request)
            if self.replies:
                return self.replies.pop(0)
        return self.default(request)

    def connected(self, connection: socket.socket) -> int:
        """The number of a connection; 0 when it is to be reset."""
        with self._lock:
            self.connections += 1
            if self.resets:
                self.resets -= 1
                return 0
            self._open.add(connection)
            return self.connections

    def disconnected(self, connection: socket.socket) -> None:
        with self._lock:
            self._open.discard(connection)


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = False
    block_on_close = True
    request_queue_size = 64

    def __init__(self, address: tuple[str, int], service: Service) -> None:
        super().__init__(address, _Connection)
        self.service = service

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is no error of this server."""


class _Connection(socketserver.StreamRequestHandler):
    server: _Server

    def handle(self) -> None:
        service = self.server.service
        number = service.connected(self.connection)
        if not number:
            linger = struct.pack("ii", 1, 0)  # close with a reset
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            return
        try:
            while request := self._read(number):
                if request.method == "CONNECT" and service.tls is not None:
                    self._be_the_host(service.tls)
                elif not self._write(service.reply_to(request)):
                    break
        finally:
            service.disconnected(self.connection)
            self.connection.close()

    def _be_the_host(self, tls: ssl.SSLContext) -> None:
        service = self.server.service
        self.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
        service.disconnected(self.connection)
        self.rfile.close()
        self.request = tls.wrap_socket(self.connection, server_side=True)
        self.setup()
        service.connected(self.connection)

    def _read(self, number: int) -> Received | None:
        line = self.rfile.readline().decode("latin-1").split()
        if len(line) != 3:
            return None
        headers: dict[str, str] = {}
        while header := self.rfile.readline().decode("latin-1").strip():
            name, _, value = header.partition(":")
            headers[name.lower()] = value.strip()
        body = self.rfile.read(int(headers.get("content-length", "0")))
        url = urlsplit(line[1])
        query = dict(parse_qsl(url.query, keep_blank_values=True))
        return Received(line[0], url.path, query, headers, body, number)

    def _write(self, reply: Reply) -> bool:
        """Whether the connection stays open."""
        if reply.pieces is not None:
            for piece in reply.pieces():
                self.wfile.write(piece)
        elif reply.raw is not None:
            self.wfile.write(reply.raw)
        else:
            headers = {"Content-Length": str(len(reply.body)), **reply.headers}
            lines = [f"{name}: {value}\r\n" for name, value in headers.items()]
            head = f"HTTP/1.1 {reply.status} Whatever\r\n" + "".join(lines) + "\r\n"
            self.wfile.write(head.encode("latin-1") + reply.body)
        return not reply.hang_up
