"""Addresses: how a resource is named in configuration, state, plans and commands."""

from __future__ import annotations

import re
from enum import StrEnum
from functools import total_ordering

from msgspec import Struct

NAME_PATTERN = r"[A-Za-z][A-Za-z0-9_-]{0,62}"


class ResourceKind(StrEnum):
    """The kinds of resource."""

    DATASET = "dataset"
    MODEL = "model"


_KINDS = {str(kind): kind for kind in ResourceKind}
_NAME = re.compile(NAME_PATTERN)


@total_ordering
class Address(Struct, frozen=True):
    """`dataset.digits`: a kind and the key under which the configuration declares it."""

    kind: ResourceKind
    name: str

    def __hash__(self) -> int:
        """By the name alone: that of the kind is work in Python, at every look into a mapping."""
        return hash(self.name)

    def __lt__(self, other: Address) -> bool:
        """By the kind, then by the name. Plans are sorted by it again and again."""
        if self.kind is other.kind:
            return self.name < other.name
        return self.kind < other.kind

    def __str__(self) -> str:
        return f"{self.kind}.{self.name}"

    @classmethod
    def parse(cls, text: str) -> Address:
        """Read `kind.name`. Raises ValueError with a sentence for the user."""
        kind, _, name = text.partition(".")
        known = _KINDS.get(kind)
        if known is not None and _NAME.fullmatch(name):
            return cls(known, name)
        raise ValueError(f"{text!r} is not an address; write dataset.NAME or model.NAME")


def dataset_address(name: str) -> Address:
    """The address of the dataset declared under `name`."""
    return Address(ResourceKind.DATASET, name)


def model_address(name: str) -> Address:
    """The address of the model declared under `name`."""
    return Address(ResourceKind.MODEL, name)
