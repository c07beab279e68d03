"""`automl-plan drift`."""

from __future__ import annotations

from pathlib import Path

import typer

from automl_plan.cli.json_files import DocumentFile, JsonInto
from automl_plan.cli.options import AsJson, Directory, Var, VarFile, workspace
from automl_plan.cli.output import stdout_style, write, write_json

DRIFT = 2
"""Exit code when something changed outside."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog="Example: automl-plan drift --json")(drift)


def drift(
    var: Var = None,
    var_file: VarFile = None,
    directory: Directory = Path(),
    as_json: AsJson = False,
    json_into: JsonInto = None,
) -> None:
    """Tell what changed outside automl-plan; exits with 2 if anything did. For cron."""
    from automl_plan.applying.planned import make_plan
    from automl_plan.planning.options import PlanMode, PlanOptions
    from automl_plan.rendering.drift import drift_json, drift_text

    with DocumentFile(json_into) as file:
        with workspace(directory, var, var_file) as opened:
            found = make_plan(opened, PlanOptions(mode=PlanMode.REFRESH_ONLY)).plan.drift
        file.write(drift_json(found))
    if as_json:
        write_json(drift_json(found))
    else:
        write(drift_text(found, stdout_style()))
    if found:
        raise typer.Exit(DRIFT)
