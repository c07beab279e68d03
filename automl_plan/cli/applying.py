"""What `apply`, `destroy` and `models delete` share: show, ask, follow, sum up."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from automl_plan.cli.output import asked, has_terminal, stdout_style, write
from automl_plan.errors import ApplyFailed, OperationsRunning, PlanRefused

if TYPE_CHECKING:
    from automl_plan.applying.planned import Planned
    from automl_plan.applying.workspace import Workspace
    from automl_plan.rendering.progress import Progress

_QUESTIONS = {
    "apply": "\nDo this?",
    "destroy": "\nDelete all this? Trained models can't be brought back.",
}


def apply_planned(
    workspace: Workspace,
    planned: Planned,
    *,
    approved: bool,
    parallelism: int,
    detach: bool,
    lock_timeout: float,
    command: str,
    as_json: bool,
) -> None:
    """Show a plan, get it approved, and carry it out.

    Raises PlanRefused without approval, ApplyFailed when changes failed, OperationsRunning
    when work was left at the service.
    """
    from automl_plan.applying.apply import apply
    from automl_plan.rendering.failures import failures_text
    from automl_plan.rendering.plan import plan_text
    from automl_plan.rendering.progress import result_json, result_text

    style = stdout_style()
    if not as_json:
        write(plan_text(planned, style))
    if not planned.empty and not approved:
        approve(command, _QUESTIONS[command], as_json=as_json)
    if not as_json and not planned.empty:
        write("\n")
    progress = _progress(as_json=as_json)
    with progress:
        result = apply(
            workspace,
            planned,
            parallelism=parallelism,
            detach=detach,
            on_event=progress,
            command=command,
            lock_timeout=lock_timeout,
        )
    if as_json:
        write(json.dumps(result_json(result), sort_keys=True) + "\n")
    elif not planned.empty:
        write("\n" + failures_text(result, style) + result_text(result, style))
    if result.failed:
        raise ApplyFailed(
            f"{len(result.failed)} of {len(planned.plan.changes)} changes failed.",
            hint="What was done is recorded: mend the cause and apply again.",
        )
    if result.running:
        raise OperationsRunning(
            "The work goes on at the service.",
            hint="The next `automl-plan apply` takes it up and goes on with what depends on it.",
        )


def approve(command: str, question: str, *, as_json: bool = False) -> None:
    """Get a yes. Raises PlanRefused when it is refused, or nobody is there to give it."""
    if as_json or not has_terminal():
        raise PlanRefused(
            f"{command} asks for approval, and there is no terminal to ask on.",
            hint="Look at what it would do, then give --auto-approve.",
        )
    if not asked(question):
        raise PlanRefused("Not approved; nothing was done.")


def _progress(*, as_json: bool) -> Progress:
    from automl_plan.rendering.progress import JsonProgress, LineProgress, LiveProgress

    if as_json:
        return JsonProgress(write)
    if sys.stdout.isatty():
        return LiveProgress(stdout_style())
    return LineProgress(write, stdout_style())
