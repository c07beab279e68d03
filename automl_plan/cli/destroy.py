"""`automl-plan destroy`."""

from __future__ import annotations

from pathlib import Path

import typer

from automl_plan.cli.applying import apply_planned
from automl_plan.cli.json_files import EventLines
from automl_plan.cli.options import (
    AllowLargeChange,
    AsJson,
    AutoApprove,
    Directory,
    Exclude,
    LockTimeout,
    Parallelism,
    Target,
    Var,
    VarFile,
    plan_options,
    workspace,
)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog="Example: automl-plan destroy --target model.digits")(destroy)


def destroy(
    auto_approve: AutoApprove = False,
    parallelism: Parallelism = 10,
    lock_timeout: LockTimeout = 0.0,
    target: Target = None,
    exclude: Exclude = None,
    allow_large_change: AllowLargeChange = False,
    var: Var = None,
    var_file: VarFile = None,
    directory: Directory = Path(),
    as_json: AsJson = False,
) -> None:
    """Delete everything that is recorded. Trained models can't be brought back."""
    from automl_plan.workspace.make_plan import make_plan

    options = plan_options(
        destroy=True,
        refresh_only=False,
        no_refresh=False,
        target=target,
        exclude=exclude,
        replace=None,
        allow_large_change=allow_large_change,
    )
    with (
        EventLines("destroy", as_json=as_json) as lines,
        workspace(directory, var, var_file) as opened,
    ):
        apply_planned(
            opened,
            make_plan(opened, options),
            approved=auto_approve,
            parallelism=parallelism,
            detach=False,
            lock_timeout=lock_timeout,
            command="destroy",
            lines=lines,
        )
