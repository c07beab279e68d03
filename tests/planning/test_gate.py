"""What a gate decides, and on what."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from automl_plan.model.address import dataset_address, model_address
from automl_plan.model.desired import Desired, DesiredDataset, DesiredModel
from automl_plan.model.evaluation import ConfidenceMetrics, ConfusionMatrix, Evaluation
from automl_plan.model.json import written
from automl_plan.model.model_types import ClassificationType, Problem
from automl_plan.model.requirements import Metric, Requirements
from automl_plan.planning.gate import GateRow, evaluate_gate
from automl_plan.planning.notes import gate_notes
from automl_plan.planning.plan import Action, Change
from automl_plan.planning.statistics import (
    Interval,
    difference,
    exact_low,
    one_sided,
    two_sided,
    wilson,
)
from automl_plan.providers.google.vertex.capabilities import VERTEX
from automl_plan.workspace.plan_entries import GateEntry

Z = two_sided(0.95)


def entry(hits: int, wrong: int, missed: int, threshold: float = 0.5) -> ConfidenceMetrics:
    return ConfidenceMetrics(
        threshold,
        precision=hits / (hits + wrong) if hits + wrong else 1.0,
        recall=hits / (hits + missed) if hits + missed else 0.0,
        f1_score=2 * hits / (2 * hits + wrong + missed) if hits + wrong + missed else 0.0,
        true_positives=hits,
        false_positives=wrong,
        false_negatives=missed,
        true_negatives=1000,
    )


OVERALL = Evaluation("1", None, 200, au_prc=0.95, thresholds=(entry(180, 10, 20),))
SEVEN = Evaluation("2", "seven", 50, au_prc=0.9, thresholds=(entry(40, 5, 10),))
EIGHT = Evaluation("3", "eight", 100, au_prc=0.99, thresholds=(entry(98, 1, 2),))
NEW = (OVERALL, SEVEN, EIGHT)
DETECTION = (Evaluation("4", None, 90, mean_average_precision=0.8),)


def only(require: Requirements, new: tuple[Evaluation, ...] = NEW) -> GateRow:
    (row,) = evaluate_gate(require, new, None).rows
    return row


# Newcombe 1998, "Two-sided confidence intervals for the single proportion", table I, method 3.
@pytest.mark.parametrize(
    ("k", "n", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson(k: int, n: int, low: float, high: float) -> None:
    found = wilson(k, n, Z)
    assert found.low == pytest.approx(low, abs=5e-5)
    assert found.high == pytest.approx(high, abs=5e-5)


# Newcombe 1998, "Interval estimation for the difference ...", table II, method 10.
@pytest.mark.parametrize(
    ("k", "n", "old_k", "old_n", "low", "high"),
    [
        (56, 70, 48, 80, 0.0524, 0.3339),
        (9, 10, 3, 10, 0.1705, 0.8090),
        (10, 10, 0, 20, 0.6791, 1.0),
        (10, 10, 0, 10, 0.6075, 1.0),
    ],
)
def test_newcombe(k: int, n: int, old_k: int, old_n: int, low: float, high: float) -> None:
    found = difference(k / n, wilson(k, n, Z), old_k / old_n, wilson(old_k, old_n, Z))
    assert found.low == pytest.approx(low, abs=5e-5)
    assert found.high == pytest.approx(high, abs=5e-5)


@pytest.mark.parametrize(
    ("k", "n", "confidence", "low"),
    [
        (30, 30, 0.95, 0.05 ** (1 / 30)),
        (1, 30, 0.95, 1 - 0.95 ** (1 / 30)),
        (81, 263, 0.975, 0.2527),  # Newcombe 1998, method 5
        (15, 148, 0.975, 0.0578),
        (0, 30, 0.95, 0.0),
    ],
)
def test_exact(k: int, n: int, confidence: float, low: float) -> None:
    assert exact_low(k, n, confidence) == pytest.approx(low, abs=5e-5)


def test_nothing_is_known_of_no_examples() -> None:
    assert wilson(0, 0, Z) == Interval(0.0, 1.0)
    assert exact_low(0, 0, 0.95) == 0.0


counts = st.integers(1, 2000).flatmap(lambda n: st.tuples(st.floats(0, n), st.just(n)))
confidences = st.floats(0.5, 0.999)


@given(counts, counts, confidences)
def test_bounds_lie_where_they_can(
    new: tuple[float, int], old: tuple[float, int], confidence: float
) -> None:
    z = two_sided(confidence)
    within, was = wilson(*new, z), wilson(*old, z)
    share, old_share = new[0] / new[1], old[0] / old[1]
    assert 0 <= within.low <= share <= within.high <= 1
    assert 0 <= exact_low(*new, confidence) <= share
    gap = difference(share, within, old_share, was)
    assert -1 <= gap.low <= share - old_share + 1e-12
    assert share - old_share - 1e-12 <= gap.high <= 1


@given(counts, st.floats(0, 2000), confidences)
def test_more_seen_is_a_higher_bound(
    seen: tuple[float, int], more: float, confidence: float
) -> None:
    k, n = seen
    z = one_sided(confidence)
    further = min(k + more, n)
    assert wilson(k, n, z).low <= wilson(further, n, z).low + 1e-9
    assert wilson(k, n, z).high <= wilson(further, n, z).high + 1e-9
    assert exact_low(k, n, confidence) <= exact_low(further, n, confidence) + 1e-8


@given(
    st.sampled_from((Metric.AU_PRC, Metric.PRECISION, Metric.RECALL, Metric.F1)),
    st.floats(0, 1),
    st.integers(0, 199),
    st.none() | confidences,
)
def test_what_is_met_stays_met_when_more_is_right(
    metric: Metric, least: float, right: int, confidence: float | None
) -> None:
    def met(hits: int) -> bool:
        found = replace(
            OVERALL, au_prc=hits / 200, thresholds=(entry(hits, 200 - hits, 200 - hits),)
        )
        return only(Requirements({metric: least}, confidence=confidence), (found,)).met is True

    assert met(right) <= met(right + 1)


@given(st.integers(0, 199), st.floats(0, 0.3), st.none() | confidences)
def test_not_worse_stays_not_worse(right: int, margin: float, confidence: float | None) -> None:
    require = Requirements(not_worse_than_current=margin, confidence=confidence)

    def met(hits: int) -> bool:
        new = (replace(OVERALL, au_prc=hits / 200),)
        return evaluate_gate(require, new, (OVERALL,)).passed is True

    assert met(right) <= met(right + 1)


@pytest.mark.parametrize(
    ("metric", "value", "examples", "name"),
    [
        (Metric.AU_PRC, 0.95, 200, "au_prc"),
        (Metric.PRECISION, 180 / 190, 190, "precision at 0.5"),
        (Metric.RECALL, 0.9, 200, "recall at 0.5"),
        (Metric.F1, 360 / 390, 200, "f1 at 0.5"),
    ],
)
def test_the_measured_value_decides(metric: Metric, value: float, examples: int, name: str) -> None:
    row = only(Requirements({metric: value}))
    assert (row.requirement, row.actual, row.met, row.examples) == (name, value, True, examples)
    assert row.low is not None
    assert row.high is not None
    assert row.low < value < row.high
    assert not only(Requirements({metric: value + 1e-5})).met


@pytest.mark.parametrize("metric", [Metric.AU_PRC, Metric.PRECISION, Metric.RECALL, Metric.F1])
def test_with_a_confidence_the_lower_bound_decides(metric: Metric) -> None:
    low = only(Requirements({metric: 0.5}, confidence=0.9)).low
    assert low is not None
    row = only(Requirements({metric: low}, confidence=0.9))
    assert (row.met, row.high) == (True, None)
    assert not only(Requirements({metric: low + 1e-5}, confidence=0.9)).met
    surer = only(Requirements({metric: low}, confidence=0.99))
    assert not surer.met


def test_single_precision_is_no_reason_to_reject() -> None:
    told = replace(OVERALL, au_prc=0.949999988079071)
    assert only(Requirements({Metric.AU_PRC: 0.95}), (told,)).met


def test_missing_counts_follow_from_the_shares_of_what_there_is_to_find() -> None:
    """150 of 200 found, and 10 wrongly."""
    bare = ConfidenceMetrics(0.5, precision=0.9375, recall=0.75, f1_score=0.8333333)
    zeros = replace(bare, true_positives=0, false_positives=0, false_negatives=0)
    examples = {Metric.PRECISION: 160, Metric.RECALL: 200, Metric.F1: 200}
    for told in (bare, zeros):
        found = (replace(OVERALL, thresholds=(told,), positives=200),)
        for metric, counted in examples.items():
            row = only(Requirements({metric: 0.6}, confidence=0.9), found)
            assert (row.examples, row.met) == (counted, True)


def test_an_interval_without_counts_is_not_known() -> None:
    """A value that misses the minimum misses it by any bound; else nothing is decided."""
    bare = ConfidenceMetrics(0.5, precision=0.9, recall=0.8, f1_score=0.85)
    unknown = (replace(OVERALL, thresholds=(bare,)),)
    uncounted = (replace(OVERALL, example_count=None, positives=None, thresholds=(bare,)),)
    for found in (unknown, uncounted):
        for metric in (Metric.PRECISION, Metric.RECALL, Metric.F1):
            row = only(Requirements({metric: 0.7}, confidence=0.9), found)
            assert (row.examples, row.low, row.met) == (None, None, None)
            assert row.note == "a confidence is required, but the reported counts give no bound"
            assert only(Requirements({metric: 0.91}, confidence=0.9), found).met is False
            row = only(Requirements({metric: 0.7}), found)
            assert (row.met, row.low, row.high, row.examples) == (True, None, None, None)
    row = only(Requirements({Metric.AU_PRC: 0.9}), uncounted)
    assert (row.met, row.actual, row.low, row.examples) == (True, 0.95, None, None)


def test_of_nothing_nothing_is_measured() -> None:
    silent = (replace(OVERALL, thresholds=(entry(0, 0, 200),)),)
    row = only(Requirements({Metric.PRECISION: 0.9}), silent)
    assert (row.actual, row.met) == (None, False)
    assert row.note == "no prediction to measure it on"
    empty = (replace(SEVEN, example_count=0),)
    row = only(Requirements(labels={"seven": {Metric.RECALL: 0.1}}), empty)
    assert (row.actual, row.met, row.note) == (None, False, "no test examples")


def test_what_the_service_does_not_tell_is_undecided() -> None:
    row = only(Requirements({Metric.MEAN_AVERAGE_PRECISION: 0.0}))
    assert (row.actual, row.met, row.note) == (None, None, "not reported by the service")
    row = only(Requirements({Metric.RECALL: 0.0}, threshold=0.4))
    assert (row.requirement, row.met, row.note) == (
        "recall at 0.4",
        None,
        "not reported by the service",
    )
    row = only(Requirements({Metric.AU_PRC: 0.0}), ())
    assert (row.met, row.note) == (None, "not evaluated")
    row = only(Requirements({Metric.AU_PRC: 0.0}), (OVERALL, replace(OVERALL, au_prc=1.0)))
    assert (row.met, row.note) == (None, "the service reports several evaluations of it")


def test_a_missed_requirement_decides_whatever_else_is_unknown() -> None:
    require = Requirements({Metric.AU_PRC: 0.99, Metric.MEAN_AVERAGE_PRECISION: 0.5})
    report = evaluate_gate(require, NEW, None)
    assert (report.passed, report.undecided) == (False, ("mean_average_precision",))
    met = replace(require, overall={**require.overall, Metric.AU_PRC: 0.9})
    assert evaluate_gate(met, NEW, None).passed is None


def test_each_label_is_one_that_the_matrix_names() -> None:
    """A label without an evaluation of its own is not passed over."""
    matrix = ConfusionMatrix(("eight", "nine"), ((98, 2), (0, 1)))
    found = (replace(OVERALL, confusion=matrix), EIGHT)
    report = evaluate_gate(Requirements(each_label={Metric.AU_PRC: 0.1}), found, None)
    assert [(row.requirement, row.met, row.note) for row in report.rows] == [
        ("eight: au_prc", True, None),
        ("nine: au_prc", None, "not evaluated"),
    ]


def test_mean_average_precision_has_no_bound() -> None:
    row = only(Requirements({Metric.MEAN_AVERAGE_PRECISION: 0.8}), DETECTION)
    assert (row.met, row.low, row.high, row.examples) == (True, None, None, None)
    row = only(Requirements({Metric.MEAN_AVERAGE_PRECISION: 0.1}, confidence=0.6), DETECTION)
    assert (row.met, row.low) == (None, None)
    assert "no bound" in (row.note or "")
    row = only(Requirements({Metric.MEAN_AVERAGE_PRECISION: 0.9}, confidence=0.6), DETECTION)
    assert row.met is False


def test_each_label_and_what_goes_before_it() -> None:
    require = Requirements(
        each_label={Metric.RECALL: 0.9, Metric.PRECISION: 0.5},
        labels={"seven": {Metric.RECALL: 0.8}, "nine": {Metric.F1: 0.1}},
    )
    rows = evaluate_gate(
        require, NEW, (OVERALL, replace(SEVEN, thresholds=(entry(45, 5, 5),)))
    ).rows
    assert [(r.requirement, r.required, r.met, r.current) for r in rows] == [
        ("eight: precision at 0.5", 0.5, True, None),
        ("eight: recall at 0.5", 0.9, True, None),
        ("seven: precision at 0.5", 0.5, True, 0.9),
        ("seven: recall at 0.5", 0.8, True, 0.9),
        ("nine: f1 at 0.5", 0.1, None, None),
    ]
    assert rows[-1].note == "not evaluated; evaluated labels: eight, seven"


def test_each_label_of_none() -> None:
    row = only(Requirements(each_label={Metric.RECALL: 0.0}), (OVERALL,))
    assert (row.requirement, row.met) == ("each label: recall at 0.5", None)
    assert row.note == "no label was evaluated"


def test_not_worse_than_the_current() -> None:
    require = Requirements(not_worse_than_current=0.02)
    better = replace(OVERALL, au_prc=0.97)
    report = evaluate_gate(require, NEW, (better,))
    (row,) = report.rows
    assert row.requirement == "au_prc against the current version"
    assert row.required == pytest.approx(0.95)
    assert (row.actual, row.current) == (0.95, 0.97)
    assert report.passed
    assert not evaluate_gate(require, NEW, (replace(better, au_prc=0.971),)).passed
    assert not evaluate_gate(replace(require, confidence=0.95), NEW, (better,)).passed
    wide = replace(require, not_worse_than_current=0.2, confidence=0.95)
    (row,) = evaluate_gate(wide, NEW, (better,)).rows
    assert row.met
    assert row.low is not None
    assert 0.77 < row.low < 0.95
    assert row.high is None


def test_the_first_version_has_nothing_to_be_worse_than() -> None:
    for confidence in (None, 0.95):
        for new in (NEW, DETECTION):
            row = only(Requirements(not_worse_than_current=0.0, confidence=confidence), new)
            assert (row.met, row.note) == (True, "no current version to compare with")


def test_a_comparison_needs_both() -> None:
    require = Requirements(not_worse_than_current=1.0)
    for current in ((), (SEVEN,), DETECTION):
        (row,) = evaluate_gate(require, NEW, current).rows
        assert row.met is None
        assert (row.note or "").startswith("current version: not ")
    (row,) = evaluate_gate(require, (SEVEN,), NEW).rows
    assert (row.met, row.actual, row.current, row.note) == (None, None, 0.95, "not evaluated")


def test_detection_is_compared_by_its_mean_average_precision() -> None:
    better = (replace(DETECTION[0], mean_average_precision=0.81),)
    (row,) = evaluate_gate(Requirements(not_worse_than_current=0.01), DETECTION, better).rows
    assert row.requirement == "mean_average_precision against the current version"
    assert row.met
    confident = Requirements(not_worse_than_current=0.5, confidence=0.6)
    assert not evaluate_gate(confident, DETECTION, better).passed


def test_few_examples_are_said_to_be_few() -> None:
    few = (replace(OVERALL, example_count=30),)
    for confidence in (None, 0.9):
        report = evaluate_gate(Requirements({Metric.AU_PRC: 0.9}, confidence=confidence), few, None)
        assert report.caveat == (
            "with only 30 test examples, au_prc is between 0.66 and 0.99 (95% confidence)"
        )
    many = (replace(OVERALL, example_count=5000),)
    assert evaluate_gate(Requirements({Metric.AU_PRC: 0.9}), many, many).caveat is None
    compared = evaluate_gate(Requirements(not_worse_than_current=0.1), few, few)
    assert (compared.caveat or "").startswith("with only 30 test examples, au_prc is ")


def test_json() -> None:
    report = evaluate_gate(Requirements({Metric.RECALL: 0.9}, confidence=0.95), (OVERALL,), None)
    found = json.loads(json.dumps(written(GateEntry.of(report))))
    assert found == {
        "passed": False,
        "confidence": 0.95,
        "rows": [
            {
                "requirement": "recall at 0.5",
                "required": 0.9,
                "actual": 0.9,
                "met": False,
                "low": round(exact_low(180, 200, 0.95), 6),
                "examples": 200,
            }
        ],
        "caveat": None,
    }


def train(require: Requirements, kind: ClassificationType | None) -> list[str]:
    """The notes on a gate of a model that is about to be trained at Google's."""
    problem = Problem.IMAGE_OBJECT_DETECTION if kind is None else Problem.IMAGE_CLASSIFICATION
    dataset = DesiredDataset(dataset_address("d"), "d", problem, kind, sources=())
    model = DesiredModel(
        model_address("m"), "m", dataset.address, problem, "cloud", 8000, require=require
    )
    change = Change(model.address, Action.TRAIN, "")
    desired = Desired({dataset.address: dataset}, {model.address: model})
    found = gate_notes([change], desired, VERTEX)
    assert gate_notes([replace(change, action=Action.GATE)], desired, VERTEX) == []
    return [note.text for note in found]


def test_what_is_not_promised_is_said_before_it_is_paid_for() -> None:
    one, several = ClassificationType.MULTICLASS, ClassificationType.MULTILABEL
    plain = Requirements({Metric.F1: 0.5, Metric.AU_PRC: 0.5}, each_label={Metric.RECALL: 0.1})
    sure = replace(plain, confidence=0.95)
    boxes = Requirements({Metric.RECALL: 0.5}, confidence=0.95)
    mean = Requirements({Metric.RECALL: 0.5}, not_worse_than_current=0.1, confidence=0.95)
    for require, kind in ((plain, one), (plain, several), (sure, one), (boxes, None)):
        assert train(require, kind) == []
    (text,) = train(sure, several)
    assert "the numbers of examples that `confidence` needs: then" in text
    assert "`automl-plan models promote m VERSION` decides" in text
    (text,) = train(mean, None)
    assert "a bound of mean_average_precision, which `confidence` needs: then" in text
