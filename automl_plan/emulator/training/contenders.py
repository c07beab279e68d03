"""The two models that a training tries, and the choice between them by their loss."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from automl_plan.emulator.training.calibration import best_temperature
from automl_plan.emulator.training.head import Features, Head, HeadTraining
from automl_plan.emulator.training.metrics import Scores, Truth, log_loss
from automl_plan.emulator.training.pixel_network import Network, PixelNetworkTraining
from automl_plan.emulator.training.types import TrainingJob

FEATURES, PIXELS = "features", "pixels"
_PENALTIES = (1e-1, 3e-2, 1e-2, 3e-3, 1e-3, 3e-4, 1e-4, 3e-5, 1e-5)
_CAUTIOUS = 1e-2
"""The penalty when no images can be spared to choose it by."""
_PASSES_OF_EPOCH = 10
"""Passes of a head over the images cost as much as one epoch of the network on pixels."""
_NO_BETTER = 0.01
"""A loss that is lower by less is no reason for a weaker penalty, or for a further contender."""
_FEW = 30
"""VALIDATION images: with fewer, a part of the TRAIN images helps to choose."""
_ONE_IN = 5
"""TRAIN images of each label are that part."""

Rows = NDArray[np.intp]
Cancelled = Callable[[], bool]


class Images(Struct, frozen=True):
    """Images (rows): pixels from 0 to 1, features if there are any, and labels."""

    pixels: NDArray[np.float32]
    features: Features | None
    truth: Truth

    def some(self, rows: Rows) -> Images:
        """Return some of the images."""
        features = None if self.features is None else self.features[rows]
        return Images(self.pixels[rows], features, self.truth[rows])

    def and_others(self, others: Images) -> Images:
        """Return these images and others."""
        both = None
        if self.features is not None and others.features is not None:
            both = np.concatenate([self.features, others.features])
        pixels = np.concatenate([self.pixels, others.pixels])
        return Images(pixels, both, np.concatenate([self.truth, others.truth]))


class Contender(Struct, frozen=True):
    """A trained model, with its loss on the images that choose; 0.0 if there are none."""

    kind: str
    model: Head | Network
    loss: float
    epochs: float
    converged: bool

    def scores(self, images: Images) -> Scores:
        """Return the scores of labels (columns) for images (rows)."""
        if isinstance(self.model, Network):
            return self.model.scores(images.pixels)
        return self.model.scores(_known(images.features))


class Choice(Struct, frozen=True):
    """The contenders, the best one first, and the images that chose."""

    contenders: tuple[Contender, ...]
    judges: str


def choose(
    job: TrainingJob,
    train: Images,
    validation: Images,
    backbone: str,
    base: Head | None,
    cancelled: Cancelled,
) -> Choice:
    """Train the contenders, and choose the one with the lowest loss on VALIDATION images.

    Where they are few, one in five TRAIN images of each label helps to choose; the head is then
    trained once more with them.
    """
    if train.features is None:
        return _pixels_alone(job, train, validation, cancelled)
    learned, judges, named = _judges(train, validation)
    head = _Heads(job, backbone, base, cancelled).best(learned, judges, train)
    if judges is None or head.loss < _NO_BETTER:
        return Choice((head,), named)
    left = max(1, int(job.epochs - head.epochs))
    network = _pixel_network(job, learned, judges, left, cancelled)
    return Choice(tuple(sorted((head, network), key=lambda each: each.loss)), named)


def _pixels_alone(
    job: TrainingJob, train: Images, validation: Images, cancelled: Cancelled
) -> Choice:
    """Train the network on pixels as the trainer `sklearn` does: the same job, the same scores."""
    named, watched = ("VALIDATION", validation) if len(validation.truth) else ("TRAIN", train)
    training = PixelNetworkTraining(job, train.pixels, train.truth)
    training.run(watched.pixels, watched.truth, job.epochs, cancelled)
    scores = training.best.scores(watched.pixels)
    loss = log_loss(watched.truth, scores, multilabel=job.multilabel)
    network = Contender(PIXELS, training.best, loss, training.epochs, training.converged)
    return Choice((network,), named)


def _judges(train: Images, validation: Images) -> tuple[Images, Images | None, str]:
    """The images to learn from, those that choose, and what the latter are."""
    if len(validation.truth) >= _FEW:
        return train, validation, "VALIDATION"
    held = np.zeros(len(train.truth), dtype=np.bool_)
    for column in range(train.truth.shape[1]):
        of_label = np.flatnonzero(train.truth[:, column])
        held[of_label[_ONE_IN - 1 :: _ONE_IN]] = True
    spared = train.some(np.flatnonzero(held))
    learned = train.some(np.flatnonzero(~held))
    if not held.any():
        return train, (validation if len(validation.truth) else None), "VALIDATION"
    if not len(validation.truth):
        return learned, spared, "a fifth of TRAIN"
    return learned, validation.and_others(spared), "VALIDATION and a fifth of TRAIN"


def _pixel_network(
    job: TrainingJob, learned: Images, judges: Images, most: int, cancelled: Cancelled
) -> Contender:
    training = PixelNetworkTraining(job, learned.pixels, learned.truth)
    training.run(judges.pixels, judges.truth, most, cancelled)
    outputs = training.best.outputs(judges.pixels)
    temperature, loss = best_temperature(outputs, judges.truth, multilabel=job.multilabel)
    network = training.best.calibrated(temperature)
    return Contender(PIXELS, network, loss, training.epochs, training.converged)


class _Heads:
    """Trains heads for one job."""

    def __init__(
        self, job: TrainingJob, backbone: str, base: Head | None, cancelled: Cancelled
    ) -> None:
        self._job = job
        self._backbone = backbone
        self._base = base
        self._cancelled = cancelled
        # The network on pixels shall have its share of the budget, too.
        self._most = max(1, job.epochs * _PASSES_OF_EPOCH // 2)

    def best(self, learned: Images, judges: Images | None, everything: Images) -> Contender:
        """Return the best head for the judges, trained on everything."""
        if judges is None:
            training = self._training(everything)
            [(_, head)] = training.heads([_CAUTIOUS], self._most, self._cancelled)
            return self._contender(head, 0.0, training.passes)
        training = self._training(learned)
        found = []
        for penalty, head in training.heads(_PENALTIES, self._most, self._cancelled):
            outputs = head.outputs(_known(judges.features))
            temperature, loss = best_temperature(
                outputs, judges.truth, multilabel=self._job.multilabel
            )
            found.append((loss, penalty, head.calibrated(temperature), temperature))
        least = min(loss for loss, *_ in found)
        loss, penalty, head, temperature = next(
            each for each in found if each[0] <= least + _NO_BETTER
        )
        passes = training.passes
        if len(learned.truth) < len(everything.truth):
            again = self._training(everything)
            [(_, head)] = again.heads([penalty], self._most, self._cancelled)
            head = head.calibrated(temperature)
            passes += again.passes
        return self._contender(head, loss, passes)

    def _training(self, images: Images) -> HeadTraining:
        features = _known(images.features)
        return HeadTraining(self._job, features, images.truth, self._backbone, self._base)

    def _contender(self, head: Head, loss: float, passes: int) -> Contender:
        epochs = min(passes / _PASSES_OF_EPOCH, self._job.epochs)
        return Contender(FEATURES, head, loss, epochs, passes < self._most)


def _known(features: Features | None) -> Features:
    if features is None:
        raise AssertionError("A head is trained on features.")
    return features
