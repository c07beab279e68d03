"""GitHub's comments API, as far as a sticky comment needs it, on loopback."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

TOKEN = "ghs_secret"
LIMIT = 65_536
APP = {"login": "github-actions[bot]", "type": "Bot"}
"""Who the token of a workflow posts as."""


@dataclass
class Trouble:
    """What goes wrong with the next calls of one method."""

    method: str
    status: int = 0
    """0: the connection is cut."""
    times: int = 1
    acts: bool = False
    """Whether it acts all the same, and only the answer is lost."""
    headers: dict[str, str] = field(default_factory=dict)
    message: str = "No."


class FakeGitHub:
    """One repository, `team/models`, with one pull request, number 7."""

    def __init__(self) -> None:
        self.comments: list[dict[str, Any]] = []
        self.calls: list[str] = []
        self.troubles: list[Trouble] = []
        self.user: dict[str, str] | None = None
        """Whose token it is; None: a workflow's, which is nobody's."""
        self.lock = threading.Lock()
        self.url = ""
        self._ids = iter(range(1000, 10**9))

    def add(self, body: str, user: dict[str, str] | None = None) -> dict[str, Any]:
        """A comment that somebody made."""
        number = next(self._ids)
        comment = {
            "id": number,
            "body": body,
            "html_url": f"https://github.example/team/models/pull/7#issuecomment-{number}",
            "user": user if user is not None else self.user or APP,
        }
        self.comments.append(comment)
        return comment

    def bodies(self) -> list[str]:
        with self.lock:
            return [comment["body"] for comment in self.comments]

    def answer(
        self, method: str, target: str, headers: Any, content: Any
    ) -> tuple[int, Any, dict[str, str]]:
        parts = urlsplit(target)
        self.calls.append(f"{method} {parts.path}")
        if headers.get("Authorization") != f"Bearer {TOKEN}":
            return 401, {"message": "Bad credentials"}, {}
        if parts.path == "/user":
            if self.user is None:
                return 403, {"message": "Resource not accessible by integration"}, {}
            return 200, self.user, {}
        if parts.path == "/repos/team/models/issues/7/comments":
            return self._list(parts.query) if method == "GET" else self._post(content)
        match = re.fullmatch(r"/repos/team/models/issues/comments/(\d+)", parts.path)
        found = [c for c in self.comments if match and c["id"] == int(match[1])]
        if not found:
            return 404, {"message": "Not Found"}, {}
        if found[0]["user"] != (self.user or APP):
            return 403, {"message": "Resource not accessible by integration"}, {}
        if method == "DELETE":
            self.comments.remove(found[0])
            return 204, None, {}
        if len(content["body"]) > LIMIT:
            return 422, {"message": "Validation Failed"}, {}
        found[0]["body"] = content["body"]
        return 200, found[0], {}

    def _list(self, query: str) -> tuple[int, Any, dict[str, str]]:
        asked = parse_qs(query)
        size, page = min(int(asked["per_page"][0]), 100), int(asked.get("page", ["1"])[0])
        begin, headers = (page - 1) * size, {}
        if begin + size < len(self.comments):
            path = "/repos/team/models/issues/7/comments"
            following = f"{self.url}{path}?per_page={size}&page={page + 1}"
            headers["Link"] = f'<{following}>; rel="next", <{following}>; rel="last"'
        return 200, self.comments[begin : begin + size], headers

    def _post(self, content: Any) -> tuple[int, Any, dict[str, str]]:
        if len(content["body"]) > LIMIT:
            return 422, {"message": "Validation Failed"}, {}
        return 201, self.add(content["body"]), {}

    def trouble(self, method: str) -> Trouble | None:
        for trouble in self.troubles:
            if trouble.method == method and trouble.times > 0:
                trouble.times -= 1
                return trouble
        return None


@contextmanager
def serving() -> Iterator[FakeGitHub]:
    """The service, as long as it is needed."""
    github = FakeGitHub()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            content = json.loads(self.rfile.read(length)) if length else None
            with github.lock:
                trouble = github.trouble(self.command)
                if trouble is None or trouble.acts:
                    found = github.answer(self.command, self.path, self.headers, content)
                else:
                    github.calls.append(f"{self.command} {self.path} failed")
                    found = (trouble.status, {"message": trouble.message}, trouble.headers)
            status, document, headers = found
            if trouble is not None and (trouble.acts or not trouble.status):
                self.close_connection = True
                self.connection.close()
                return
            body = b"" if document is None else json.dumps(document).encode()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PATCH = do_DELETE = _answer  # noqa: N815 (http.server's names)

        def log_request(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    github.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield github
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
