"""Puts another provider into a configuration file's text; every other byte stays as it is."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import yaml
from msgspec import Struct, field

from automl_plan.config.comments import comments
from automl_plan.config.events import events
from automl_plan.config.parsing import parse

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_.:/-]*[A-Za-z0-9]")
"""Text that needs no quotes, wherever it stands; the words of YAML's core schema aside."""
_WORDS = frozenset({"true", "false", "null"})
Settings = Mapping[str, str]


class _Node(Struct):
    """A scalar or a mapping, with where it begins and ends, in characters of the text."""

    start: int
    end: int
    column: int
    text: str | None = None
    """Of a scalar."""
    flow: bool = False
    pairs: list[tuple[_Node, _Node]] = field(default_factory=list)

    def get(self, key: str) -> tuple[_Node, _Node] | None:
        return next((pair for pair in self.pairs if pair[0].text == key), None)


def with_provider(text: str, former: str, name: str, settings: Settings) -> str | None:
    """The text with the provider `former` called `name`, and with these settings of it changed.

    A text without that section gets one at its end. None where that can't be done so that all
    else says the same, and no comment is lost.
    """
    before = parse(text, "").value
    if not isinstance(before, dict):
        return None
    try:
        edited = _edited(text, former, name, settings)
    except yaml.YAMLError:
        return None
    if edited is None:
        return None
    parsed = parse(edited, "")
    written = before.get("provider") or {}
    inner = written.get(former) if isinstance(written, dict) else None
    kept = inner if isinstance(inner, dict) else {}
    wanted = {**before, "provider": {name: {**kept, **settings}}}
    sound = not parsed.diagnostics and parsed.value == wanted
    return edited if sound and comments(text) == comments(edited) else None


def block(name: str, settings: Mapping[str, Any]) -> str:
    """The section as it can be written by hand."""
    inner = ", ".join(f"{key}: {_scalar(value)}" for key, value in settings.items())
    return f"provider:\n  {name}: {{{inner}}}\n"


def _edited(text: str, former: str, name: str, settings: Settings) -> str | None:
    root = _compose(events(text))
    section = None if root is None else root.get("provider")
    if section is None:
        ends = "" if text.endswith("\n") or not text else "\n"
        return f"{text}{ends}\n{block(name, settings)}"
    pair = section[1].get(former)
    if pair is None:
        return None
    key, inner = pair
    edits = list(_in_mapping(text, inner, settings))
    if former != name:
        edits.append((key.start, key.end, _like(text, key, name)))
    for start, end, new in sorted(edits, reverse=True):
        text = text[:start] + new + text[end:]
    return text


def _in_mapping(text: str, node: _Node, settings: Settings) -> Iterator[tuple[int, int, str]]:
    """What is to stand in the place of which characters."""
    missing = {key: value for key, value in settings.items() if node.get(key) is None}
    for key, value in settings.items():
        pair = node.get(key)
        if pair is not None:
            yield pair[1].start, pair[1].end, _like(text, pair[1], value)
    if not missing:
        return
    if not node.pairs:
        inner = ", ".join(f"{key}: {_scalar(value)}" for key, value in missing.items())
        space = "" if text[node.start - 1 : node.start].isspace() else " "
        yield node.start, node.end, f"{space}{{{inner}}}"
        return
    first, last = node.pairs[0][0], node.pairs[-1][1]
    items = [f"{_like(text, first, key)}: {_like(text, first, v)}" for key, v in missing.items()]
    if node.flow:
        yield last.end, last.end, "".join(f", {item}" for item in items)
        return
    line = "\r\n" if "\r\n" in text else "\n"
    new = "".join(f"{item}{line}{' ' * first.column}" for item in items)
    yield first.start, first.start, new


def _like(text: str, node: _Node, value: str) -> str:
    """A scalar in the quotes that another one has."""
    return json.dumps(value) if text[node.start : node.start + 1] == '"' else _scalar(value)


def _scalar(value: object) -> str:
    if isinstance(value, str) and _PLAIN.fullmatch(value) and value.lower() not in _WORDS:
        return value
    return json.dumps(value)


def _compose(found: Iterator[Any]) -> _Node | None:
    """The tree of the first document; None when its root is no mapping."""
    stack: list[_Node] = []
    keys: list[_Node | None] = []
    root: _Node | None = None
    for event in found:
        if isinstance(event, yaml.CollectionEndEvent):
            node = stack.pop()
            keys.pop()
            if node.flow:
                mark: Any = event.end_mark
                node.end = mark.index
            continue
        if not isinstance(event, yaml.NodeEvent):
            continue
        node = _node(event)
        if root is None:
            root = node
        elif stack:
            _add(stack[-1], keys, node)
        if isinstance(event, yaml.CollectionStartEvent):
            stack.append(node)
            keys.append(None)
    return root


def _node(event: Any) -> _Node:
    start, end = event.start_mark, event.end_mark
    return _Node(
        start.index,
        end.index,
        start.column,
        text=event.value if isinstance(event, yaml.ScalarEvent) else None,
        flow=bool(getattr(event, "flow_style", False)),
    )


def _add(around: _Node, keys: list[_Node | None], node: _Node) -> None:
    """A key waits for its value; the items of a list make pairs that nobody asks for."""
    key = keys[-1]
    if key is None:
        keys[-1] = node
    else:
        around.pairs.append((key, node))
        keys[-1] = None
