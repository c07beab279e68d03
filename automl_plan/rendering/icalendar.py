"""Lines of an iCalendar file (RFC 5545): text that is escaped, lines that are folded."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime

from automl_plan.rendering.style import clean

MOST_OCTETS = 75
"""Of a line, without its end (RFC 5545, 3.1)."""


def content(lines: Iterable[str]) -> bytes:
    """The lines of a file, folded, with the ends that the format asks for."""
    return b"".join(folded(line) + b"\r\n" for line in lines)


def folded(line: str) -> bytes:
    """A line in UTF-8; what is longer than 75 octets goes on after a space in the next line.

    No letter is parted: each piece is text by itself.
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
