"""The JSON Schemas that are published in `schemas/`."""

from __future__ import annotations

import json
from pathlib import Path

from automl_plan.resources.json import Json


def config_schema() -> dict[str, Json]:
    """The configuration's JSON Schema (draft-07); a new copy each time."""
    return read_schema("config")


def read_schema(name: str) -> dict[str, Json]:
    """The schema of `schemas/NAME.schema.json`; a new copy each time."""
    file = f"{name}.schema.json"
    package = Path(__file__).parent.parent
    installed = package / "schemas" / file
    # A checkout (an editable install too) keeps the schemas beside the package.
    found = installed if installed.is_file() else package.parent / "schemas" / file
    schema: dict[str, Json] = json.loads(found.read_text(encoding="utf-8"))
    return schema
