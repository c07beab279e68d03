"""Resource names and ids of AutoML v1, such as `projects/p/locations/l/datasets/ICN123…`."""

import re
from collections.abc import Mapping

from automl_plan.emulator.objects import Api, ObjectKind, ObjectRef, Scope
from automl_plan.emulator.training.types import Problem
from automl_plan.emulator.wire.names import NO_ID, read_number, read_scope

LOCATIONS: Mapping[str, str] = {"us-central1": "Iowa", "eu": "European Union"}
"""The locations of AutoML Vision and their display names ("Locations")."""

_PREFIXES = {Problem.IMAGE_CLASSIFICATION: "ICN", Problem.IMAGE_OBJECT_DETECTION: "IOD"}
_ID = re.compile(r"(?:ICN|IOD)(\d{1,19})", re.ASCII)
_PATH = re.compile(r"projects/([^/]+)/locations/([^/]+)/(datasets|models)/([^/]+)")


def wire_id(problem: Problem | None, number: int) -> str:
    """Return the id of a dataset, a model or an operation as clients see it."""
    return f"{_PREFIXES[problem] if problem else ''}{number}"


def number_of(wire: str) -> int:
    """Return the number inside an id; NO_ID for a text that can't be an id."""
    match = _ID.fullmatch(wire)
    return read_number(match[1]) if match else NO_ID


def scope_of(params: Mapping[str, str]) -> Scope:
    """Return the project and the location of a request's path."""
    return read_scope(Api.AUTOML, LOCATIONS, params)


def object_of(scope: Scope, name: str) -> ObjectRef | ObjectKind | None:
    """Return the dataset or model of that full name, if it can be one of this scope.

    Segments may be `*`. A name that ends in one stands for all datasets, or for all models.
    """
    match = _PATH.fullmatch(name)
    if not match:
        return None
    project, location, plural, wire = match.groups()
    if project not in ("*", scope.project) or location not in ("*", scope.location):
        return None
    kind = ObjectKind.DATASET if plural == "datasets" else ObjectKind.MODEL
    return kind if wire == "*" else ObjectRef(kind, number_of(wire))
