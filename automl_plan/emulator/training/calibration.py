"""From the outputs of a model to scores that are as sure as they are right."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from automl_plan.emulator.training.metrics import Scores, Truth, log_loss

Outputs = NDArray[np.float64]
"""Of labels (columns) for images (rows): the higher, the likelier."""
_TEMPERATURES = np.exp(np.linspace(-1.4, 1.4, 57))
_DOUBT = 2.0
"""With that many images, a temperature far from 1 is hardly believed."""


def scores_of(outputs: Outputs, *, multilabel: bool) -> Scores:
    """Return scores from 0 to 1: independent ones, or shares of 1 when an image has one label."""
    if multilabel:
        return np.exp(-np.logaddexp(0, -outputs))
    powers = np.exp(outputs - outputs.max(axis=1, keepdims=True))
    shares: Scores = powers / powers.sum(axis=1, keepdims=True)
    return shares


def best_temperature(outputs: Outputs, truth: Truth, *, multilabel: bool) -> tuple[float, float]:
    """Return what to divide outputs by, and the loss of these images then.

    Above 1, the model was too sure of itself.
    """
    least, found = np.inf, (1.0, 0.0)
    for temperature in _TEMPERATURES:
        scores = scores_of(outputs / temperature, multilabel=multilabel)
        loss = log_loss(truth, scores, multilabel=multilabel)
        cost = loss + _DOUBT * np.log(temperature) ** 2 / len(truth)
        if cost < least:
            least, found = cost, (float(temperature), loss)
    return found
