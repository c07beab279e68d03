"""The ledger: what trainings have cost, by model and month."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field
from msgspec.structs import replace

from automl_plan.resources.address import Address


class Charge(Struct, frozen=True):
    """What one training that ended has cost, in US dollars at list price."""

    address: Address
    ended: str
    """RFC 3339, UTC."""
    usd: float
    """The bill where it is known, else the most that it can be."""
    known: bool
    model_id: str | None = None
    """The model whose own cost tells the bill, where it is not known."""

    @property
    def month(self) -> str:
        """`2026-11`."""
        return self.ended[:7]


class Spending(Struct, frozen=True):
    """What the trainings of one model have cost in one month, in US dollars at list price."""

    trainings: int = 0
    """Those that ended, but for those that failed: the service does not bill them."""
    billed: float = 0.0
    """Of trainings whose bill is known."""
    at_most: float = 0.0
    """Of trainings whose bill is not known, and can't be asked for."""
    pending: Mapping[str, float] = field(default_factory=dict)
    """At most, by the ids of models that tell the bill as long as they exist."""

    def plus(self, charge: Charge) -> Spending:
        """With one training more."""
        one_more = replace(self, trainings=self.trainings + 1)
        if charge.known:
            return replace(one_more, billed=round(self.billed + charge.usd, 2))
        if charge.model_id is None:
            return replace(one_more, at_most=round(self.at_most + charge.usd, 2))
        return replace(one_more, pending={**self.pending, charge.model_id: charge.usd})


class Ledger(Struct, frozen=True):
    """What was spent on trainings since the ledger began."""

    since: str | None = None
    """When the first training was entered (RFC 3339)."""
    spent: Mapping[Address, Mapping[str, Spending]] = field(default_factory=dict)
    """By model and month."""


def enter(ledger: Ledger, charge: Charge) -> Ledger:
    """The ledger with a training entered, in place: a copy of all for each would be quadratic."""
    assert isinstance(ledger.spent, dict)  # noqa: S101 (whoever calls this made it one)
    months = dict(ledger.spent.get(charge.address, {}))
    months[charge.month] = months.get(charge.month, Spending()).plus(charge)
    ledger.spent[charge.address] = months
    return replace(ledger, since=ledger.since or charge.ended)
