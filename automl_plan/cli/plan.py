"""`automl-plan plan`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from automl_plan.cli.options import (
    AllowLargeChange,
    AsJson,
    Directory,
    Exclude,
    NoRefresh,
    RefreshOnly,
    Replace,
    Target,
    Var,
    VarFile,
    plan_options,
    workspace,
)
from automl_plan.cli.output import stdout_style, write, write_json
from automl_plan.errors import PlanRefused

CHANGES = 2
"""Exit code of `--detailed-exitcode` when there is something to do."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog="Example: automl-plan plan --out plan.json")(plan)


def plan(
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="Save the plan, for `apply` and `show`."),
    ] = None,
    detailed_exitcode: Annotated[
        bool, typer.Option("--detailed-exitcode", help="Exit with 2 when there are changes.")
    ] = False,
    destroy: Annotated[
        bool, typer.Option("--destroy", help="Plan to delete all that is recorded.")
    ] = False,
    refresh_only: RefreshOnly = False,
    no_refresh: NoRefresh = False,
    target: Target = None,
    exclude: Exclude = None,
    replace: Replace = None,
    allow_large_change: AllowLargeChange = False,
    var: Var = None,
    var_file: VarFile = None,
    directory: Directory = Path(),
    as_json: AsJson = False,
) -> None:
    """Show what `apply` would do, and why. Changes nothing."""
    from automl_plan.applying.plan_file import planned_to_json, write_plan
    from automl_plan.applying.planned import make_plan
    from automl_plan.rendering.plan import plan_text

    options = plan_options(
        destroy=destroy,
        refresh_only=refresh_only,
        no_refresh=no_refresh,
        target=target,
        exclude=exclude,
        replace=replace,
        allow_large_change=allow_large_change,
    )
    with workspace(directory, var, var_file) as opened:
        planned = make_plan(opened, options, for_review=out is not None or as_json)
    refused = bool(planned.plan.refused)
    if out is not None:
        write_plan(planned, out)
    if as_json:
        write_json(planned_to_json(planned))
    else:
        write(plan_text(planned, stdout_style()))
        if out is not None and not refused:
            write(f"\nSaved; apply exactly this with: automl-plan apply {out}\n")
    if refused and as_json:
        raise typer.Exit(PlanRefused.exit_code)  # the document tells why
    if refused:
        raise PlanRefused("The plan may not be applied.", hint="Its reasons stand above.")
    if detailed_exitcode and not planned.empty:
        raise typer.Exit(CHANGES)
