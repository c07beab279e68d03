"""How long models have still to live, in words."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from automl_plan.inventory.models import ModelRow
from automl_plan.inventory.versions import end_of
from automl_plan.rendering.style import Style, clean
from automl_plan.resources.lifespan import WARNING


def ends_text(ends: datetime | None, now: datetime) -> str:
    """The day on which a life ends, and how far off it is when that is soon."""
    if ends is None:
        return "-"
    if ends <= now:
        return f"{ends.date()}\nexpired"
    left = ends - now
    return f"{ends.date()}\nin {left.days} days" if left <= WARNING else str(ends.date())


def warnings_text(rows: Iterable[ModelRow], now: datetime, style: Style) -> str:
    """A line for each model whose life ends soon, with what to do."""
    lines = []
    for row in rows:
        ends = end_of(row.live)
        if ends is None or ends - now > WARNING or (row.address is not None and not row.current):
            continue
        what = f"{clean(row.live.display_name)} ({clean(row.live.id)})"
        when = f"ended on {ends.date()}" if ends <= now else f"ends on {ends.date()}"
        to_do = (
            "adopt it or train another one"
            if row.address is None
            else (
                f"`automl-plan apply --replace {row.address}` trains a new version; "
                "`retrain: {before_expiry: 30d}` does so in time"
            )
        )
        lines.append(f"{style.yellow('Expires:')} the life of {what} {when}: {to_do}.\n")
    return "".join(lines)
