"""Where values are declared: file, line and column; computed on demand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml
from msgspec import Struct, field

from automl_plan.config.files import Unreadable, lines_of, read, shortened_line
from automl_plan.config.findings import Finding, KeyPath
from automl_plan.config.yaml_events import events
from automl_plan.errors import Diagnostic


class Position(Struct, frozen=True):
    """A place in a file. Lines and columns count from 1."""

    file: str
    """Relative to the configuration's directory, with `/`."""
    line: int
    column: int


class Place(Struct):
    """The place of a value, and of its key; (line, column), counted from 1."""

    key: tuple[int, int]
    value: tuple[int, int]
    text: str | None = None
    """How a plain scalar is written; None for what is in quotes, an alias, a mapping or a list."""
    inner: dict[str, Place] = field(default_factory=dict)
    """The places of what a mapping or a list holds."""

    def get(self, path: KeyPath) -> Place | None:
        """The place of a path below this one."""
        place = self.nearest(path)
        return place[0] if place[1] == len(path) else None

    def nearest(self, path: KeyPath) -> tuple[Place, int]:
        """The place of a path, or of the nearest one around it; and how much of it is written."""
        place = self
        for depth, step in enumerate(path):
            if step not in place.inner:
                return place, depth
            place = place.inner[step]
        return place, len(path)


class _Open(Struct):
    """A mapping or a list that is not finished."""

    place: Place
    mapping: bool
    key: str | None = None
    key_at: tuple[int, int] = (0, 0)


def locate(text: str) -> Place:
    """The places of all values, up to the first thing that is not YAML.

    What an alias or a merge key takes in has no place of its own.
    """
    root = Place((1, 1), (1, 1))
    stack: list[_Open] = []
    try:
        for event in events(text):
            kind = type(event)
            if kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
                stack.pop()
            elif kind in (yaml.ScalarEvent, yaml.AliasEvent):
                _place(root, stack, event)
            elif kind in (yaml.MappingStartEvent, yaml.SequenceStartEvent):
                place = _place(root, stack, event)
                stack.append(_Open(place, mapping=kind is yaml.MappingStartEvent))
    except yaml.YAMLError:
        pass
    return root


def _place(root: Place, stack: list[_Open], event: Any) -> Place:
    at = (event.start_mark.line + 1, event.start_mark.column + 1)
    if not stack:
        root.value = at
        return root
    around = stack[-1]
    plain = type(event) is yaml.ScalarEvent and event.tag is None and event.implicit[0]
    text: str | None = event.value if plain else None
    if not around.mapping:
        place = Place(at, at, text)
        around.place.inner[str(len(around.place.inner))] = place
        return place
    if around.key is None:
        around.key, around.key_at = getattr(event, "value", ""), at
        return Place(at, at)
    place = Place(around.key_at, at, text)
    around.place.inner.setdefault(around.key, place)
    around.key = None
    return place


class SourceMap(Struct):
    """Finds the place of a path of the merged configuration; reads files again when asked."""

    files: Mapping[str, Path]
    """By the name that messages use."""
    declared: Mapping[KeyPath, str]
    """The file of each named thing `(section, name)` and of each other section `(section,)`."""
    in_file: dict[KeyPath, KeyPath] = field(default_factory=dict)
    """The place of a block `(section, number)` in its own file, which may not be the first one."""
    _read: dict[str, tuple[Place, list[str]]] = field(default_factory=dict)

    def key_position(self, path: KeyPath) -> Position | None:
        """Return the place of the key at the end of the path, or of the nearest key around it.

        None when the path lies in nothing declared, or its file can't be read any more.
        """
        file = self._file_of(path)
        if file is None:
            return None
        place, depth = self._places(file).nearest(self._local(path))
        start = 1 if path[:1] in self.declared else 2
        return Position(file, *place.key) if depth >= start else None

    def position_in(self, file: str, path: KeyPath) -> Position:
        """Return the place of the key at the end of the path in this file, or the nearest one."""
        return Position(file, *self._places(file).nearest(path)[0].key)

    def written(self, path: KeyPath, file: str | None = None) -> str | None:
        """How the value at a path (of `file`, when given) is written, if as a plain scalar."""
        file = file or self._file_of(path)
        if file is None or file not in self.files:
            return None
        place = self._places(file).get(self._local(path))
        return None if place is None else place.text

    def diagnostics(self, found: Iterable[Finding]) -> list[Diagnostic]:
        """The findings with their places and source lines."""
        return [self._diagnostic(finding) for finding in dict.fromkeys(found)]

    def _diagnostic(self, finding: Finding) -> Diagnostic:
        file = finding.file or self._file_of(finding.path)
        if file is None or file not in self.files:
            return Diagnostic(file or "", 0, 0, finding.rule, finding.message, finding.hint)
        place, depth = self._places(file).nearest(self._local(finding.path))
        whole = depth == len(finding.path)
        line, column = place.value if whole and not finding.at_key else place.key
        lines = self._read[file][1]
        source = shortened_line(lines[line - 1]) if line <= len(lines) else None
        return Diagnostic(file, line, column, finding.rule, finding.message, finding.hint, source)

    def _local(self, path: KeyPath) -> KeyPath:
        """A path as it is in its own file."""
        return (*self.in_file.get(path[:2], path[:2]), *path[2:])

    def _file_of(self, path: KeyPath) -> str | None:
        return self.declared.get(path[:2]) or self.declared.get(path[:1])

    def _places(self, file: str) -> Place:
        if file not in self._read:
            try:
                text = read(self.files[file], file)
            except Unreadable:
                text = ""
            self._read[file] = (locate(text), lines_of(text))
        return self._read[file][0]
