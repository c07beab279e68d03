"""What a person is asked before something is done, and what `apply --allow` accepts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from automl_plan.cli.output import asked, has_terminal, write
from automl_plan.errors import Interrupted, PlanRefused, UsageError

if TYPE_CHECKING:
    from automl_plan.planning.plan import Change

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
