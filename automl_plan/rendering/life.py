"""How long models have still to live, in words."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from automl_plan.inventory.models import ModelRow
from automl_plan.rendering.style import Style, clean, counted
from automl_plan.resources.lifespan import days_left, soon


def life_text(ends: datetime | None, now: datetime, style: Style) -> str:
    """The day on which a life ends; below it how far off that is when it is soon."""
    if ends is None:
        return "-"
    if ends <= now:
        return f"{ends.date()}\n{style.red('expired')}"
    if not soon(ends, now):
        return str(ends.date())
    return f"{ends.date()}\n{style.yellow(in_days(ends, now))}"


def in_days(ends: datetime, now: datetime) -> str:
    """`in 23 days`."""
    days = days_left(ends, now)
    return f"in {counted(days, 'day')}" if days else "in less than a day"


def life_warnings(rows: Iterable[ModelRow], now: datetime, style: Style) -> str:
    """A line for each model whose life ends soon or has ended, with what to do; soonest first."""
    dated = [(row.expires, row) for row in rows]
    due = [(ends, row) for ends, row in dated if ends is not None and soon(ends, now)]
    lines = []
    for ends, row in sorted(due, key=lambda each: (each[0], each[1].live.id)):
        over = ends <= now
        what = f"{clean(row.live.display_name)} ({clean(row.live.id)})"
        when = "expired" if over else f"expires {in_days(ends, now)}"
        mark = style.red("Warning:") if over else style.yellow("Warning:")
        lines.append(f"{mark} {what} {when}. {what_to_do(row)}\n")
    return "".join(lines)


def what_to_do(row: ModelRow) -> str:
    """What keeps predictions going when a model's life ends."""
    if row.address is None:
        return "automl-plan does not manage it: train another one in its place."
    if not row.current:
        return f"It is a former {row.address}: nothing has to be done unless it is still in use."
    return (
        "Write `retrain: {before_expiry: 30d}` into the configuration, or train it again with "
        f"`automl-plan apply --replace {row.address}`."
    )


def rfc3339(ends: datetime | None) -> str | None:
    """An end for programs, as the service writes its times."""
    if ends is None:
        return None
    return ends.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
