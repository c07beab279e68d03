"""Comments in a YAML text: which there are, between what they stand, and how far they are set in.

Parsers drop comments, so they are found in what lies between the tokens of the parser.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from automl_plan.config.events import events

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_COMMENT = re.compile("#[^\n\r\x85\u2028\u2029]*")
_NULL = ("", "null")
INDENT = 2


@dataclass(frozen=True, slots=True)
class Piece:
    """A comment, a scalar, an anchor or an alias."""

    kind: str
    """`#` for a comment, `&` and `*` for an anchor and an alias, else a scalar."""
    text: str
    start: int
    """Where it begins and ends, in characters of the text."""
    end: int


def pieces(text: str) -> list[Piece]:
    """What a text holds, in its order. It is YAML."""
    found: list[Piece] = []
    before = 0
    for token in _tokens(text):
        start, end = token.start_mark.index, token.end_mark.index
        found += _comments(text, before, start)
        before = max(before, end)
        if isinstance(token, yaml.ScalarToken):
            style: str = getattr(token, "style", None) or ""
            header = text.find("\n", start, end) if style in ("|", ">") else -1
            found += _comments(text, start, header) if header > 0 else ()
            found.append(Piece("scalar" + style, token.value, start, end))
        elif isinstance(token, yaml.AnchorToken):
            found.append(Piece("&", token.value, start, end))
        elif isinstance(token, yaml.AliasToken):
            found.append(Piece("*", token.value, start, end))
    return [*found, *_comments(text, before, len(text))]


def lost_comment(before: str, after: str) -> Piece | None:
    """The first comment (or else piece) of `before` that does not stand in its place in `after`.

    A comment's place is between the scalars, the anchors and the aliases around it.
    """
    left, right = (list(_kept(text)) for text in (before, after))
    if [key for key, _ in left] == [key for key, _ in right]:
        return None
    differs = next(
        (i for i, (a, b) in enumerate(zip(left, right, strict=False)) if a[0] != b[0]),
        min(len(left), len(right)),
    )
    rest = [piece for _, piece in left[differs:]] or [piece for _, piece in left[-1:]]
    return next((piece for piece in rest if piece.kind == "#"), rest[0] if rest else None)


def _kept(text: str) -> Iterator[tuple[tuple[str, str], Piece]]:
    for piece in pieces(text):
        kind = "scalar" if piece.kind.startswith("scalar") else piece.kind
        if piece.kind != "scalar" or piece.text not in _NULL:  # null may be written or left out
            yield (kind, piece.text.rstrip() if kind == "#" else piece.text), piece


def _tokens(text: str) -> Iterator[Any]:
    yield from yaml.scan(text, Loader=_LOADER)  # type: ignore[no-untyped-call]


def _comments(text: str, start: int, end: int) -> Iterator[Piece]:
    for match in _COMMENT.finditer(text, start, end):
        yield Piece("#", match.group(), match.start(), match.end())


@dataclass(frozen=True, slots=True)
class _Level:
    """A mapping or a list in block style: its column, and the one that it is to have."""

    column: int
    wanted: int
    first: int
    last: int
    """The lines of its first and its last content."""


def aligned(text: str) -> str:
    """The text with each comment on a line of its own set in as far as its surroundings will be.

    It belongs to what follows where it is set in no more than that, and else to the innermost
    mapping or list before it that is set in no more than the comment is.
    """
    lines = text.split("\n")
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line) + 1)

    def line_of(index: int) -> int:
        return bisect_left(starts, index + 1) - 1

    found = pieces(text)
    inside = {
        line
        for piece in found
        if piece.kind.startswith("scalar")
        for line in range(line_of(piece.start) + 1, line_of(max(piece.end - 1, piece.start)) + 1)
    }
    alone = {
        line
        for line, content in enumerate(lines)
        if content.lstrip(" \t").startswith("#") and line not in inside
    }
    content = [i for i, line in enumerate(lines) if line.strip() and i not in alone]
    levels = list(_levels(text))
    for line in sorted(alone):
        place = bisect_left(content, line)
        before = content[place - 1] if place else None
        after = content[place] if place < len(content) else None
        column = len(lines[line]) - len(lines[line].lstrip(" \t"))
        wanted = _column(lines, levels, before, after, column)
        lines[line] = " " * wanted + lines[line].lstrip(" \t")
    return "\n".join(lines)


def _column(
    lines: list[str], levels: list[_Level], before: int | None, after: int | None, column: int
) -> int:
    if after is not None:
        next_column = len(lines[after]) - len(lines[after].lstrip(" "))
        holds = [x for x in levels if x.first <= after <= x.last and x.column == next_column]
        item = re.match(r"-(\s|$)", lines[after].lstrip(" "))
        # A list may stand in the column of the mapping around it: its items are the inner ones.
        following = holds[-1 if item else 0] if holds else None
        if following is not None and column <= following.column:
            return following.wanted
    if before is None:
        return 0
    opened = [x for x in levels if x.first <= before <= x.last and x.column <= column]
    if not opened:
        return 0
    # Of a list in the column of the mapping around it, the mapping: its items are over.
    innermost = next(x for x in opened if x.column == opened[-1].column)
    bare = lines[before].split(" #")[0].rstrip()
    deeper = column > innermost.column and bare.endswith(":")
    return innermost.wanted + INDENT if deeper else innermost.wanted


def _levels(text: str) -> Iterator[_Level]:
    """The mappings and lists in block style, outer ones first."""
    open_: list[tuple[int, Any, int, str]] = []
    found: list[tuple[int, _Level]] = []
    last = 0
    for event in events(text):
        kind = type(event)
        if kind in (yaml.MappingStartEvent, yaml.SequenceStartEvent):
            mapping = kind is yaml.MappingStartEvent
            around = open_[-1] if open_ else None
            wanted = 0 if around is None else around[0] + INDENT
            if not mapping and around is not None and around[3] == "list":
                wanted += INDENT
            style = ("mapping" if mapping else "list") if not event.flow_style else "flow"
            open_.append((wanted, event.start_mark, len(found) + len(open_), style))
            last = event.start_mark.line
        elif kind in (yaml.MappingEndEvent, yaml.SequenceEndEvent):
            wanted, mark, order, style = open_.pop()
            if style == "flow":
                last = event.end_mark.line
            else:
                found.append((order, _Level(mark.column, wanted, mark.line, last)))
        elif kind in (yaml.ScalarEvent, yaml.AliasEvent):
            # The mark behind a block of text is that of the line after it.
            end = event.end_mark
            last = max(event.start_mark.line, end.line - (end.column == 0))
    yield from (level for _, level in sorted(found, key=lambda entry: entry[0]))
