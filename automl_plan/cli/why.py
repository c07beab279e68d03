"""`automl-plan why`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from automl_plan.cli import completion
from automl_plan.cli.options import AsJson, Directory, Replace, Var, VarFile, address, workspace
from automl_plan.cli.output import stdout_style, write, write_json
from automl_plan.errors import UsageError


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog="Example: automl-plan why model.digits")(why)


def why(
    name: Annotated[
        str,
        typer.Argument(
            metavar="ADDRESS",
            help="dataset.NAME or model.NAME",
            autocompletion=completion.addresses,
        ),
    ],
    replace: Replace = None,
    var: Var = None,
    var_file: VarFile = None,
    directory: Directory = Path(),
    as_json: AsJson = False,
) -> None:
    """Explain what is planned for a resource, or why nothing is: all that is compared."""
    from automl_plan.cli.options import plan_options
    from automl_plan.output.why import why_text
    from automl_plan.planning.explain import explain
    from automl_plan.workspace.make_plan import field_location, make_plan
    from automl_plan.workspace.plan_inputs import gather_inputs

    asked = address(name, "ADDRESS")
    options = plan_options(
        destroy=False,
        refresh_only=False,
        no_refresh=False,
        target=None,
        exclude=None,
        replace=replace,
        no_lint=True,
    )
    with workspace(directory, var, var_file) as opened:
        seen = gather_inputs(opened)
        assert seen.live is not None  # noqa: S101 (it was asked for)
        desired = seen.desired
        known = {*desired.datasets, *desired.models, *seen.recorded.resources}
        if asked not in known:
            raise UsageError(
                f"{asked} is neither declared nor recorded.",
                hint="`automl-plan state list` lists what is recorded.",
            )
        plan = make_plan(opened, options).plan
        explained = explain(asked, desired, seen.recorded, seen.live, plan, seen.moment.service)
        found = (
            (row.field, field_location(asked, row.field, desired, opened.configuration))
            for row in explained.compared
        )
        places = {field: place for field, place in found if place is not None}
    if as_json:
        from automl_plan.output.documents.plan import Why

        write_json(Why.of(explained, places))
    else:
        write(why_text(explained, places, stdout_style()))
