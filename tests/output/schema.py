"""JSON as the published schema has it."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema

from automl_plan.model.json import Json

SCHEMAS = Path(__file__).parents[2] / "schemas"
SCHEMA = json.loads((SCHEMAS / "output.schema.json").read_text(encoding="utf-8"))
EVENTS = json.loads((SCHEMAS / "events.schema.json").read_text(encoding="utf-8"))


def is_valid(view: str, document: dict[str, Json]) -> bool:
    """Whether a document is what the schema says of its view; raises what is wrong.

    The view `apply` is any line of an apply.
    """
    schema = EVENTS if view == "apply" else {**SCHEMA, "$ref": f"#/definitions/{view}"}
    read_back = json.loads(json.dumps(document, allow_nan=False))
    jsonschema.Draft7Validator(schema).validate(read_back)
    return True
