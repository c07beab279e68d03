"""Addresses: how a resource is named in configuration, state, plans and commands."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

NAME_PATTERN = r"[A-Za-z][A-Za-z0-9_-]{0,62}"


class ResourceKind(StrEnum):
    """The kinds of resource."""

    DATASET = "dataset"
    MODEL = "model"


@dataclass(frozen=True, slots=True, order=True)
class Address:
    """`dataset.digits`: a kind and the key under which the configuration declares it."""

    kind: ResourceKind
    name: str

    def __hash__(self) -> int:
        """By the name alone: that of the kind is work in Python, at every look into a mapping."""
        return hash(self.name)

    def __str__(self) -> str:
        return f"{self.kind}.{self.name}"

    @classmethod
    def parse(cls, text: str) -> Address:
        """Read `kind.name`. Raises ValueError with a sentence for the user."""
        kind, dot, name = text.partition(".")
        if dot and kind in ResourceKind.__members__.values() and re.fullmatch(NAME_PATTERN, name):
            return cls(ResourceKind(kind), name)
        raise ValueError(f"{text!r} is not an address; write dataset.NAME or model.NAME")


def dataset_address(name: str) -> Address:
    """The address of the dataset declared under `name`."""
    return Address(ResourceKind.DATASET, name)


def model_address(name: str) -> Address:
    """The address of the model declared under `name`."""
    return Address(ResourceKind.MODEL, name)
