"""Resource names of Vertex AI v1, and the rules for display names and labels."""

from __future__ import annotations

from collections.abc import Mapping

from automl_plan.emulator import readings as reading
from automl_plan.emulator.engine import Engine
from automl_plan.emulator.errors import invalid
from automl_plan.emulator.limits import MAX_DESCRIPTION, RESERVED_LABELS, label_faults
from automl_plan.emulator.objects import Api, Scope
from automl_plan.emulator.readings import Readings
from automl_plan.emulator.wire.names import NO_ID, parent, read_scope
from automl_plan.emulator.wire.requests import LIST_PARAMETERS

PREFIX = "/vertex"
"""The start of all paths: this process serves both APIs, and both have paths below `/v1`."""
LOCATIONS: Mapping[str, str] = {"us-central1": "Iowa", "europe-west4": "Netherlands"}
"""The emulator's locations of AutoML image training, and their display names."""
LISTS = LIST_PARAMETERS | {"orderBy", "readMask"}
"""The query parameters of lists, of which some have all."""


def scope_of(params: Mapping[str, str]) -> Scope:
    """Return the project and the location of a request's path."""
    return read_scope(Api.VERTEX, LOCATIONS, params)


def last_segment(scope: Scope, name: str, collection: str) -> str | None:
    """Return the id in the full name of an object of that scope and collection."""
    head, _, tail = name.rpartition("/")
    return tail if head == f"{parent(scope)}/{collection}" and tail else None


def model_key(engine: Engine, scope: Scope, name: str) -> int:
    """Return the engine's key of the version that the full name of a model names."""
    segment = last_segment(scope, name, "models")
    return engine.versions.find(scope, segment) if segment else NO_ID


def model_name(
    readings: Readings, scope: Scope, family: str, number: int, *, versioned: bool = False
) -> str:
    """Return the name of a model, with its version if `versioned` or always, by the reading."""
    versioned = versioned or readings[reading.MODEL_NAMES] == "versioned"
    return f"{parent(scope)}/models/{family}{f'@{number}' if versioned else ''}"


MAX_DISPLAY_NAME = 128
"""Characters (proto: Dataset.display_name, and those of models, pipelines and endpoints)."""


def check_named(
    readings: Readings,
    path: str,
    display_name: str | None,
    labels: Mapping[str, str] | None,
    description: str = "",
) -> None:
    """Refuse invalid names, labels and descriptions."""
    if readings[reading.RESERVED_LABELS] == "kept":
        labels = {k: v for k, v in (labels or {}).items() if not k.startswith(RESERVED_LABELS)}
    faults = []
    if display_name is not None and not 1 <= len(display_name) <= MAX_DISPLAY_NAME:
        faults.append((f"{path}.display_name", f"It has 1 to {MAX_DISPLAY_NAME} characters."))
    found = label_faults(labels or {}, digit_first=True)
    faults += [(f"{path}.labels", fault) for fault in found]
    if len(description) > MAX_DESCRIPTION:
        limit = f"It has at most {MAX_DESCRIPTION} characters."
        faults.append((f"{path}.description", limit))
    if faults:
        raise invalid(*faults)
