"""`automl-plan wait`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from automl_plan.cli import completion
from automl_plan.cli.applying import apply_planned
from automl_plan.cli.json_files import EventLines
from automl_plan.cli.options import (
    AllowPartialImport,
    AsJson,
    AutoApprove,
    Directory,
    LockTimeout,
    NoLint,
    Var,
    VarFile,
    address,
    workspace,
)
from automl_plan.cli.output import say, write


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog="Example: automl-plan wait model.digits")(wait)


def wait(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="[ADDRESS]",
            help="Only this one's operations.",
            autocompletion=completion.recorded_addresses,
        ),
    ] = None,
    auto_approve: AutoApprove = False,
    lock_timeout: LockTimeout = 0.0,
    no_lint: NoLint = False,
    allow_partial_import: AllowPartialImport = False,
    var: Var = None,
    var_file: VarFile = None,
    directory: Directory = Path(),
    as_json: AsJson = False,
) -> None:
    """Follow what an earlier run left running, and go on with what depends on it.

    Give the --var and --var-file of that run. Where the configuration says something else than what
    was started, that is followed and recorded, nothing else is done, and the exit code is 3.
    """
    from automl_plan.output.progress import otherwise_text, started_otherwise_error
    from automl_plan.planning.options import PlanOptions
    from automl_plan.planning.plan import Action
    from automl_plan.workspace.make_plan import make_plan

    options = PlanOptions(lint=not no_lint, allow_partial_import=allow_partial_import)
    addresses = [] if name is None else [address(name, "ADDRESS")]
    with (
        EventLines("wait", as_json=as_json) as lines,
        workspace(directory, var, var_file) as opened,
    ):
        planned = make_plan(opened, options, resuming=addresses)
        changes = planned.plan.changes
        if not changes and not as_json:
            write("Nothing is open.\n")
            return
        differing_operations = planned.plan.differing_operations
        if differing_operations:
            say(otherwise_text(differing_operations))  # it may take hours until the end
        only_waits = all(change.action in (Action.RESUME, Action.MOVE) for change in changes)
        apply_planned(
            opened,
            planned,
            approved=auto_approve or only_waits,
            parallelism=10,
            detach=False,
            lock_timeout=lock_timeout,
            command="wait",
            lines=lines,
        )
        if differing_operations:
            raise started_otherwise_error(differing_operations)
