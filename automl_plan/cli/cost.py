"""`automl-plan cost`: what the plan costs, what runs, what was spent."""

from __future__ import annotations

from typing import Annotated

import typer

from automl_plan.cli.options import EXCLUDE, JSON, REPLACE, TARGET, VARIABLES, command
from automl_plan.cli.output import stdout_style, write, write_json
from automl_plan.cli.run import Run
from automl_plan.errors import UsageError


@command(TARGET, EXCLUDE, REPLACE, *VARIABLES, JSON, example="cost --json")
def cost(
    run: Run,
    spent: Annotated[
        bool, typer.Option("--spent", help="Show what trainings have cost, by model and month.")
    ] = False,
) -> None:
    """Estimate the maximum training cost, the monthly deployment cost and idle deployments."""
    if spent:
        if run.target or run.exclude or run.replace:
            raise UsageError("--spent can't be combined with flags of a plan.")
        _spent(run)
        return
    from automl_plan.output.cost import costs_text
    from automl_plan.output.documents.plan import Cost
    from automl_plan.output.drift import unrecorded_text
    from automl_plan.output.values import is_free
    from automl_plan.workspace.make_plan import make_plan

    options = run.plan_options(lint=False)
    with run.open() as opened:
        planned = make_plan(opened, options)
    costs, unrecorded = planned.plan.costs, planned.plan.unrecorded
    assert costs is not None  # noqa: S101 (a configuration always has prices)
    if run.as_json:
        write_json(Cost.of(costs, unrecorded))
        return
    style, free = stdout_style(), is_free(planned)
    text = costs_text(costs, style, free=free) + unrecorded_text(unrecorded, style)
    write(text or "No planned or running costs.\n")


def _spent(run: Run) -> None:
    from automl_plan.output.cost import spending_text
    from automl_plan.workspace.versions import spending_rows

    with run.open() as opened:
        ledger = opened.store.read().ledger
        rows = spending_rows(ledger, opened.provider, opened.configuration.prices)
    run.show("plan:CostSpent.of", spending_text, ledger.since, rows)
