"""The money in a plan, as text and as JSON."""

from __future__ import annotations

from collections.abc import Sequence

from automl_plan.planning.costs import Amounts, Costs, costs_to_json
from automl_plan.planning.plan import Unrecorded
from automl_plan.planning.unrecorded import unrecorded_to_json
from automl_plan.rendering.document import document
from automl_plan.rendering.style import Style, clean, columns
from automl_plan.resources.json import Json


def usd(amount: float) -> str:
    """`$1,003.75`."""
    return f"${amount:,.2f}"


def costs_text(costs: Costs, style: Style, *, free: bool) -> str:
    """A line for each resource that costs something, and the total; "" when nothing does.

    `free`: the provider itself costs nothing, and the prices are those of the cloud.
    """
    if not costs.lines and not costs.idle:
        return ""
    rows = [_row(str(line.address), line.amounts) for line in costs.lines]
    rows.append(_row("in all", costs.total))
    headers = ("COST", "TRAINING, AT MOST", "RUNNING", "A MONTH BEFORE", "A MONTH AFTER")
    note = "; the local provider itself costs nothing" if free else ""
    told = style.dim(f"(prices of {costs.prices_of}{note})")
    text = f"{columns(headers, rows, style)}{told}\n"
    if costs.total.running_most:
        note = "RUNNING: so far, of at most in the end; what is cancelled now costs the first"
        if costs.total.running_spent is None:
            note = "RUNNING: at most in the end; what was used so far is unknown at this service"
        text += f"{style.dim(f'({note})')}\n"
    for idle in costs.idle:
        text += (
            f"{style.yellow('Idle:')} {clean(idle.display_name)} ({clean(idle.object_id)}) is "
            f"deployed and unmanaged: {usd(idle.monthly)} a month.\n"
        )
    return text


def cost_json(costs: Costs, unrecorded: Sequence[Unrecorded]) -> dict[str, Json]:
    """The same for programs, with what the state does not know."""
    return document(cost=costs_to_json(costs), unrecorded=unrecorded_to_json(unrecorded))


def _row(name: str, amounts: Amounts) -> tuple[str, ...]:
    running = (
        f"at most {usd(amounts.running_most)}"
        if amounts.running_spent is None
        else f"{usd(amounts.running_spent)} of {usd(amounts.running_most)}"
    )
    return (
        name,
        usd(amounts.training) if amounts.training else "-",
        running if amounts.running_most else "-",
        usd(amounts.monthly_before) if amounts.monthly_before else "-",
        usd(amounts.monthly_after) if amounts.monthly_after else "-",
    )
