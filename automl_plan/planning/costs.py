"""The money in a plan: what it costs at most, what deployments cost, what doing nothing costs.

All figures are US dollars at the prices of one book, without taxes and discounts, and upper
bounds where the service decides: a training never uses more than its budget.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict

from automl_plan.resources.address import Address
from automl_plan.resources.json import Json


class Amounts(Struct, frozen=True):
    """US dollars, to the cent."""

    training: float = 0.0
    """At most, for the trainings that the plan begins."""
    running_spent: float | None = 0.0
    """Up to this so far, for a training that runs; to cancel it would cost as much.

    None where it is not known.
    """
    running_most: float = 0.0
    """At most in the end."""
    monthly_before: float = 0.0
    monthly_after: float = 0.0


def _sum(amounts: Iterable[float | None]) -> float | None:
    """Of amounts of which one may not be known."""
    known = list(amounts)
    return None if None in known else round(sum(each or 0.0 for each in known), 2)


class CostLine(Struct, frozen=True):
    """What one resource costs."""

    address: Address
    amounts: Amounts


class Idle(Struct, frozen=True):
    """A deployment that no declaration asks for, and what it costs a month."""

    object_id: str
    display_name: str
    monthly: float


class Costs(Struct, frozen=True):
    """The money in a plan."""

    prices_of: str
    """The date of the price book."""
    lines: tuple[CostLine, ...] = ()
    """Of the resources that cost something, by address."""
    idle: tuple[Idle, ...] = ()
    """What is deployed and unmanaged."""

    @property
    def total(self) -> Amounts:
        """All lines together."""
        amounts = [line.amounts for line in self.lines]
        return Amounts(
            training=round(sum(each.training for each in amounts), 2),
            running_spent=_sum(each.running_spent for each in amounts),
            running_most=round(sum(each.running_most for each in amounts), 2),
            monthly_before=round(sum(each.monthly_before for each in amounts), 2),
            monthly_after=round(sum(each.monthly_after for each in amounts), 2),
        )

    @property
    def idle_monthly(self) -> float:
        """A month of what is deployed and unmanaged."""
        return sum(each.monthly for each in self.idle)


def costs_to_json(costs: Costs) -> dict[str, Json]:
    """For plan files and programs."""
    return {
        "currency": "USD",
        "prices_of": costs.prices_of,
        "resources": {str(line.address): asdict(line.amounts) for line in costs.lines},
        "total": asdict(costs.total),
        "idle": [asdict(idle) for idle in costs.idle],
    }


def costs_from_json(content: Mapping[str, Any]) -> Costs:
    """The inverse. Raises KeyError, TypeError or ValueError."""
    resources = content["resources"].items()
    return Costs(
        prices_of=content["prices_of"],
        lines=tuple(CostLine(Address.parse(a), Amounts(**amounts)) for a, amounts in resources),
        idle=tuple(Idle(**idle) for idle in content["idle"]),
    )
