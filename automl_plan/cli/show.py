"""`automl-plan show`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from automl_plan.cli.options import AsJson, Directory, Var, VarFile, workspace
from automl_plan.cli.output import stdout_style, write, write_json


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog="Example: automl-plan show plan.json")(show)


def show(
    plan_file: Annotated[
        Path | None, typer.Argument(metavar="PLANFILE", help="A plan saved with plan --out.")
    ] = None,
    var: Var = None,
    var_file: VarFile = None,
    directory: Directory = Path(),
    as_json: AsJson = False,
) -> None:
    """Show a saved plan, or, without one, what the state records."""
    if plan_file is not None:
        _show_plan(plan_file, as_json=as_json)
        return
    from automl_plan.rendering.state import state_json, state_text

    with workspace(directory, var, var_file) as opened:
        recorded = opened.store.read()
    if as_json:
        write_json(state_json(recorded))
    else:
        write(state_text(recorded, stdout_style()))


def _show_plan(plan_file: Path, *, as_json: bool) -> None:
    from automl_plan.applying.plan_file import planned_to_json, read_plan
    from automl_plan.rendering.plan import plan_text

    planned = read_plan(plan_file)
    if as_json:
        write_json(planned_to_json(planned))
    else:
        write(plan_text(planned, stdout_style()))
