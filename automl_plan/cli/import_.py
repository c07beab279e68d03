"""`automl-plan import`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from automl_plan.cli import completion
from automl_plan.cli.applying import apply_command_plan
from automl_plan.cli.json_files import EventLines
from automl_plan.cli.options import AUTO_APPROVE, LOCK_TIMEOUT, VARIABLES, command
from automl_plan.cli.output import write
from automl_plan.cli.run import Run, parse_address
from automl_plan.errors import ConfigurationError, PlanRefused, StateLocked, UsageError

if TYPE_CHECKING:
    from automl_plan.model.desired import Adoption
    from automl_plan.workspace.workspace import Workspace


@command(AUTO_APPROVE, LOCK_TIMEOUT, *VARIABLES, example="import model.digits ICN1234567890")
def import_(
    run: Run,
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="ADDRESS",
            help="A declared resource.",
            autocompletion=completion.declared_addresses,
        ),
    ] = None,
    object_id: Annotated[
        str | None,
        typer.Argument(
            metavar="ID", help="The id or full name of the live object at the provider."
        ),
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Import all live objects that are not managed.")
    ] = False,
    write_file: Annotated[
        Path | None,
        typer.Option(
            "--write",
            metavar="FILE",
            help="With --all: write their declarations to this NAME.automl.yaml.",
        ),
    ] = None,
) -> int:
    """Manage an existing dataset or model: record it, and set ownership labels.

    Creates and trains nothing.
    """
    if everything:
        if write_file is None or name is not None:
            raise UsageError("--all takes --write FILE, and no ADDRESS and ID.")
        return _import_all(run, write_file)
    if name is None or object_id is None or write_file is not None:
        raise UsageError("Give ADDRESS and ID, or --all --write FILE.")
    from automl_plan.model.desired import Adoption

    asked = parse_address(name, "ADDRESS")
    with run.open() as opened:
        desired = opened.configuration.desired
        if asked not in desired.datasets and asked not in desired.models:
            raise UsageError(
                f"{asked} is not declared.",
                hint="Declare it first; `automl-plan import --all --write FILE` writes the YAML.",
            )
        return _adopt(run, opened, [Adoption(asked, opened.bare_id(object_id, asked.kind))])


def _import_all(run: Run, file: Path) -> int:
    from automl_plan.output.style import clean
    from automl_plan.workspace.import_unmanaged import declare_unmanaged, write_declarations
    from automl_plan.workspace.plan_inputs import gather_inputs

    with run.open() as opened:
        found = declare_unmanaged(gather_inputs(opened))
        for message, hint in found.skipped:
            write(f"Skipped: {clean(message)}.\n" + (f"  next: {clean(hint)}\n" if hint else ""))
        if not found.adoptions:
            write("Nothing to import: all live objects are managed.\n")
            return 0
        write_declarations(file, found.text, opened.configuration.directory)
    try:
        # Load again: what was written must be valid, and is now declared.
        with run.open() as opened:
            code = _adopt(run, opened, found.adoptions)
    except (ConfigurationError, UsageError, PlanRefused, StateLocked):
        file.unlink(missing_ok=True)  # nothing of it was imported
        raise
    write(f"Declared in {file}; review and commit it.\n")
    return code


def _adopt(run: Run, opened: Workspace, adoptions: Sequence[Adoption]) -> int:
    from automl_plan.planning.command_plans import plan_adoptions

    return apply_command_plan(
        run,
        opened,
        lambda seen, live: plan_adoptions(
            adoptions, seen.desired, seen.recorded, live, seen.examples
        ),
        EventLines("import", as_json=False),
        command="import",
    )
