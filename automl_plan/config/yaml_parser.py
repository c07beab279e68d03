"""YAML text → plain values, in one pass over the parser's events, without recursion."""

from __future__ import annotations

from typing import Any

import yaml
from msgspec import Struct, field

from automl_plan.config.files import lines_of, shortened_line
from automl_plan.config.findings import quoted, visible
from automl_plan.config.scalars import NotANumber, resolve
from automl_plan.config.source_map import Place, locate
from automl_plan.config.yaml_events import events
from automl_plan.errors import Diagnostic
from automl_plan.model.json import Json

MAX_DEPTH = 50
MAX_ALIAS_NODES = 100_000

_CORE = "tag:yaml.org,2002:"
_TEXT_TAGS = ("!", f"{_CORE}str")
_PLAIN_TAGS: dict[str, type | tuple[type, ...]] = {
    f"{_CORE}null": type(None),
    f"{_CORE}bool": bool,
    f"{_CORE}int": int,
    f"{_CORE}float": (int, float),
}
_NO_TABS = "indent with spaces"
_HINTS = (
    ("did not find expected node content", "write a value, or close the bracket"),
    ("unexpected end of stream", "close the quotes"),
    ("could not find expected ':'", "write KEY: VALUE, or quote the text"),
    ("mapping values are not allowed", "quote a text that holds ': ', and align the keys"),
    ("did not find expected key", "keys of one mapping start in the same column"),
    ("did not find expected '-'", "items of one list start in the same column"),
    ("did not find expected ',' or", "a { or [ is not closed"),
)


class Parsed(Struct):
    """The value of a file (None for an empty one) and what was found wrong in it."""

    value: Json = None
    diagnostics: list[Diagnostic] = field(default_factory=list)


class _Frame:
    """A mapping or a list that is not finished."""

    __slots__ = (
        "anchor",
        "container",
        "height",
        "key",
        "merge_line",
        "merged",
        "nodes_before",
        "waiting",
    )

    def __init__(self, container: Json, anchor: str | None, nodes_before: int) -> None:
        self.container = container
        self.anchor = anchor
        self.nodes_before = nodes_before
        self.height = 1
        self.key: str | None = None
        """The key whose value comes next."""
        self.merge_line = 0
        """The line of the mapping's merge key, counted from 1; 0 before there is one."""
        self.waiting = False
        """Whether the next node is a value that a merge key (`<<`) takes in."""
        self.merged: list[dict[str, Json]] = []


class _Anchored(Struct, frozen=True):
    value: Json
    nodes: int
    height: int


class _Stop(Exception):
    """Nothing sensible can be read from here on."""


def parse(text: str, file: str) -> Parsed:
    """Read a file's text. Never raises: what is wrong is in the diagnostics."""
    builder = _Builder(text, file)
    return builder.run()


class _Builder:
    def __init__(self, text: str, file: str) -> None:
        self._text = text
        self._file = file
        self._parsed = Parsed()
        self._frames: list[_Frame] = []
        self._anchors: dict[str, _Anchored | None] = {}
        self._nodes = 0
        self._alias_nodes = 0
        self._documents = 0
        self._lines: list[str] | None = None
        self._places: Place | None = None

    def run(self) -> Parsed:
        try:
            for event in events(self._text):
                kind = type(event)
                if kind is yaml.ScalarEvent:
                    self._scalar(event)
                elif kind is yaml.MappingStartEvent:
                    self._start(event, {})
                elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
                    self._end(event)
                elif kind is yaml.SequenceStartEvent:
                    self._start(event, [])
                elif kind is yaml.AliasEvent:
                    self._alias(event)
                elif kind is yaml.DocumentStartEvent:
                    self._document(event)
        except _Stop:
            pass
        except yaml.YAMLError as problem:
            self._syntax(problem)
        return self._parsed

    def _document(self, event: Any) -> None:
        self._documents += 1
        if self._documents > 1:
            hint = "put the second document into a file of its own"
            self._found(event.start_mark, "yaml-syntax", "a second YAML document begins here", hint)
            raise _Stop

    def _scalar(self, event: Any) -> None:
        text: str = event.value
        self._nodes += 1
        value: Json = text
        if event.tag is None:
            if event.implicit[0]:
                try:
                    value = resolve(text)
                except NotANumber as problem:
                    self._found(event.start_mark, "yaml-number", str(problem), problem.hint)
        elif event.tag not in _TEXT_TAGS:
            value = self._tagged(event)
        if not text.isascii() and any("\ud800" <= c <= "\udfff" for c in text):
            self._found(
                event.start_mark,
                "encoding",
                "this escape is half of a character",
                "write the whole character",
            )
            value = ""
        if event.anchor is not None:
            self._anchors[event.anchor] = _Anchored(value, 1, 0)
        frame = self._frames[-1] if self._frames else None
        if frame is not None and type(frame.container) is dict and frame.key is None:
            if frame.waiting:
                self._merge(event, frame, value)
            elif text == "<<" and event.tag is None and event.implicit[0]:
                self._merge_key(event, frame)
            elif value is not text:
                message = f"the key {visible(text[:40]) or 'null'} is not a string"
                hint = f"write {quoted(text)} if it is meant as a string"
                self._found(event.start_mark, "yaml-key", message, hint)
                self._key(event, frame, text)
            else:
                self._key(event, frame, text)
        else:
            self._place(event, value)

    def _tagged(self, event: Any) -> Json:
        expected = _PLAIN_TAGS.get(event.tag)
        if expected is None:
            self._foreign_tag(event)
            return None
        try:
            value = resolve(event.value)
        except NotANumber as problem:
            self._found(event.start_mark, "yaml-number", str(problem), problem.hint)
            return None
        if not isinstance(value, expected) or (expected is not bool and isinstance(value, bool)):
            name = event.tag.removeprefix(_CORE)
            self._found(
                event.start_mark, "yaml-tag", f"{quoted(event.value)} is not of the type !!{name}"
            )
        return value

    def _foreign_tag(self, event: Any) -> None:
        tag = event.tag
        shown = "!!" + tag.removeprefix(_CORE) if tag.startswith(_CORE) else tag
        message = f"the tag {quoted(shown)} is not supported"
        self._found(event.start_mark, "yaml-tag", message, "remove the tag")

    def _start(self, event: Any, container: Json) -> None:
        self._nodes += 1
        if len(self._frames) >= MAX_DEPTH:
            self._found(
                event.start_mark, "yaml-depth", f"this is nested more than {MAX_DEPTH} levels deep"
            )
            raise _Stop
        own = f"{_CORE}{'map' if type(container) is dict else 'seq'}"
        if event.tag not in (None, "!", own):
            self._foreign_tag(event)
        if event.anchor is not None:
            self._anchors[event.anchor] = None  # not finished: an alias to it would be endless
        frame = self._frames[-1] if self._frames else None
        if frame and type(frame.container) is dict and frame.key is None and not frame.waiting:
            message = f"a key is a string, not {quoted(container)}"
            hint = "quote a text that begins with { or ["
            self._found(event.start_mark, "yaml-key", message, hint)
            raise _Stop
        self._frames.append(_Frame(container, event.anchor, self._nodes - 1))

    def _end(self, event: Any) -> None:
        frame = self._frames.pop()
        if type(frame.container) is dict:
            for mapping in frame.merged:
                for key, value in mapping.items():
                    frame.container.setdefault(key, value)
        if frame.anchor is not None:
            self._anchors[frame.anchor] = _Anchored(
                frame.container, self._nodes - frame.nodes_before, frame.height
            )
        self._place(event, frame.container, frame.height)

    def _alias(self, event: Any) -> None:
        name = quoted("*" + event.anchor)
        if event.anchor not in self._anchors:
            self._found(event.start_mark, "yaml-alias", f"there is no anchor for {name}")
            raise _Stop
        anchored = self._anchors[event.anchor]
        if anchored is None:
            self._found(event.start_mark, "yaml-alias", f"{name} is inside its own anchor")
            raise _Stop
        self._nodes += anchored.nodes
        self._alias_nodes += anchored.nodes
        if self._alias_nodes > MAX_ALIAS_NODES:
            message = f"the aliases of this file add more than {MAX_ALIAS_NODES:,} nodes"
            self._found(event.start_mark, "yaml-alias", message, "use fewer aliases")
            raise _Stop
        if len(self._frames) + anchored.height > MAX_DEPTH:
            message = f"{name} makes this more than {MAX_DEPTH} levels deep"
            self._found(event.start_mark, "yaml-depth", message)
            raise _Stop
        frame = self._frames[-1]
        if type(frame.container) is dict and frame.key is None and not frame.waiting:
            if isinstance(anchored.value, str):
                self._key(event, frame, anchored.value)
                return
            self._found(event.start_mark, "yaml-key", f"the key {name} is not a string")
            raise _Stop
        self._place(event, anchored.value, anchored.height)

    def _key(self, event: Any, frame: _Frame, key: str) -> None:
        """Take a key; its value is the next node."""
        if isinstance(frame.container, dict) and key in frame.container:
            path = (*(self._step(f) for f in self._frames[:-1]), key)
            if self._places is None:
                self._places = locate(self._text)
            first = self._places.get(path)
            at = f" (first on line {first.key[0]})" if first is not None else ""
            message = f"the key {quoted(key)} occurs twice in this mapping{at}"
            self._found(event.start_mark, "duplicate-key", message, "remove one of the two")
        frame.key = key

    def _place(self, event: Any, value: Json, height: int = 0) -> None:
        """Put a finished value where it belongs."""
        if not self._frames:
            self._parsed.value = value
            return
        frame = self._frames[-1]
        if height >= frame.height:
            frame.height = height + 1
        container = frame.container
        if isinstance(container, list):
            container.append(value)
        elif frame.waiting:
            self._merge(event, frame, value)
        elif isinstance(container, dict) and frame.key is not None:
            container.setdefault(frame.key, value)  # of two, the first counts
            frame.key = None

    def _merge_key(self, event: Any, frame: _Frame) -> None:
        """Take a merge key; what it takes in is the next node."""
        if frame.merge_line:
            message = (
                f'the key "<<" occurs twice in this mapping (first on line {frame.merge_line})'
            )
            hint = "write one with a list: <<: [*FIRST, *SECOND]"
            self._found(event.start_mark, "duplicate-key", message, hint)
        else:
            frame.merge_line = event.start_mark.line + 1
        frame.waiting = True

    def _merge(self, event: Any, frame: _Frame, value: Json) -> None:
        frame.waiting = False
        for mapping in value if isinstance(value, list) else [value]:
            if isinstance(mapping, dict):
                frame.merged.append(mapping)
            else:
                message = f"<< merges mappings, not {quoted(mapping)}"
                self._found(event.start_mark, "yaml-syntax", message, "write <<: *ANCHOR")

    @staticmethod
    def _step(frame: _Frame) -> str:
        if isinstance(frame.container, list):
            return str(len(frame.container))
        return frame.key or "<<"

    def _syntax(self, problem: yaml.YAMLError) -> None:
        mark = getattr(problem, "problem_mark", None) or getattr(problem, "context_mark", None)
        what = visible(getattr(problem, "problem", None) or str(problem))
        if mark is None:
            self._report(0, 0, "yaml-syntax", what)
            return
        lines = self._text_lines()
        line, column = mark.line, mark.column
        if not any(lines[line:]):
            # Nothing can be shown behind the end of the text: point at its last character.
            line = max((i for i, text in enumerate(lines) if text.strip()), default=0)
            column = max(len(lines[line].rstrip()) - 1, 0)
            what = f"the file ends too early: {what}"
        before = lines[line][:column]
        if "\t" in lines[line][: column + 1] and not before.strip():
            self._report(line + 1, column + 1, "yaml-syntax", "tabs are not allowed here", _NO_TABS)
            return
        hint = next((hint for part, hint in _HINTS if part in what), None)
        self._report(line + 1, column + 1, "yaml-syntax", what, hint)

    def _found(self, mark: Any, rule: str, message: str, hint: str | None = None) -> None:
        self._report(mark.line + 1, mark.column + 1, rule, message, hint)

    def _report(
        self, line: int, column: int, rule: str, message: str, hint: str | None = None
    ) -> None:
        lines = self._text_lines()
        source = shortened_line(lines[line - 1]) if 0 < line <= len(lines) else None
        self._parsed.diagnostics.append(
            Diagnostic(self._file, line, column, rule, message, hint, source)
        )

    def _text_lines(self) -> list[str]:
        if self._lines is None:
            self._lines = lines_of(self._text)
        return self._lines
