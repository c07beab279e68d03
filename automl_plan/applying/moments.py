"""Moments as the state keeps them, and the clocks that trainings are billed by."""

from __future__ import annotations

from datetime import UTC, datetime

from automl_plan.planning.spending import Meter, charge_of
from automl_plan.providers.protocol import Provider
from automl_plan.resources.address import Address
from automl_plan.resources.ledger import Charge
from automl_plan.resources.live import Operation
from automl_plan.resources.prices import PriceBook
from automl_plan.resources.recorded import RecordedOperation


def now() -> str:
    """Now, by this machine's clock (RFC 3339, UTC, whole seconds)."""
    return datetime.now(UTC).isoformat(timespec="seconds").removesuffix("+00:00") + "Z"


def meter_of(provider: Provider) -> Meter | None:
    """What tells how much running trainings have used; None where no clock tells it."""
    return Meter(datetime.now(UTC), provider.now()) if provider.bills_by_clock else None


def charge_now(
    provider: Provider,
    prices: PriceBook,
    address: Address,
    operation: RecordedOperation,
    answer: Operation | None,
    made: str | None,
) -> Charge | None:
    """What a training has cost whose end is seen now, as `charge_of` tells it."""
    return charge_of(address, operation, answer, made, meter_of(provider), prices, now())
