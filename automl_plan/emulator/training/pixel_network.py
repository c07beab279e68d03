"""A small neural network on the images' pixels, and its training by scikit-learn."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
from msgspec import Struct
from msgspec.structs import replace
from numpy.typing import NDArray

from automl_plan.emulator.training.calibration import Outputs, scores_of
from automl_plan.emulator.training.metrics import Scores, Truth
from automl_plan.emulator.training.types import TrainingCancelled, TrainingJob

_Numbers = NDArray[np.float32]


class Network(Struct, frozen=True):
    """A network of one hidden layer (ReLU).

    Its outputs are one per label: shares of 1 when an image has one label, else independent.
    """

    labels: tuple[str, ...]
    multilabel: bool
    mean: _Numbers
    hidden: _Numbers
    hidden_bias: _Numbers
    output: _Numbers
    output_bias: _Numbers

    def outputs(self, images: _Numbers) -> Outputs:
        """Return the outputs of labels (columns) for the pixels of images (rows)."""
        hidden = np.maximum((images - self.mean) @ self.hidden + self.hidden_bias, 0)
        outputs: Outputs = (hidden @ self.output + self.output_bias).astype(np.float64)
        return outputs

    def scores(self, images: _Numbers) -> Scores:
        """Return the scores, from 0 to 1, of labels (columns) for the pixels of images (rows)."""
        return scores_of(self.outputs(images), multilabel=self.multilabel)

    def calibrated(self, temperature: float) -> Network:
        """Return the network with its outputs divided by that."""
        scale = np.float32(1 / temperature)
        return replace(self, output=self.output * scale, output_bias=self.output_bias * scale)

    def dump(self) -> bytes:
        """Return the bytes that `load` reads.

        They are arrays, not a pickled object: unpickling can run any code, so that write access to
        the data directory would be enough to run code here.
        """
        buffer = io.BytesIO()
        np.savez_compressed(
            buffer,
            labels=np.array(self.labels, dtype=np.str_),
            multilabel=np.array(self.multilabel),
            mean=self.mean,
            hidden=self.hidden,
            hidden_bias=self.hidden_bias,
            output=self.output,
            output_bias=self.output_bias,
        )
        return buffer.getvalue()

    @classmethod
    def load(cls, artefact: bytes) -> Network:
        """Return the network that was dumped."""
        with np.load(io.BytesIO(artefact), allow_pickle=False) as arrays:
            return cls(
                labels=tuple(str(label) for label in arrays["labels"]),
                multilabel=bool(arrays["multilabel"]),
                mean=arrays["mean"],
                hidden=arrays["hidden"],
                hidden_bias=arrays["hidden_bias"],
                output=arrays["output"],
                output_bias=arrays["output_bias"],
            )


_HIDDEN_UNITS = 128
_BATCH = 64
_PATIENCE = 8
_LEAST_GAIN = 0.01
"""Converged: no epoch of the last _PATIENCE ones lowered the VALIDATION loss by this share."""


class PixelNetworkTraining:
    """The epochs of one training."""

    def __init__(self, job: TrainingJob, images: _Numbers, truth: Truth) -> None:
        """`images` are the pixels of the TRAIN images, `truth` their labels."""
        from sklearn.neural_network import MLPClassifier

        self._job = job
        self._images = images
        self._truth = truth
        self._mean = images.mean(axis=0)
        # A generator, not its seed: given a number, each epoch would shuffle in the same way.
        self._model = MLPClassifier(
            hidden_layer_sizes=(_HIDDEN_UNITS,),
            batch_size=min(_BATCH, len(images)),
            random_state=np.random.RandomState(job.seed % 2**32),
        )
        self.epochs = 0
        self.converged = False
        self.best: Network

    def run(
        self, watched: _Numbers, truth: Truth, allowed: int, cancelled: Callable[[], bool]
    ) -> None:
        """Train until the loss of watched images converges or so many epochs have passed.

        The network with the lowest loss is kept.
        """
        images = self._images - self._mean
        targets = self._truth.astype(np.int8)
        if not self._job.multilabel:
            targets = targets.argmax(axis=1)
        classes = np.arange(len(self._job.labels))
        least_loss, waited = np.inf, 0
        while self.epochs < allowed and not self.converged:
            if cancelled():
                raise TrainingCancelled
            self._model.partial_fit(images, targets, classes=classes)
            self.epochs += 1
            network = self._network()
            loss = _loss(truth, network.scores(watched))
            if loss < least_loss * (1 - _LEAST_GAIN):
                least_loss, waited, self.best = loss, 0, network
            else:
                waited += 1
                self.converged = waited >= _PATIENCE

    def _network(self) -> Network:
        hidden, output = (weights.astype(np.float32) for weights in self._model.coefs_)
        hidden_bias, output_bias = (bias.astype(np.float32) for bias in self._model.intercepts_)
        if output.shape[1] == 1 and not self._job.multilabel:
            # Of two classes scikit-learn scores the second only: the first one's output is 0.
            output = np.hstack([np.zeros_like(output), output])
            output_bias = np.concatenate([np.zeros_like(output_bias), output_bias])
        return Network(
            labels=self._job.labels,
            multilabel=self._job.multilabel,
            mean=self._mean,
            hidden=hidden,
            hidden_bias=hidden_bias,
            output=output,
            output_bias=output_bias,
        )


def _loss(truth: Truth, scores: Scores) -> float:
    right = np.where(truth, scores, 1 - scores)
    return float(-np.log(np.clip(right, 1e-12, 1)).mean())
