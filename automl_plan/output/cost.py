"""The money in a plan, and what trainings have cost, as text and as JSON."""

from __future__ import annotations

from collections.abc import Sequence

from automl_plan.model.json import Json
from automl_plan.output.document import document
from automl_plan.output.style import Style, clean, columns
from automl_plan.planning.plan import Amounts, Costs, Unrecorded, costs_to_json
from automl_plan.planning.unrecorded import unrecorded_to_json
from automl_plan.workspace.versions import SpendingRow


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


def spending_text(since: str | None, rows: Sequence[SpendingRow], style: Style) -> str:
    """A line for each model and month, and the total."""
    if since is None:
        return "No training has ended since the state keeps a ledger (version 0.2.0).\n"
    lines = [(str(r.address), r.month, str(r.trainings), _amount(r)) for r in rows]
    count = sum(row.trainings for row in rows)
    lines.append(("in all", "", str(count), _amount(_total(rows))))
    table = columns(("SPENT ON TRAINING", "MONTH", "TRAININGS", "US DOLLARS"), lines, style)
    note = f"(at list price; the ledger begins on {since[:10]}, deployments are not in it)"
    return f"{table}{style.dim(note)}\n"


def spending_json(since: str | None, rows: Sequence[SpendingRow]) -> dict[str, Json]:
    """The same for programs."""
    return document(
        since=since,
        currency="USD",
        spent=[
            {
                "address": str(row.address),
                "month": row.month,
                "trainings": row.trainings,
                "billed": row.billed,
                "at_most": row.at_most,
            }
            for row in rows
        ],
    )


def _total(rows: Sequence[SpendingRow]) -> SpendingRow | None:
    if not rows:
        return None
    billed, at_most = sum(r.billed for r in rows), sum(r.at_most for r in rows)
    return SpendingRow(rows[0].address, "", 0, round(billed, 2), round(at_most, 2))


def _amount(row: SpendingRow | None) -> str:
    """`$23.22`, `at most $27.72`, `$23.22 and at most $27.72`."""
    if row is None:
        return "-"
    parts = [usd(row.billed)] if row.billed or not row.at_most else []
    parts += [f"at most {usd(row.at_most)}"] if row.at_most else []
    return " and ".join(parts)
