"""Real training: a small neural network on the images' pixels, by scikit-learn."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from automl_plan.emulator.training.decoding import (
    MAX_PREDICTED_PIXELS,
    PREDICTION_FORMATS,
    TRAINING_FORMATS,
    pixels,
)
from automl_plan.emulator.training.example_images import labelled_sets, read_images, truth_of
from automl_plan.emulator.training.metrics import evaluate
from automl_plan.emulator.training.pixel_network import Network, PixelNetworkTraining
from automl_plan.emulator.training.types import (
    Example,
    Prediction,
    Problem,
    SetName,
    TrainingJob,
    TrainingResult,
    TrainingUnimplemented,
)

if importlib.util.find_spec("sklearn") is None:
    # Checked at the start of the service; the first training imports it, which takes a second.
    raise ModuleNotFoundError("No module named 'sklearn'")

_TIMED_IMAGES = 20


class SklearnTrainer:
    """Trains image classification for real; the duration depends on the machine."""

    name = "sklearn"

    def check(self, job: TrainingJob) -> None:
        """Refuse object detection."""
        if job.problem is not Problem.IMAGE_CLASSIFICATION:
            raise TrainingUnimplemented(
                "The sklearn trainer of the emulator trains image classification only; "
                "start the emulator with --trainer simulated for object detection."
            )

    def duration(self, job: TrainingJob) -> float:  # noqa: ARG002 - of the protocol
        """Return 0.0: trainings take real time."""
        return 0.0

    def train(self, job: TrainingJob, cancelled: Callable[[], bool]) -> TrainingResult:
        """Train on TRAIN, stop by VALIDATION, evaluate on TEST.

        Unlabelled images are ignored. Each epoch uses a part of the budget: the smallest budget of
        the model type pays for 80 epochs. The same job gives the same model.
        """
        from threadpoolctl import threadpool_limits

        self.check(job)
        sets = labelled_sets(job)
        # One thread: sums that are split over cores aren't repeatable.
        with threadpool_limits(limits=1):
            images = {name: _pixels(examples, cancelled) for name, examples in sets.items()}
            truth = {name: truth_of(job, examples) for name, examples in sets.items()}
            train, test = SetName.TRAIN, SetName.TEST
            # Without VALIDATION images there is only the training's own loss to stop on.
            watched = SetName.VALIDATION if sets[SetName.VALIDATION] else train
            learning = PixelNetworkTraining(job, images[train], truth[train])
            learning.run(images[watched], truth[watched], job.epochs, cancelled)
            network = learning.best
            evaluations = evaluate(
                job.labels, truth[test], network.scores(images[test]), multilabel=job.multilabel
            )
            artefact = network.dump()
            return TrainingResult(
                artefact=artefact,
                train_cost_milli_node_hours=job.cost(learning.epochs),
                stop_reason="MODEL_CONVERGED" if learning.converged else "BUDGET_REACHED",
                node_qps=self._measure(artefact, sets[test][:_TIMED_IMAGES]),
                evaluations=evaluations,
            )

    def predict(self, artefact: bytes, image: bytes) -> list[Prediction]:
        """Every label with its score, the best first."""
        network = Network.load(artefact)
        found_pixels = pixels(image, PREDICTION_FORMATS, MAX_PREDICTED_PIXELS)
        scores = network.scores(found_pixels[np.newaxis])[0]
        found = [
            Prediction(label, float(score), None)
            for label, score in zip(network.labels, scores, strict=True)
        ]
        return sorted(found, key=lambda each: -each.score)

    def _measure(self, artefact: bytes, examples: Sequence[Example]) -> float:
        """How many predictions a second this machine makes, one after the other."""
        images = [example.path.read_bytes() for example in examples]
        began = time.perf_counter()
        for image in images:
            Network.load(artefact).scores(pixels(image, TRAINING_FORMATS)[np.newaxis])
        return round(len(images) / (time.perf_counter() - began), 1)


def _pixels(examples: Sequence[Example], cancelled: Callable[[], bool]) -> NDArray[np.float32]:
    found = [*read_images(examples, lambda image: pixels(image, TRAINING_FORMATS), cancelled)]
    return np.stack(found) if found else np.zeros((0, 0), dtype=np.float32)
