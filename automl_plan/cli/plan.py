"""`automl-plan plan|why|drift|cost`: what would be done, and what is there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from automl_plan.cli import completion
from automl_plan.cli.ci_formats import write_report
from automl_plan.cli.json_files import DocumentFile, check_apart
from automl_plan.cli.options import (
    DESTROY,
    EXCLUDE,
    FORMAT,
    JSON,
    JSON_INTO,
    PLANNING,
    REPLACE,
    TARGET,
    VARIABLES,
    command,
)
from automl_plan.cli.output import stdout_style, write, write_json
from automl_plan.cli.progress_note import INPUTS, reading
from automl_plan.cli.run import Run, parse_address
from automl_plan.errors import PlanRefused, UsageError

if TYPE_CHECKING:
    from automl_plan.config.configuration import Configuration
    from automl_plan.model.address import Address
    from automl_plan.workspace.bound_plan import BoundPlan

CHANGES = 2
"""Exit code of `plan --detailed-exitcode` with changes, and of `drift` with drift."""


@command(DESTROY, *PLANNING, *VARIABLES, FORMAT, JSON, JSON_INTO, example="plan --out plan.json")
def plan(
    run: Run,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="Save the plan for `apply` and `show`."),
    ] = None,
    detailed_exitcode: Annotated[
        bool, typer.Option("--detailed-exitcode", help="Exit with 2 if the plan has changes.")
    ] = False,
) -> int:
    """Show what `apply` would do, and why. Changes nothing."""
    from automl_plan.workspace.make_plan import make_plan
    from automl_plan.workspace.plan_file import planned_to_json, write_plan

    shown = run.output_format()
    check_apart(run.json_into, out, "--out")
    options = run.plan_options()
    for_review = out is not None or shown != "text" or run.json_into is not None
    with DocumentFile(run.json_into) as file:
        with reading(INPUTS), run.open() as opened:
            planned = make_plan(opened, options, for_review=for_review)
        if out is not None:
            write_plan(planned, out)
        if file.wanted:
            file.write(planned_to_json(planned))
    _write(planned, shown, opened.configuration)
    if planned.plan.refused:
        if shown == "text":
            raise PlanRefused("Plan refused.", hint="See the reasons above.")
        return PlanRefused.exit_code  # the document has the reasons
    if out is not None and shown == "text":
        write(f"\nSaved the plan. To apply exactly this: automl-plan apply {out}\n")
    return CHANGES if detailed_exitcode and not planned.empty else 0


def _write(planned: BoundPlan, shown: str, configuration: Configuration) -> None:
    if shown == "json":
        from automl_plan.workspace.plan_file import planned_to_json

        write_json(planned_to_json(planned))
    elif shown == "text":
        from automl_plan.output.plan import plan_text

        write(plan_text(planned, stdout_style()))
    else:
        from automl_plan.output.annotations import plan_report

        def place(address: Address) -> str | None:
            position = configuration.position(address)
            return None if position is None else f"{position.file}:{position.line}"

        write_report(shown, lambda home: plan_report(planned, place, home))


@command(REPLACE, *VARIABLES, JSON, example="why model.digits")
def why(
    run: Run,
    name: Annotated[
        str,
        typer.Argument(
            metavar="ADDRESS",
            help="dataset.NAME or model.NAME",
            autocompletion=completion.addresses,
        ),
    ],
) -> None:
    """Explain what is planned for a resource, or why nothing is, field by field."""
    from automl_plan.output.documents.plan import Why
    from automl_plan.output.drift import why_text
    from automl_plan.planning.explain import explain
    from automl_plan.workspace.make_plan import field_location, make_plan
    from automl_plan.workspace.plan_inputs import gather_inputs

    asked = parse_address(name, "ADDRESS")
    options = run.plan_options(lint=False)
    with run.open() as opened:
        seen = gather_inputs(opened)
        assert seen.live is not None  # noqa: S101 (gathered by default)
        desired = seen.desired
        known = {*desired.datasets, *desired.models, *seen.recorded.resources}
        if asked not in known:
            raise UsageError(
                f"{asked} is neither declared nor recorded.",
                hint="`automl-plan state list` lists the recorded resources.",
            )
        plan = make_plan(opened, options).plan
        explained = explain(asked, desired, seen.recorded, seen.live, plan, seen.moment.service)
        found = (
            (row.field, field_location(asked, row.field, desired, opened.configuration))
            for row in explained.compared
        )
        places = {field: place for field, place in found if place is not None}
    run.show(Why.of, why_text, explained, places)


@command(*VARIABLES, JSON, JSON_INTO, example="drift --json")
def drift(
    run: Run,
) -> int:
    """Show changes made outside automl-plan, and unrecorded objects. Exits with 2 if any; for cron.

    Changes nothing.
    """
    from automl_plan.output.documents.plan import DriftFound
    from automl_plan.output.drift import drift_text, unrecorded_text
    from automl_plan.planning.options import PlanMode, PlanOptions
    from automl_plan.workspace.make_plan import make_plan

    with DocumentFile(run.json_into) as file:
        with run.open() as opened:
            plan = make_plan(opened, PlanOptions(mode=PlanMode.REFRESH_ONLY)).plan
        file.write(DriftFound.of(plan.drift, plan.unrecorded))
    run.show(
        DriftFound.of,
        lambda found, unrecorded, style: (
            drift_text(found, style) + unrecorded_text(unrecorded, style)
        ),
        plan.drift,
        plan.unrecorded,
    )
    return CHANGES if plan.drift or plan.unrecorded else 0


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
    from automl_plan.output.provider_terms import is_free
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
    from automl_plan.output.documents.plan import CostSpent
    from automl_plan.workspace.versions import spending_rows

    with run.open() as opened:
        ledger = opened.store.read().ledger
        rows = spending_rows(ledger, opened.provider, opened.configuration.prices)
    run.show(CostSpent.of, spending_text, ledger.since, rows)
