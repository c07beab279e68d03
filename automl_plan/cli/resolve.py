"""`automl-plan resolve`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from automl_plan.cli import completion
from automl_plan.cli.options import AutoApprove, Directory, Var, VarFile, address, workspace
from automl_plan.cli.output import write
from automl_plan.errors import UsageError


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog="Example: automl-plan resolve model.digits --adopt ICN1234567890")(resolve)


def resolve(
    name: Annotated[
        str,
        typer.Argument(
            metavar="ADDRESS",
            help="dataset.NAME or model.NAME",
            autocompletion=completion.recorded_addresses,
        ),
    ],
    adopt: Annotated[
        str | None,
        typer.Option(metavar="ID", help="It arrived: this is its operation, or what it made."),
    ] = None,
    abandon: Annotated[
        bool, typer.Option("--abandon", help="It never arrived: the next apply sends it again.")
    ] = False,
    auto_approve: AutoApprove = False,
    var: Var = None,
    var_file: VarFile = None,
    directory: Directory = Path(),
) -> None:
    """Say what came of a call that was cut off, where the tool can't prove it."""
    from automl_plan.cli.applying import approve
    from automl_plan.workspace.resolve import abandon as abandon_intent
    from automl_plan.workspace.resolve import adopt as adopt_intent
    from automl_plan.workspace.resolve import intent_of

    if (adopt is None) == (not abandon):
        raise UsageError("Give --adopt ID or --abandon.")
    asked = address(name, "ADDRESS")
    with workspace(directory, var, var_file) as opened:
        intent = intent_of(opened, asked)
        if adopt is not None:
            write(adopt_intent(opened, asked, intent, opened.bare_id(adopt)) + "\n")
            return
        if not auto_approve:
            approve(
                "resolve",
                f"Take the call ({intent.step} of {asked}, {intent.started}) for one that never "
                "arrived?\nIf it did arrive after all, the next apply pays for it again.",
            )
        abandon_intent(opened, asked, intent)
    write(f"{asked}: abandoned; the next apply sends it again.\n")
