"""`automl-plan import`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from automl_plan.cli import completion
from automl_plan.cli.applying import apply_by_hand
from automl_plan.cli.options import (
    AutoApprove,
    Directory,
    LockTimeout,
    Var,
    VarFile,
    address,
    workspace,
)
from automl_plan.cli.output import write
from automl_plan.errors import ConfigurationError, PlanRefused, StateLocked, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from automl_plan.model.desired import Adoption
    from automl_plan.workspace.workspace import Workspace


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("import", epilog="Example: automl-plan import model.digits ICN1234567890")(import_)


def import_(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="[ADDRESS]",
            help="A declared resource.",
            autocompletion=completion.declared_addresses,
        ),
    ] = None,
    object_id: Annotated[
        str | None,
        typer.Argument(metavar="[ID]", help="The service's id of what lives, or its full name."),
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Adopt all that lives and is not managed.")
    ] = False,
    write_file: Annotated[
        Path | None,
        typer.Option("--write", metavar="FILE", help="With --all: the NAME.automl.yaml to write."),
    ] = None,
    auto_approve: AutoApprove = False,
    lock_timeout: LockTimeout = 0.0,
    var: Var = None,
    var_file: VarFile = None,
    directory: Directory = Path(),
) -> None:
    """Manage what was made elsewhere: record it, and mark it with labels. Nothing is made."""
    if everything:
        if write_file is None or name is not None:
            raise UsageError("--all takes --write FILE, and no ADDRESS and ID.")
        _import_all(
            write_file,
            auto_approve=auto_approve,
            lock_timeout=lock_timeout,
            var=var,
            var_file=var_file,
            directory=directory,
        )
        return
    if name is None or object_id is None or write_file is not None:
        raise UsageError("Give ADDRESS and ID, or --all --write FILE.")
    from automl_plan.model.desired import Adoption

    asked = address(name, "ADDRESS")
    with workspace(directory, var, var_file) as opened:
        desired = opened.configuration.desired
        if asked not in desired.datasets and asked not in desired.models:
            raise UsageError(
                f"{asked} is not declared.",
                hint="Declare it first; `automl-plan import --all --write FILE` writes the YAML.",
            )
        _adopt(
            opened,
            (Adoption(asked, opened.bare_id(object_id, asked.kind)),),
            auto_approve=auto_approve,
            lock_timeout=lock_timeout,
        )


def _import_all(
    file: Path,
    *,
    auto_approve: bool,
    lock_timeout: float,
    var: list[str] | None,
    var_file: list[Path] | None,
    directory: Path,
) -> None:
    from automl_plan.output.style import clean
    from automl_plan.workspace.import_unmanaged import unmanaged, write_declarations
    from automl_plan.workspace.plan_inputs import gather_inputs

    with workspace(directory, var, var_file) as opened:
        found = unmanaged(gather_inputs(opened))
        for said, hint in found.skipped:
            write(f"Left out: {clean(said)}.\n" + (f"  next: {clean(hint)}\n" if hint else ""))
        if not found.adoptions:
            write("Nothing lives that could be managed and is not.\n")
            return
        write_declarations(file, found.text, opened.configuration.directory)
    try:
        # Read again: what was written must be sound, and is now what is declared.
        with workspace(directory, var, var_file) as opened:
            _adopt(
                opened,
                found.adoptions,
                auto_approve=auto_approve,
                lock_timeout=lock_timeout,
            )
    except (ConfigurationError, UsageError, PlanRefused, StateLocked):
        file.unlink(missing_ok=True)  # nothing of it was adopted
        raise
    write(f"Declared in {file}; look it over and commit it.\n")


def _adopt(
    opened: Workspace,
    adoptions: Sequence[Adoption],
    *,
    auto_approve: bool,
    lock_timeout: float,
) -> None:
    from automl_plan.planning.command_plans import plan_adoptions

    apply_by_hand(
        opened,
        lambda seen, live: plan_adoptions(
            adoptions, seen.desired, seen.recorded, live, seen.examples
        ),
        command="import",
        approved=auto_approve,
        lock_timeout=lock_timeout,
    )
