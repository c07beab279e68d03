"""What the user asks of a plan beyond the configuration."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from automl_plan.model.address import Address


class PlanMode(StrEnum):
    """What a plan is for."""

    NORMAL = "normal"
    """Bring the live objects to the configuration."""
    DESTROY = "destroy"
    """Delete everything that is recorded."""
    REFRESH_ONLY = "refresh-only"
    """Change nothing at the provider; accept what changed there into the state."""


class PlanOptions(Struct, frozen=True):
    """The flags of `plan`."""

    mode: PlanMode = PlanMode.NORMAL
    refresh: bool = True
    """Whether to ask the provider what lives, or to trust what is recorded."""
    targets: frozenset[Address] = frozenset()
    """Only these and what they need."""
    excludes: frozenset[Address] = frozenset()
    """Not these, nor what needs them."""
    replaces: frozenset[Address] = frozenset()
    """Make these anew though nothing asks for it."""
    allow_large_change: bool = False
    """Whether much may be deleted or made anew at once."""
    allow_partial_import: bool = False
    """Whether models are trained on datasets that did not get, or lost, a part of their images."""
    lint: bool = True
    """Whether data that is imported is looked at first."""

    @property
    def narrowed(self) -> bool:
        """Whether only a part of what is declared is planned, or nothing of it."""
        return bool(self.targets or self.excludes or self.mode is not PlanMode.NORMAL)
