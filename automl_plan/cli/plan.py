"""`automl-plan plan`: what would be done."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from automl_plan.cli.json_files import DocumentFile, check_apart
from automl_plan.cli.options import (
    DESTROY,
    FORMAT,
    JSON,
    JSON_INTO,
    PLANNING,
    VARIABLES,
    command,
)
from automl_plan.cli.output import INPUTS, reading, stdout_style, write, write_json
from automl_plan.cli.run import Run
from automl_plan.errors import PlanRefused

if TYPE_CHECKING:
    from automl_plan.config.configuration import Configuration
    from automl_plan.model.address import Address
    from automl_plan.workspace.bound_plan import BoundPlan

CHANGES = 2
"""Exit code of `plan --detailed-exitcode` with changes."""


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

    shown = run.output_format()
    check_apart(run.json_into, out, "--out")
    options = run.plan_options()
    for_review = out is not None or shown != "text" or run.json_into is not None
    with DocumentFile(run.json_into) as file:
        with reading(INPUTS), run.open() as opened:
            planned = make_plan(opened, options, for_review=for_review)
        if out is not None:
            from automl_plan.workspace.plan_file import write_plan

            write_plan(planned, out)
        if file.wanted:
            from automl_plan.workspace.plan_file import planned_to_json

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
        from automl_plan.cli.ci_formats import write_report
        from automl_plan.output.annotations import plan_report

        def place(address: Address) -> str | None:
            position = configuration.position(address)
            return None if position is None else f"{position.file}:{position.line}"

        write_report(shown, lambda home: plan_report(planned, place, home))
