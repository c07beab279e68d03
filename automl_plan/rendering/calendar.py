"""The ends of models' lives as an iCalendar file, and as a list."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from uuid import NAMESPACE_URL, uuid5

from automl_plan.inventory.models import ModelRow
from automl_plan.rendering.document import document
from automl_plan.rendering.icalendar import content, day, instant, text
from automl_plan.rendering.life import life_text, rfc3339, what_to_do
from automl_plan.rendering.live import managed_as
from automl_plan.rendering.style import Style, clean, columns
from automl_plan.resources.json import Json
from automl_plan.resources.lifespan import MONTHS, WARNING, days_left

_AT_MOST = date(9999, 12, 30)
"""The last day that another one follows."""


def calendar_text(rows: Iterable[ModelRow], now: datetime, style: Style) -> str:
    """The ends as a list, the soonest first. `now` is the service's time."""
    dated = _by_end(rows)
    if not dated:
        return "There are no models that expire.\n"
    cells = [
        (
            life_text(ends, now, style),
            managed_as(row),
            clean(row.live.display_name),
            clean(row.live.id),
        )
        for ends, row in dated
    ]
    return columns(("EXPIRES", "MANAGED AS", "NAME", "ID"), cells, style)


def calendar_json(rows: Iterable[ModelRow], now: datetime) -> dict[str, Json]:
    """The same for programs."""
    return document(
        models=[
            {
                "id": row.live.id,
                "display_name": row.live.display_name,
                "address": None if row.address is None else str(row.address),
                "expires": rfc3339(ends),
                "expires_in_days": days_left(ends, now),
            }
            for ends, row in _by_end(rows)
        ]
    )


def calendar_ics(rows: Iterable[ModelRow], identity: str, now: datetime) -> bytes:
    """A calendar (RFC 5545) with an all-day event on the day of each end, and an alarm before it.

    `identity` is the provider's: with the model's id it makes an event's UID, so that who reads
    the calendar again changes events and adds none. `now` is the service's time.
    """
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//automl-plan//automl-plan models calendar//EN",
        "CALSCALE:GREGORIAN",
    ]
    for ends, row in _by_end(rows):
        lines += _event(ends, row, identity, now)
    return content([*lines, "END:VCALENDAR"])


def _event(ends: datetime, row: ModelRow, identity: str, now: datetime) -> Sequence[str]:
    name = clean(row.live.display_name) if row.address is None else managed_as(row)
    summary = f"{name} expires"
    on = min(ends.date(), _AT_MOST)
    described = (
        f"Model {clean(row.live.display_name)} ({clean(row.live.id)}): its life of {MONTHS} months "
        f"ends, and it can't serve from then on.\n{what_to_do(row)}"
    )
    return (
        "BEGIN:VEVENT",
        f"UID:{uuid5(NAMESPACE_URL, f'automl-plan:{identity}/models/{clean(row.live.id)}')}",
        f"DTSTAMP:{instant(now)}",
        f"DTSTART;VALUE=DATE:{day(on)}",
        f"DTEND;VALUE=DATE:{day(on + timedelta(days=1))}",
        f"SUMMARY:{text(summary)}",
        f"DESCRIPTION:{text(described)}",
        "TRANSP:TRANSPARENT",
        "BEGIN:VALARM",
        "ACTION:DISPLAY",
        f"TRIGGER:-P{WARNING.days}D",
        f"DESCRIPTION:{text(f'{name} expires in {WARNING.days} days')}",
        "END:VALARM",
        "END:VEVENT",
    )


def _by_end(rows: Iterable[ModelRow]) -> list[tuple[datetime, ModelRow]]:
    """Those whose end is known, the soonest first."""
    dated = [(ends, row) for row in rows if (ends := row.expires) is not None]
    return sorted(dated, key=lambda each: (each[0], each[1].live.id))
