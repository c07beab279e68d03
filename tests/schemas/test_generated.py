"""The published schemas are those of the types."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

import pytest
from msgspec import UNSET, Meta, Struct, UnsetType, field

from automl_plan.output.documents.base import Document
from tests.schemas.definitions import Definitions
from tests.schemas.generate import PUBLISHED, Published, path_of, text


@pytest.mark.parametrize("published", PUBLISHED, ids=lambda each: each.name)
def test_the_file_is_as_the_types_are(published: Published) -> None:
    stored = path_of(published).read_text(encoding="utf-8")
    assert stored == text(published), "run: make schemas"


def documents_below(kind: type[Document]) -> Iterator[type[Document]]:
    for each in kind.__subclasses__():
        yield each
        yield from documents_below(each)


def test_every_document_is_published() -> None:
    published = {kind for each in PUBLISHED for kind in (*each.views.values(), *each.one_of)}
    assert published >= set(documents_below(Document))


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
