"""What the types of all documents have in common. schemas/ has their JSON Schemas (make schemas).

A key whose default is UNSET is left out where nothing is known; every other key is always there.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from msgspec import Meta, Struct

from automl_plan.model.address import NAME_PATTERN, Address

FORMAT_VERSION = "1.0"
"""Goes up when a reader of the former one would be misled."""

AddressText = Annotated[str, Meta(pattern=rf"^(dataset|model)\.{NAME_PATTERN}$")]
Count = Annotated[int, Meta(ge=0)]
Share = Annotated[float, Meta(ge=0, le=1)]
Usd = Annotated[float, Meta(ge=0)]
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
            source = next((each for each in sources if hasattr(each, name)), None)
            if name not in given and source is not None:
                value = getattr(source, name)
                given[name] = str(value) if isinstance(value, Address) else value
        return cls(**given)


class Document(Part, tag_field="format_version", tag=FORMAT_VERSION, frozen=True):
    """A whole document."""


def address_text(address: Address | None) -> str | None:
    """Return an address as documents have it."""
    return None if address is None else str(address)
