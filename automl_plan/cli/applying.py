"""What `apply`, `destroy` and `models delete` share: show, ask, follow, sum up."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING

import typer

from automl_plan.cli.json_files import EventLines
from automl_plan.cli.output import (
    asked,
    has_terminal,
    stdout_style,
    write,
    write_or_go_on,
)
from automl_plan.errors import (
    ApplyFailed,
    GateRejected,
    Interrupted,
    OperationsRunning,
    PlanRefused,
    UsageError,
)

if TYPE_CHECKING:
    from automl_plan.execution.events import ApplyResult, Event
    from automl_plan.model.live import Live
    from automl_plan.model.recorded import Decision
    from automl_plan.output.progress import Progress
    from automl_plan.planning.plan import Change, Plan
    from automl_plan.workspace.bound_plan import BoundPlan
    from automl_plan.workspace.plan_inputs import PlanInputs
    from automl_plan.workspace.workspace import Workspace

_SHOWN = 5
_REQUESTS = 10
"""At a time, where no flag says otherwise."""
_QUESTIONS = {
    "apply": "\nDo this?",
    "wait": "\nGo on with this?",
    "destroy": "\nDelete all this? Trained models can't be brought back.",
}


def apply_planned(
    workspace: Workspace,
    planned: BoundPlan,
    *,
    approved: bool,
    parallelism: int,
    detach: bool,
    lock_timeout: float,
    command: str,
    lines: EventLines,
    cancel_when_stopped: bool = False,
    decision: Decision | None = None,
) -> None:
    """Show a plan, get it approved, and carry it out; `lines` tells programs.

    Raises PlanRefused without approval, ApplyFailed when changes failed; ends with the exit
    code of OperationsRunning when work was left at the service.
    """
    from automl_plan.execution.apply import apply
    from automl_plan.output.evaluations import gates_text
    from automl_plan.output.failures import failures_text
    from automl_plan.output.plan import plan_text
    from automl_plan.output.progress import result_text

    style, as_json = stdout_style(), lines.as_json
    if not as_json:
        write(plan_text(planned, style))
    if planned.plan.refused:
        raise PlanRefused("The plan may not be applied.", hint="Its reasons stand above.")
    if not planned.empty and not approved:
        approve(command, _QUESTIONS.get(command, _QUESTIONS["apply"]), as_json=as_json)
    if not as_json and not planned.empty:
        write("\n")
    progress = None if as_json else _progress()

    def tell(event: Event) -> None:
        if progress is not None:
            progress(event)
        if lines.wanted:
            from automl_plan.output.documents.events import ChangeEvent

            lines(ChangeEvent.of(event))

    with progress or nullcontext():
        result = apply(
            workspace,
            planned,
            parallelism=parallelism,
            detach=detach,
            cancel_when_stopped=cancel_when_stopped,
            on_event=tell,
            command=command,
            lock_timeout=lock_timeout,
            decision=decision,
        )
    if lines.wanted:
        from automl_plan.output.documents.events import Result

        lines(Result.of(result, workspace.follow))
    if not as_json and not planned.empty:
        write_or_go_on("\n" + gates_text(result.gates, style) + failures_text(result, style))
        write_or_go_on(result_text(planned, result, style, workspace.follow))
        _write_headlines(workspace, result)
    if result.failed and all(isinstance(f.error, PlanRefused) for f in result.failed):
        raise PlanRefused(
            "What an earlier run had begun may not be sent any more.",
            hint="The reasons are above; what was done is recorded. Change what refuses it, and "
            "plan again.",
        )
    if result.failed and all(isinstance(f.error, GateRejected) for f in result.failed):
        raise GateRejected(
            f"A new version does not meet what is required; {_what_serves(result)}.",
            hint="The next plan does not train them again. See `automl-plan models versions NAME`.",
        )
    if result.failed:
        raise ApplyFailed(
            f"{len(result.failed)} of {len(planned.plan.changes)} changes failed.",
            hint="What was done is recorded: mend the cause and apply again.",
        )
    if result.running:
        raise typer.Exit(OperationsRunning.exit_code)  # no error: the result says what runs


def apply_by_hand(
    workspace: Workspace,
    plan_of: Callable[[PlanInputs, Live], Plan],
    *,
    command: str,
    approved: bool,
    lock_timeout: float,
    sources: bool = True,
    lines: EventLines | None = None,
    decision: Decision | None = None,
) -> None:
    """Make the plan that a command asks for, of all that is there, and apply it as any other.

    `sources`: whether the fingerprints of the data are needed. Raises as `apply_planned`.
    """
    from automl_plan.workspace.make_plan import bind_command_plan
    from automl_plan.workspace.plan_inputs import gather_inputs

    seen = gather_inputs(workspace, sources=sources)
    assert seen.live is not None  # noqa: S101 (it was asked for)
    apply_planned(
        workspace,
        bind_command_plan(seen, plan_of(seen, seen.live)),
        approved=approved,
        parallelism=_REQUESTS,
        detach=False,
        lock_timeout=lock_timeout,
        command=command,
        lines=lines or EventLines(command, as_json=False),
        decision=decision,
    )


def check_allowed(changes: Sequence[Change], allow: str) -> None:
    """Raise PlanRefused for changes whose actions are not allowed, UsageError for none such."""
    from automl_plan.planning.plan import Action

    allowed = {word.strip() for word in allow.split(",") if word.strip()}
    unknown = allowed - set(Action)
    if unknown:
        raise UsageError(
            f"--allow: {', '.join(sorted(unknown))} is no action.",
            hint=f"The actions are {', '.join(Action)}.",
        )
    others = [change for change in changes if change.action not in allowed]
    if others:
        shown = ", ".join(f"{change.address} {change.action}" for change in others[:_SHOWN])
        more = f" and {len(others) - _SHOWN} more" if len(others) > _SHOWN else ""
        raise PlanRefused(
            f"The plan does more than --allow lets it: {shown}{more}.",
            hint="Look at it (automl-plan plan), and have a person apply it.",
        )


def approve(command: str, question: str, *, as_json: bool = False) -> None:
    """Get a yes. Raises PlanRefused when it is refused, or nobody is there to give it.

    Interrupted for Ctrl-C at the question.
    """
    if as_json or not has_terminal():
        about = "" if question in _QUESTIONS.values() else f"\n{question}"
        raise PlanRefused(
            f"{command} asks for approval, and there is no terminal to ask on.{about}",
            hint="Look at what it would do, then give --auto-approve.",
        )
    try:
        yes = asked(question)
    except KeyboardInterrupt:
        write("\n")
        raise Interrupted("Interrupted: not approved, and nothing was done.") from None
    if not yes:
        raise PlanRefused("Not approved; nothing was done.")


def _progress() -> Progress:
    from automl_plan.output.progress import LineProgress, LiveProgress

    if sys.stdout.isatty() and os.environ.get("TERM") != "dumb":
        return LiveProgress(stdout_style())
    return LineProgress(write_or_go_on, stdout_style())


def _what_serves(result: ApplyResult) -> str:
    """Of the addresses whose new version was rejected, as it was asked of the service."""
    told: dict[bool | None, list[str]] = {}
    for failure in result.failed:
        if isinstance(failure.error, GateRejected):
            told.setdefault(failure.error.serves, []).append(str(failure.change.address))
    if False in told:
        return f"nothing serves of {', '.join(told[False])}"
    if None in told:
        return f"whether {', '.join(told[None])} serves could not be asked"
    return "what served before goes on serving"


def _is_model(change: Change) -> bool:
    from automl_plan.model.address import ResourceKind

    return change.address.kind is ResourceKind.MODEL


def _write_headlines(workspace: Workspace, result: ApplyResult) -> None:
    """Say how good the models are that were trained."""
    from automl_plan.output.evaluations import headline_text
    from automl_plan.planning.plan import TRAININGS, Action
    from automl_plan.workspace.inventory import headlines

    trained = [
        change.address
        for change in result.done
        if change.action in TRAININGS
        or (change.action is Action.RESUME and change.object_id is None and _is_model(change))
    ]
    judged = {address for address, _, _ in result.gates}  # their tables stand above
    trained = [address for address in trained if address not in judged]
    if not trained:
        return
    resources = workspace.store.read().resources
    for address, evaluation in headlines(workspace.provider, resources, trained):
        write_or_go_on(headline_text(address, evaluation, stdout_style()))
