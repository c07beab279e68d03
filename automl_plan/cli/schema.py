"""`automl-plan schema`."""

from __future__ import annotations

import typer

from automl_plan.cli.output import write_json


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog="Example: automl-plan schema > config.schema.json")(schema)


def schema() -> None:
    """Print the configuration's JSON Schema, for editors."""
    from automl_plan.config.schema import config_schema

    write_json(config_schema())
