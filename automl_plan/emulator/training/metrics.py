"""Evaluations of a classifier from its predictions (proto: classification.proto)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from automl_plan.emulator.training.thresholds import (
    CONFIDENCE_THRESHOLDS,
    Counts,
    threshold_entry,
)
from automl_plan.emulator.training.types import ClassificationMetrics, Evaluation, Threshold

Truth = NDArray[np.bool_]
"""Which labels (columns) an example (row) has."""
Scores = NDArray[np.float64]
"""The predicted scores, from 0 to 1, of labels (columns) for examples (rows)."""

MAX_CONFUSION_LABELS = 10
"""The most labels with a confusion matrix (proto: ClassificationEvaluationMetrics)."""
_LEAST_PROBABILITY = float(np.finfo(np.float64).eps)
"""Used for a score of 0 in the log loss, which would be infinite."""


def evaluate(
    labels: Sequence[str], truth: Truth, scores: Scores, *, multilabel: bool
) -> tuple[Evaluation, ...]:
    """Return the overall evaluation (micro-averaged over examples and labels), and each label's."""
    best = np.zeros_like(truth)
    if len(scores):
        best[np.arange(len(scores)), scores.argmax(axis=1)] = True
    overall = ClassificationMetrics(
        au_prc=average_precision(truth, scores),
        au_roc=roc_area(truth, scores),
        log_loss=log_loss(truth, scores, multilabel=multilabel),
        thresholds=_thresholds(truth, scores, best),
        confusion=None if multilabel else _confusion(truth, best),
    )
    return (
        Evaluation(None, len(truth), overall),
        *(
            Evaluation(
                label,
                int(truth[:, column].sum()),
                _of_label(truth[:, column], scores[:, column], best[:, column]),
            )
            for column, label in enumerate(labels)
        ),
    )


def log_loss(truth: Truth, scores: Scores, *, multilabel: bool) -> float:
    """Return the mean loss: of the one label of each example, or of all pairs; 0.0 of none."""
    return _binary_loss(truth, scores) if multilabel else _class_loss(truth, scores)


def average_precision(truth: Truth, scores: Scores) -> float:
    """Return the area under the precision-recall curve; 0.0 when nothing is positive."""
    found, false = _curve(truth, scores)
    if not len(found) or found[-1] == 0:
        return 0.0
    gained = np.diff(found, prepend=0) / found[-1]
    return float((gained * found / (found + false)).sum())


def roc_area(truth: Truth, scores: Scores) -> float:
    """Return the area under the ROC curve; 0.0 when all or none are positive."""
    found, false = _curve(truth, scores)
    if not len(found) or found[-1] == 0 or false[-1] == 0:
        return 0.0
    heights = np.concatenate(([0], found)) / found[-1]
    widths = np.diff(false, prepend=0) / false[-1]
    return float((widths * (heights[1:] + heights[:-1]) / 2).sum())


def _curve(truth: Truth, scores: Scores) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """True and false positives at each distinct score, from the highest down."""
    flat, hits = scores.ravel(), truth.ravel()
    order = np.argsort(-flat, kind="stable")
    flat, hits = flat[order], hits[order]
    last_of_score = np.flatnonzero(np.diff(flat, append=-np.inf))
    return hits.cumsum()[last_of_score], (~hits).cumsum()[last_of_score]


def _of_label(truth: Truth, scores: Scores, best: Truth) -> ClassificationMetrics:
    return ClassificationMetrics(
        au_prc=average_precision(truth, scores),
        au_roc=roc_area(truth, scores),
        log_loss=_binary_loss(truth, scores),
        thresholds=_thresholds(truth, scores, best),
        confusion=None,
    )


def _class_loss(truth: Truth, scores: Scores) -> float:
    """The mean loss of examples that have exactly one label each."""
    if not len(truth):
        return 0.0
    return float(-np.log(np.clip(scores[truth], _LEAST_PROBABILITY, 1.0)).mean())


def _binary_loss(truth: Truth, scores: Scores) -> float:
    """The mean loss over all pairs of example and label, each a binary decision."""
    if not truth.size:
        return 0.0
    right = np.where(truth, scores, 1.0 - scores)
    return float(-np.log(np.clip(right, _LEAST_PROBABILITY, 1.0)).mean())


def _thresholds(truth: Truth, scores: Scores, best: Truth) -> tuple[Threshold, ...]:
    return tuple(
        threshold_entry(
            confidence,
            _counts(truth, scores >= confidence),
            _counts(truth, (scores >= confidence) & best),
        )
        for confidence in CONFIDENCE_THRESHOLDS
    )


def _counts(truth: Truth, found: Truth) -> Counts:
    right = int((truth & found).sum())
    positive, seen = int(truth.sum()), int(found.sum())
    return Counts(right, seen - right, positive - right, truth.size - positive - seen + right)


def _confusion(truth: Truth, best: Truth) -> tuple[tuple[int, ...], ...] | None:
    """Rows are true labels, columns predicted ones."""
    if truth.shape[1] > MAX_CONFUSION_LABELS:
        return None
    matrix = truth.astype(np.int64).T @ best.astype(np.int64)
    return tuple(tuple(int(count) for count in row) for row in matrix)
