"""A service whose answers are damaged on the way: those of the embedded one, and worse ones."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import socketserver
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from random import Random
from urllib.parse import urlsplit

from automl_plan.errors import StateError
from automl_plan.providers.local import process
from automl_plan.state.file import read_with_journal
from tests.apis import endpoint_of
from tests.cli.command import ProjectLine
from tests.fuzz.mutations import as_bytes, of_bytes, of_json
from tests.fuzz.running import Report, check

COMMANDS = (
    ("plan",),
    ("plan", "--json"),
    ("drift",),
    ("models", "list"),
    ("models", "evaluations", "digits"),
    ("datasets", "list", "--json"),
    ("datasets", "show", "digits"),
    ("datasets", "images", "digits", "--json"),
    ("drift", "--images"),
    ("operations", "list"),
    ("state", "rebuild"),
    ("apply", "--auto-approve", "--detach"),
)
_STATUSES = (200, 200, 204, 206, 301, 302, 400, 401, 403, 404, 409, 412, 418, 429, 500, 503, 999)
_DRIPS = 3_000
"""Pieces that are sent one by one; whoever waits for all of them waits ten minutes."""
_DRIP_SECONDS = 0.2
_TIMEOUT = 60.0


class Hostile(socketserver.ThreadingTCPServer):
    """Passes requests on to a service, and damages some of its answers, by a seed."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, url: str, seed: str, *, drips: bool) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.behind = urlsplit(url)
        self.ways = 12 if drips else 11
        """Ways of damaging an answer; the last one takes a minute or more."""
        self.chance = Random(seed)
        self.share = self.chance.choice((0.1, 0.5, 1.0))
        """Of answers that are damaged."""
        self.lock = threading.Lock()
        self.closed = threading.Event()
        self._thread = threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is no fault of this server."""

    def close(self) -> None:
        """Answer nobody any more."""
        self.closed.set()
        self.shutdown()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: Hostile
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer()

    do_POST = do_PATCH = do_DELETE = do_GET  # noqa: N815 (the base class asks for them)

    def log_message(self, *_: object) -> None:
        pass

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        status, data = self._behind(body)
        with self.server.lock:
            chance = Random(self.server.chance.random())
            damaged = chance.random() < self.server.share
        if not damaged:
            self._send(status, data)
            return
        self.close_connection = True
        with contextlib.suppress(OSError):
            self._damaged(status, data, chance)

    def _behind(self, body: bytes) -> tuple[int, bytes]:
        behind = self.server.behind
        connection = http.client.HTTPConnection(str(behind.hostname), behind.port, timeout=_TIMEOUT)
        try:
            headers = {"Content-Type": "application/json"} if body else {}
            connection.request(self.command, self.path, body or None, headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def _damaged(self, status: int, data: bytes, chance: Random) -> None:
        """One of the ways in which an answer can be wrong."""
        match chance.randrange(self.server.ways):
            case 0 | 1 | 2:
                self._send(status, as_bytes(of_json(_json(data), chance)))
            case 3:
                self._send(status, of_bytes(data, chance))
            case 4:
                self._send(chance.choice(_STATUSES), data)
            case 5:
                error = {"error": of_json(_ERROR, chance)}
                self._send(chance.choice((200, *_STATUSES)), as_bytes(error))
            case 6:
                self._send(
                    200, chance.choice((b"", b"null", b"[]", b"{}", b"<html>", b"[" * 9_999))
                )
            case 7:  # a list that goes on for ever
                self._send(200, as_bytes({**_json(data), "nextPageToken": str(chance.random())}))
            case 8:
                self._raw(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n" + data)
            case 9:
                self._raw(chance.randbytes(chance.randrange(400)))
            case 10:
                self.connection.setsockopt(
                    socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0"
                )
                self.connection.close()
            case _:
                self._drip(chance)

    def _drip(self, chance: Random) -> None:
        """Headers, interim answers or a body, a little at a time."""
        start = b"HTTP/1.1 200 OK\r\n"
        piece = chance.choice(
            (b"X-A: b\r\n", b"HTTP/1.1 100 Continue\r\n\r\n", b"\r\n", b"1\r\n{\r\n", b" ")
        )
        if piece == b" ":
            start += b"Content-Length: 1000000\r\n\r\n"
        elif piece.startswith(b"1"):
            start += b"Transfer-Encoding: chunked\r\n\r\n"
        elif piece.startswith(b"HTTP"):
            start = b""
        self._raw(start)
        for _ in range(_DRIPS):
            if self.server.closed.wait(_DRIP_SECONDS):
                return
            self._raw(piece)

    def _send(self, status: int, data: bytes) -> None:
        head = f"HTTP/1.1 {status} Whatever\r\nContent-Length: {len(data)}\r\n"
        kind = "Content-Type: application/json\r\n\r\n"
        self._raw(head.encode() + kind.encode() + data)

    def _raw(self, data: bytes) -> None:
        self.wfile.write(data)
        self.wfile.flush()


_ERROR = {
    "code": 429,
    "message": "Quota exceeded.",
    "status": "RESOURCE_EXHAUSTED",
    "details": [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "1s"}],
}


def _json(data: bytes) -> dict[str, object]:
    try:
        found = json.loads(data)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


@contextmanager
def _project(api: str) -> Iterator[tuple[ProjectLine, str]]:
    """A project of which all is applied, and the service behind it."""
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        line = ProjectLine(Path(folder), api)
        line.declare()
        line("apply", "--auto-approve")
        running = process.status(line.directory / ".automl-plan" / "emulator")
        assert running is not None
        try:
            yield line, running.url
        finally:
            process.stop(line.directory / ".automl-plan" / "emulator")


def unreadable(state: Path, name: str) -> list[str]:
    """What is wrong with a state that a command has written."""
    if not state.exists():
        return []
    try:
        read_with_journal(state)
    except StateError as error:
        return [f"{name}: it has written a state that can't be read: {error.message}"]
    return []


def services(api: str, seeds: range, *, drips: bool = True) -> Report:
    """Run a command against each hostile service; some of them drip their answers."""
    report = Report()
    with _project(api) as (line, url):
        path = line.directory / "automl-plan.yaml"
        state = line.directory / "state.json"
        document, kept = json.loads(path.read_text(encoding="utf-8")), state.read_bytes()
        for seed in seeds:
            hostile = Hostile(url, f"service {api} {seed}", drips=drips)
            try:
                endpoint = endpoint_of(api, hostile.url)
                document["provider"] = {api: {"project": "local", "endpoint": endpoint}}
                document["provider"][api]["staging_bucket"] = "gs://staging"
                path.write_text(json.dumps(document), encoding="utf-8")
                command = hostile.chance.choice(COMMANDS)
                if command[0] == "state":
                    state.unlink()
                check(report, f"{api}, service {seed}", line.directory, [command])
                report.faults += unreadable(state, f"{api}, service {seed}: {' '.join(command)}")
                report.tried["hostile services"] += 1
            finally:
                hostile.close()
            for other in line.directory.glob("state.json*"):
                if other.is_file():
                    other.unlink()
            state.write_bytes(kept)
    return report
