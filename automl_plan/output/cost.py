"""The money in a plan, and what trainings have cost, as text."""

from __future__ import annotations

from collections.abc import Sequence

from automl_plan.output.style import Style, clean, columns
from automl_plan.planning.plan import Amounts, Costs
from automl_plan.workspace.versions import SpendingRow


def usd(amount: float) -> str:
    """`$1,003.75`."""
    return f"${amount:,.2f}"


def costs_text(costs: Costs, style: Style, *, free: bool) -> str:
    """Return a line for each resource with costs, and the total; "" when there are no costs.

    `free`: the provider is free, and the prices are those of the cloud.
    """
    if not costs.lines and not costs.idle:
        return ""
    rows = [_row(str(line.address), line.amounts) for line in costs.lines]
    rows.append(_row("total", costs.total))
    headers = ("COST", "TRAINING (MAX)", "RUNNING", "MONTHLY NOW", "MONTHLY AFTER")
    note = "; the local provider is free" if free else ""
    dated = style.dim(f"(prices of {costs.prices_of}{note})")
    text = f"{columns(headers, rows, style)}{dated}\n"
    if costs.total.running_most:
        note = "RUNNING: spent so far / maximum. Cancelling now costs the first amount."
        if costs.total.running_spent is None:
            note = "RUNNING: maximum. This service does not report what was spent so far."
        text += f"{style.dim(f'({note})')}\n"
    for idle in costs.idle:
        text += (
            f"{style.yellow('Idle:')} {clean(idle.display_name)} ({clean(idle.object_id)}) is "
            f"deployed but not managed: {usd(idle.monthly)} per month.\n"
        )
    return text


def _row(name: str, amounts: Amounts) -> tuple[str, ...]:
    running = (
        f"at most {usd(amounts.running_most)}"
        if amounts.running_spent is None
        else f"{usd(amounts.running_spent)} / {usd(amounts.running_most)}"
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
        return "No training is in the ledger yet (kept since version 0.2.0).\n"
    lines = [(str(r.address), r.month, str(r.trainings), _amount(r)) for r in rows]
    count = sum(row.trainings for row in rows)
    lines.append(("total", "", str(count), _amount(_total(rows))))
    table = columns(("SPENT ON TRAINING", "MONTH", "TRAININGS", "COST"), lines, style)
    note = f"(list prices; ledger since {since[:10]}, without deployments)"
    return f"{table}{style.dim(note)}\n"


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
