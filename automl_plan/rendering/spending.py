"""What trainings have cost, as text and as JSON."""

from __future__ import annotations

from collections.abc import Sequence

from automl_plan.inventory.spending import SpendingRow
from automl_plan.rendering.cost import usd
from automl_plan.rendering.document import document
from automl_plan.rendering.style import Style, columns
from automl_plan.resources.json import Json


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
