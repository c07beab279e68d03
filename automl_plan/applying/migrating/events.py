"""What a migration tells whoever watches it, and how it ended."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

from msgspec import Struct

from automl_plan.resources.address import Address


class MigrationStep(StrEnum):
    """What was done."""

    COPIED = "copied"
    """A copy is made at the provider that takes over."""
    FAILED = "failed"
    """The service refused to make one."""
    WAITING = "waiting"
    """It is being found out what came of calls that were cut off."""
    MARKED = "marked"
    """The copies bear their names and labels."""
    DEPLOYED = "deployed"
    SWITCHED = "switched"
    """The state is that of the copies."""
    DELETED = "deleted"
    """An original is gone."""
    KEPT = "kept"
    """An original is not deleted, though it was asked for."""
    CONFIGURED = "configured"
    """The configuration names the new provider."""


class MigrationEvent(Struct, frozen=True):
    """One thing that was done."""

    step: MigrationStep
    address: Address | None = None
    object_id: str | None = None
    """Of the original."""
    copy_id: str | None = None
    message: str | None = None
    count: int | None = None
    """How many copies it is about, where it is about several."""


Tell = Callable[[MigrationEvent], None]


class Untold(Struct, frozen=True):
    """A call that asked for a copy, and of which the service does not tell what came."""

    address: Address
    object_id: str
    """Of the original."""
    display_name: str
    """What a copy is called that came of it."""


class Abandoned(Struct, frozen=True):
    """What a migration that was given up has left behind."""

    copies: tuple[tuple[Address, str], ...]
    untold: tuple[Untold, ...]


class MigrationResult(Struct, frozen=True):
    """How a migration ended."""

    former: str | None
    """Where the former state is kept; None when there was nothing to switch."""
    configured: bool
    """Whether the configuration names the new provider now."""
    why_not: str | None
    """Why it could not be written; None when it is, or was not to be."""
    originals: tuple[tuple[Address, str], ...]
    """What stays at the former provider."""
    next_plan: tuple[str, ...] | None
    """What the next plan does: `model.digits retrain`; None when it can't be made."""
