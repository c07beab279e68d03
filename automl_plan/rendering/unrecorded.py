"""What bears the state's ownership labels and is not in it, as text and as sentences."""

from __future__ import annotations

from collections.abc import Sequence

from automl_plan.planning.plan import UNRECORDED, Plan, Unrecorded
from automl_plan.rendering.style import Style, clean, counted

_SHOWN = 20
"""Objects that a text names; JSON has all."""


def unrecorded_text(found: Sequence[Unrecorded], style: Style) -> str:
    """Each object with its ways out; "" when there is none."""
    if not found:
        return ""
    lines = [f"{style.yellow('Not recorded:')} {unrecorded_summary(found)}"]
    # Not wrapped: a command is copied as a whole.
    lines += [f"  {clean(sentence)}" for sentence in unrecorded_sentences(found)]
    return "\n".join(lines) + "\n"


def unrecorded_sentences(found: Sequence[Unrecorded]) -> tuple[str, ...]:
    """A sentence for each object, as many as a reader wants."""
    more = len(found) - _SHOWN
    said = tuple(each.text for each in found[:_SHOWN])
    return (*said, f"… and {more:,} more (`--json` names all)") if more > 0 else said


def unrecorded_summary(found: Sequence[Unrecorded]) -> str:
    """How many there are, what that means, and what their deployments cost."""
    monthly = sum(each.monthly for each in found)
    money = f", for ${monthly:,.2f} a month" if monthly else ""
    labelled = sum(each.labelled for each in found)
    what = []
    if labelled:
        bear = "bears" if labelled == 1 else "bear"
        what.append(
            f"{counted(labelled, 'live object')} {bear} ownership labels of this state{money}"
        )
    if others := len(found) - labelled:
        run = "runs" if others == 1 else "run"
        what.append(f"{counted(others, 'training')} {run} on its datasets that it did not begin")
    return f"{'; '.join(what)}. Nothing is paid for before that is settled."


def not_yet_told(plan: Plan) -> tuple[Unrecorded, ...]:
    """What is unrecorded, but for what the refusals of a plan tell already."""
    return () if any(refusal.rule == UNRECORDED for refusal in plan.refused) else plan.unrecorded
