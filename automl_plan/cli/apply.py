"""`automl-plan apply`."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Literal

import typer

from automl_plan.cli.applying import apply_planned, check_allowed
from automl_plan.cli.json_files import EventLines, JsonInto, check_apart
from automl_plan.cli.options import (
    AllowLargeChange,
    AllowPartialImport,
    AsJson,
    AutoApprove,
    Directory,
    Exclude,
    LockTimeout,
    NoLint,
    NoRefresh,
    Parallelism,
    RefreshOnly,
    Replace,
    Target,
    Var,
    VarFile,
    plan_command,
    plan_options,
    workspace,
)
from automl_plan.cli.patience import WHAT, reading


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog="Example: automl-plan apply plan.json")(apply)


def apply(
    plan_file: Annotated[
        Path | None, typer.Argument(metavar="PLANFILE", help="A plan saved with plan --out.")
    ] = None,
    auto_approve: AutoApprove = False,
    parallelism: Parallelism = 10,
    detach: Annotated[
        bool,
        typer.Option(
            "--detach", help="Start what can be started and leave it running (exit code 5)."
        ),
    ] = False,
    on_interrupt: Annotated[
        Literal["leave", "cancel"],
        typer.Option(help="What Ctrl-C does with trainings that run: leave them, or cancel them."),
    ] = "leave",
    lock_timeout: LockTimeout = 0.0,
    refresh_only: RefreshOnly = False,
    no_refresh: NoRefresh = False,
    target: Target = None,
    exclude: Exclude = None,
    replace: Replace = None,
    allow_large_change: AllowLargeChange = False,
    no_lint: NoLint = False,
    allow_partial_import: AllowPartialImport = False,
    allow: Annotated[
        str | None,
        typer.Option(
            metavar="ACTION,…", help="Apply only a plan of these actions, such as update,resume."
        ),
    ] = None,
    var: Var = None,
    var_file: VarFile = None,
    directory: Directory = Path(),
    as_json: AsJson = False,
    json_into: JsonInto = None,
) -> None:
    """Carry out the plan: ask first, record every step. A saved plan is not asked about."""
    from msgspec.structs import replace as changed

    from automl_plan.errors import UsageError
    from automl_plan.workspace.make_plan import make_plan
    from automl_plan.workspace.plan_file import read_plan
    from automl_plan.workspace.stale_plan import verify_saved_plan

    check_apart(json_into, plan_file, "PLANFILE")
    with EventLines("apply", as_json=as_json, into=json_into) as lines:
        options = plan_options(
            destroy=False,
            refresh_only=refresh_only,
            no_refresh=no_refresh,
            target=target,
            exclude=exclude,
            replace=replace,
            allow_large_change=allow_large_change,
            no_lint=no_lint,
            allow_partial_import=allow_partial_import,
        )
        saved = read_plan(plan_file, to_apply=True) if plan_file is not None else None
        if saved is not None and (refresh_only or no_refresh or target or exclude or replace):
            raise UsageError("A saved plan is applied as it is: flags of a plan can't be given.")
        with ExitStack() as stack:
            with reading(WHAT):
                opened = stack.enter_context(workspace(directory, var, var_file))
                if plan_file is not None and saved is not None:
                    given = opened.configuration.given
                    remake = plan_command(plan_file, saved.options, given, var, var_file)
                    options = saved.options
                    if allow_partial_import:
                        options = changed(options, allow_partial_import=True)
                    planned = verify_saved_plan(saved, opened, options, remake)
                else:
                    planned = make_plan(opened, options)
            if allow is not None:
                check_allowed(planned.plan.changes, allow)
            apply_planned(
                opened,
                planned,
                approved=auto_approve or saved is not None,
                parallelism=parallelism,
                detach=detach,
                cancel_when_stopped=on_interrupt == "cancel",
                lock_timeout=lock_timeout,
                command="apply",
                lines=lines,
            )
