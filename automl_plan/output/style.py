"""Colour where it is wanted, columns, and names from outside made harmless."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from unicodedata import combining, east_asian_width

from msgspec import Struct

_WIDEST_CELL = 72
"""Letters of one cell of a table that are shown."""
_COLOUR = re.compile("\x1b\\[[0-9]+m")
"""What `Style` puts around text. No name from outside has it: `clean` escapes it."""


COMMAND = re.compile(r"(?im)(?:^|(?<=\r))[^\S\n]*:(?=:)|#(?=#[a-z]*\[)")
"""Where a log of CI may hold a command: GitHub's runner looks for `::` at the start of a line, it
and others (Azure Pipelines, TeamCity) for `##[`, `##vso[` and the like anywhere in one."""


class Style(Struct, frozen=True):
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


def harmless(text: str) -> str:
    """Text in which a runner of CI finds no command: a space without width is put in."""
    return COMMAND.sub(lambda match: f"{match[0]}\u200b", text)


def columns(headers: Sequence[str], rows: Sequence[Sequence[str]], style: Style = PLAIN) -> str:
    """A table of left-aligned columns; a cell may have several lines, cut where too long."""
    lines: list[Sequence[str]] = []
    for row in rows:
        lines += zip_longest(*(map(_cut, cell.split("\n")) for cell in row), fillvalue="")
    widths = [max(map(width_of, column)) for column in zip(headers, *lines, strict=True)]
    header, *body = (
        "  ".join(_filled(cell, width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in (headers, *lines)
    )
    return "\n".join([style.bold(header), *body]) + "\n"


def fields(values: Mapping[str, str | Sequence[str]], style: Style, indent: str = "") -> str:
    """One object, a field a line, or a line for each text of several.

    A text is from outside: none begins a line of its own.
    """
    width = max(map(len, values)) + 1
    lines = []
    for name, value in values.items():
        first, *more = map(clean, [value] if isinstance(value, str) else value)
        lines.append(f"{indent}{style.dim(f'{name}:'.ljust(width))}  {first}")
        lines += [f"{indent}{' ' * width}  {line}" for line in more]
    return "\n".join(lines) + "\n"


def width_of(text: str) -> int:
    """The columns of a terminal that a text takes: two for wide letters, none for accents.

    Our own colours take none.
    """
    if "\x1b" in text:
        text = _COLOUR.sub("", text)
    if text.isascii():
        return len(text)
    return sum(
        0 if combining(letter) else 2 if east_asian_width(letter) in "WF" else 1 for letter in text
    )


def counted(count: int, noun: str) -> str:
    """`1 model`, `2 models`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def duration(seconds: float) -> str:
    """`4.2s`, `1m30s`, `2h05m`."""
    if round(seconds, 1) < 60:
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


def _cut(text: str) -> str:
    return text if len(text) <= _WIDEST_CELL else text[: _WIDEST_CELL - 1] + "…"


def _filled(text: str, width: int) -> str:
    return text + " " * (width - width_of(text))
