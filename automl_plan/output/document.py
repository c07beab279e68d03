"""What every JSON document says about itself. schemas/output.schema.json describes them all."""

from __future__ import annotations

from automl_plan.model.json import Json

FORMAT_VERSION = "1.0"
"""Goes up when a reader of the former one would be misled."""


def document(**fields: Json) -> dict[str, Json]:
    """A JSON document with these fields."""
    return {"format_version": FORMAT_VERSION, **fields}
