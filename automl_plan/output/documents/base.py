"""What the types of all documents have in common. schemas/ has their JSON Schemas (make schemas).

A key whose default is UNSET is left out where nothing is known; every other key is always there.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from msgspec import Meta, Struct

FORMAT_VERSION = "1.0"
"""Goes up when a reader of the former one would be misled."""

Time = Annotated[
    str | None, Meta(description="RFC 3339, as reported by the service; null: not reported.")
]
Simulated = Annotated[
    Literal[True],
    Meta(description="The figures are made up: the simulated trainer made the model."),
]


class Part(Struct, frozen=True):
    """A part of documents."""

    @classmethod
    def filled(cls, *sources: object, **given: object) -> Self:
        """Take each field that is not given from the first source that has such an attribute."""
        for name in cls.__struct_fields__:
            if name not in given:
                source = next((each for each in sources if hasattr(each, name)), None)
                if source is not None:
                    given[name] = getattr(source, name)
        return cls(**given)


class OutputDocument(Part, tag_field="format_version", tag=FORMAT_VERSION, frozen=True):
    """A whole document."""
