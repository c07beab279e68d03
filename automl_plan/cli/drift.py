"""`automl-plan drift`: what somebody else changed."""

from __future__ import annotations

from automl_plan.cli.json_files import DocumentFile
from automl_plan.cli.options import JSON, JSON_INTO, VARIABLES, command
from automl_plan.cli.run import Run

DRIFTED = 2
"""Exit code with drift."""


@command(*VARIABLES, JSON, JSON_INTO, example="drift --json")
def drift(run: Run) -> int:
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
        "plan:DriftFound.of",
        lambda found, unrecorded, style: (
            drift_text(found, style) + unrecorded_text(unrecorded, style)
        ),
        plan.drift,
        plan.unrecorded,
    )
    return DRIFTED if plan.drift or plan.unrecorded else 0
