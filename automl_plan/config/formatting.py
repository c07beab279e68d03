"""The canonical form of a configuration file: text → text, with the same meaning."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

import yaml as pyyaml
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.emitter import RoundTripEmitter
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import ScalarNode
from ruamel.yaml.resolver import VersionedResolver
from ruamel.yaml.scalarstring import PlainScalarString, ScalarString

from automl_plan.config.comments import (
    INDENT,
    Piece,
    columns,
    comments,
    lost_piece,
    pieces,
    set_in,
)
from automl_plan.config.files import shortened_line
from automl_plan.config.findings import quoted
from automl_plan.config.yaml_events import events
from automl_plan.config.yaml_parser import parse
from automl_plan.errors import ConfigurationError, Diagnostic

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
    """Return the sections in their usual order, unless a comment would be misplaced.

    A comment right above a section is its own. A comment by itself between two
    sections may belong to either, so then their order stays.
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
    """Return whether a section has a comment at the margin after its first line."""
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


_MOST_PASSES = 4
_ENDLESS = 2**31
_FAILURES = (
    *(YAMLError, pyyaml.YAMLError, ArithmeticError, AssertionError, AttributeError, LookupError),
    *(NotImplementedError, RecursionError, TypeError, ValueError),
)
"""What ruamel.yaml raises where a text has something that it does not know: no fault of ours."""
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r", "\0": "\\0"}


def formatted(text: str, file: str) -> str:
    """The canonical form of a file's text.

    Raises ConfigurationError for what is no YAML, or none that a configuration may hold, and for
    what can't be formatted without a loss.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    before = _value(text, file)
    if before is None:
        return tidied(text)
    if not isinstance(before, dict):
        message = f"a configuration is a mapping of sections, not {quoted(before)}"
        raise ConfigurationError([Diagnostic(file, 1, 1, "wrong-type", message)])
    form = tidied(text)
    for _ in range(_MOST_PASSES):
        form, last = _laid_out(form, text, file), form
        if form == last:
            break
    else:
        raise _refused(file, "formatting does not converge")
    if not _says_the_same(text, form, file) or comments(text) != comments(form):
        raise _refused(file, "its meaning would change")
    return form


def _laid_out(form: str, text: str, file: str) -> str:
    """One pass over the form that `text` has so far."""
    try:
        laid = _laid_out_as(form, text, file, spread=True)
    except ConfigurationError:
        # A comment behind a closing bracket has no place in block style.
        laid = _laid_out_as(form, text, file, spread=False)
    ordered = in_order(laid)
    # An alias must stand behind its anchor, whatever the order of sections.
    return ordered if _says_the_same(laid, ordered, file) else laid


def _laid_out_as(form: str, text: str, file: str, *, spread: bool) -> str:
    wanted = columns(form)
    try:
        # At the margin no comment can become part of a block of text, wherever that moves.
        emitted = _emitted(set_in(form, [0] * len(wanted)), spread=spread)
        lost = lost_piece(form, emitted)
    except _FAILURES as problem:
        why = f"ruamel.yaml can't write it ({type(problem).__name__})"
        raise _refused(file, why) from problem
    if lost is not None:
        raise _losing(lost, form, text, file)
    laid = tidied(set_in(emitted, wanted))
    if not _says_the_same(form, laid, file) or lost_piece(form, laid) is not None:
        raise _refused(file, "its meaning would change")
    return laid


def _losing(lost: Piece, form: str, text: str, file: str) -> ConfigurationError:
    """Return the error on a piece of `form`, and of `text`, that can't be kept."""
    origin = pieces(text)[pieces(form).index(lost)]
    line = text.count("\n", 0, origin.start)
    column = origin.start - (text.rfind("\n", 0, origin.start) + 1)
    what = "comment" if lost.kind == "#" else "text"
    return _refused(
        file,
        f"the {what} {quoted(lost.text)} would be lost or moved",
        place=(line + 1, column + 1),
        source_line=shortened_line(text.split("\n")[line]),
    )


def _refused(
    file: str, why: str, *, place: tuple[int, int] = (0, 0), source_line: str | None = None
) -> ConfigurationError:
    hint = "simplify it: no comments inside { } and [ ], no tabs; the file is unchanged"
    message = f"the file can't be formatted: {why}"
    return ConfigurationError([Diagnostic(file, *place, "formatting", message, hint, source_line)])


def _value(text: str, file: str) -> Any:
    parsed = parse(text, file)
    if parsed.diagnostics:
        raise ConfigurationError(parsed.diagnostics)
    return parsed.value


def _says_the_same(one: str, other: str, file: str) -> bool:
    try:
        # As JSON: in Python 1, 1.0 and true are equal.
        said = [json.dumps(_value(text, file), sort_keys=True) for text in (one, other)]
    except ConfigurationError:
        return False
    return said[0] == said[1]


class _NoMeaning(VersionedResolver):
    """Takes every scalar for text, so that numbers and the like are written as they were."""

    def resolve(self, kind: Any, value: Any, implicit: Any) -> Any:
        if kind is ScalarNode and value != "<<":
            return self.DEFAULT_SCALAR_TAG
        return super().resolve(kind, value, implicit)


class _Visible(RoundTripEmitter):
    """Keeps escapes for what could not be seen."""

    def write_double_quoted(self, text: str, split: bool = True) -> None:  # noqa: ARG002
        self.write_indicator('"', True)
        written = "".join(map(_escaped, text))
        self.column += len(written)
        self.stream.write(written)
        self.write_indicator('"', False)


def _escaped(letter: str) -> str:
    if letter in _ESCAPES:
        return _ESCAPES[letter]
    if letter.isprintable():
        return letter
    number = ord(letter)
    if number <= 0xFF:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number <= 0xFFFF else f"\\U{number:08x}"


def _emitted(text: str, *, spread: bool) -> str:
    """The text as ruamel.yaml writes it again.

    `spread`: values on several lines are written in block style, others on one line.
    """
    form = YAML()
    form.Resolver = _NoMeaning
    form.Emitter = _Visible
    form.preserve_quotes = True
    form.width = _ENDLESS
    form.indent(mapping=INDENT, sequence=2 * INDENT, offset=INDENT)
    starts = [event for event in events(text) if type(event) is pyyaml.DocumentStartEvent]
    form.explicit_start = any(start.explicit for start in starts)
    data = form.load(text)
    _write_plainly(data, set(_spread(text)) if spread else set())
    out = io.StringIO()
    form.dump(data, out)
    return out.getvalue()


def _spread(text: str) -> Iterator[tuple[int, int]]:
    """Where mappings and lists in flow style begin that stand on several lines."""
    open_: list[tuple[bool, int, int]] = []
    for event in events(text):
        kind = type(event)
        if kind in (pyyaml.MappingStartEvent, pyyaml.SequenceStartEvent):
            mark = event.start_mark
            open_.append((bool(event.flow_style), mark.line, mark.column))
        elif kind in (pyyaml.MappingEndEvent, pyyaml.SequenceEndEvent):
            flow, line, column = open_.pop()
            if flow and event.end_mark.line > line:
                yield line, column


def _write_plainly(root: Any, spread: set[tuple[int, int]]) -> None:
    """Write values on several lines in block style, and nulls in flow style as `null`."""
    todo = [root]
    while todo:
        node = todo.pop()
        if not isinstance(node, CommentedMap | CommentedSeq):
            continue
        if node.fa.flow_style() and (node.lc.line, node.lc.col) in spread:
            node.fa.set_block_style()
        inner = node.items() if isinstance(node, CommentedMap) else enumerate(node)
        for key, value in list(inner):
            plain = not isinstance(value, ScalarString) or isinstance(value, PlainScalarString)
            if value == "" and plain and node.fa.flow_style():
                node[key] = "null"
            todo.append(value)
