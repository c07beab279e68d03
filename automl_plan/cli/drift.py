"""`automl-plan drift`: what somebody else changed."""

from __future__ import annotations

from typing import Annotated

import typer

from automl_plan.cli.json_files import DocumentFile
from automl_plan.cli.options import JSON, JSON_INTO, VARIABLES, command
from automl_plan.cli.output import INPUTS, reading
from automl_plan.cli.run import Run

DRIFTED = 2
"""Exit code with drift."""


@command(*VARIABLES, JSON, JSON_INTO, example="drift --images")
def drift(
    run: Run,
    images: Annotated[
        bool,
        typer.Option(
            "--images",
            help="Name relabelled, added and removed images of all datasets, not only of those "
            "whose number of images changed.",
        ),
    ] = False,
) -> int:
    """Show changes made outside automl-plan, and unrecorded objects. Exits with 2 if any; for cron.

    Changes nothing.
    """
    from automl_plan.output.documents.plan import DriftFound
    from automl_plan.output.drift import drift_text, image_drift_text, unrecorded_text
    from automl_plan.planning.options import PlanMode, PlanOptions
    from automl_plan.workspace.live_items import find_image_drift
    from automl_plan.workspace.make_plan import plan_from
    from automl_plan.workspace.plan_inputs import gather_inputs_for

    options = PlanOptions(mode=PlanMode.REFRESH_ONLY)
    with DocumentFile(run.json_into) as file:
        with reading(INPUTS), run.open() as opened:
            inputs = gather_inputs_for(opened, options)
            plan = plan_from(inputs, options).plan
            in_images = find_image_drift(inputs, everywhere=images)
        file.write(DriftFound.of(plan.drift, plan.unrecorded, in_images))
    is_drift = any(each.is_drift for each in in_images)
    run.show(
        "plan:DriftFound.of",
        lambda found, unrecorded, seen, style: (
            ("" if is_drift and not found else drift_text(found, style))
            + image_drift_text(seen, style)
            + unrecorded_text(unrecorded, style)
        ),
        plan.drift,
        plan.unrecorded,
        in_images,
    )
    return DRIFTED if plan.drift or plan.unrecorded or is_drift else 0
