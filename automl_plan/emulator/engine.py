"""The engine: what every HTTP front calls. It speaks no API's JSON."""

from datetime import datetime, timedelta
from pathlib import Path

from automl_plan.emulator.billing import Billing, Charge, ChargeKind
from automl_plan.emulator.clock import Clock
from automl_plan.emulator.datasets import Datasets
from automl_plan.emulator.endpoints import Endpoints
from automl_plan.emulator.files import Files, Images
from automl_plan.emulator.jobs import Jobs
from automl_plan.emulator.lifespan import Lifespans
from automl_plan.emulator.models import Models
from automl_plan.emulator.operations import POOLS, Operations
from automl_plan.emulator.store import Store
from automl_plan.emulator.training.trainer import trainer
from automl_plan.emulator.trainings import Trainings


class Engine:
    """Everything the service does, on the data of one directory."""

    def __init__(self, data_dir: Path, files: Files, trainer_name: str, clock: Clock) -> None:
        chosen = trainer(trainer_name)
        images = Images(data_dir / "images")
        self.files = files
        self._clock = clock
        self._store = Store(data_dir / "emulator.sqlite3")
        with self._store.reading() as db:  # so that no restart turns the clock back
            clock.advance(db.execute("SELECT ahead FROM clock").fetchone()["ahead"] / 1e6)
        self._jobs = Jobs(clock, POOLS)
        self._billing = Billing(self._store, clock)
        self._lifespans = Lifespans(self._store, clock, self._billing)
        self.operations = Operations(self._store, clock, self._jobs, self._billing)
        self.datasets = Datasets(self._store, clock, files, images, self.operations)
        self.models = Models(
            self._store, clock, files, self.operations, self._billing, self._lifespans
        )
        self.endpoints = Endpoints(
            self._store, clock, self.operations, self._billing, self._lifespans
        )
        self.trainings = Trainings(
            self._store, clock, images, chosen, self.operations, self._billing
        )

    @property
    def jobs_running(self) -> int:
        """How many operations run or wait for their turn."""
        return self._jobs.count

    def charges(self, kind: ChargeKind) -> list[Charge]:
        """What is billed of a kind, the oldest first, up until now."""
        self._lifespans.settle()
        return self._billing.charges(kind)

    def now(self) -> datetime:
        """What the service's clock says."""
        return self._clock.now()

    def advance(self, seconds: float) -> datetime:
        """Move the service's clock on, for good; what it says then.

        ValueError when it can't go so far, or would go back.
        """
        # In one transaction: nothing is recorded at an instant that a crash could take back.
        with self._store.transaction() as db:
            now = self._clock.advance(seconds)
            micros = self._clock.ahead // timedelta(microseconds=1)
            db.execute("UPDATE clock SET ahead = ?", (micros,))
        return now

    def resume(self) -> None:
        """Go on with the operations that ran when the service ended."""
        self.operations.resume()

    def interrupt(self) -> None:
        """Stop all work, to be resumed at the next start, and let nobody wait any longer."""
        self._jobs.stop()
        self.operations.wake()

    def close(self) -> None:
        """Close the data; nothing may be asked afterwards."""
        self._store.close()
