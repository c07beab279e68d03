"""`automl-plan migrate`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from automl_plan.cli.applying import approve
from automl_plan.cli.options import (
    AsJson,
    AutoApprove,
    Directory,
    LockTimeout,
    Var,
    VarFile,
    workspace,
)
from automl_plan.cli.output import stdout_style, write, write_json_line, write_or_go_on
from automl_plan.errors import PlanRefused, UsageError

if TYPE_CHECKING:
    from automl_plan.applying.migrating.events import MigrationEvent
    from automl_plan.applying.migrating.preparing import Prepared
    from automl_plan.applying.workspace import Workspace
    from automl_plan.resources.address import Address


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog="Example: automl-plan migrate --to vertex")(migrate)


def migrate(
    to: Annotated[
        Literal["vertex"], typer.Option("--to", help="The provider that takes over from automl.")
    ],
    project: Annotated[
        str | None, typer.Option(metavar="ID", help="The project, if it is another one.")
    ] = None,
    location: Annotated[
        str | None,
        typer.Option(
            metavar="REGION", help="The region; us-central1, or europe-west4 for what is in eu."
        ),
    ] = None,
    endpoint: Annotated[
        str | None, typer.Option(metavar="URL", help="The service, when it is not Google's own.")
    ] = None,
    delete_originals: Annotated[
        bool, typer.Option("--delete-originals", help="Undeploy and delete them in the end.")
    ] = False,
    partial: Annotated[
        bool, typer.Option("--partial", help="Leave behind what can't be moved.")
    ] = False,
    no_write: Annotated[
        bool,
        typer.Option("--no-write", help="Only print what the configuration has to say then."),
    ] = False,
    no_refresh: Annotated[
        bool,
        typer.Option(
            "--no-refresh", help="Trust the state: don't ask AutoML, which may answer no more."
        ),
    ] = False,
    abandon: Annotated[
        bool, typer.Option("--abandon", help="Give up a migration that was cut off.")
    ] = False,
    auto_approve: AutoApprove = False,
    lock_timeout: LockTimeout = 0.0,
    var: Var = None,
    var_file: VarFile = None,
    directory: Directory = Path(),
    as_json: AsJson = False,
) -> None:
    """Move everything from AutoML to Vertex AI without a training; cut off, it goes on."""
    from automl_plan.applying.migrating.migrate import finish_at_target
    from automl_plan.applying.migrating.preparing import prepare, stand
    from automl_plan.applying.migrating.target import at_vertex, open_begun, open_target

    del to  # there is one
    if delete_originals and no_refresh:
        raise UsageError("--delete-originals and --no-refresh can't be had together.")
    with workspace(directory, var, var_file) as opened:
        if at_vertex(opened.configuration.provider):
            if abandon:
                raise UsageError("No migration is under way: there is nothing to give up.")
            originals = finish_at_target(opened)
            if not delete_originals or originals == ():
                _nothing_to_do(opened, originals, as_json=as_json)
                return
            _delete_originals(
                opened, auto_approve=auto_approve, lock_timeout=lock_timeout, as_json=as_json
            )
            return
        opening = open_begun if abandon else open_target
        with (
            opened.migrating() as source,
            opening(source, project=project, location=location, endpoint=endpoint) as target,
        ):
            if abandon:
                _abandon(stand(source, target), as_json=as_json)
                return
            prepared = prepare(
                source, target, partial=partial, delete=delete_originals, refresh=not no_refresh
            )
            _show(prepared, delete=delete_originals, as_json=as_json)
            if prepared.plan is not None and prepared.plan.staying and not partial:
                _refuse(prepared)
            if not auto_approve:
                approve("migrate", "\nMove all this?", as_json=as_json)
            _carry_out(
                prepared,
                delete=delete_originals,
                write_yaml=not no_write,
                lock_timeout=lock_timeout,
                as_json=as_json,
            )


def _show(prepared: Prepared, *, delete: bool, as_json: bool) -> None:
    from automl_plan.rendering.migration import migration_text, plan_json

    if as_json:
        write_json_line(plan_json(prepared, delete=delete))
    else:
        write(migration_text(prepared, stdout_style(), delete=delete))


def _refuse(prepared: Prepared) -> None:
    from automl_plan.rendering.migration import staying_text

    assert prepared.plan is not None  # noqa: S101 (asked by the caller)
    raise PlanRefused(
        f"Not everything can be moved:\n{staying_text(prepared.plan)}",
        hint="Mend that, or give --partial to leave it behind.",
    )


def _carry_out(
    prepared: Prepared, *, delete: bool, write_yaml: bool, lock_timeout: float, as_json: bool
) -> None:
    from automl_plan.applying.migrating.configuring import section
    from automl_plan.applying.migrating.migrate import migrate as carry_out
    from automl_plan.rendering.migration import event_json, event_text, result_json, result_text

    style = stdout_style()

    def tell(event: MigrationEvent) -> None:
        if as_json:
            write_json_line(event_json(event))
        else:
            write_or_go_on(event_text(event, style))

    if not as_json:
        write("\n")
    result = carry_out(
        prepared, delete=delete, write=write_yaml, lock_timeout=lock_timeout, tell=tell
    )
    if as_json:
        write_json_line(result_json(result, section(prepared)))
    else:
        write_or_go_on(result_text(result, prepared, section(prepared), style))


def _abandon(prepared: Prepared, *, as_json: bool) -> None:
    from automl_plan.applying.migrating.abandoning import abandon
    from automl_plan.rendering.migration import abandoned_json, abandoned_text

    if not prepared.begun and not prepared.switched:
        raise UsageError("No migration is under way: there is nothing to give up.")
    abandoned = abandon(prepared)
    if as_json:
        write_json_line(abandoned_json(abandoned))
    else:
        write(abandoned_text(abandoned, prepared.target.provider.identity))


def _delete_originals(
    opened: Workspace, *, auto_approve: bool, lock_timeout: float, as_json: bool
) -> None:
    from automl_plan.applying.migrating.afterwards import delete_left_over, left_over, open_former
    from automl_plan.rendering.migration import event_json, event_text, nothing_json
    from automl_plan.rendering.originals import leftover_text, stay_text

    style = stdout_style()

    def tell(event: MigrationEvent) -> None:
        if as_json:
            write_json_line(event_json(event))
        else:
            write_or_go_on(event_text(event, style))

    former = open_former(opened)
    try:
        leftover = left_over(opened, former)
        if not as_json:
            write(leftover_text(leftover, opened.configuration.prices, style))
        if leftover.going and not auto_approve:
            approve("migrate", "\nUndeploy and delete these?", as_json=as_json)
        stays = delete_left_over(opened, leftover, lock_timeout=lock_timeout, tell=tell)
    finally:
        former.close()
    if as_json:
        write_json_line(nothing_json(stays))
    else:
        write_or_go_on(stay_text(stays, former.identity))


def _nothing_to_do(
    opened: Workspace, originals: tuple[tuple[Address, str], ...] | None, *, as_json: bool
) -> None:
    from automl_plan.rendering.migration import nothing_json
    from automl_plan.rendering.originals import nothing_text

    if as_json:
        write_json_line(nothing_json(originals))
    else:
        write(nothing_text(originals, f"{opened.configuration.state_path.name}.before-migration"))
