"""Who guesses is said to guess; who is better is not, but where few images can't tell."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from automl_plan.emulator.training.metrics import evaluate
from automl_plan.emulator.training.types import ClassificationMetrics
from automl_plan.model.address import model_address
from automl_plan.model.evaluation import ConfidenceMetrics, ConfusionMatrix, Evaluation
from automl_plan.model.requirements import Metric, Requirements
from automl_plan.planning.gate import evaluate_gate
from automl_plan.planning.scorecards import Role, scorecard
from automl_plan.planning.statistics import no_better_than_guessing
from tests.documents import read_again

RUNS = 200


def of_skill(chance: np.random.Generator, images: int, labels: int, skill: float) -> Evaluation:
    """Of a model that knows the label of a share `skill` of the images, and guesses the others."""
    names = [f"l{number}" for number in range(labels)]
    true = chance.integers(0, labels, images)
    scores = chance.random((images, labels))
    known = np.flatnonzero(chance.random(images) < skill)
    scores[known, true[known]] += 1
    scores /= scores.sum(axis=1, keepdims=True)
    truth = np.eye(labels, dtype=np.bool_)[true]
    overall = evaluate(names, truth, scores, multilabel=False)[0]
    metrics = overall.metrics
    assert isinstance(metrics, ClassificationMetrics)
    return Evaluation(
        "1",
        None,
        overall.evaluated_example_count,
        metrics.au_prc,
        metrics.au_roc,
        thresholds=tuple(
            ConfidenceMetrics(
                each.confidence_threshold,
                each.precision,
                each.recall,
                each.f1_score,
                each.false_positive_rate,
                each.true_positive_count,
                each.false_positive_count,
                each.false_negative_count,
                each.true_negative_count,
            )
            for each in metrics.thresholds
        ),
        confusion=ConfusionMatrix(tuple(names), metrics.confusion or ()),
    )


@pytest.mark.parametrize("labels", [2, 3, 8])
@pytest.mark.parametrize("images", [10, 75, 400])
def test_who_guesses(images: int, labels: int) -> None:
    chance = np.random.default_rng(images * labels)
    told = sum(
        no_better_than_guessing(of_skill(chance, images, labels, 0.0)) is not None
        for _ in range(RUNS)
    )
    assert told >= 0.95 * RUNS


@pytest.mark.parametrize(
    ("images", "labels", "skill"), [(8, 2, 1.0), (8, 5, 1.0), (40, 2, 0.9), (75, 3, 0.7)]
)
def test_who_knows(images: int, labels: int, skill: float) -> None:
    chance = np.random.default_rng(7)
    told = sum(
        no_better_than_guessing(of_skill(chance, images, labels, skill)) is not None
        for _ in range(RUNS)
    )
    assert told <= 0.05 * RUNS


@given(st.integers(1, 300), st.integers(2, 9), st.floats(0, 1), st.integers(0, 2**32 - 1))
def test_whatever_is_told_or_not(images: int, labels: int, skill: float, seed: int) -> None:
    """With less told, nothing is said that the whole evaluation does not say, but by its areas."""
    whole = of_skill(np.random.default_rng(seed), images, labels, skill)
    said = no_better_than_guessing(whole)
    without_counts = replace(whole, thresholds=())
    assert (said is None) == (no_better_than_guessing(without_counts) is None)
    if said is not None:
        assert f"{images:,} TEST image" in said
        assert f"auPRC {whole.au_prc:.4f} (guessing: {1 / labels:.4f}); auROC" in said
        assert f"{whole.au_roc:.4f} (guessing: 0.5000)" in said


@pytest.mark.parametrize(
    "evaluation",
    [
        Evaluation("1", None, 0, au_prc=0.3, au_roc=0.5),
        Evaluation("1", "cat", 75, au_prc=0.3, au_roc=0.5),
        Evaluation("1", None, 75, mean_average_precision=0.01),
        Evaluation("1", None, 75),
        Evaluation("1", None, 75, au_prc=0.3),  # whose share by guessing nothing tells
        Evaluation("1", None, 4, 1.0, confusion=ConfusionMatrix(("a", "b"), ((2, 0), (0, 2)))),
    ],
)
def test_where_nothing_tells_nothing_is_said(evaluation: Evaluation) -> None:
    assert no_better_than_guessing(evaluation) is None


def test_gates_and_scorecards_say_it() -> None:
    found = of_skill(np.random.default_rng(1), 75, 3, 0.0)
    said = no_better_than_guessing(found)
    assert said is not None
    require = Requirements({Metric.AU_PRC: 0.1})
    report = evaluate_gate(require, [found], None)
    assert (report.guessing, report.passed) == (said, True)
    assert read_again(report).guessing == said
    card = scorecard(model_address("m"), "M1", Role.CURRENT, [found])
    assert card.guessing == said
