"""Originals that a migration has left, as text."""

from __future__ import annotations

from collections.abc import Sequence

from automl_plan.applying.migrating.afterwards import Leftover
from automl_plan.rendering.cost import usd
from automl_plan.rendering.migration import DELETES_THEM, originals_text
from automl_plan.rendering.style import Style, clean, columns, counted
from automl_plan.resources.address import Address
from automl_plan.resources.prices import PriceBook


def leftover_text(leftover: Leftover, prices: PriceBook, style: Style) -> str:
    """What is deleted, what stays and why, and what is saved."""
    identity = clean(leftover.former.identity)
    if not leftover.originals:
        return f"Nothing to delete: no original lives at {identity} any more.\n"
    rows = [
        (
            str(each.address),
            clean(each.id),
            clean(each.copy_id),
            "-" if each.nodes is None else counted(each.nodes, "node"),
            "delete" if each.why_kept is None else f"stays: {clean(each.why_kept)}",
        )
        for each in leftover.originals
    ]
    headers = ("ADDRESS", "ORIGINAL", "COPY", "DEPLOYED ON", "WHAT FOLLOWS")
    text = f"Originals at {identity}:\n\n{columns(headers, rows, style)}\n"
    text += f"{style.bold('Originals:')} {len(leftover.going)} to delete, for good.\n"
    monthly = 0.0
    for each in leftover.going:
        model = leftover.live.models.get(each.id)
        if model is not None and model.problem is not None and each.nodes is not None:
            monthly += prices.monthly_usd(model.problem, each.nodes)
    if monthly:
        text += f"Their deployments cost {usd(monthly)} a month until then.\n"
    return text


def stay_text(stays: Sequence[tuple[Address, str]], identity: str) -> str:
    """What is left once originals were deleted."""
    if not stays:
        return f"\nNothing that was copied is left at {clean(identity)}.\n"
    return f"\n{originals_text(stays)} {clean(identity)}.\n"


def nothing_text(originals: Sequence[tuple[Address, str]] | None, former: str) -> str:
    """That everything is moved, and what it may have left; `former` is the former state."""
    text = "Nothing to migrate: everything is at Vertex AI already.\n"
    if originals is None:
        return f"{text}{former} records what it was moved from; it may live on and cost.\n"
    if not originals:
        return text
    stay = f"{originals_text(originals)} the former provider, unless deleted there."
    return f"{text}{stay} {DELETES_THEM}\n"
