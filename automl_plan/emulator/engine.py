"""The engine behind all HTTP fronts; it has no JSON of any API."""

from datetime import datetime, timedelta
from pathlib import Path

from automl_plan.emulator.annotation_sets import AnnotationSets
from automl_plan.emulator.batches import Batches
from automl_plan.emulator.billing import Billing, Charge, ChargeKind
from automl_plan.emulator.clock import Clock
from automl_plan.emulator.data_items import DataItems
from automl_plan.emulator.datasets import Datasets
from automl_plan.emulator.endpoints import Endpoints
from automl_plan.emulator.files import Files, Images
from automl_plan.emulator.jobs import Jobs
from automl_plan.emulator.lifespan import Lifespans
from automl_plan.emulator.models import Models
from automl_plan.emulator.operations import POOLS, Context, Operations
from automl_plan.emulator.projects import Projects
from automl_plan.emulator.readings import Readings
from automl_plan.emulator.rows import known_projects
from automl_plan.emulator.store import Store
from automl_plan.emulator.training.trainers import load_trainer
from automl_plan.emulator.trainings import Trainings
from automl_plan.emulator.versions import Versions


class Engine:
    """The whole service, on the data of one directory."""

    def __init__(
        self, data_dir: Path, files: Files, trainer_name: str, clock: Clock, readings: Readings
    ) -> None:
        trainer = load_trainer(trainer_name, data_dir)
        images = Images(data_dir / "images")
        self.files = files
        self.readings = readings
        self._clock = clock
        self._store = Store(data_dir / "emulator.sqlite3")
        with self._store.reading() as db:  # so that a restart doesn't turn the clock back
            clock.advance(db.execute("SELECT ahead FROM clock").fetchone()["ahead"] / 1e6)
            self.projects = Projects(known_projects(db))
        self._jobs = Jobs(clock, POOLS)
        self._billing = Billing(self._store, clock)
        self._lifespans = Lifespans(self._store, clock, self._billing)
        self.operations = Operations(self._store, clock, self._jobs, self._billing, readings)
        context = Context(
            self._store, clock, self.operations, self._billing, self._lifespans, readings
        )
        self.annotation_sets = AnnotationSets(context)
        self.datasets = Datasets(context, files, images)
        self.data_items = DataItems(self._store, clock, readings)
        self.models = Models(context, files)
        self.versions = Versions(context, self.models)
        self.batches = Batches(context, files, self.models)
        self.endpoints = Endpoints(context)
        self.trainings = Trainings(context, images, trainer)

    @property
    def jobs_running(self) -> int:
        """The number of operations that run or are queued."""
        return self._jobs.count

    def charges(self, kind: ChargeKind) -> list[Charge]:
        """Return all charges of a kind, oldest first, including running ones up to now."""
        self._lifespans.settle()
        return self._billing.charges(kind)

    def now(self) -> datetime:
        """Return the time of the service's clock."""
        return self._clock.now()

    def advance(self, seconds: float) -> datetime:
        """Advance the service's clock permanently, and return its new time.

        Raises ValueError when it can't go that far, or would go back.
        """
        # In one transaction: nothing may be recorded at a time that a crash could undo.
        with self._store.transaction() as db:
            now = self._clock.advance(seconds)
            micros = self._clock.ahead // timedelta(microseconds=1)
            db.execute("UPDATE clock SET ahead = ?", (micros,))
        return now

    def resume(self) -> None:
        """Continue the operations that were unfinished when the service stopped."""
        self.operations.resume()

    def interrupt(self) -> None:
        """Stop all work until the next start, and end all waits for operations."""
        self._jobs.stop()
        self.operations.wake()

    def close(self) -> None:
        """Close the data; the engine can't be used afterwards."""
        self._store.close()
