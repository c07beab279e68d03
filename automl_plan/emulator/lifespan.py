"""The expiry of models: 18 months after its creation, a model no longer serves.

The months are those of the product's documentation ("Training Cloud-hosted models", Google). It
doesn't say what becomes of the model; here it is still listed, can't serve, and can be deleted.
"""

import calendar
from datetime import datetime

from automl_plan.emulator.billing import Billing
from automl_plan.emulator.clock import Clock, from_micros, to_micros
from automl_plan.emulator.errors import ServiceError, precondition
from automl_plan.emulator.store import Store

MONTHS = 18


def expires(created: datetime) -> datetime:
    """Return when a model expires: MONTHS calendar months later, or at the end of that month."""
    years, month = divmod(created.month - 1 + MONTHS, 12)
    year = created.year + years
    day = min(created.day, calendar.monthrange(year, month + 1)[1])
    return created.replace(year=year, month=month + 1, day=day)


def expired(created: datetime, now: datetime) -> bool:
    """Return whether a model that was created then has expired."""
    return now >= expires(created)


def too_old() -> ServiceError:
    """Return the error of calls that need a model that has not expired."""
    return precondition(f"The model expired {MONTHS} months after its creation. Train a new one.")


class Lifespans:
    """Ends the deployments of expired models, so that they neither serve nor cost.

    There is no timer. Whatever reads models or the bill calls `settle` first, which ends
    deployments as of their expiry. So the result is the same when the clock is advanced by years,
    or when the service was down.
    """

    def __init__(self, store: Store, clock: Clock, billing: Billing) -> None:
        self._store = store
        self._clock = clock
        self._billing = billing

    def settle(self) -> None:
        """End all deployments that are due; joins the caller's transaction."""
        with self._store.reading() as db:
            now = self._clock.now()
            deployed = db.execute("SELECT id, created FROM models WHERE deployed = 1").fetchall()
            ends = [(row["id"], expires(from_micros(row["created"]))) for row in deployed]
            due = [(model_id, end) for model_id, end in ends if end <= now]
            if not due:
                return
            with self._store.transaction():
                for model_id, end in due:
                    db.execute(
                        "UPDATE models SET deployed = 0, node_count = 0, updated = ? WHERE id = ?",
                        (to_micros(end), model_id),
                    )
                    db.execute("DELETE FROM deployments WHERE model_id = ?", (model_id,))
                    self._billing.deployment_ended(db, model_id, end)
