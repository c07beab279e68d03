"""When models expire: in words, as a list, and as an iCalendar file (RFC 5545)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from uuid import NAMESPACE_URL, uuid5

from automl_plan.model.lifespan import WARNING, days_left, soon
from automl_plan.model.live import LiveDataset, LiveModel, user_labels
from automl_plan.model.model_types import Problem
from automl_plan.model.ownership import Claim
from automl_plan.model.timestamps import rfc3339
from automl_plan.output.style import Style, clean, columns, counted
from automl_plan.workspace.inventory import DatasetRow, ModelRow

MOST_OCTETS = 75
"""Of a line, without its end (RFC 5545, 3.1)."""


def content(lines: Iterable[str]) -> bytes:
    """Return the lines of a file, folded, with the line ends of the format."""
    return b"".join(folded(line) + b"\r\n" for line in lines)


def folded(line: str) -> bytes:
    """Return a line in UTF-8, folded after 75 octets; the next line begins with a space.

    No letter is split: each piece is valid text.
    """
    pieces: list[bytes] = []
    piece = bytearray()
    for letter in line:
        octets = letter.encode()
        if len(piece) + len(octets) > MOST_OCTETS:
            pieces.append(bytes(piece))
            piece = bytearray(b" ")
        piece += octets
    return b"\r\n".join([*pieces, bytes(piece)])


def text(value: str) -> str:
    """A TEXT value (RFC 5545, 3.3.11). Its line breaks are kept; other controls are escaped.

    What comes from outside goes through `clean` before, which leaves it no line break.
    """
    lines = [clean(line) for line in value.split("\n")]
    for plain, escaped in (("\\", "\\\\"), (";", "\\;"), (",", "\\,")):
        lines = [line.replace(plain, escaped) for line in lines]
    return "\\n".join(lines)


def day(value: date) -> str:
    """A DATE value: `20210402`."""
    return value.isoformat().replace("-", "")


def instant(value: datetime) -> str:
    """A DATE-TIME value in UTC: `20210310T080000Z`."""
    utc = value.astimezone(UTC)
    return f"{day(utc.date())}T{utc:%H%M%S}Z"


def life_text(ends: datetime | None, now: datetime, style: Style) -> str:
    """Return the day on which a model expires; below it the time left when it is soon."""
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
    """Return a line for each model that expires soon or has expired, soonest first."""
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
    """Return how to keep serving predictions when a model expires."""
    if row.address is None:
        return "It is not managed by automl-plan: train a replacement."
    if not row.current:
        return (
            f"It is a former version of {row.address}: no action is needed unless it is still in "
            "use."
        )
    return (
        "Add `retrain: {before_expiry: 30d}` to the configuration, or retrain it with "
        f"`automl-plan apply --replace {row.address}`."
    )


def expiry_time(ends: datetime | None) -> str | None:
    """An end for programs, as the service writes its times."""
    return None if ends is None else rfc3339(ends.astimezone(UTC))


_KINDS = {
    Problem.IMAGE_CLASSIFICATION: "Image classification",
    Problem.IMAGE_OBJECT_DETECTION: "Image object detection",
}


def kind_of(problem: Problem | None) -> str:
    """Return the name of a kind on Google's page."""
    return "Other" if problem is None else _KINDS[problem]


def managed_as(row: DatasetRow | ModelRow) -> str:
    """Return the address of a live object, or else its owner."""
    if row.address is not None:
        return str(row.address) if row.current else f"{row.address} (former)"
    match row.ownership.claim:
        case Claim.BEING_MADE:
            return f"being created by {row.ownership.address}"
        case Claim.THIS_STATE:
            return "this state, not recorded"
        case Claim.OTHER_STATE:
            return "another state"
        case _:
            return "unmanaged"


def labels_of(live: LiveDataset | LiveModel) -> Sequence[str]:
    """The user's labels, or a dash."""
    return [f"{k}={v}" for k, v in sorted(user_labels(live.labels).items())] or ["-"]


def service_labels(live: LiveDataset | LiveModel) -> Mapping[str, Sequence[str]]:
    """The field of the labels that the service itself sets, where there are any."""
    labels = [f"{k}={v}" for k, v in sorted(live.service_labels.items())]
    return {"Service labels": labels} if labels else {}


_AT_MOST = date(9999, 12, 30)
"""The last day that another one follows."""


def calendar_text(rows: Iterable[ModelRow], now: datetime, style: Style) -> str:
    """The ends as a list, the soonest first. `now` is the service's time."""
    dated = by_end(rows)
    if not dated:
        return "No models expire.\n"
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
    for ends, row in by_end(rows):
        lines += _event(ends, row, identity, now)
    return content([*lines, "END:VCALENDAR"])


def _event(ends: datetime, row: ModelRow, identity: str, now: datetime) -> Sequence[str]:
    name = clean(row.live.display_name) if row.address is None else managed_as(row)
    summary = f"{name} expires"
    on = min(ends.date(), _AT_MOST)
    described = (
        f"Model {clean(row.live.display_name)} ({clean(row.live.id)}) expires and can't serve "
        f"predictions from then on.\n{what_to_do(row)}"
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


def by_end(rows: Iterable[ModelRow]) -> list[tuple[datetime, ModelRow]]:
    """Those whose end is known, the soonest first."""
    dated = [(ends, row) for row in rows if (ends := row.expires) is not None]
    return sorted(dated, key=lambda each: (each[0], each[1].live.id))
