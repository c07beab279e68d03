"""A receiver of webhooks: a real HTTP server that can refuse, hang, or strike its caller."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Receiving:
    """What came, and what is answered."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.headers: list[dict[str, str]] = []
        self.status = 200
        self.struck: Callable[[], object] | None = None
        """Called once, before the first answer."""
        self.let_go = threading.Event()
        """Answers wait for it."""
        self.let_go.set()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/hook"

    @property
    def documents(self) -> list[dict[str, Any]]:
        """What came, as JSON."""
        return [json.loads(body) for body in self.bodies]

    def ids(self) -> list[str]:
        """The ids of what came."""
        return [str(document["id"]) for document in self.documents]

    def close(self) -> None:
        """Stop listening."""
        self.let_go.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiving = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiving.headers.append({k.lower(): v for k, v in self.headers.items()})
                receiving.bodies.append(body)
                struck, receiving.struck = receiving.struck, None
                if struck is not None:
                    struck()
                receiving.let_go.wait(30)
                try:
                    self.send_response(receiving.status)
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                except OSError:
                    self.close_connection = True

            def log_message(self, *_: object) -> None:
                pass

        return Handler
