"""Colour where it is wanted, columns, and names from outside made harmless."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest


@dataclass(frozen=True, slots=True)
class Style:
    """Whether text is coloured."""

    colour: bool = False

    def _wrap(self, code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.colour and text else text

    def bold(self, text: str) -> str:
        """What the eye should find first."""
        return self._wrap("1", text)

    def dim(self, text: str) -> str:
        """What can be skipped."""
        return self._wrap("2", text)

    def red(self, text: str) -> str:
        """What is lost or went wrong."""
        return self._wrap("31", text)

    def green(self, text: str) -> str:
        """What is new or went well."""
        return self._wrap("32", text)

    def yellow(self, text: str) -> str:
        """What changes."""
        return self._wrap("33", text)


PLAIN = Style()


def clean(text: str) -> str:
    """Text from outside with everything escaped that a terminal would act on.

    Line breaks too: a name must not be able to fake a line of ours.
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def columns(headers: Sequence[str], rows: Sequence[Sequence[str]], style: Style = PLAIN) -> str:
    """A table of left-aligned columns; a cell may have several lines."""
    lines: list[list[str]] = []
    for row in rows:
        cells = [cell.split("\n") for cell in row]
        lines += [list(line) for line in zip_longest(*cells, fillvalue="")]
    widths = [max(map(len, column)) for column in zip(headers, *lines, strict=True)]
    header = "  ".join(h.ljust(w) for h, w in zip(headers, widths, strict=True)).rstrip()
    body = [
        "  ".join(cell.ljust(w) for cell, w in zip(line, widths, strict=True)).rstrip()
        for line in lines
    ]
    return "\n".join([style.bold(header), *body]) + "\n"


def counted(count: int, noun: str) -> str:
    """`1 model`, `2 models`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def duration(seconds: float) -> str:
    """`4.2s`, `1m30s`, `2h05m`."""
    if seconds < 60:
        return f"{seconds:.1f}s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}m{rest:02}s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes:02}m"


def moment(time: str | None) -> str:
    """A time of the service (RFC 3339) for people: `2026-11-23 14:05:07Z`."""
    if not time:
        return "-"
    day, _, rest = clean(time).partition("T")
    return f"{day} {rest[:8]}Z" if len(rest) >= 8 else day
