"""Resource names and ids of Vertex AI v1, and the fields that its methods share."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from automl_plan.emulator.errors import Code, ServiceError, invalid
from automl_plan.emulator.http import Reply, Request, json_reply
from automl_plan.emulator.limits import label_faults
from automl_plan.emulator.objects import Api, Scope
from automl_plan.emulator.wire.messages import camel
from automl_plan.emulator.wire.requests import LIST_PARAMETERS, check_query, parameter

PREFIX = "/vertex"
"""What stands before `/v1/…`: both APIs have the same paths, and this process serves both."""
LOCATIONS: Mapping[str, str] = {"us-central1": "Iowa", "europe-west4": "Netherlands"}
"""Locations of AutoML image training that the emulator has, and their display names."""
_NUMBER = re.compile(r"\d{1,19}", re.ASCII)
_NO_ID = 0


def scope_of(params: Mapping[str, str]) -> Scope:
    """The project and the location of a request's path."""
    location = params["location"]
    if location not in LOCATIONS:
        known = " and ".join(LOCATIONS)
        raise ServiceError(
            Code.INVALID_ARGUMENT, f"Location {location} is not supported. There are {known}."
        )
    return Scope(Api.VERTEX, params["project"], location)


def parent(scope: Scope) -> str:
    """The name that all names of the scope start with."""
    return f"projects/{scope.project}/locations/{scope.location}"


def number_of(wire: str) -> int:
    """The number that an id is; of a text that can't be an id, one that no object has."""
    if not _NUMBER.fullmatch(wire):
        return _NO_ID
    number = int(wire)
    return number if number < 2**63 else _NO_ID


def last_segment(scope: Scope, name: str, collection: str) -> str | None:
    """The id in a full name of an object of that scope and collection."""
    head, _, tail = name.rpartition("/")
    return tail if head == f"{parent(scope)}/{collection}" and tail else None


MAX_DISPLAY_NAME = 128
"""Characters (proto: Dataset.display_name, and those of models, pipelines and endpoints)."""


def check_list(request: Request, *more: str) -> None:
    """Refuse what a list doesn't take; of the orders of the API, the emulator has one."""
    check_query(request, LIST_PARAMETERS | {"orderBy", "readMask", *more})
    if parameter(request, "orderBy") not in (None, "", "create_time desc"):
        raise ServiceError(Code.UNIMPLEMENTED, "The emulator lists the newest first, always.")


def shown(request: Request, message: dict[str, object]) -> dict[str, object]:
    """What `readMask` asks for of a message: all of it without one."""
    mask = parameter(request, "readMask")
    if not mask or mask == "*":
        return message
    wanted: Collection[str] = {camel(path.strip().partition(".")[0]) for path in mask.split(",")}
    return {name: value for name, value in message.items() if name in wanted}


def listed(
    request: Request, key: str, found: list[dict[str, object]], token: dict[str, object]
) -> Reply:
    """The answer of a list."""
    items = [shown(request, each) for each in found]
    return json_reply(({key: items} if items else {}) | token)


def check_named(
    path: str, display_name: str | None, labels: Mapping[str, str] | None, description: str = ""
) -> None:
    """Refuse names and labels that the service doesn't take."""
    faults = []
    if display_name is not None and not 1 <= len(display_name) <= MAX_DISPLAY_NAME:
        faults.append((f"{path}.display_name", f"It has 1 to {MAX_DISPLAY_NAME} characters."))
    found = label_faults(labels or {}, digit_first=True)
    faults += [(f"{path}.labels", fault) for fault in found]
    if len(description) > 25_000:
        faults.append((f"{path}.description", "It has at most 25000 characters."))
    if faults:
        raise invalid(*faults)
