"""The ends of models' lives as a calendar (RFC 5545), and as a list."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta

from automl_plan.inventory.models import ModelRow
from automl_plan.inventory.versions import end_of
from automl_plan.rendering.style import Style, clean, columns
from automl_plan.resources.lifespan import WARNING

_OCTETS = 75
"""Of a line, at most; what is longer is folded (RFC 5545, 3.1)."""


def calendar_text(rows: Sequence[ModelRow], style: Style) -> str:
    """The ends, soonest first."""
    dated = list(_dated(rows))
    if not dated:
        return "There are no models.\n"
    cells = [
        (
            str(day),
            str(row.address or "unmanaged"),
            clean(row.live.display_name),
            clean(row.live.id),
        )
        for day, row in dated
    ]
    return columns(("EXPIRES", "ADDRESS", "NAME", "ID"), cells, style)


def calendar_ics(rows: Sequence[ModelRow], identity: str, now: datetime) -> str:
    """A calendar with an all-day event for each end, and an alarm before it.

    `identity` is that of the provider: with the model's id it makes an event's UID, so that a
    calendar that is read again changes events instead of adding some.
    """
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//automl-plan//model lifespans//EN",
        "CALSCALE:GREGORIAN",
    ]
    for day, row in _dated(rows):
        lines += _event(day, row, identity, now)
    lines.append("END:VCALENDAR")
    return "".join(f"{_folded(line)}\r\n" for line in lines)


def _event(day: date, row: ModelRow, identity: str, now: datetime) -> list[str]:
    name = str(row.address or row.live.display_name)
    to_do = (
        f"Train a new version in time: automl-plan apply --replace {row.address}"
        if row.address is not None
        else "It is not managed by automl-plan."
    )
    described = f"Model {row.live.display_name} ({row.live.id}) can't serve from then on. {to_do}"
    return [
        "BEGIN:VEVENT",
        f"UID:{_escaped(f'{row.live.id}@{identity}')}",
        f"DTSTAMP:{now.astimezone(UTC):%Y%m%dT%H%M%SZ}",
        f"DTSTART;VALUE=DATE:{day:%Y%m%d}",
        f"DTEND;VALUE=DATE:{day + timedelta(days=1):%Y%m%d}",
        f"SUMMARY:{_escaped(f'{name} expires')}",
        f"DESCRIPTION:{_escaped(described)}",
        "TRANSP:TRANSPARENT",
        "BEGIN:VALARM",
        "ACTION:DISPLAY",
        f"TRIGGER:-P{WARNING.days}D",
        f"DESCRIPTION:{_escaped(f'{name} expires in {WARNING.days} days')}",
        "END:VALARM",
        "END:VEVENT",
    ]


def _dated(rows: Sequence[ModelRow]) -> Iterator[tuple[date, ModelRow]]:
    dated = ((end_of(row.live), row) for row in rows)
    known = ((ends.date(), row) for ends, row in dated if ends is not None)
    yield from sorted(known, key=lambda pair: (pair[0], pair[1].live.id))


def _escaped(text: str) -> str:
    """A TEXT value (RFC 5545, 3.3.11); what a calendar can't hold is made harmless."""
    plain = clean(text).replace("\\", "\\\\")
    return plain.replace(";", "\\;").replace(",", "\\,")


def _folded(line: str) -> str:
    """A line in pieces of at most 75 octets, none of them parting a letter."""
    pieces, piece, size = [], "", 0
    for letter in line:
        octets = len(letter.encode())
        if size + octets > _OCTETS:
            pieces.append(piece)
            piece, size = " ", 1
        piece += letter
        size += octets
    return "\r\n".join([*pieces, piece])
