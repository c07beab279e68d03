"""What the configuration says about recorded objects instead of desired ones.

Moves, removals and adoptions change what the state knows, so that a configuration can be
rearranged without anything being made, trained or deleted for it.
"""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from automl_plan.resources.address import Address


class Move(Struct, frozen=True):
    """`moved`: what is recorded at one address belongs to another one now."""

    source: Address
    target: Address


class RemovalAction(StrEnum):
    """What becomes of the live objects of an address that is not declared any more."""

    FORGET = "forget"
    """They live on, unmanaged."""
    DELETE = "delete"


class Removal(Struct, frozen=True):
    """`removed`: an address that is not declared any more, said so on purpose."""

    address: Address
    action: RemovalAction


class Adoption(Struct, frozen=True):
    """`imports`: a live object that was made elsewhere and is to belong to an address."""

    address: Address
    object_id: str
