"""Blank lines in the text of a configuration, and the order of its sections."""

from __future__ import annotations

import re
from collections.abc import Sequence

from automl_plan.config.comments import pieces

ORDER = (
    *("provider", "state", "variables", "prices", "policy", "lint", "notify"),
    *("datasets", "models", "moved", "removed", "imports"),
)
"""What a configuration is about first, then what it declares, then what became of it."""
_KEY = re.compile(r"([a-z_]+):(\s|$)")


def tidied(text: str) -> str:
    """At most one blank line at a time, none at the ends, no blanks at the ends of lines.

    Sections of several lines are set apart by one blank line. Blocks of text stay as they are.
    """
    lines = text.split("\n")
    kept = _inside_scalars(text)
    shown = [line if i in kept else line.rstrip(" \t") for i, line in enumerate(lines)]
    tidy: list[str] = []
    blank = False
    for i, line in enumerate(shown):
        if i not in kept and not line:
            blank = True
            continue
        if blank and tidy:
            tidy.append("")
        blank = False
        tidy.append(line)
    return _set_apart("\n".join(tidy) + "\n") if tidy else ""


def in_order(text: str) -> str:
    """The sections in their usual order, where no comment goes astray by that.

    A comment right above a section is its own. Where one stands by itself between two sections it
    is not known to which of them it belongs, and they stay where they are.
    """
    order = {name: place for place, name in enumerate(ORDER)}
    head, sections = _divided(text)
    names = [name for name, _ in sections]
    if any(name not in order for name in names) or names == sorted(names, key=order.__getitem__):
        return text
    if any(_has_loose_comment(lines) for _, lines in sections):
        return text
    ordered = sorted(sections, key=lambda section: order[section[0]])
    if ordered[0] is not sections[0] and head and head[-1]:
        return text  # what stands right above the first section may be about it alone
    parts = ["\n".join(_without_blank_ends(lines)) for _, lines in ordered]
    return "\n".join([*head, *parts]) + "\n"


def _set_apart(text: str) -> str:
    head, sections = _divided(text)
    lines = list(head)
    several = False
    for _, section in sections:
        own = _without_blank_ends(section)
        long = len([line for line in own if not line.startswith("#")]) > 1
        if lines and lines[-1] and (several or long) and lines != head:
            lines.append("")
        lines += section
        several = long
    return "\n".join(lines)


def _divided(text: str) -> tuple[list[str], list[tuple[str, list[str]]]]:
    """The lines before the first section, and each section with the comment right above it."""
    lines = text.split("\n")
    inside = _inside_scalars(text)
    keys = [
        (i, match[1])
        for i, line in enumerate(lines)
        if i not in inside and (match := _KEY.match(line))
    ]
    if not keys:
        return lines, []
    starts = []
    for i, _ in keys:
        start = i
        while start > 0 and lines[start - 1].startswith("#") and start - 1 not in inside:
            start -= 1
        starts.append(start)
    if starts[0] == 0:
        # What the file begins with is of the file: the line for editors, a title.
        starts[0] = keys[0][0]
    ends = [*starts[1:], len(lines)]
    sections = [
        (name, lines[start:end]) for (_, name), start, end in zip(keys, starts, ends, strict=True)
    ]
    return lines[: starts[0]], sections


def _has_loose_comment(lines: Sequence[str]) -> bool:
    """Whether a comment at the margin stands in a section after its first line."""
    content = next((i for i, line in enumerate(lines) if not line.startswith("#")), 0)
    return any(line.startswith("#") for line in lines[content + 1 :])


def _without_blank_ends(lines: Sequence[str]) -> list[str]:
    kept = list(lines)
    while kept and not kept[-1]:
        kept.pop()
    return kept


def _inside_scalars(text: str) -> set[int]:
    """The lines, from 0, that are part of a scalar which began on a line before.

    Blank lines behind a block of text count only where it keeps them.
    """
    inside: set[int] = set()
    first = at = 0
    for piece in pieces(text):
        if not piece.kind.startswith("scalar"):
            continue
        first, at = first + text.count("\n", at, piece.start), piece.start
        written = text[piece.start : piece.end].removesuffix("\n")
        if piece.kind in ("scalar|", "scalar>"):
            written = _without_blank_end(written)
        inside.update(range(first + 1, first + 1 + written.count("\n")))
    return inside


def _without_blank_end(block: str) -> str:
    """A block of text without the blank lines at its end, unless they are part of what it says."""
    header, *lines = block.split("\n")
    least = min((len(line) - len(line.lstrip(" ")) for line in lines if line.strip()), default=0)
    while lines and not lines[-1].strip(" ") and len(lines[-1]) <= least:
        lines.pop()
    return block if re.match("[|>][-0-9]*[+0-9]", header) else "\n".join([header, *lines])
