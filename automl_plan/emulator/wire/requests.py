"""Query parameters, paging and masks, which all methods of Google's APIs share."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime

from msgspec import Struct

from automl_plan.emulator.errors import Code, ServiceError, invalid
from automl_plan.emulator.http import Reply, Request, json_reply
from automl_plan.emulator.rows import Window
from automl_plan.emulator.sql_filters import Order, OrderColumn
from automl_plan.emulator.wire.messages import camel, snake
from automl_plan.emulator.wire.surface import unimplemented

DEFAULT_PAGE_SIZE = 100
MAX_PAGE_SIZE = 1000
_INT32 = 2**31 - 1

_SYSTEM_PARAMETERS = frozenset(
    {
        *("$alt", "alt", "$prettyPrint", "prettyPrint", "$fields", "fields", "$.xgafv", "key"),
        *("$key", "quotaUser", "$quotaUser", "userIp", "access_token", "oauth_token", "callback"),
        *("uploadType", "upload_protocol", "$unique"),
    }
)
"""Query parameters that every Google API accepts (discovery documents, "parameters")."""

LIST_PARAMETERS = frozenset({"filter", "pageSize", "pageToken"})


def check_query(request: Request, known: Collection[str] = ()) -> None:
    """Refuse query parameters that the method doesn't have: at Google, or in this service."""
    alt = (request.query.get("$alt") or request.query.get("alt") or "json").partition(";")[0]
    if alt in ("proto", "media"):
        raise unimplemented(f"answers in the form {alt}, only in JSON")
    if alt != "json":
        raise invalid(("alt", "It is json, media or proto."))
    for name, value in request.query.items():
        if name in _SYSTEM_PARAMETERS or camel(name) in known:
            continue
        if request.called is None or camel(name) not in request.called.parameters:
            raise ServiceError(
                Code.INVALID_ARGUMENT,
                f'Invalid JSON payload received. Unknown name "{name}": Cannot bind query '
                f"parameter. Field '{name}' could not be found in request message.",
            )
        if value not in ("", "0", "false"):
            raise unimplemented(f"parameter {camel(name)} of {request.called.name}")


def check_list(request: Request, known: frozenset[str] = LIST_PARAMETERS) -> None:
    """Refuse query parameters that this list doesn't have at Google, or in this service."""
    check_query(request, known & request.called.parameters if request.called else known)


ORDERS: Mapping[str, OrderColumn] = {
    "display_name": "display_name",
    "create_time": "created",
    "update_time": "max(created, updated)",
}
"""What most lists can be ordered by."""


def ordering(
    request: Request, columns: Mapping[str, OrderColumn], name: str = "orderBy"
) -> tuple[Order, ...]:
    """Return the order that a parameter asks for (AIP-132): fields, each asc or desc."""
    order: dict[OrderColumn, Order] = {}
    for each in filter(None, map(str.strip, (parameter(request, name) or "").split(","))):
        field, _, direction = each.partition(" ")
        column = columns.get(snake(field))
        if column is None or direction.strip() not in ("", "asc", "desc"):
            known = ", ".join(columns)
            text = f"It is a list of fields, each perhaps with asc or desc. There are {known}."
            raise invalid((snake(name), text))
        order.setdefault(column, Order(column, direction.strip() == "desc"))
    return tuple(order.values())


def parameter(request: Request, name: str) -> str | None:
    """Return a query parameter, whether written in camel or in snake case."""
    value = request.query.get(name)
    return request.query.get(snake(name)) if value is None else value


def enums_as_numbers(request: Request) -> bool:
    """Return whether the client wants numbers for enums: `$alt=json;enum-encoding=int`."""
    alt = request.query.get("$alt", request.query.get("alt", ""))
    return "enum-encoding=int" in alt.split(";")


def timestamp(instant: datetime) -> str:
    """Return a time in RFC 3339, in UTC with six digits, as the service writes it."""
    return instant.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def omit_empty(fields: Mapping[str, object]) -> dict[str, object]:
    """Return the fields that proto3 JSON has: no empty values, but empty messages."""
    return {name: value for name, value in fields.items() if value or isinstance(value, dict)}


class Paging(Struct, frozen=True):
    """The requested page of a list; its token is valid for one list with one filter."""

    window: Window
    origin: str

    def token(self, next_before: int | None) -> dict[str, object]:
        """Return `nextPageToken`, or nothing after the last page."""
        if next_before is None:
            return {}
        raw = json.dumps([next_before, self.origin]).encode()
        return {"nextPageToken": base64.urlsafe_b64encode(raw).decode().rstrip("=")}


def paging(
    request: Request,
    *chosen_by: str,
    most: int = MAX_PAGE_SIZE,
    order: tuple[Order, ...] = (),
) -> Paging:
    """Return the page that `pageSize` and `pageToken` request, of at most `most` items.

    `chosen_by`: the parameters, beside `filter` and `orderBy`, that choose and order the items.
    """
    size_text = parameter(request, "pageSize") or "0"
    if not re.fullmatch(r"-?\d{1,10}", size_text, re.ASCII) or int(size_text) > _INT32:
        raise invalid(("page_size", "The page size must be a number."))
    if int(size_text) < 0:
        raise invalid(("page_size", "The page size must not be negative."))
    size = min(int(size_text) or DEFAULT_PAGE_SIZE, most)
    listed = f"{request.path}?{parameter(request, 'filter') or ''}"
    listed += "".join(f"&{name}={parameter(request, name) or ''}" for name in chosen_by)
    listed += f"&{order}" if order else ""
    origin = hashlib.sha256(listed.encode()).hexdigest()[:16]
    token = parameter(request, "pageToken")
    before = _read_token(token, origin) if token else None
    return Paging(Window(size, before, sorted_by=order), origin)


def _read_token(token: str, origin: str) -> int:
    try:
        padded = token + "=" * (-len(token) % 4)
        content = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (binascii.Error, ValueError):
        content = None
    match content:
        case [int(before), str(of)] if of == origin and 0 < before < 2**63:
            return before
    raise invalid(("page_token", "The page token is not one of this list, filter and order."))


def masked(request: Request, mutable: Mapping[str, bool]) -> list[str]:
    """Return the fields to write: those of `updateMask`, or without one those that are given.

    `mutable` maps the fields that can be changed to whether the body has them.
    """
    mask = parameter(request, "updateMask")
    if not mask:
        return [name for name, given in mutable.items() if given]
    names = [camel(path.strip()) for path in mask.split(",")]
    if names == ["*"]:
        return list(mutable)
    for name in names:
        if name not in mutable:
            allowed = ", ".join(snake(each) for each in mutable)
            raise invalid(
                ("update_mask", f"{snake(name)} can't be updated. The fields {allowed} can.")
            )
    return names


def apply_read_mask(request: Request, message: Mapping[str, object]) -> Mapping[str, object]:
    """Return the fields of a message that `readMask` selects; all without one."""
    paths = _read_paths(request)
    return message if paths is None else _picked(message, paths)


def _read_paths(request: Request) -> list[list[str]] | None:
    """The paths of `readMask`, each split; None for all fields. Refuses unknown ones (AIP-157)."""
    mask = parameter(request, "readMask")
    if not mask or mask == "*":
        return None
    paths = [[camel(name) for name in path.strip().split(".")] for path in mask.split(",")]
    for path in paths:
        message = request.called.message if request.called else None
        for number, name in enumerate(path):
            if message is None:
                break
            kind = message.fields.get(name, "")
            goes_on = number + 1 < len(path)
            if not kind or (goes_on and not (message.of(name) or kind in ("any", "map"))):
                raise invalid(
                    ("read_mask", f"{message.name} has no field {snake('.'.join(path))}.")
                )
            if goes_on and kind.endswith("[]"):
                raise invalid(("read_mask", f"{snake(name)} is a list: it is read as a whole."))
            message = message.of(name)
    return paths


def _picked(message: Mapping[str, object], paths: Sequence[Sequence[str]]) -> dict[str, object]:
    """The fields of a message, or of messages in it, that paths name."""
    found: dict[str, object] = {}
    for name, value in message.items():
        below = [path[1:] for path in paths if path[0] == name]
        if below and isinstance(value, Mapping) and all(below):
            found[name] = _picked(value, below)
        elif below:
            found[name] = value
    return found


def list_reply(
    request: Request, field: str, messages: Sequence[Mapping[str, object]], token: dict[str, object]
) -> Reply:
    """Return the answer of a list."""
    paths = _read_paths(request)
    items = messages if paths is None else [_picked(each, paths) for each in messages]
    return json_reply(({field: items} if items else {}) | token)
