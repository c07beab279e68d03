"""Resource names and ids of Vertex AI v1: all ids are plain numbers, but chosen ones."""

import re
from collections.abc import Mapping

from automl_plan.emulator.errors import Code, ServiceError
from automl_plan.emulator.objects import Api, Scope

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
