"""`automl-plan state …`, `resolve` and `force-unlock`: the state, and how it is repaired."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from automl_plan.cli import completion
from automl_plan.cli.applying import apply_command_plan, approve
from automl_plan.cli.json_files import EventLines
from automl_plan.cli.options import AUTO_APPROVE, JSON, LOCK_TIMEOUT, VARIABLES, command
from automl_plan.cli.output import write
from automl_plan.cli.run import Run, parse_address
from automl_plan.errors import UsageError

Address = Annotated[
    str,
    typer.Argument(
        metavar="ADDRESS",
        help="dataset.NAME or model.NAME",
        autocompletion=completion.recorded_addresses,
    ),
]


@command(*VARIABLES, JSON, example="state list")
def list_(
    run: Run,
) -> None:
    """List the recorded resources."""
    from automl_plan.output.state import resources_text

    with run.open() as opened:
        recorded = opened.store.read()
    run.show("inventory:StateList.of", resources_text, recorded)


@command(*VARIABLES, JSON, example="state show model.digits")
def show(
    run: Run,
    name: Address,
) -> None:
    """Show the record of one resource."""
    from automl_plan.output.state import resource_text

    asked = parse_address(name, "ADDRESS")
    with run.open() as opened:
        resources = opened.store.read().resources
    if asked not in resources:
        raise UsageError(
            f"{asked} is not recorded.", hint="`automl-plan state list` lists all resources."
        )
    run.show("inventory:StateShow.of", resource_text, resources[asked])


@command(*VARIABLES, example="state push state/digits.json.backup")
def push(
    run: Run,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A copy of this state.")],
) -> None:
    """Replace the state with a backup, or with the copy that a run saved in an emergency."""
    from automl_plan.state.replace import push as push_state

    with run.open() as opened:
        pushed = push_state(opened.configuration.state_path, file)
    count = len(pushed.resources)
    write(f"Pushed: serial {pushed.serial}, {count} resource{'s' if count != 1 else ''}.\n")


@command(*VARIABLES, example="state new")
def new(
    run: Run,
) -> None:
    """Start an empty state, even though the labels of live objects suggest that one was lost."""
    from automl_plan.state.replace import begin_new

    with run.open() as opened:
        begin_new(opened.configuration.state_path)
    write("Started an empty state; it manages none of the live objects.\n")


@command(AUTO_APPROVE, LOCK_TIMEOUT, *VARIABLES, JSON, example="state mv model.old model.digits")
def mv(
    run: Run,
    source: Annotated[
        str,
        typer.Argument(
            metavar="FROM",
            help="The recorded address.",
            autocompletion=completion.recorded_addresses,
        ),
    ],
    target: Annotated[
        str,
        typer.Argument(
            metavar="TO", help="The new address.", autocompletion=completion.declared_addresses
        ),
    ],
) -> int:
    """Change the address of a resource. `moved` blocks do the same with a review."""
    from automl_plan.planning.command_plans import plan_move

    old, wanted = parse_address(source, "FROM"), parse_address(target, "TO")
    with EventLines("state mv", as_json=run.as_json) as lines, run.open() as opened:
        return apply_command_plan(
            run,
            opened,
            lambda seen, live: plan_move(old, wanted, seen.recorded, live),
            lines,
            command="state mv",
            sources=False,
        )


@command(AUTO_APPROVE, LOCK_TIMEOUT, *VARIABLES, JSON, example="state rm model.digits")
def rm(
    run: Run,
    name: Annotated[
        str,
        typer.Argument(
            metavar="ADDRESS|ID",
            help="dataset.NAME, model.NAME, or the id of a live object that is not recorded.",
            autocompletion=completion.recorded_addresses,
        ),
    ],
) -> int:
    """Stop managing a resource, which is not deleted. `removed` blocks do the same with a review.

    Given the id of an object that is not recorded, remove its ownership labels.
    """
    from automl_plan.planning.command_plans import plan_forgetting

    if "." not in name or "/" in name:  # not an address
        return _disown(run, name)
    asked = parse_address(name, "ADDRESS")
    with EventLines("state rm", as_json=run.as_json) as lines, run.open() as opened:
        return apply_command_plan(
            run,
            opened,
            lambda seen, live: plan_forgetting(asked, seen.recorded, live),
            lines,
            command="state rm",
            sources=False,
        )


def _disown(run: Run, object_id: str) -> int:
    from automl_plan.execution.direct_calls import labelled_object, remove_ownership_labels
    from automl_plan.output.documents.events import Result
    from automl_plan.output.style import clean

    with EventLines("state rm", as_json=run.as_json) as lines, run.open() as opened:
        kind, obj = labelled_object(opened, opened.bare_id(object_id))
        if not run.auto_approve:
            what = clean(f"{kind} {obj.display_name} {obj.id}")
            question = f"\nRemove the ownership labels of the {what}?"
            approve("state rm", question, as_json=run.as_json)
        remove_ownership_labels(opened, kind, obj)
        lines(Result((obj.id,)))
    if not run.as_json:
        write(f"Removed the ownership labels of the {kind} {clean(obj.id)}.\n")
    return 0


@command(*VARIABLES, example="state rebuild")
def rebuild(
    run: Run,
    lineage: Annotated[
        str | None,
        typer.Option(
            "--lineage",
            metavar="DIGITS",
            help="Which state to rebuild, if there are objects of several.",
        ),
    ] = None,
) -> None:
    """Rebuild a lost state from the ownership labels of live resources."""
    from automl_plan.output.style import clean
    from automl_plan.recovery.rebuild_state import rebuild_state
    from automl_plan.state.replace import put_rebuilt
    from automl_plan.workspace.plan_inputs import gather_inputs

    with run.open() as opened:
        path = opened.configuration.state_path
        rebuilt = rebuild_state(gather_inputs(opened).desired, opened.provider, lineage)
        put_rebuilt(path, rebuilt.state)
    for remark in rebuilt.remarks:
        write(f"Note: {clean(remark)}.\n")
    count = len(rebuilt.state.resources)
    write(f"Rebuilt: {count} resource{'s' if count != 1 else ''}. See: automl-plan plan\n")


@command(AUTO_APPROVE, *VARIABLES, example="resolve model.digits --adopt ICN1234567890")
def resolve(
    run: Run,
    name: Address,
    adopt: Annotated[
        str | None,
        typer.Option(
            "--adopt",
            metavar="ID",
            help="The call was received: record this operation, or the object that it created.",
        ),
    ] = None,
    abandon: Annotated[
        bool,
        typer.Option(
            "--abandon", help="The call was never received: the next apply sends it again."
        ),
    ] = False,
) -> None:
    """Settle an interrupted call whose outcome automl-plan can't determine."""
    from automl_plan.workspace.resolve import abandon as abandon_intent
    from automl_plan.workspace.resolve import adopt as adopt_intent
    from automl_plan.workspace.resolve import interrupted_call_of

    if (adopt is None) == (not abandon):
        raise UsageError("Give --adopt ID or --abandon.")
    asked = parse_address(name, "ADDRESS")
    with run.open() as opened:
        intent = interrupted_call_of(opened, asked)
        if adopt is not None:
            write(adopt_intent(opened, asked, intent, opened.bare_id(adopt)) + "\n")
            return
        if not run.auto_approve:
            approve(
                "resolve",
                f"Assume that the call ({intent.step} of {asked}, {intent.started}) was never "
                "received?\nIf it was, the next apply pays for it again.",
            )
        abandon_intent(opened, asked, intent)
    write(f"{asked}: abandoned; the next apply sends the call again.\n")


@command(AUTO_APPROVE, *VARIABLES, example="force-unlock")
def force_unlock(
    run: Run,
) -> None:
    """Release a lock held by a run that hangs. A run that died holds no lock."""
    with run.open() as opened:
        holder = opened.store.lock_holder()
        if holder is None:
            write("The state is not locked.\n")
            return
        if not run.auto_approve:
            approve(
                "force-unlock",
                f"Release the lock of {holder}?\nStop that run first: if two runs write the same "
                "state, changes of one of them are lost.",
            )
        opened.store.break_lock()
    write("Unlocked.\n")
