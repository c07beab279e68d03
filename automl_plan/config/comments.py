"""Comments in a YAML text: their places between tokens, and their indentation.

Parsers drop comments, so they are found in what lies between the tokens of the parser.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import Any

import yaml
from msgspec import Struct

from automl_plan.config.yaml_events import events

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_COMMENT = re.compile("#[^\n\r\x85\u2028\u2029]*")
_NULL = ("", "null")
INDENT = 2


class Piece(Struct, frozen=True):
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
    for token in yaml.scan(text, Loader=_LOADER):
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


def comments(text: str) -> list[str]:
    """The comments of a text, sorted."""
    return sorted(piece.text.rstrip() for piece in pieces(text) if piece.kind == "#")


def lost_piece(before: str, after: str) -> Piece | None:
    """The first comment, or else piece, of `before` that does not stand in its place in `after`.

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


def _comments(text: str, start: int, end: int) -> Iterator[Piece]:
    for match in _COMMENT.finditer(text, start, end):
        yield Piece("#", match.group(), match.start(), match.end())


class _Level(Struct, frozen=True):
    """A mapping or a list in block style: its present and its new column."""

    column: int
    wanted: int
    first: int
    last: int
    """The lines of its first and its last content."""


def columns(text: str) -> list[int | None]:
    """Return the indentation of each comment; None for one behind something.

    It belongs to what follows where it is set in no more than that, and else to the innermost
    mapping or list before it that is set in no more than the comment is.
    """
    lines = text.split("\n")
    found = list(_comment_lines(text))
    scalars = set(_inside_scalars(text))
    alone = {number for number, behind in found if not behind}
    content = [i for i, line in enumerate(lines) if line.strip() and i not in alone]
    levels = _levels_of_lines(text, len(lines))
    wanted: list[int | None] = []
    for number, behind in found:
        place = bisect_left(content, number)
        before = content[place - 1] if place else None
        after = content[place] if place < len(content) else None
        opens = (
            before is not None
            and before not in scalars
            and lines[before].split(" #")[0].rstrip().endswith(":")
        )
        column = _indent(lines[number])
        wanted.append(None if behind else _column(lines, levels, before, after, column, opens))
    return wanted


def set_in(text: str, wanted: Sequence[int | None]) -> str:
    """The text with each comment on a line of its own set in as far as is wanted."""
    lines = text.split("\n")
    for (number, behind), column in zip(_comment_lines(text), wanted, strict=True):
        if not behind and column is not None:
            lines[number] = " " * column + lines[number].lstrip(" \t")
    return "\n".join(lines)


def _comment_lines(text: str) -> Iterator[tuple[int, bool]]:
    """Return the line of each comment, from 0, and whether it is behind something."""
    number = at = 0
    for piece in pieces(text):
        if piece.kind == "#":
            number, at = number + text.count("\n", at, piece.start), piece.start
            line = text.rfind("\n", 0, piece.start) + 1
            yield number, bool(text[line : piece.start].strip())


def _inside_scalars(text: str) -> Iterator[int]:
    """Return the lines, from 0, of scalars that began on an earlier line."""
    number = at = 0
    for piece in pieces(text):
        if piece.kind.startswith("scalar"):
            number, at = number + text.count("\n", at, piece.start), piece.start
            count = text[piece.start : piece.end].removesuffix("\n").count("\n")
            yield from range(number + 1, number + 1 + count)


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" \t"))


def _column(
    lines: list[str],
    levels: list[list[_Level]],
    before: int | None,
    after: int | None,
    column: int,
    opens: bool,
) -> int:
    """`opens`: the content before ends with a key, so that the comment may stand for its value."""
    if after is not None:
        holds = [level for level in levels[after] if level.column == _indent(lines[after])]
        item = re.match(r"\s*-(\s|$)", lines[after])
        # A list may stand in the column of the mapping around it: its items are the inner ones.
        following = holds[-1 if item else 0] if holds else None
        if following is not None and column <= following.column:
            return following.wanted
    opened = [] if before is None else [x for x in levels[before] if x.column <= column]
    if not opened:
        return 0
    # Of a list in the column of the mapping around it, the mapping: its items are over.
    innermost = next(level for level in opened if level.column == opened[-1].column)
    return innermost.wanted + (INDENT if opens and column > innermost.column else 0)


def _levels_of_lines(text: str, count: int) -> list[list[_Level]]:
    """Return the mappings and lists around each line, outer ones first."""
    found: list[list[_Level]] = [[] for _ in range(count)]
    for level in _levels(text):
        for line in found[level.first : level.last + 1]:
            line.append(level)
    return found


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
