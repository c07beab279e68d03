"""Where the values of a YAML text stand: only computed when somebody asks."""

from __future__ import annotations

from typing import Any

import yaml
from msgspec import Struct, field

from automl_plan.config.events import events
from automl_plan.config.findings import Path


class Position(Struct, frozen=True):
    """A place in a file. Lines and columns count from 1."""

    file: str
    """Relative to the configuration's directory, with `/`."""
    line: int
    column: int


class Place(Struct):
    """Where a value stands, and its key; (line, column), counted from 1."""

    key: tuple[int, int]
    value: tuple[int, int]
    text: str | None = None
    """How a plain scalar is written; None for what is in quotes, an alias, a mapping or a list."""
    inner: dict[str, Place] = field(default_factory=dict)
    """The places of what a mapping or a list holds."""

    def get(self, path: Path) -> Place | None:
        """The place of a path below this one."""
        place = self.nearest(path)
        return place[0] if place[1] == len(path) else None

    def nearest(self, path: Path) -> tuple[Place, int]:
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
