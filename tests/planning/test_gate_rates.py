"""How often models of known quality pass the gate: its confidence is a promise about that."""

from __future__ import annotations

from math import sqrt
from statistics import NormalDist, stdev

import numpy as np
import pytest

from automl_plan.model.requirements import Metric, Requirements
from automl_plan.planning.gate import evaluate_gate
from tests.depth import times
from tests.planning.simulated_models import (
    Classifier,
    Quality,
    evaluations,
    knowing,
    several_labels,
    true_quality,
    unknowing,
)

RUNS = times(500, 2_000)
CONFIDENCE = 0.95
MOST = 0.05 + 3 * sqrt(0.05 * 0.95 / RUNS)
"""Of runs that may pass at the minimum: 5 % and three standard errors of the rate."""


MODELS = {
    "knows its errors": knowing(2.0),
    "poor": knowing(1.0),
    "3 % mislabelled": knowing(4.0, 0.03),
    "knows no errors": unknowing(0.9),
    "surer of its errors": unknowing(0.97, errors_from=0.75),
    "several labels": several_labels(0.1),
}


def rate(
    name: str,
    require: Requirements,
    model: Classifier,
    n: int,
    labels: int,
    current: Classifier | None = None,
) -> float:
    """The share of runs that pass; both models are tested on examples of their own."""
    chance = np.random.default_rng(11)
    label, passed = bool(require.labels), 0
    for _ in range(RUNS):
        new = evaluations(*model(chance, n, labels), label=label)
        old = None
        if current is not None:
            old = evaluations(*current(chance, n, labels), label=label)
        passed += evaluate_gate(require, new, old).passed is True
    print(f"\n{name}, {n} examples of {labels} labels: {passed / RUNS:.1%} pass", end="")
    return passed / RUNS


def of(quality: Quality, metric: Metric) -> float:
    return {
        Metric.AU_PRC: quality.au_prc,
        Metric.PRECISION: quality.precision,
        Metric.RECALL: quality.recall,
        Metric.F1: quality.f1,
    }[metric]


@pytest.mark.parametrize(("n", "accuracy"), [(30, 0.917), (100, 0.3), (400, 0.97)])
@pytest.mark.parametrize("metric", [Metric.RECALL, Metric.PRECISION])
def test_a_share_at_the_minimum(metric: Metric, n: int, accuracy: float) -> None:
    # Recall is accuracy * sure: with all predictions sure, both are the accuracy itself.
    sure = 1.0 if metric is Metric.RECALL else 0.7
    require = Requirements({metric: accuracy}, confidence=CONFIDENCE)
    name = f"{metric} at its minimum {accuracy}"
    assert rate(name, require, unknowing(accuracy, sure=sure), n, 3) <= MOST


@pytest.mark.parametrize("metric", [Metric.RECALL, Metric.PRECISION, Metric.F1])
def test_a_single_label_at_the_minimum(metric: Metric) -> None:
    model = MODELS["knows no errors"]
    least = of(true_quality(model, 5, "a"), metric)
    require = Requirements(labels={"a": {metric: least}}, confidence=CONFIDENCE)
    assert rate(f"a: {metric} at its minimum {least:.3f}", require, model, 150, 5) <= MOST


@pytest.mark.parametrize("metric", [Metric.RECALL, Metric.PRECISION, Metric.F1, Metric.AU_PRC])
def test_images_of_several_labels_at_the_minimum(metric: Metric) -> None:
    model = MODELS["several labels"]
    least = of(true_quality(model, 4), metric)
    require = Requirements({metric: least}, confidence=CONFIDENCE)
    name = f"several labels: {metric} at its minimum {least:.3f}"
    assert rate(name, require, model, 150, 4) <= MOST


@pytest.mark.parametrize(("n", "accuracy"), [(60, 0.8), (300, 0.95)])
def test_f1_at_the_minimum(n: int, accuracy: float) -> None:
    model = unknowing(accuracy, sure=0.95)
    least = true_quality(model, 5).f1
    require = Requirements({Metric.F1: least}, confidence=CONFIDENCE)
    assert rate(f"f1 at its minimum {least:.3f}", require, model, n, 5) <= MOST


@pytest.mark.parametrize("model", [name for name in MODELS if name != "several labels"])
@pytest.mark.parametrize(("label", "n"), [(None, 50), (None, 300), ("a", 300)])
def test_au_prc_at_the_minimum(model: str, label: str | None, n: int) -> None:
    least = true_quality(MODELS[model], 5, label).au_prc
    minimum = {Metric.AU_PRC: least}
    require = Requirements(
        {} if label else minimum, labels={label: minimum} if label else {}, confidence=CONFIDENCE
    )
    name = f"{label or 'overall'}, {model}: au_prc at its minimum {least:.3f}"
    assert rate(name, require, MODELS[model], n, 5) <= MOST


@pytest.mark.parametrize(
    ("current", "new"),
    [
        (knowing(2.0), knowing(1.8)),
        (unknowing(0.95), unknowing(0.92)),
        (unknowing(0.97), unknowing(0.95, errors_from=0.75)),
        (unknowing(1.0), unknowing(0.98)),
    ],
    ids=["knowing", "unknowing", "surer of its errors", "perfect before"],
)
def test_worse_than_the_current_by_the_margin(current: Classifier, new: Classifier) -> None:
    margin = true_quality(current, 5).au_prc - true_quality(new, 5).au_prc
    require = Requirements(not_worse_than_current=margin, confidence=CONFIDENCE)
    assert rate(f"worse by the margin {margin:.3f}", require, new, 300, 5, current) <= MOST


def test_as_good_as_the_current() -> None:
    """The power that the normal approximation predicts.

    The gate takes the standard error of a third of the examples, so the difference has to be that
    much above the margin; how it truly varies is measured here, to some 3 % with 500 tests. That
    moves the power by less than 0.02, its own sampling by 0.03 (three standard errors).
    """
    model, n, margin = knowing(2.0), 1_000, 0.04
    chance = np.random.default_rng(5)
    tests = [evaluations(*model(chance, n, 5))[0].au_prc or 0.0 for _ in range(500)]
    au_prc = true_quality(model, 5).au_prc
    assumed = sqrt(2 * au_prc * (1 - au_prc) * 3 / n)
    truly = sqrt(2) * stdev(tests)
    power = NormalDist().cdf((margin - NormalDist().inv_cdf(CONFIDENCE) * assumed) / truly)
    require = Requirements(not_worse_than_current=margin, confidence=CONFIDENCE)
    found = rate(f"as good, margin {margin}, predicted {power:.1%}", require, model, n, 5, model)
    assert found == pytest.approx(power, abs=0.05)


@pytest.mark.parametrize("metric", [Metric.RECALL, Metric.PRECISION, Metric.AU_PRC])
def test_without_a_confidence_the_minimum_is_met_half_of_the_time(metric: Metric) -> None:
    model = unknowing(0.9)
    require = Requirements({metric: of(true_quality(model, 3), metric)})
    # A count lies above its mean less often, or more, by half of one step's probability: 0.04.
    found = rate(f"{metric}, no confidence", require, model, 250, 3)
    assert found == pytest.approx(0.5, abs=0.08)


def test_without_a_confidence_an_equal_model_with_no_margin_passes_half_of_the_time() -> None:
    model = knowing(2.0)
    require = Requirements(not_worse_than_current=0.0)
    found = rate("as good, no margin, no confidence", require, model, 250, 3, model)
    assert found == pytest.approx(0.5, abs=0.04)
