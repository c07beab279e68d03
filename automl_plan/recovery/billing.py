"""Moments as the state and plan files keep them, and the clocks that trainings are billed by."""

from __future__ import annotations

from datetime import UTC, datetime

from msgspec import Struct

from automl_plan.model.address import Address
from automl_plan.model.history import Charge
from automl_plan.model.live import Operation
from automl_plan.model.prices import PriceBook
from automl_plan.model.recorded import RecordedOperation
from automl_plan.planning.cost import Meter, charge_of
from automl_plan.providers.protocol import Provider


class Moment(Struct, frozen=True):
    """The time by which a plan is made: planning reads no clock of its own."""

    machine: datetime
    """By the clock of the machine that made it (UTC)."""
    service: datetime
    """By the service's (UTC)."""

    @classmethod
    def at(cls, provider: Provider) -> Moment:
        """The present one; ask after the service has answered, so that its clock is known."""
        return cls(datetime.now(UTC), provider.now())

    def meter(self, provider: Provider) -> Meter | None:
        """What tells how much running trainings have used; None where no clock tells it."""
        return Meter(self.machine, self.service) if provider.bills_by_clock else None


def rfc3339(moment: datetime, timespec: str = "seconds") -> str:
    """A moment (UTC) as states, plan files and messages write it."""
    return moment.isoformat(timespec=timespec).removesuffix("+00:00") + "Z"


def utc_now() -> str:
    """Now, by this machine's clock (RFC 3339, UTC, whole seconds)."""
    return rfc3339(datetime.now(UTC))


def current_meter(provider: Provider) -> Meter | None:
    """What tells at present how much running trainings have used; as `Moment.meter`."""
    return Moment.at(provider).meter(provider)


def charge_at_end(
    provider: Provider,
    prices: PriceBook,
    address: Address,
    operation: RecordedOperation,
    answer: Operation | None,
    made: str | None,
) -> Charge | None:
    """What a training has cost whose end is seen now, as `charge_of` tells it."""
    return charge_of(address, operation, answer, made, current_meter(provider), prices, utc_now())
