"""What a trainer is, and which there are."""

from collections.abc import Callable
from typing import Protocol

from automl_plan.emulator.training.types import Prediction, TrainingJob, TrainingResult


class Trainer(Protocol):
    """Trains models and lets them predict."""

    @property
    def name(self) -> str:
        """The name under which `trainer` knows it."""

    def check(self, job: TrainingJob) -> None:
        """Raise TrainingUnimplemented for a job that this trainer can never do."""

    def duration(self, job: TrainingJob) -> float:
        """How many hours it is to take by the service's clock; 0.0: as long as it really does."""

    def train(self, job: TrainingJob, cancelled: Callable[[], bool]) -> TrainingResult:
        """Train and evaluate a model; `cancelled` is asked often.

        Raises TrainingCancelled, TrainingFailed, TrainingUnimplemented.
        """

    def predict(self, artefact: bytes, image: bytes) -> list[Prediction]:
        """Every label with its score, the best first; for object detection the boxes seen.

        Raises ImageUnreadable.
        """


def trainer(name: str) -> Trainer:
    """The trainer of that name, `sklearn` or `simulated`; ValueError when there is none.

    Only here are their modules imported: scikit-learn takes longer to import than most commands
    take to run, and need not be installed for simulated training.
    """
    if name == "sklearn":
        from automl_plan.emulator.training.sklearn_trainer import SklearnTrainer

        return SklearnTrainer()
    if name == "simulated":
        from automl_plan.emulator.training.simulated_trainer import SimulatedTrainer

        return SimulatedTrainer()
    raise ValueError(f"There is no trainer {name!r}: use sklearn or simulated.")
