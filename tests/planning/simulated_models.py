"""Classifiers whose true quality is known, and the evaluations of single tests of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from automl_plan.model.evaluation import ConfidenceMetrics, Evaluation

Truth: TypeAlias = NDArray[np.bool_]
Scores: TypeAlias = NDArray[np.float64]
Chance: TypeAlias = np.random.Generator
Classifier: TypeAlias = Callable[[Chance, int, int], tuple[Truth, Scores]]
"""Tests itself on so many examples of so many labels: which labels they have, and the scores."""

_MANY = 300_000


@dataclass(frozen=True)
class Quality:
    """What tests vary about."""

    au_prc: float
    precision: float
    recall: float
    f1: float


def knowing(separation: float, mislabelled: float = 0.0) -> Classifier:
    """Softmax of normal logits: its errors have lower scores than what is right.

    With mislabelled test examples it has errors that it is as sure of as of anything.
    """

    def tested(chance: Chance, n: int, labels: int) -> tuple[Truth, Scores]:
        true = chance.integers(labels, size=n)
        logits = chance.normal(size=(n, labels))
        logits[np.arange(n), true] += separation
        powers = np.exp(logits * separation)
        wrong = chance.random(n) < mislabelled
        told = np.where(wrong, _another(chance, true, labels), true)
        return _one_hot(told, labels), powers / powers.sum(axis=1, keepdims=True)

    return tested


def unknowing(accuracy: float, *, sure: float = 1.0, errors_from: float = 0.5) -> Classifier:
    """Its scores say nothing about whether it is right, or are even higher where it is wrong.

    The share `sure` of its predictions scores 0.5 or more (errors: `errors_from` or more), so its
    recall at 0.5 is accuracy * sure, and its precision is its accuracy.
    """

    def tested(chance: Chance, n: int, labels: int) -> tuple[Truth, Scores]:
        true = chance.integers(labels, size=n)
        right = chance.random(n) < accuracy
        top = chance.uniform(np.where(right, 0.5, errors_from), 1.0)
        top = np.where(chance.random(n) < sure, top, chance.uniform(0.4, 0.5, n))
        scores = chance.uniform(0.0, 1.0, (n, labels)) * np.minimum(1 - top, 0.39)[:, None]
        predicted = np.where(right, true, _another(chance, true, labels))
        scores[np.arange(n), predicted] = top
        return _one_hot(true, labels), scores

    return tested


def several_labels(difficulty: float) -> Classifier:
    """Images with several labels, which are told or not told together: a bad image spoils all."""

    def tested(chance: Chance, n: int, labels: int) -> tuple[Truth, Scores]:
        truth = chance.random((n, labels)) < 0.5
        bad = (chance.random(n) < difficulty)[:, None]
        high, low = chance.uniform(0.5, 1, truth.shape), chance.uniform(0, 0.5, truth.shape)
        return truth, np.where(truth ^ bad, high, low)

    return tested


def evaluations(truth: Truth, scores: Scores, *, label: bool = True) -> list[Evaluation]:
    """The overall evaluation and that of the first label, `a`, as the service tells them."""
    overall = _evaluation(None, len(truth), truth, scores)
    if not label:
        return [overall]
    return [overall, _evaluation("a", int(truth[:, 0].sum()), truth[:, 0], scores[:, 0])]


def true_quality(classifier: Classifier, labels: int, label: str | None = None) -> Quality:
    """Of one very large test; overall or of the label `a`."""
    found = _large_test(classifier, labels)[label is not None]
    entry = found.thresholds[0]
    assert found.au_prc is not None
    assert entry.precision is not None
    assert entry.recall is not None
    assert entry.f1_score is not None
    return Quality(found.au_prc, entry.precision, entry.recall, entry.f1_score)


@cache
def _large_test(classifier: Classifier, labels: int) -> list[Evaluation]:
    return evaluations(*classifier(np.random.default_rng(7), _MANY, labels))


def _evaluation(label: str | None, examples: int, truth: Truth, scores: Scores) -> Evaluation:
    found = scores >= 0.5
    hits, positive, seen = int((found & truth).sum()), int(truth.sum()), int(found.sum())
    entry = ConfidenceMetrics(
        threshold=0.5,
        precision=hits / seen if seen else 1.0,
        recall=hits / positive if positive else 0.0,
        f1_score=2 * hits / (positive + seen) if positive + seen else 0.0,
        true_positives=hits,
        false_positives=seen - hits,
        false_negatives=positive - hits,
        true_negatives=truth.size - positive - seen + hits,
    )
    area = _area(truth.ravel(), scores.ravel())
    return Evaluation("1", label, examples, au_prc=area, thresholds=(entry,))


def _area(truth: Truth, scores: Scores) -> float:
    """The average precision: the area under the precision-recall curve, step by step."""
    ranked = truth[np.argsort(-scores)]
    if not ranked.any():
        return 0.0
    precision = ranked.cumsum() / np.arange(1, len(ranked) + 1)
    return float(precision[ranked].mean())


def _another(chance: Chance, true: NDArray[np.int64], labels: int) -> NDArray[np.int64]:
    return (true + chance.integers(1, labels, size=len(true))) % labels


def _one_hot(true: NDArray[np.int64], labels: int) -> Truth:
    hot: Truth = np.arange(labels) == true[:, None]
    return hot
