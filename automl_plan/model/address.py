"""Addresses: how a resource is named in configuration, state, plans and commands."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Self

NAME_PATTERN = r"[A-Za-z][A-Za-z0-9_-]{0,62}"


class ResourceKind(StrEnum):
    """The kinds of resource."""

    DATASET = "dataset"
    MODEL = "model"


_KINDS = {str(kind): kind for kind in ResourceKind}
_NAME = re.compile(NAME_PATTERN)


class Address(str):
    """`dataset.digits`: a kind and the key under which the configuration declares it.

    It is its text, so that documents and their keys are read and written as such, and sorts by the
    kind, then by the name.
    """

    __slots__ = ("kind", "name")

    kind: ResourceKind
    name: str

    def __new__(cls, kind: ResourceKind, name: str) -> Self:
        """Raises nothing: `parse` checks what comes from outside."""
        self = super().__new__(cls, f"{kind.value}.{name}")
        self.kind, self.name = kind, name
        return self

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
