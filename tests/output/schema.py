"""JSON as the published schema has it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
from msgspec import Struct

from automl_plan.model.json import Json, written

SCHEMAS = Path(__file__).parents[2] / "schemas"
SCHEMA = json.loads((SCHEMAS / "output.schema.json").read_text(encoding="utf-8"))
EVENTS = json.loads((SCHEMAS / "events.schema.json").read_text(encoding="utf-8"))


def content(document: Struct | dict[str, Json]) -> dict[str, Any]:
    """A document as it is read again."""
    found: dict[str, Any] = json.loads(json.dumps(written(document), allow_nan=False))
    return found


def is_valid(view: str, document: Struct | dict[str, Json]) -> bool:
    """Whether a document is what the schema says of its view; raises what is wrong.

    The view `apply` is any line of an apply.
    """
    schema = EVENTS if view == "apply" else {**SCHEMA, "$ref": f"#/definitions/{view}"}
    jsonschema.Draft7Validator(schema).validate(content(document))
    return True
