"""`automl-plan schema`."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from automl_plan.cli.output import write_json


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog="Example: automl-plan schema > config.schema.json")(schema)


def schema(
    name: Annotated[
        Literal["config", "plan", "state", "output", "events", "notice"],
        typer.Argument(help="Of what: plan files, the state, --json, the lines of apply --json."),
    ] = "config",
    _as_json: Annotated[bool, typer.Option("--json", help="It is JSON in any case.")] = False,
) -> None:
    """Print the configuration's JSON Schema, for editors, or another one."""
    from automl_plan.config.schema import read_schema

    write_json(read_schema(name))
