"""`automl-plan cost`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from automl_plan.cli.options import (
    AsJson,
    Directory,
    Exclude,
    Replace,
    Target,
    Var,
    VarFile,
    plan_options,
    workspace,
)
from automl_plan.cli.output import stdout_style, write, write_json
from automl_plan.errors import UsageError


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog="Example: automl-plan cost --json")(cost)


def cost(
    target: Target = None,
    exclude: Exclude = None,
    replace: Replace = None,
    var: Var = None,
    var_file: VarFile = None,
    spent: Annotated[
        bool, typer.Option("--spent", help="Show what trainings have cost, by model and month.")
    ] = False,
    directory: Directory = Path(),
    as_json: AsJson = False,
) -> None:
    """Tell what the plan costs at most, what deployments cost a month, and what lies idle."""
    if spent:
        if target or exclude or replace:
            raise UsageError("--spent is about the past: it takes no part of a plan.")
        _spent(directory, var, var_file, as_json=as_json)
        return
    from automl_plan.output.cost import costs_text
    from automl_plan.output.drift import unrecorded_text
    from automl_plan.workspace.make_plan import make_plan

    options = plan_options(
        destroy=False,
        refresh_only=False,
        no_refresh=False,
        target=target,
        exclude=exclude,
        replace=replace,
        no_lint=True,
    )
    with workspace(directory, var, var_file) as opened:
        planned = make_plan(opened, options)
    costs, unrecorded = planned.plan.costs, planned.plan.unrecorded
    assert costs is not None  # noqa: S101 (a configuration always has prices)
    if as_json:
        from automl_plan.output.documents.plan import Cost

        write_json(Cost.of(costs, unrecorded))
        return
    style, free = stdout_style(), planned.provider.name == "local"
    told = costs_text(costs, style, free=free) + unrecorded_text(unrecorded, style)
    write(told or "Nothing costs anything.\n")


def _spent(
    directory: Path, var: list[str] | None, var_file: list[Path] | None, *, as_json: bool
) -> None:
    from automl_plan.output.cost import spending_text
    from automl_plan.workspace.versions import spending_rows

    with workspace(directory, var, var_file) as opened:
        ledger = opened.store.read().ledger
        rows = spending_rows(ledger, opened.provider, opened.configuration.prices)
    if as_json:
        from automl_plan.output.documents.plan import CostSpent

        write_json(CostSpent.of(ledger.since, rows))
    else:
        write(spending_text(ledger.since, rows, stdout_style()))
