"""How long a model lives: it serves for 18 months after its creation, and not a day more.

The months are those of the product's documentation ("Training Cloud-hosted models", Google).
What becomes of a model then is not told; here it stays listed, can't serve, and can be deleted.
"""

import calendar
from datetime import datetime

from automl_plan.emulator.billing import Billing
from automl_plan.emulator.clock import Clock, from_micros, to_micros
from automl_plan.emulator.errors import ServiceError, precondition
from automl_plan.emulator.store import Store

MONTHS = 18


def expires(created: datetime) -> datetime:
    """When the life of a model ends: so many calendar months later, or at that month's end."""
    years, month = divmod(created.month - 1 + MONTHS, 12)
    year = created.year + years
    day = min(created.day, calendar.monthrange(year, month + 1)[1])
    return created.replace(year=year, month=month + 1, day=day)


def expired(created: datetime, now: datetime) -> bool:
    """Whether the life of a model that was created then is over."""
    return now >= expires(created)


def too_old() -> ServiceError:
    """What a call is answered that needs a living model."""
    return precondition(f"The model's life of {MONTHS} months is over. Train a new one.")


class Lifespans:
    """Ends the deployments of models whose life is over: they neither serve nor cost any more.

    Nothing wakes at that moment. Whoever looks at models or at the bill has it made up for
    first, as of the instant at which it was due; so a clock that is advanced by years, or a
    service that was down, changes nothing about it.
    """

    def __init__(self, store: Store, clock: Clock, billing: Billing) -> None:
        self._store = store
        self._clock = clock
        self._billing = billing

    def settle(self) -> None:
        """End what is due; inside a transaction, as a part of it."""
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
                    self._billing.stopped(db, model_id, end)
