"""Requests, replies and the table of routes: what a front and the server say to each other."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Literal, NamedTuple, Protocol
from urllib.parse import unquote

from msgspec import Struct, field

from automl_plan.emulator.errors import ServiceError
from automl_plan.emulator.methods import Method

JSON_TYPE = "application/json; charset=UTF-8"


class Request(Struct, frozen=True):
    """One HTTP request. `path` is as sent, `query` and `params` are decoded."""

    method: str
    path: str
    query: Mapping[str, str]
    body: bytes = b""
    params: Mapping[str, str] = field(default_factory=dict)
    content_type: str = ""


class Reply(Struct, frozen=True):
    """One HTTP answer; `retry_after` is in seconds. `sent` says how much of it arrives."""

    status: int
    body: bytes
    content_type: str = JSON_TYPE
    retry_after: int | None = None
    sent: Literal["all", "half", "nothing"] = "all"


Handler = Callable[[Request], Reply]


class Found(NamedTuple):
    """The method that a request calls; without a name it is the emulator's own."""

    name: Method | None
    handler: Handler
    params: Mapping[str, str]


class Front(Protocol):
    """One API on top of the engine."""

    def handler(self, request: Request) -> Found | None:
        """What answers the request, with the path's parameters; None when it isn't this API's."""

    def error(self, error: ServiceError) -> Reply:
        """The error in this API's own form."""


class Route(Struct, frozen=True):
    """An HTTP method and a path pattern, such as `/v1/projects/{project}`, and what they call."""

    name: Method | None
    method: str
    pattern: re.Pattern[str]
    handler: Handler


def route(name: Method | None, method: str, path: str, handler: Handler) -> Route:
    """A route; each `{name}` of the path is one segment without `:`, `{project}` may have one."""
    pattern = re.sub(
        r"\{(\w+)\}",
        lambda match: f"(?P<{match[1]}>{'[^/]+' if match[1] == 'project' else '[^/:]+'})",
        path,
    )
    return Route(name, method, re.compile(pattern), handler)


def find(routes: Sequence[Route], request: Request) -> Found | None:
    """The first route that fits a request, and the path's parameters, decoded."""
    for each in routes:
        if each.method == request.method:
            match = each.pattern.fullmatch(request.path)
            if match:
                params = {name: unquote(value) for name, value in match.groupdict().items()}
                return Found(each.name, each.handler, params)
    return None


def json_reply(content: object, status: int = 200) -> Reply:
    """An answer of JSON."""
    return Reply(status, json.dumps(content, separators=(",", ":")).encode() + b"\n")


def error_reply(error: ServiceError) -> Reply:
    """An error in the envelope of Google's APIs (AIP-193)."""
    body: dict[str, object] = {
        "code": error.code.http_status,
        "message": error.message,
        "status": error.code.name,
    }
    if error.details:
        body["details"] = list(error.details)
    return json_reply({"error": body}, error.code.http_status)
