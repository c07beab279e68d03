"""JSON as the published schema has it."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema

from automl_plan.resources.json import Json

SCHEMA = json.loads(
    (Path(__file__).parents[2] / "schemas" / "output.schema.json").read_text(encoding="utf-8")
)


def is_valid(view: str, document: dict[str, Json]) -> bool:
    """Whether a document is what the schema says of its view; raises what is wrong."""
    schema = {**SCHEMA, "$ref": f"#/definitions/{view}"}
    read_back = json.loads(json.dumps(document, allow_nan=False))
    jsonschema.Draft7Validator(schema).validate(read_back)
    return True
