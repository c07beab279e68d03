"""The configuration's JSON Schema, as published in `schemas/config.schema.json`."""

from __future__ import annotations

import json
from importlib.resources import files

from automl_plan.resources.json import Json

_FILE = "config.schema.json"


def config_schema() -> dict[str, Json]:
    """The JSON Schema (draft-07) of the configuration; a new copy each time."""
    package = files("automl_plan")
    installed = package / "schemas" / _FILE
    # A checkout (an editable install too) keeps the schemas beside the package.
    found = installed if installed.is_file() else package / ".." / "schemas" / _FILE
    schema: dict[str, Json] = json.loads(found.read_text(encoding="utf-8"))
    return schema
