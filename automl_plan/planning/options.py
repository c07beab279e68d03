"""Options of a plan beyond the configuration."""

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
    """Whether to query the provider; else the state is trusted."""
    targets: frozenset[Address] = frozenset()
    """Only these and what they need."""
    excludes: frozenset[Address] = frozenset()
    """Not these, nor what needs them."""
    replaces: frozenset[Address] = frozenset()
    """Replace these (models: retrain) without a difference."""
    allow_large_change: bool = False
    """Whether many resources may be deleted or replaced at once."""
    allow_partial_import: bool = False
    """Whether models may be trained on datasets that lack a part of their images."""
    lint: bool = True
    """Whether import data is linted first."""

    @property
    def narrowed(self) -> bool:
        """Whether only a part of the configuration is planned, or nothing of it."""
        return bool(self.targets or self.excludes or self.mode is not PlanMode.NORMAL)
