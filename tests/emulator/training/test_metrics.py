"""Evaluations of a classifier, held against scikit-learn's own functions."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, confusion_matrix, log_loss, roc_auc_score

from automl_plan.emulator.training.metrics import (
    average_precision,
    evaluate,
    roc_area,
)
from automl_plan.emulator.training.thresholds import CONFIDENCE_THRESHOLDS
from automl_plan.emulator.training.types import ClassificationMetrics, Evaluation


def _predicted(draw: st.DrawFn, rows: int, columns: int, *, shares: bool) -> NDArray[np.float64]:
    # Few different scores, so that ties are common; some exactly on a threshold.
    one = st.sampled_from([0.0, 0.05, 0.3, 0.5, 0.7, 0.95, 0.99, 1.0])
    scores = np.array(draw(st.lists(one, min_size=rows * columns, max_size=rows * columns)))
    scores = scores.reshape(rows, columns)
    return (scores + 0.01) / (scores + 0.01).sum(axis=1, keepdims=True) if shares else scores


@st.composite
def multiclass(draw: st.DrawFn) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    columns = draw(st.integers(2, 6))
    of = draw(st.lists(st.integers(0, columns - 1), min_size=1, max_size=30))
    truth = np.eye(columns, dtype=np.bool_)[of]
    return truth, _predicted(draw, len(of), columns, shares=True)


@st.composite
def multilabel(draw: st.DrawFn) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    columns = draw(st.integers(2, 6))
    rows = draw(st.integers(1, 30))
    flags = st.lists(st.booleans(), min_size=rows * columns, max_size=rows * columns)
    truth = np.array(draw(flags), dtype=np.bool_).reshape(rows, columns)
    truth[0, 0], truth[0, 1] = True, False  # there is a positive and a negative
    return truth, _predicted(draw, rows, columns, shares=False)


def _metrics(evaluation: Evaluation) -> ClassificationMetrics:
    assert isinstance(evaluation.metrics, ClassificationMetrics)
    return evaluation.metrics


def _evaluate(truth: Any, scores: Any, *, many: bool) -> tuple[Evaluation, ...]:
    labels = [f"label_{column}" for column in range(truth.shape[1])]
    return evaluate(labels, truth, scores, multilabel=many)


@given(st.one_of(multiclass(), multilabel()))
def test_areas_are_those_of_scikit_learn(
    case: tuple[NDArray[np.bool_], NDArray[np.float64]],
) -> None:
    truth, scores = case
    assert average_precision(truth, scores) == pytest.approx(
        average_precision_score(truth.ravel(), scores.ravel(), average="micro")
    )
    assert roc_area(truth, scores) == pytest.approx(roc_auc_score(truth.ravel(), scores.ravel()))
    for column in range(truth.shape[1]):
        of, given_scores = truth[:, column], scores[:, column]
        if 0 < of.sum() < len(of):
            expected = average_precision_score(of, given_scores)
            assert average_precision(of, given_scores) == pytest.approx(expected)
            assert roc_area(of, given_scores) == pytest.approx(roc_auc_score(of, given_scores))


@given(multiclass())
def test_a_multiclass_evaluation_is_that_of_scikit_learn(
    case: tuple[NDArray[np.bool_], NDArray[np.float64]],
) -> None:
    truth, scores = case
    overall = _metrics(_evaluate(truth, scores, many=False)[0])
    classes = list(range(truth.shape[1]))
    of, taken_for = truth.argmax(axis=1), scores.argmax(axis=1)
    assert overall.log_loss == pytest.approx(log_loss(of, scores, labels=classes))
    assert overall.confusion is not None
    expected = confusion_matrix(of, taken_for, labels=classes)
    assert [list(row) for row in overall.confusion] == expected.tolist()
    # At threshold 0 the best label of each image counts: its recall is the accuracy.
    assert overall.thresholds[0].recall_at1 == pytest.approx((of == taken_for).mean())
    assert overall.thresholds[0].precision_at1 == pytest.approx((of == taken_for).mean())


@given(multilabel())
def test_a_multilabel_evaluation_is_that_of_scikit_learn(
    case: tuple[NDArray[np.bool_], NDArray[np.float64]],
) -> None:
    truth, scores = case
    overall = _metrics(_evaluate(truth, scores, many=True)[0])
    assert overall.confusion is None
    assert overall.log_loss == pytest.approx(log_loss(truth.ravel(), scores.ravel(), labels=[0, 1]))


@given(st.one_of(multiclass(), multilabel()))
def test_counts_add_up(case: tuple[NDArray[np.bool_], NDArray[np.float64]]) -> None:
    truth, scores = case
    evaluations = _evaluate(truth, scores, many=True)
    assert [each.label for each in evaluations[:2]] == [None, "label_0"]
    assert evaluations[0].evaluated_example_count == len(truth)
    for column, evaluation in enumerate([*evaluations[1:], evaluations[0]]):
        of, given_scores = truth, scores
        if evaluation.label is not None:
            of, given_scores = truth[:, column], scores[:, column]
            assert evaluation.evaluated_example_count == of.sum()
        entries = _metrics(evaluation).thresholds
        assert tuple(each.confidence_threshold for each in entries) == CONFIDENCE_THRESHOLDS
        for entry in entries:
            positive = entry.true_positive_count + entry.false_negative_count
            negative = entry.false_positive_count + entry.true_negative_count
            assert (positive, negative) == (of.sum(), (~of).sum())
            found = given_scores >= entry.confidence_threshold
            assert entry.true_positive_count + entry.false_positive_count == found.sum()
            assert entry.true_positive_count == (found & of).sum()
            assert entry.recall_at1 <= entry.recall
            assert entry.false_positive_rate_at1 <= entry.false_positive_rate
            if entry.f1_score:
                expected = 2 / (1 / entry.precision + 1 / entry.recall)
                assert entry.f1_score == pytest.approx(expected)
    per_label = [_metrics(each).thresholds for each in evaluations[1:]]
    for number, entry in enumerate(_metrics(evaluations[0]).thresholds):
        summed = sum(thresholds[number].true_positive_count for thresholds in per_label)
        assert entry.true_positive_count == summed


def test_there_are_24_thresholds() -> None:
    assert len(CONFIDENCE_THRESHOLDS) == 24
    assert CONFIDENCE_THRESHOLDS[:3] == (0.0, 0.05, 0.1)
    assert CONFIDENCE_THRESHOLDS[-5:] == (0.95, 0.96, 0.97, 0.98, 0.99)


def test_what_has_no_curve_is_zero() -> None:
    truth = np.array([[True, False], [True, False]])
    scores = np.array([[0.9, 0.1], [0.6, 0.4]])
    always, never = (_metrics(each) for each in _evaluate(truth, scores, many=False)[1:])
    assert (always.au_prc, always.au_roc) == (1.0, 0.0)
    assert (never.au_prc, never.au_roc) == (0.0, 0.0)


def test_more_than_ten_labels_have_no_confusion_matrix() -> None:
    truth = np.eye(11, dtype=np.bool_)
    assert _metrics(_evaluate(truth, truth.astype(np.float64), many=False)[0]).confusion is None
    truth = np.eye(10, dtype=np.bool_)
    assert _metrics(_evaluate(truth, truth.astype(np.float64), many=False)[0]).confusion
