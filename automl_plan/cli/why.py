"""`automl-plan why`: the plan for one resource, explained."""

from __future__ import annotations

from typing import Annotated

import typer

from automl_plan.cli import completion
from automl_plan.cli.options import JSON, REPLACE, VARIABLES, command
from automl_plan.cli.run import Run, parse_address
from automl_plan.errors import UsageError


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
    run.show("plan:Why.of", why_text, explained, places)
