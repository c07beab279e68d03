"""`automl-plan force-unlock`."""

from __future__ import annotations

from pathlib import Path

import typer

from automl_plan.cli.options import AutoApprove, Directory, Var, VarFile, workspace
from automl_plan.cli.output import write


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("force-unlock", epilog="Example: automl-plan force-unlock")(force_unlock)


def force_unlock(
    auto_approve: AutoApprove = False,
    var: Var = None,
    var_file: VarFile = None,
    directory: Directory = Path(),
) -> None:
    """Take the state's lock from a run that hangs. A run that died holds none."""
    from automl_plan.cli.applying import approve

    with workspace(directory, var, var_file) as opened:
        holder = opened.store.lock_holder()
        if holder is None:
            write("The state is not locked.\n")
            return
        if not auto_approve:
            approve(
                "force-unlock",
                f"Take the lock from {holder}?\nEnd that run first: two that write the same state "
                "lose what one of them did.",
            )
        opened.store.break_lock()
    write("Unlocked.\n")
