"""What Google's APIs have, as far as the embedded service can be asked for it.

A surface lists all methods of an API, and the fields of the messages that they take: from the
discovery document of Vertex AI v1, and from Google's client library of AutoML v1. With it, the
service tells what it lacks from what does not exist.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from automl_plan.emulator.errors import Code, ServiceError

_VERSION = re.compile(r"/(v\d+(?:(?:alpha|beta)\d*)?|ui)/(.+)")
_CURRENT = ("v1", "ui")
"""Google's clients ask for operations and locations of Vertex AI below `/ui/`, too."""
OUTPUT = "-"
"""What the type of a field begins with that only the service sets."""


class Message(NamedTuple):
    """A message: its name, and its fields with their types.

    A type is that of the discovery document, or the name of a message; `[]` after it is a list.
    """

    name: str
    fields: Mapping[str, str]
    surface: Surface

    def of(self, field: str) -> Message | None:
        """Return the message of a field, or of its items; None when it is of another type."""
        return self.surface.message(_plain(self.fields.get(field, "")).removesuffix("[]"))

    def is_output(self, field: str) -> bool:
        """Return whether only the service sets that field; requests may have it, without effect."""
        return self.fields.get(field, "").startswith(OUTPUT)


class Method(NamedTuple):
    """A method: its name, the message of its body (of a read mask, for GET), its parameters."""

    name: str
    message: Message | None
    parameters: frozenset[str]


class Surface:
    """The methods and messages of one API; `title` names it for people."""

    def __init__(self, title: str, path: Path) -> None:
        self.title = title
        self._path = path

    @cached_property
    def _content(self) -> Any:
        return json.loads(self._path.read_text("utf-8"))

    def message(self, name: str) -> Message | None:
        """Return the message of that name."""
        fields = self._content["messages"].get(name)
        return None if fields is None else Message(name, fields, self)

    def method(self, verb: str, path: str) -> Method | None:
        """Return the method of a request, whose path begins with the version of the API."""
        match = _VERSION.fullmatch(path)
        if match is None or match[1] not in _CURRENT:
            return None
        segments = match[2].split("/")
        segments[-1], colon, custom = segments[-1].partition(":")
        node, names = self._content["methods"], []
        for segment in segments:
            literal = segment if segment in node else "*"
            if literal not in node:
                return None
            node = node[literal]
            if literal not in ("*", "projects", "locations"):
                names.append(literal)
        found = node.get(f"{verb}{colon}{custom}")
        if not isinstance(found, str):
            return None
        name, _, rest = found.partition(" ")
        message, _, parameters = rest.partition("?")
        return Method(
            ".".join([*names, name]),
            self.message(message.strip()),
            frozenset(parameters.split(",")),
        )

    def lacking(self, verb: str, path: str) -> ServiceError | None:
        """Return the error for a method that Google has and the service lacks; None for others."""
        match = _VERSION.fullmatch(path)
        if match is not None and match[1] not in _CURRENT:
            return unimplemented(f"{match[1]} of the API. It has {self.title}")
        method = self.method(verb, path)
        return None if method is None else unimplemented(f"method {method.name} of {self.title}")


def unimplemented(what: str) -> ServiceError:
    """Return UNIMPLEMENTED for what Google's service has."""
    return ServiceError(Code.UNIMPLEMENTED, f"The embedded service has no {what}.")


def is_default(kind: str, value: object) -> bool:
    """Return whether a value of that type means that the field is not set (AIP-203, proto3)."""
    kind = _plain(kind)
    if kind == "boolean":
        return value is None or value is False
    if kind in _NUMBERS:
        unspecified = isinstance(value, str) and value.endswith("_UNSPECIFIED")
        return unspecified or (not isinstance(value, bool) and value in (None, 0, "0"))
    return value is None or value in ("", [], {})


_NUMBERS = frozenset({"int32", "int64", "uint32", "uint64", "integer", "number", "enum"})


def _plain(kind: str) -> str:
    return kind.removeprefix(OUTPUT)
