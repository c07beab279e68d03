"""Schemas say what types say; that the published ones are up to date is a rule of the house."""

from __future__ import annotations

from typing import Annotated, Literal

import pytest
from msgspec import UNSET, Meta, Struct, UnsetType, field

from tests.schemas.definitions import Definitions


class Leaf(Struct, omit_defaults=True):
    """A leaf."""

    size: Annotated[int, Meta(ge=0)]
    """In metres,
    rounded."""
    name: str | None = None
    """Left out where it has none."""
    ways: tuple[str, ...] = ()


class Whole(Struct):
    leaf: Leaf
    """The leaf."""
    kind: Literal["a", "b"] | None = None
    more: Leaf | UnsetType | None = UNSET
    pair: tuple[int, float] | None = None
    by_name: dict[str, int | float] = field(default_factory=dict)


def test_strings_under_fields_are_descriptions_and_defaults_decide_what_is_required() -> None:
    definitions = Definitions()
    assert definitions.of(Whole) == {"$ref": "#/definitions/whole"}
    assert definitions.entries["leaf"] == {
        "description": "A leaf.",
        "type": "object",
        "additionalProperties": False,
        "required": ["size"],
        "properties": {
            "size": {"description": "In metres, rounded.", "type": "integer", "minimum": 0},
            "name": {"description": "Left out where it has none.", "type": "string"},
            "ways": {"type": "array", "items": {"type": "string"}},
        },
    }
    assert definitions.entries["whole"] == {
        "type": "object",
        "additionalProperties": False,
        "required": ["leaf", "kind", "pair", "by_name"],
        "properties": {
            "leaf": {"description": "The leaf.", "$ref": "#/definitions/leaf"},
            "kind": {"enum": ["a", "b", None]},
            "more": {"anyOf": [{"$ref": "#/definitions/leaf"}, {"type": "null"}]},
            "pair": {
                "type": ["array", "null"],
                "items": [{"type": "integer"}, {"type": "number"}],
                "minItems": 2,
                "maxItems": 2,
            },
            "by_name": {"type": "object", "additionalProperties": {"type": "number"}},
        },
    }


def test_two_types_of_one_name_are_refused() -> None:
    other = type("Leaf", (Struct,), {"__annotations__": {"x": int}})
    definitions = Definitions()
    definitions.of(Leaf)
    with pytest.raises(ValueError, match="have one name"):
        definitions.of(other)
    named = Definitions({other: "other-leaf"})
    named.of(Leaf)
    assert named.of(other) == {"$ref": "#/definitions/other-leaf"}
