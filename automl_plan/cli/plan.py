"""`automl-plan plan`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from automl_plan.cli.json_files import DocumentFile, JsonInto, check_apart
from automl_plan.cli.options import (
    AllowLargeChange,
    AllowPartialImport,
    AsJson,
    Directory,
    Exclude,
    NoLint,
    NoRefresh,
    RefreshOnly,
    Replace,
    Target,
    Var,
    VarFile,
    plan_options,
    workspace,
)
from automl_plan.cli.output import stdout_style, write, write_exactly, write_json
from automl_plan.cli.patience import WHAT, reading
from automl_plan.cli.reporting import Format, FormatOption, chosen, home, renderer
from automl_plan.errors import PlanRefused

if TYPE_CHECKING:
    from automl_plan.config.configuration import Configuration
    from automl_plan.model.address import Address
    from automl_plan.workspace.bound_plan import BoundPlan

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
        bool,
        typer.Option(
            "--detailed-exitcode", help="Exit with 2 when there are changes in what was planned."
        ),
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
    no_lint: NoLint = False,
    allow_partial_import: AllowPartialImport = False,
    var: Var = None,
    var_file: VarFile = None,
    directory: Directory = Path(),
    format_: FormatOption = None,
    as_json: AsJson = False,
    json_into: JsonInto = None,
) -> None:
    """Show what `apply` would do, and why. Changes nothing."""
    from automl_plan.workspace.make_plan import make_plan
    from automl_plan.workspace.plan_file import planned_to_json, write_plan

    shown = chosen(format_, as_json=as_json)
    check_apart(json_into, out, "--out")
    options = plan_options(
        destroy=destroy,
        refresh_only=refresh_only,
        no_refresh=no_refresh,
        target=target,
        exclude=exclude,
        replace=replace,
        allow_large_change=allow_large_change,
        no_lint=no_lint,
        allow_partial_import=allow_partial_import,
    )
    for_review = out is not None or shown != "text" or json_into is not None
    with DocumentFile(json_into) as file:
        with reading(WHAT), workspace(directory, var, var_file) as opened:
            planned = make_plan(opened, options, for_review=for_review)
        refused = bool(planned.plan.refused)
        if out is not None:
            write_plan(planned, out)
        if file.wanted:
            file.write(planned_to_json(planned))
    _write(planned, shown, opened.configuration)
    if refused and shown == "text":
        raise PlanRefused("The plan may not be applied.", hint="Its reasons stand above.")
    if refused:  # the document tells why
        raise typer.Exit(PlanRefused.exit_code)
    if out is not None and shown == "text":
        write(f"\nSaved; apply exactly this with: automl-plan apply {out}\n")
    if detailed_exitcode and not planned.empty:
        raise typer.Exit(CHANGES)


def _write(planned: BoundPlan, shown: Format, configuration: Configuration) -> None:
    render = renderer(shown)
    if render is not None:
        from automl_plan.output.annotations import plan_report

        def place(address: Address) -> str | None:
            position = configuration.position(address)
            return None if position is None else f"{position.file}:{position.line}"

        write_exactly(render(plan_report(planned, place, home())))
    elif shown == "json":
        from automl_plan.workspace.plan_file import planned_to_json

        write_json(planned_to_json(planned))
    else:
        from automl_plan.output.plan import plan_text

        write(plan_text(planned, stdout_style()))
