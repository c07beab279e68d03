"""`automl-plan state …`: what is recorded, and how it is mended."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from automl_plan.cli import completion
from automl_plan.cli.json_files import EventLines
from automl_plan.cli.options import (
    AsJson,
    AutoApprove,
    Directory,
    LockTimeout,
    Var,
    VarFile,
    address,
    workspace,
)
from automl_plan.cli.output import stdout_style, write, write_json

app = typer.Typer(name="state", help="What is recorded.", no_args_is_help=True)


@app.command("list", epilog="Example: automl-plan state list")
def list_(
    var: Var = None,
    var_file: VarFile = None,
    directory: Directory = Path(),
    as_json: AsJson = False,
) -> None:
    """List the recorded resources."""
    from automl_plan.output.state import resources_text

    with workspace(directory, var, var_file) as opened:
        recorded = opened.store.read()
    if as_json:
        from automl_plan.output.documents.state import StateList

        write_json(StateList.of(recorded))
    else:
        write(resources_text(recorded, stdout_style()))


@app.command(epilog="Example: automl-plan state show model.digits")
def show(
    name: Annotated[
        str,
        typer.Argument(
            metavar="ADDRESS",
            help="dataset.NAME or model.NAME",
            autocompletion=completion.recorded_addresses,
        ),
    ],
    var: Var = None,
    var_file: VarFile = None,
    directory: Directory = Path(),
    as_json: AsJson = False,
) -> None:
    """Show what is recorded of one resource."""
    from automl_plan.errors import UsageError
    from automl_plan.output.state import resource_text

    asked = address(name, "ADDRESS")
    with workspace(directory, var, var_file) as opened:
        resources = opened.store.read().resources
    if asked not in resources:
        raise UsageError(
            f"Nothing is recorded of {asked}.", hint="`automl-plan state list` lists all."
        )
    if as_json:
        from automl_plan.output.documents.state import StateShow

        write_json(StateShow.of(resources[asked]))
    else:
        write(resource_text(resources[asked], stdout_style()))


@app.command(epilog="Example: automl-plan state push state/digits.json.backup")
def push(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A copy of this state.")],
    var: Var = None,
    var_file: VarFile = None,
    directory: Directory = Path(),
) -> None:
    """Put a copy in the place of the state: a backup, or what a run kept in an emergency."""
    from automl_plan.state.replace import push as push_state

    with workspace(directory, var, var_file) as opened:
        pushed = push_state(opened.configuration.state_path, file)
    count = len(pushed.resources)
    write(f"Pushed: serial {pushed.serial}, {count} resource{'s' if count != 1 else ''}.\n")


@app.command(epilog="Example: automl-plan state new")
def new(var: Var = None, var_file: VarFile = None, directory: Directory = Path()) -> None:
    """Begin an empty state, where live objects look as if one was lost."""
    from automl_plan.state.replace import begin_new

    with workspace(directory, var, var_file) as opened:
        begin_new(opened.configuration.state_path)
    write("An empty state was begun; nothing that lives belongs to it.\n")


@app.command(epilog="Example: automl-plan state mv model.old model.digits")
def mv(
    source: Annotated[
        str,
        typer.Argument(
            metavar="FROM", help="The address it has.", autocompletion=completion.recorded_addresses
        ),
    ],
    target: Annotated[
        str,
        typer.Argument(
            metavar="TO",
            help="The address it is to have.",
            autocompletion=completion.declared_addresses,
        ),
    ],
    auto_approve: AutoApprove = False,
    lock_timeout: LockTimeout = 0.0,
    var: Var = None,
    var_file: VarFile = None,
    directory: Directory = Path(),
    as_json: AsJson = False,
) -> None:
    """Record a resource under another address. `moved` blocks do so by review."""
    from automl_plan.cli.applying import apply_by_hand
    from automl_plan.planning.command_plans import plan_move

    asked, wanted = address(source, "FROM"), address(target, "TO")
    with (
        EventLines("state mv", as_json=as_json) as lines,
        workspace(directory, var, var_file) as opened,
    ):
        apply_by_hand(
            opened,
            lambda seen, live: plan_move(asked, wanted, seen.recorded, live),
            command="state mv",
            lines=lines,
            approved=auto_approve,
            lock_timeout=lock_timeout,
            sources=False,
        )


@app.command(epilog="Example: automl-plan state rm model.digits")
def rm(
    name: Annotated[
        str,
        typer.Argument(
            metavar="ADDRESS|ID",
            help="dataset.NAME, model.NAME, or the id of a live object that is not recorded.",
            autocompletion=completion.recorded_addresses,
        ),
    ],
    auto_approve: AutoApprove = False,
    lock_timeout: LockTimeout = 0.0,
    var: Var = None,
    var_file: VarFile = None,
    directory: Directory = Path(),
    as_json: AsJson = False,
) -> None:
    """Forget a resource; what lives of it lives on, unmanaged. `removed` blocks do so by review.

    Of an object that is not recorded, take the ownership labels off.
    """
    from automl_plan.cli.applying import apply_by_hand
    from automl_plan.planning.command_plans import plan_forgetting

    if "." not in name or "/" in name:  # no address
        _disown(name, auto_approve, var, var_file, directory, as_json=as_json)
        return
    asked = address(name, "ADDRESS")
    with (
        EventLines("state rm", as_json=as_json) as lines,
        workspace(directory, var, var_file) as opened,
    ):
        apply_by_hand(
            opened,
            lambda seen, live: plan_forgetting(asked, seen.recorded, live),
            command="state rm",
            lines=lines,
            approved=auto_approve,
            lock_timeout=lock_timeout,
            sources=False,
        )


def _disown(
    object_id: str,
    approved: bool,
    var: list[str] | None,
    var_file: list[Path] | None,
    directory: Path,
    *,
    as_json: bool,
) -> None:
    from automl_plan.cli.applying import approve
    from automl_plan.execution.direct_calls import labelled_object, remove_ownership_labels
    from automl_plan.output.style import clean

    with (
        EventLines("state rm", as_json=as_json) as lines,
        workspace(directory, var, var_file) as opened,
    ):
        kind, obj = labelled_object(opened, opened.bare_id(object_id))
        if not approved:
            what = clean(f"{kind} {obj.display_name} {obj.id}")
            question = f"\nTake the ownership labels off the {what}?"
            approve("state rm", question, as_json=as_json)
        remove_ownership_labels(opened, kind, obj)
        if as_json:
            from automl_plan.output.documents.events import Result

            lines(Result((obj.id,)))
    if not as_json:
        write(f"The {kind} {clean(obj.id)} bears no ownership labels any more.\n")


@app.command(epilog="Example: automl-plan state rebuild")
def rebuild(
    lineage: Annotated[
        str | None,
        typer.Option(metavar="DIGITS", help="Which state, when objects of several live."),
    ] = None,
    var: Var = None,
    var_file: VarFile = None,
    directory: Directory = Path(),
) -> None:
    """Make a lost state anew from the labels on what lives."""
    from automl_plan.output.style import clean
    from automl_plan.recovery.rebuild_state import rebuild_state as rebuild_from_labels
    from automl_plan.state.replace import put_rebuilt
    from automl_plan.workspace.plan_inputs import gather_inputs

    with workspace(directory, var, var_file) as opened:
        path = opened.configuration.state_path
        rebuilt = rebuild_from_labels(gather_inputs(opened).desired, opened.provider, lineage)
        put_rebuilt(path, rebuilt.state)
    for remark in rebuilt.remarks:
        write(f"Note: {clean(remark)}.\n")
    count = len(rebuilt.state.resources)
    write(f"Rebuilt: {count} resource{'s' if count != 1 else ''}. See: automl-plan plan\n")
