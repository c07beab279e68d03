"""Logistic regression on the features of images."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from msgspec import Struct
from msgspec.structs import replace
from numpy.typing import NDArray

from automl_plan.emulator.training.calibration import Outputs, scores_of
from automl_plan.emulator.training.metrics import Scores, Truth
from automl_plan.emulator.training.types import TrainingCancelled, TrainingJob

Features = NDArray[np.float32]
_LENGTH = 8.0
"""Of the features of each image: what counts is their direction."""
_TOLERANCE = {"ftol": 1e-6, "gtol": 1e-5}
_MOST_PASSES = 200
"""Over the images, for one penalty."""


def unit(features: NDArray[np.float16]) -> Features:
    """Return features (rows) of equal length."""
    rows = features.astype(np.float32)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    scaled: Features = rows * (np.float32(_LENGTH) / np.maximum(lengths, np.float32(1e-6)))
    return scaled


class Head(Struct, frozen=True):
    """Weights of each feature (rows) for each label (columns)."""

    labels: tuple[str, ...]
    multilabel: bool
    backbone: str
    """The SHA-256 of the network that gives the features."""
    weights: Features
    bias: Features

    def outputs(self, features: Features) -> Outputs:
        """Return the outputs of labels (columns) for images (rows)."""
        outputs: Outputs = (features @ self.weights + self.bias).astype(np.float64)
        return outputs

    def scores(self, features: Features) -> Scores:
        """Return the scores, from 0 to 1, of labels (columns) for images (rows)."""
        return scores_of(self.outputs(features), multilabel=self.multilabel)

    def calibrated(self, temperature: float) -> Head:
        """Return the head with its outputs divided by that."""
        scale = np.float32(1 / temperature)
        return replace(self, weights=self.weights * scale, bias=self.bias * scale)

    def dump(self) -> bytes:
        """Return the bytes that `load` reads: arrays, and no pickled object."""
        buffer = io.BytesIO()
        np.savez_compressed(
            buffer,
            labels=np.array(self.labels, dtype=np.str_),
            multilabel=np.array(self.multilabel),
            backbone=np.array(self.backbone),
            weights=self.weights,
            bias=self.bias,
        )
        return buffer.getvalue()

    @classmethod
    def load(cls, artefact: bytes) -> Head | None:
        """Return the head that was dumped; None for the bytes of another kind of model."""
        with np.load(io.BytesIO(artefact), allow_pickle=False) as arrays:
            if "backbone" not in arrays:
                return None
            return cls(
                labels=tuple(str(label) for label in arrays["labels"]),
                multilabel=bool(arrays["multilabel"]),
                backbone=str(arrays["backbone"]),
                weights=arrays["weights"],
                bias=arrays["bias"],
            )


class HeadTraining:
    """Trains heads on the same images, each from where the last one ended."""

    def __init__(
        self, job: TrainingJob, features: Features, truth: Truth, backbone: str, base: Head | None
    ) -> None:
        """The penalty of a head is for its distance from that of the base model, or from zero."""
        self._job = job
        self._features = features
        self._truth = truth
        self._backbone = backbone
        self._start = _start(job, features.shape[1], base)
        self._last = self._start
        self.passes = 0
        """Over the images so far."""

    def heads(
        self, penalties: Sequence[float], most_passes: int, cancelled: Callable[[], bool]
    ) -> Iterator[tuple[float, Head]]:
        """Yield a head for each penalty, for one at least, until the passes are used up."""
        for penalty in penalties:
            left = min(_MOST_PASSES, most_passes - self.passes)
            if left <= 0 and self.passes:
                return
            yield penalty, self._fitted(penalty, max(left, 1), cancelled)

    def _fitted(self, penalty: float, most: int, cancelled: Callable[[], bool]) -> Head:
        from scipy.optimize import minimize

        def loss(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
            if cancelled():
                raise TrainingCancelled
            self.passes += 1
            return self._loss(flat.reshape(self._start.shape), penalty)

        options = {**_TOLERANCE, "maxfun": most}
        found = minimize(loss, self._last.ravel(), jac=True, method="L-BFGS-B", options=options)
        self._last = found.x.reshape(self._start.shape)
        weights = self._last.astype(np.float32)
        return Head(
            labels=self._job.labels,
            multilabel=self._job.multilabel,
            backbone=self._backbone,
            weights=weights[:-1],
            bias=weights[-1],
        )

    def _loss(
        self, weights: NDArray[np.float64], penalty: float
    ) -> tuple[float, NDArray[np.float64]]:
        """The loss of weights, the last row of which is the bias, and its gradient."""
        single = weights.astype(np.float32)  # sums of single precision take half the time
        outputs = (self._features @ single[:-1] + single[-1]).astype(np.float64)
        scores = scores_of(outputs, multilabel=self._job.multilabel)
        if self._job.multilabel:
            loss = np.logaddexp(0, np.where(self._truth, -outputs, outputs)).sum()
        else:
            loss = -np.log(np.maximum(scores[self._truth], 1e-30)).sum()
        error = ((scores - self._truth) / len(outputs)).astype(np.float32)
        moved = weights - self._start
        moved[-1] = 0  # the bias is free
        gradient = penalty * moved
        gradient[:-1] += self._features.T @ error
        gradient[-1] = error.sum(axis=0)
        value = float(loss / len(outputs) + penalty / 2 * np.square(moved).sum())
        return value, gradient.ravel()


def _start(job: TrainingJob, features: int, base: Head | None) -> NDArray[np.float64]:
    """The weights of the base model for labels of the same name, zeros for others."""
    start = np.zeros((features + 1, len(job.labels)))
    for column, label in enumerate(job.labels):
        if base is not None and label in base.labels:
            known = base.labels.index(label)
            start[:-1, column], start[-1, column] = base.weights[:, known], base.bias[known]
    return start
