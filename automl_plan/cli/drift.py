"""`automl-plan drift`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from automl_plan.cli.json_files import DocumentFile, JsonInto
from automl_plan.cli.options import AsJson, Directory, Var, VarFile, workspace
from automl_plan.cli.output import stdout_style, write, write_json

if TYPE_CHECKING:
    from msgspec import Struct

    from automl_plan.planning.plan import Plan

DRIFT = 2
"""Exit code when something changed outside, or the state does not know of something of its own."""


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
    """Tell what changed outside, or is not recorded; exits with 2 if anything is. For cron."""
    from automl_plan.output.drift import drift_text, unrecorded_text
    from automl_plan.planning.options import PlanMode, PlanOptions
    from automl_plan.workspace.make_plan import make_plan

    with DocumentFile(json_into) as file:
        with workspace(directory, var, var_file) as opened:
            plan = make_plan(opened, PlanOptions(mode=PlanMode.REFRESH_ONLY)).plan
        if file.wanted:
            file.write(_document(plan))
    if as_json:
        write_json(_document(plan))
    else:
        style = stdout_style()
        write(drift_text(plan.drift, style) + unrecorded_text(plan.unrecorded, style))
    if plan.drift or plan.unrecorded:
        raise typer.Exit(DRIFT)


def _document(plan: Plan) -> Struct:
    from automl_plan.output.documents.plan import DriftFound

    return DriftFound.of(plan.drift, plan.unrecorded)
