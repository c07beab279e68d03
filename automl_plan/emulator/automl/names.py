"""Resource names and ids of AutoML v1, such as `projects/p/locations/l/datasets/ICN123…`."""

import re
from collections.abc import Mapping

from automl_plan.emulator.errors import Code, ServiceError
from automl_plan.emulator.objects import Api, ObjectKind, ObjectRef, Scope
from automl_plan.emulator.training.types import Problem

LOCATIONS: Mapping[str, str] = {"us-central1": "Iowa", "eu": "European Union"}
"""The locations of AutoML Vision and their display names ("Locations")."""

_PREFIXES = {Problem.IMAGE_CLASSIFICATION: "ICN", Problem.IMAGE_OBJECT_DETECTION: "IOD"}
_ID = re.compile(r"(?:ICN|IOD)(\d{1,19})", re.ASCII)
_BARE_ID = re.compile(r"\d{1,19}", re.ASCII)
_NO_ID = 0
_PATH = re.compile(r"projects/([^/]+)/locations/([^/]+)/(datasets|models)/([^/]+)")


def wire_id(problem: Problem | None, number: int) -> str:
    """The id of a dataset, a model or an operation as clients see it."""
    return f"{_PREFIXES[problem] if problem else ''}{number}"


def number_of(wire: str) -> int:
    """The number inside an id; of a text that can't be an id, one that no object has."""
    match = _ID.fullmatch(wire)
    return _storable(match[1]) if match else _NO_ID


def bare_number(wire: str) -> int:
    """The number of an id without a prefix: of annotation specs and evaluations."""
    return _storable(wire) if _BARE_ID.fullmatch(wire) else _NO_ID


def _storable(digits: str) -> int:
    number = int(digits)
    return number if number < 2**63 else _NO_ID


def scope_of(params: Mapping[str, str]) -> Scope:
    """The project and the location of a request's path."""
    location = params["location"]
    if location not in LOCATIONS:
        known = " and ".join(LOCATIONS)
        raise ServiceError(
            Code.INVALID_ARGUMENT, f"Location {location} is not supported. There are {known}."
        )
    return Scope(Api.AUTOML, params["project"], location)


def parent(scope: Scope) -> str:
    """The name that all names of the scope start with."""
    return f"projects/{scope.project}/locations/{scope.location}"


def object_of(scope: Scope, name: str) -> ObjectRef | None:
    """The dataset or model of that full name, if it can be one of this scope."""
    match = _PATH.fullmatch(name)
    if not match or Scope(Api.AUTOML, match[1], match[2]) != scope:
        return None
    kind = ObjectKind.DATASET if match[3] == "datasets" else ObjectKind.MODEL
    return ObjectRef(kind, number_of(match[4]))
