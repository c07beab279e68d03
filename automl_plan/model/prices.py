"""The price book: what node hours cost, in US dollars, and where each price is from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from math import ceil

from msgspec import Struct

from automl_plan.model.capabilities import BudgetUnit
from automl_plan.model.model_types import Family, ModelTypes, Problem

HOURS_PER_MONTH = 730
"""A year's hours through twelve, as Google's own calculator takes a month."""


class Price(Struct, frozen=True):
    """One price, with the page that it is from."""

    usd_per_node_hour: float
    source: str


class PriceBook(Struct, frozen=True):
    """Prices of one day. Estimates are upper bounds: a training never uses more than its budget."""

    date: str
    """The day on which they were looked up (RFC 3339 date)."""
    training: Mapping[tuple[Problem, Family], Price]
    deployment: Mapping[Problem, Price]
    model_types: ModelTypes
    """Those that it has prices for."""
    unit: BudgetUnit
    """Of the budgets that people read beside them."""

    @property
    def digest(self) -> str:
        """`sha256:` and a hex digest of all prices: plans are bound to it."""
        content = {
            "date": self.date,
            "training": {f"{p} {f}": v.usd_per_node_hour for (p, f), v in self.training.items()},
            "deployment": {str(p): v.usd_per_node_hour for p, v in self.deployment.items()},
        }
        canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
        return "sha256:" + hashlib.sha256(canonical.encode()).hexdigest()

    def training_usd(
        self, problem: Problem, model_type: str, milli_node_hours: float
    ) -> float | None:
        """Return the cost of milli node hours of training; None for an unknown model type."""
        known = self.model_types[problem].get(model_type)
        if known is None:
            return None
        return milli_node_hours / 1000 * self.training[problem, known.family].usd_per_node_hour

    def monthly_usd(self, problem: Problem, nodes: int) -> float:
        """Return the cost of a deployment per month, also without predictions."""
        return nodes * HOURS_PER_MONTH * self.deployment[problem].usd_per_node_hour


def cents_up(usd: float) -> float:
    """To the cent, upwards: an estimate must not lie below what is billed."""
    return ceil(usd * 100 - 1e-6) / 100
