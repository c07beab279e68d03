"""What a team allows its plans: the `policy` of a configuration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Policy:
    """Limits on plans; what is None or empty limits nothing."""

    max_training_cost: float | None = None
    """US dollars, at most, for all trainings of one plan."""
    max_monthly_cost: float | None = None
    """US dollars a month, for all deployments once a plan is applied."""
    deny: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Actions that may not be planned, by glob of addresses (`model.prod-*`)."""
    required_labels: tuple[str, ...] = ()
    """Keys that every declared resource must have."""
    allowed_model_types: tuple[str, ...] = ()
    allowed_locations: tuple[str, ...] = ()
    warn: frozenset[str] = frozenset()
    """The names of rules that only warn."""
