"""`automl-plan apply|wait|destroy`."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Literal

import typer

from automl_plan.cli import completion
from automl_plan.cli.applying import apply_planned, check_allowed
from automl_plan.cli.json_files import EventLines, check_apart
from automl_plan.cli.options import (
    ALLOW_LARGE_CHANGE,
    ALLOW_PARTIAL_IMPORT,
    AUTO_APPROVE,
    EXCLUDE,
    JSON,
    JSON_INTO,
    LOCK_TIMEOUT,
    NO_LINT,
    PARALLELISM,
    PLANNING,
    TARGET,
    VARIABLES,
    command,
)
from automl_plan.cli.output import INPUTS, reading, say, write
from automl_plan.cli.run import Run, parse_address
from automl_plan.errors import UsageError


@command(
    AUTO_APPROVE,
    PARALLELISM,
    LOCK_TIMEOUT,
    *PLANNING,
    *VARIABLES,
    JSON,
    JSON_INTO,
    example="apply plan.json",
)
def apply(
    run: Run,
    plan_file: Annotated[
        Path | None,
        typer.Argument(
            metavar="PLANFILE",
            help="A plan saved with `plan --out`, which is applied without asking.",
        ),
    ] = None,
    detach: Annotated[
        bool,
        typer.Option(
            "--detach", help="Start what can be started, and leave it running (exit code 5)."
        ),
    ] = False,
    on_interrupt: Annotated[
        Literal["leave", "cancel"],
        typer.Option("--on-interrupt", help="What Ctrl-C does with running trainings."),
    ] = "leave",
    allow: Annotated[
        str | None,
        typer.Option(
            "--allow",
            metavar="ACTION,…",
            help="Refuse a plan with other actions than these, such as update,resume.",
        ),
    ] = None,
) -> int:
    """Carry out a plan after approval, and record each step in the state."""
    from msgspec.structs import replace

    from automl_plan.workspace.make_plan import make_plan
    from automl_plan.workspace.plan_file import read_plan
    from automl_plan.workspace.stale_plan import verify_saved_plan

    check_apart(run.json_into, plan_file, "PLANFILE")
    with EventLines("apply", as_json=run.as_json, into=run.json_into) as lines:
        options = run.plan_options()
        saved = read_plan(plan_file, to_apply=True) if plan_file is not None else None
        planning = run.refresh_only or run.no_refresh or run.target or run.exclude or run.replace
        if saved is not None and planning:
            raise UsageError("A saved plan is applied as it is: it takes no planning flags.")
        with ExitStack() as stack:
            with reading(INPUTS):
                opened = stack.enter_context(run.open())
                if plan_file is not None and saved is not None:
                    remake = run.plan_command(plan_file, saved.options, opened.configuration.given)
                    options = saved.options
                    if run.allow_partial_import:
                        options = replace(options, allow_partial_import=True)
                    planned = verify_saved_plan(saved, opened, options, remake)
                else:
                    planned = make_plan(opened, options)
            if allow is not None:
                check_allowed(planned.plan.changes, allow)
            return apply_planned(
                run,
                opened,
                planned,
                lines,
                command="apply",
                approved=run.auto_approve or saved is not None,
                detach=detach,
                cancel_when_stopped=on_interrupt == "cancel",
            )


@command(
    AUTO_APPROVE,
    LOCK_TIMEOUT,
    NO_LINT,
    ALLOW_PARTIAL_IMPORT,
    *VARIABLES,
    JSON,
    example="wait model.digits",
)
def wait(
    run: Run,
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="ADDRESS",
            help="Wait for the operations of this resource only.",
            autocompletion=completion.recorded_addresses,
        ),
    ] = None,
) -> int:
    """Wait for operations that an earlier run started, and carry out what depends on them.

    Pass the --var and --var-file of that run. If an operation was started from a different
    configuration, it is followed and recorded, nothing else is done, and the exit code is 3.
    """
    from automl_plan.output.progress import otherwise_text, started_otherwise_error
    from automl_plan.planning.plan import Action
    from automl_plan.workspace.make_plan import make_plan

    addresses = [] if name is None else [parse_address(name, "ADDRESS")]
    with EventLines("wait", as_json=run.as_json) as lines, run.open() as opened:
        planned = make_plan(opened, run.plan_options(), resuming=addresses)
        changes = planned.plan.changes
        if not changes and not run.as_json:
            write("No open operations.\n")
            return 0
        differing = planned.plan.differing_operations
        if differing:
            say(otherwise_text(differing))  # it may take hours until the end
        only_waits = all(change.action in (Action.RESUME, Action.MOVE) for change in changes)
        approved = run.auto_approve or only_waits
        code = apply_planned(run, opened, planned, lines, command="wait", approved=approved)
        if differing and not code:
            raise started_otherwise_error(differing)
        return code


@command(
    AUTO_APPROVE,
    PARALLELISM,
    LOCK_TIMEOUT,
    TARGET,
    EXCLUDE,
    ALLOW_LARGE_CHANGE,
    *VARIABLES,
    JSON,
    example="destroy --target model.digits",
)
def destroy(
    run: Run,
) -> int:
    """Delete all managed datasets and models. Trained models can't be restored."""
    from automl_plan.workspace.make_plan import make_plan

    options = run.plan_options(destroy=True)
    with EventLines("destroy", as_json=run.as_json) as lines, run.open() as opened:
        planned = make_plan(opened, options)
        return apply_planned(
            run, opened, planned, lines, command="destroy", approved=run.auto_approve
        )
