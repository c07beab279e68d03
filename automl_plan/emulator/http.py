"""Requests, replies, routes, and fronts: the interface between the server and the APIs."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Literal, NamedTuple
from urllib.parse import unquote

from msgspec import Struct, field
from msgspec.structs import replace

from automl_plan.emulator.errors import ServiceError
from automl_plan.emulator.methods import Method
from automl_plan.emulator.wire.surface import Method as CalledMethod
from automl_plan.emulator.wire.surface import Surface

JSON_TYPE = "application/json; charset=UTF-8"


class Request(Struct, frozen=True):
    """An HTTP request. `path` is as sent; `query` and `params` are decoded.

    Of a parameter that is given several times `query` has the last value, `pairs` has all.
    `called` is what Google's API says of the method; the emulator's own methods have none.
    """

    method: str
    path: str
    query: Mapping[str, str]
    body: bytes = b""
    params: Mapping[str, str] = field(default_factory=dict)
    content_type: str = ""
    pairs: Sequence[tuple[str, str]] = ()
    called: CalledMethod | None = None


class Reply(Struct, frozen=True):
    """An HTTP response; `retry_after` is in seconds. `sent` is the part that reaches the client.

    `content` is sent as JSON in place of the body. `headers` are further ones, whose values are
    sent percent-encoded.
    """

    status: int
    body: bytes = b""
    content_type: str = JSON_TYPE
    retry_after: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    sent: Literal["all", "half", "nothing"] = "all"
    content: object = None


Handler = Callable[[Request], Reply]


class MatchedRoute(NamedTuple):
    """The method that a request calls; the emulator's own methods have no name."""

    name: Method | None
    handler: Handler
    request: Request


class Route(Struct, frozen=True):
    """An HTTP method and a path pattern, such as `/v1/projects/{project}`, and their handler."""

    name: Method | None
    method: str
    pattern: re.Pattern[str]
    handler: Handler


def route(name: Method | None, method: str, path: str, handler: Handler) -> Route:
    """Return a route. A `{name}` of the path is one segment, and only `{project}` may have `:`."""
    pattern = re.sub(
        r"\{(\w+)\}",
        lambda match: f"(?P<{match[1]}>{'[^/]+' if match[1] == 'project' else '[^/:]+'})",
        path,
    )
    return Route(name, method, re.compile(pattern), handler)


def json_reply(content: object, status: int = 200) -> Reply:
    """Return a response with JSON."""
    return Reply(status, content=content)


def encoded(reply: Reply) -> Reply:
    """Return a reply with its content as the JSON of its body."""
    if reply.content is None:
        return reply
    body = json.dumps(reply.content, separators=(",", ":")).encode() + b"\n"
    return replace(reply, body=body, content=None)


def error_reply(error: ServiceError) -> Reply:
    """Return an error in the form of Google's APIs (AIP-193)."""
    body: dict[str, object] = {
        "code": error.code.http_status,
        "message": error.message,
        "status": error.code.name,
    }
    if error.details:
        body["details"] = list(error.details)
    return json_reply({"error": body}, error.code.http_status)


class Front(Struct, frozen=True):
    """An API on top of the engine: its routes, and the form of its errors."""

    routes: Sequence[Route]
    error: Callable[[ServiceError], Reply] = error_reply
    prefix: str = ""
    """What all paths of the API start with, before those of the routes."""
    surface: Surface | None = None
    """All that Google's API has."""
    call: Callable[[Method, Handler, Request], Reply] = lambda _, handler, request: handler(request)
    """Calls the handler of a method: what all methods have in common."""

    def match(self, request: Request) -> MatchedRoute | None:
        """Return the first route that matches, and the request as its handler gets it."""
        path = self._path(request)
        if path is None:
            return None
        for each in self.routes:
            if each.method == request.method:
                match = each.pattern.fullmatch(path)
                if match:
                    params = {name: unquote(value) for name, value in match.groupdict().items()}
                    called = self.surface and self.surface.method(request.method, path)
                    request = replace(request, params=params, called=called)
                    return MatchedRoute(each.name, each.handler, request)
        return None

    def lacking(self, request: Request) -> ServiceError | None:
        """Return the error for a method of Google's API that has no route here."""
        path = self._path(request)
        if path is None or self.surface is None:
            return None
        return self.surface.lacking(request.method, path)

    def _path(self, request: Request) -> str | None:
        """The path below the prefix; None for a path of another API."""
        begins = request.path.startswith(f"{self.prefix}/")
        return request.path.removeprefix(self.prefix) if begins else None
