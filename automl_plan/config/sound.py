"""What is left of a value when what is wrong in it is left out, so that rules can see the rest."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from automl_plan.config.findings import Path
from automl_plan.resources.json import Json

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError


def broken_by(error: ValidationError, base: Path) -> list[Path]:
    """The paths of what an error says is wrong; `base` is the path of the checked value."""
    path = (*base, *map(str, error.absolute_path))
    schema: Any = error.schema
    instance: Any = error.instance
    match error.validator:
        case "required":
            return []  # what is missing can't be left out
        case "additionalProperties":
            return [(*path, key) for key in instance if key not in schema["properties"]]
        case "oneOf":
            choice = [key for inner in schema["oneOf"] for key in inner["required"]]
            written = instance if isinstance(instance, dict) else {}
            return [(*path, key) for key in choice if key in written]
        case _:
            return [path]


def without(value: Json, path: Path, broken: Collection[Path]) -> Json:
    """A copy of the value at a path without all that is broken below it.

    A list with a broken item becomes empty: what is told of its items goes by their place.
    """
    if isinstance(value, dict):
        return {
            key: without(inner, (*path, key), broken)
            for key, inner in value.items()
            if (*path, key) not in broken
        }
    if isinstance(value, list):
        return [] if any((*path, str(i)) in broken for i in range(len(value))) else value
    return value
