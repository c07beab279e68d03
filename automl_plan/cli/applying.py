"""How a command shows a plan, has it approved, carries it out and reports the result."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING

from automl_plan.cli.json_files import EventLines
from automl_plan.cli.output import asked, has_terminal, stdout_style, write, write_or_go_on
from automl_plan.cli.run import Run
from automl_plan.errors import (
    ApplyFailed,
    GateNotPassed,
    GateRejected,
    GateUndecided,
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
"""Changes that a message lists."""
_QUESTIONS = {
    "wait": "\nContinue with this?",
    "destroy": "\nDelete all of this? Trained models can't be restored.",
}
_QUESTION = "\nApply this plan?"


def approve_plan(command: str, *, as_json: bool) -> None:
    """Ask for approval of the plan that is shown. Raises as `approve`."""
    approve(command, _QUESTIONS.get(command, _QUESTION), as_json=as_json)


def approve(command: str, question: str, *, as_json: bool = False) -> None:
    """Ask for approval. Raises PlanRefused without it, or without a terminal to ask on.

    Raises Interrupted for Ctrl-C at the question.
    """
    if as_json or not has_terminal():
        about = "" if question in (_QUESTION, *_QUESTIONS.values()) else f"\n{question}"
        raise PlanRefused(
            f"{command} needs approval, and there is no terminal to ask on.{about}",
            hint="Review what it would do, then pass --auto-approve.",
        )
    try:
        yes = asked(question)
    except KeyboardInterrupt:
        write("\n")
        raise Interrupted("Interrupted: not approved, nothing was done.") from None
    if not yes:
        raise PlanRefused("Not approved; nothing was done.")


def check_allowed(changes: Sequence[Change], allow: str) -> None:
    """Raise PlanRefused if actions are not among the allowed ones, UsageError for unknown ones."""
    from automl_plan.planning.plan import Action

    allowed = {word.strip() for word in allow.split(",") if word.strip()}
    unknown = allowed - set(Action)
    if unknown:
        raise UsageError(
            f"--allow: unknown action {', '.join(sorted(unknown))}.",
            hint=f"The actions are {', '.join(Action)}.",
        )
    others = [change for change in changes if change.action not in allowed]
    if others:
        shown = ", ".join(f"{change.address} {change.action}" for change in others[:_SHOWN])
        more = f" and {len(others) - _SHOWN} more" if len(others) > _SHOWN else ""
        raise PlanRefused(
            f"The plan has actions that --allow does not allow: {shown}{more}.",
            hint="Review it (automl-plan plan), and have a person apply it.",
        )


def apply_planned(
    run: Run,
    workspace: Workspace,
    planned: BoundPlan,
    lines: EventLines,
    *,
    command: str,
    approved: bool,
    detach: bool = False,
    cancel_when_stopped: bool = False,
    decision: Decision | None = None,
) -> int:
    """Show a plan, have it approved, and carry it out; report to programs by `lines`.

    Returns the exit code. Raises PlanRefused without approval, ApplyFailed if changes failed.
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
        raise PlanRefused("Plan refused.", hint="See the reasons above.")
    if not planned.empty and not approved:
        approve_plan(command, as_json=as_json)
    if not as_json and not planned.empty:
        write("\n")
    progress = None if as_json else _progress()

    def report(event: Event) -> None:
        if progress is not None:
            progress(event)
        if lines.wanted:
            from automl_plan.output.documents.events import ChangeEvent

            lines(ChangeEvent.of(event))

    with progress or nullcontext():
        result = apply(
            workspace,
            planned,
            parallelism=run.parallelism,
            detach=detach,
            cancel_when_stopped=cancel_when_stopped,
            on_event=report,
            command=command,
            lock_timeout=run.lock_timeout,
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
            "Changes of an earlier run are now refused.",
            hint="See the reasons above; what was done is recorded. Change what is refused, and "
            "plan again.",
        )
    errors = [failure.error for failure in result.failed]
    if errors and all(isinstance(error, GateUndecided) for error in errors):
        raise GateUndecided(
            f"The gate of a new version is undecided; {_what_serves(result)}.",
            hint="No plan trains it again. Decide with `automl-plan models promote NAME VERSION`, "
            "or change `require`.",
        )
    if errors and all(isinstance(error, GateNotPassed) for error in errors):
        raise GateRejected(
            f"A new version was rejected by its gate; {_what_serves(result)}.",
            hint="The next plan does not train it again. See `automl-plan models versions NAME`.",
        )
    if result.failed:
        raise ApplyFailed(
            f"{len(result.failed)} of {len(planned.plan.changes)} changes failed.",
            hint="What was done is recorded: fix the cause and apply again.",
        )
    return OperationsRunning.exit_code if result.running else 0  # no error: the result says it


def apply_command_plan(
    run: Run,
    workspace: Workspace,
    plan_of: Callable[[PlanInputs, Live], Plan],
    lines: EventLines,
    *,
    command: str,
    sources: bool = True,
    decision: Decision | None = None,
) -> int:
    """Make the plan that a command requests, and apply it like any other.

    `sources`: whether it needs the fingerprints of the data. Raises as `apply_planned`.
    """
    from automl_plan.workspace.make_plan import bind_command_plan
    from automl_plan.workspace.plan_inputs import gather_inputs

    seen = gather_inputs(workspace, sources=sources)
    assert seen.live is not None  # noqa: S101 (gathered by default)
    return apply_planned(
        run,
        workspace,
        bind_command_plan(seen, plan_of(seen, seen.live)),
        lines,
        command=command,
        approved=run.auto_approve,
        decision=decision,
    )


def _progress() -> Progress:
    from automl_plan.output.progress import LineProgress, LiveProgress

    if sys.stdout.isatty() and os.environ.get("TERM") != "dumb":
        return LiveProgress(stdout_style())
    return LineProgress(write_or_go_on, stdout_style())


def _what_serves(result: ApplyResult) -> str:
    """Say what serves at the addresses whose new version did not pass its gate."""
    found: dict[bool | None, list[str]] = {}
    for failure in result.failed:
        if isinstance(failure.error, GateNotPassed):
            found.setdefault(failure.error.serves, []).append(str(failure.change.address))
    if False in found:
        return f"{', '.join(found[False])} is not serving"
    if None in found:
        return f"whether {', '.join(found[None])} is serving is unknown: the service did not answer"
    return "the current version continues to serve"


def _is_model(change: Change) -> bool:
    from automl_plan.model.address import ResourceKind

    return change.address.kind is ResourceKind.MODEL


def _write_headlines(workspace: Workspace, result: ApplyResult) -> None:
    """Write the headline metrics of the models that were trained."""
    from automl_plan.output.evaluations import headline_text
    from automl_plan.planning.plan import TRAININGS, Action
    from automl_plan.workspace.inventory import overall_evaluations

    trained = [
        change.address
        for change in result.done
        if change.action in TRAININGS
        or (change.action is Action.RESUME and change.object_id is None and _is_model(change))
    ]
    judged = {address for address, _, _ in result.gates}  # their tables are above
    trained = [address for address in trained if address not in judged]
    if not trained:
        return
    resources = workspace.store.read().resources
    for address, evaluation in overall_evaluations(workspace.provider, resources, trained):
        write_or_go_on(headline_text(address, evaluation, stdout_style()))
