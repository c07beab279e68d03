"""The engine: what every HTTP front calls. It speaks no API's JSON."""

from pathlib import Path

from automl_plan.emulator.clock import Clock
from automl_plan.emulator.datasets import Datasets
from automl_plan.emulator.files import Files
from automl_plan.emulator.images import Images
from automl_plan.emulator.jobs import Jobs
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
        self._store = Store(data_dir / "emulator.sqlite3")
        self._jobs = Jobs(clock, POOLS)
        self.operations = Operations(self._store, clock, self._jobs)
        self.datasets = Datasets(self._store, clock, files, images, self.operations)
        self.models = Models(self._store, clock, files, self.operations)
        self.trainings = Trainings(self._store, clock, images, chosen, self.operations)

    @property
    def jobs_running(self) -> int:
        """How many operations run or wait for their turn."""
        return self._jobs.count

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
