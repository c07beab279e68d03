"""Partial answers: the parameter `fields` that all of Google's APIs have (system parameters)."""

from __future__ import annotations

import re
from collections.abc import Mapping

from automl_plan.emulator.errors import ServiceError, invalid
from automl_plan.emulator.wire.messages import camel

_TOKEN = re.compile(r"\s*(?:(?P<name>\*|[A-Za-z@][\w@-]*)|(?P<mark>[,/()]))\s*")
_DEEPEST = 20
Selection = Mapping[str, "Selection"]
"""The selected fields by name, each with those selected in it: none for the whole field."""


def selected(content: object, text: str) -> object:
    """Return the parts of an answer that a selection such as `a,b(c,d),e/f` names.

    Raises INVALID_ARGUMENT for a text that is no selection. A name that the answer lacks selects
    nothing, as its field may have been left out for being empty.
    """
    return _picked(content, _Parser(text).parse())


def _picked(value: object, selection: Selection) -> object:
    if not selection:
        return value
    if isinstance(value, list | tuple):
        return [_picked(each, selection) for each in value]
    if not isinstance(value, Mapping):
        return value
    return {
        name: _picked(each, selection[name] if name in selection else selection["*"])
        for name, each in value.items()
        if name in selection or "*" in selection
    }


class _Parser:
    """A parser by recursive descent."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens: list[tuple[str, str]] = []
        at = 0
        while at < len(text):
            match = _TOKEN.match(text, at)
            if match is None:
                raise self._error()
            kind = match.lastgroup or ""
            self._tokens.append((kind, match[kind]))
            at = match.end()
        self._tokens.reverse()

    def parse(self) -> Selection:
        found = self._list(0)
        if self._tokens:
            raise self._error()
        return found

    def _list(self, depth: int) -> Selection:
        found: dict[str, Selection] = {}
        while True:
            found.update([self._item(depth)])
            if not self._take(","):
                return found

    def _item(self, depth: int) -> tuple[str, Selection]:
        if depth > _DEEPEST or not self._tokens or self._tokens[-1][0] != "name":
            raise self._error()
        name = camel(self._tokens.pop()[1])
        if self._take("/"):
            return name, dict([self._item(depth + 1)])
        if not self._take("("):
            return name, {}
        inner = self._list(depth + 1)
        if not self._take(")"):
            raise self._error()
        return name, inner

    def _take(self, mark: str) -> bool:
        if self._tokens and self._tokens[-1] == ("mark", mark):
            self._tokens.pop()
            return True
        return False

    def _error(self) -> ServiceError:
        return invalid(("fields", f"Invalid field selection {self._text[:100]}"))
