"""The HTTP server: on loopback only, with keep-alive, each response in one send."""

import re
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, quote, urlsplit

from msgspec.structs import replace

from automl_plan import __version__
from automl_plan.emulator.errors import Code, ServiceError, StartError
from automl_plan.emulator.faults import Call, Fault, Faults, answering
from automl_plan.emulator.http import (
    Front,
    MatchedRoute,
    Reply,
    Request,
    encoded,
    error_reply,
)
from automl_plan.emulator.methods import CallCounts

MAX_BODY_BYTES = 64 * 1024 * 1024
"""More than a 30 MB image in base64, the largest request of the API (proto: ExamplePayload)."""

_SECONDS_OF_SILENCE = 600.0
_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


class Activity:
    """Counts the requests in progress, and the time since the last one."""

    def __init__(self) -> None:
        self._lock = threading.Condition()
        self._active = 0
        self._last = time.monotonic()

    def __enter__(self) -> None:
        with self._lock:
            self._active += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._active -= 1
            self._last = time.monotonic()
            self._lock.notify_all()

    def idle_seconds(self) -> float:
        """Return the seconds without any request."""
        with self._lock:
            return 0.0 if self._active else time.monotonic() - self._last

    def drain(self, seconds: float) -> None:
        """Wait until no request is in progress, at most that many seconds."""
        with self._lock:
            self._lock.wait_for(lambda: not self._active, seconds)


class Server(ThreadingHTTPServer):
    """Answers each request by the first front that has its path."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(
        self,
        port: int,
        fronts: Sequence[Front],
        counts: CallCounts,
        faults: Faults,
        now: Callable[[], datetime],
        activity: Activity | None = None,
    ) -> None:
        self.fronts = tuple(fronts)
        self.counts = counts
        self.faults = faults
        self.now = now
        self.stopping = threading.Event()
        self.activity = activity or Activity()
        try:
            super().__init__(("127.0.0.1", port), _Handler)
        except (OSError, OverflowError) as error:
            raise StartError(f"Can't listen on 127.0.0.1:{port}: {error}.") from error

    def server_bind(self) -> None:
        """Bind without the base class's lookup of the host name."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        host, port = self.socket.getsockname()[:2]
        self.server_address = (host, port)
        self.server_name, self.server_port = "127.0.0.1", port

    @property
    def url(self) -> str:
        """The base URL for clients."""
        return f"http://127.0.0.1:{self.server_port}"

    def shutdown(self) -> None:
        """Stop, and end all delays that faults cause."""
        self.stopping.set()
        super().shutdown()

    def handle_error(self, request: object, client_address: object) -> None:  # noqa: ARG002 - base class's signature
        """Ignore clients that disconnect; print the traceback of anything else."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            traceback.print_exc(file=sys.stderr)

    def answer(self, request: Request, refused: ServiceError | None) -> Reply:
        """Return the response to a request; `refused` is an error found while reading it."""
        for front in self.fronts:
            found = front.match(request)
            if found is None:
                continue
            if refused is not None:
                return front.error(refused)
            act = partial(_act, front, found)
            if found.name is None:
                return act()
            self.counts.add(found.name)
            return self._faulty(self.faults.called(found.name), front, act)
        lacking = (front.lacking(request) for front in self.fronts)
        error = refused or next(filter(None, lacking), None)
        return error_reply(error or ServiceError(Code.NOT_FOUND, self._not_found(request)))

    def _not_found(self, request: Request) -> str:
        """Return the text for a path of no method, with where an API is that has it."""
        for front in self.fronts:
            if (
                front.prefix
                and front.surface
                and front.surface.method(request.method, request.path)
            ):
                return (
                    f"Method not found. {front.surface.title} is served below {front.prefix}, and "
                    "at the root of the port that --vertex-port names."
                )
        return "Method not found."

    def _faulty(self, call: Call, front: Front, act: Callable[[], Reply]) -> Reply:
        """Apply the faults of a call before and after it; some prevent it."""
        self.stopping.wait(call.seconds("delay-before"))
        before = call.take("drop-before", "401", "429", "500", "503")
        if before is not None:
            return _failing(before, front, Reply(200, b""))
        with answering(call):
            reply = act()
        self.stopping.wait(call.seconds("delay-after"))
        after = call.take("drop-after", "500-after", "503-after", "truncate")
        return reply if after is None else _failing(after, front, reply)


_LATEST_DATE = datetime(9000, 1, 1, tzinfo=UTC)
"""Dates in HTTP have years of four digits."""
_LENGTH = re.compile(r"[0-9]{1,18}")
_ANSWERS = {
    "401": ServiceError(Code.UNAUTHENTICATED, "Request had invalid authentication credentials."),
    "429": ServiceError(Code.RESOURCE_EXHAUSTED, "Quota exceeded."),
    "500": ServiceError(Code.INTERNAL, "Internal error encountered."),
    "503": ServiceError(Code.UNAVAILABLE, "The service is currently unavailable."),
}


def _failing(fault: Fault, front: Front, reply: Reply) -> Reply:
    """Return what a client gets instead of a reply because of a fault."""
    answer = _ANSWERS.get(fault.effect.removesuffix("-after"))
    if answer is not None:
        seconds = None if fault.seconds is None else int(fault.seconds)
        return replace(front.error(answer), retry_after=seconds)
    return replace(reply, sent="half" if fault.effect == "truncate" else "nothing")


def _act(front: Front, found: MatchedRoute) -> Reply:
    """Call the method; errors become replies."""
    try:
        if found.name is None:
            return found.handler(found.request)
        return front.call(found.name, found.handler, found.request)
    except ServiceError as error:
        return front.error(error)
    except Exception:  # noqa: BLE001 - a bug must be answered, not end the connection
        traceback.print_exc(file=sys.stderr)
        return front.error(ServiceError(Code.INTERNAL, "Internal error encountered."))


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = _SECONDS_OF_SILENCE
    server: Server

    def _answer(self) -> None:
        with self.server.activity:
            try:
                split = urlsplit(self.path)
            except ValueError:
                self.close_connection = True  # its body is not read
                self._send(error_reply(_bad("The request names no path.")))
                return
            body, refused = self._body()
            pairs = parse_qsl(split.query, keep_blank_values=True)
            request = Request(
                self.command,
                split.path,
                dict(pairs),
                body,
                content_type=self.headers.get("Content-Type", ""),
                pairs=pairs,
            )
            self._send(self.server.answer(request, self._check_origin() or refused))

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _answer  # noqa: N815 - the base class's names

    def _body(self) -> tuple[bytes, ServiceError | None]:
        length = self.headers.get("Content-Length", "0").strip()
        if "Transfer-Encoding" in self.headers or not _LENGTH.fullmatch(length):
            self.close_connection = True
            return b"", _bad("The request needs a Content-Length.")
        if int(length) > MAX_BODY_BYTES:
            self.close_connection = True
            return b"", _bad(f"The request is larger than {MAX_BODY_BYTES} bytes.")
        body = self.rfile.read(int(length))
        if len(body) < int(length):  # the client gave up
            self.close_connection = True
            return b"", _bad("The request is incomplete.")
        return body, None

    def _check_origin(self) -> ServiceError | None:
        """Return an error for requests from web pages (DNS rebinding, cross-site calls)."""
        hosts = self.headers.get_all("Host") or []
        origin = self.headers.get("Origin")
        if len(hosts) == 1 and _is_loopback(f"//{hosts[0]}"):
            if origin is None or _is_loopback(origin):
                return None
            return ServiceError(Code.PERMISSION_DENIED, "Web pages may not call the emulator.")
        return ServiceError(
            Code.PERMISSION_DENIED, "The Host header must name this machine, as 127.0.0.1 does."
        )

    def _send(self, reply: Reply) -> None:
        reply = encoded(reply)
        if reply.sent != "all":
            self.close_connection = True
        if reply.sent == "nothing":
            return
        retry = "" if reply.retry_after is None else f"Retry-After: {reply.retry_after}\r\n"
        further = "".join(f"{k}: {quote(v, safe='/:@')}\r\n" for k, v in reply.headers.items())
        head = (
            f"HTTP/1.1 {reply.status} {self.responses.get(reply.status, ('Error',))[0]}\r\n"
            f"Server: automl-plan-emulator/{__version__}\r\n"
            f"Date: {self._date()}\r\n"
            f"Content-Type: {reply.content_type}\r\n"
            f"Content-Length: {len(reply.body)}\r\n"
            f"{retry}{further}X-Content-Type-Options: nosniff\r\n"
            f"Connection: {'close' if self.close_connection else 'keep-alive'}\r\n\r\n"
        )
        body = reply.body if reply.sent == "all" else reply.body[: len(reply.body) // 2]
        self.wfile.write(head.encode("latin-1") + body)

    def _date(self) -> str:
        """The time of the service's clock, which tests advance."""
        now = min(self.server.now(), _LATEST_DATE)
        return self.date_time_string(int(now.timestamp()))

    def log_message(self, *_: object) -> None:
        """Don't log requests."""


def _is_loopback(url: str) -> bool:
    try:
        name = urlsplit(url).hostname
    except ValueError:
        return False
    return name is not None and name in _LOOPBACK_NAMES


def _bad(message: str) -> ServiceError:
    return ServiceError(Code.INVALID_ARGUMENT, message)
