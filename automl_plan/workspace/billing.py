"""The clocks that trainings are billed by, and what a training cost that has ended."""

from __future__ import annotations

from datetime import UTC, datetime

from msgspec import Struct

from automl_plan.model.address import Address
from automl_plan.model.history import Charge
from automl_plan.model.live import Operation
from automl_plan.model.prices import PriceBook
from automl_plan.model.recorded import RecordedOperation
from automl_plan.model.timestamps import utc_now
from automl_plan.planning.cost import Meter, charge_of
from automl_plan.providers.protocol import Provider


class Moment(Struct, frozen=True):
    """The time for which a plan is made: planning reads no clock."""

    machine: datetime
    """By the clock of the machine that makes it (UTC)."""
    service: datetime
    """By the clock of the service (UTC)."""

    @classmethod
    def at(cls, provider: Provider) -> Moment:
        """Return the present time; call it after a request: its answer tells the service's time."""
        return cls(datetime.now(UTC), provider.now())

    def meter(self, provider: Provider) -> Meter | None:
        """Return what measures running trainings; None where no clock does."""
        return Meter(self.machine, self.service) if provider.bills_by_clock else None


def current_meter(provider: Provider) -> Meter | None:
    """Return what measures running trainings now, as `Moment.meter`."""
    return Moment.at(provider).meter(provider)


def charge_at_end(
    provider: Provider,
    prices: PriceBook,
    address: Address,
    operation: RecordedOperation,
    answer: Operation | None,
    made: str | None,
) -> Charge | None:
    """Return what a training cost that has ended by now, as `charge_of`."""
    return charge_of(address, operation, answer, made, current_meter(provider), prices, utc_now())
