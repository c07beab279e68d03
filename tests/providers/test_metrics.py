"""A share of nothing is no share, and what an answer leaves out is no nought."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl_plan.model.evaluation import Evaluation, at_threshold
from automl_plan.model.requirements import Metric, Requirements
from automl_plan.output.documents.models import ModelsEvaluations
from automl_plan.output.evaluations import evaluations_text
from automl_plan.output.style import PLAIN
from automl_plan.planning.gate import evaluate_gate
from automl_plan.planning.statistics import Measure, measure
from automl_plan.providers.google.automl import wire as automl
from automl_plan.providers.google.vertex import wire as vertex
from tests.output.schema import content

DASH = "\u2013"
LABELS = ("brick", "glass", "wood")
THRESHOLDS = (0.0, 0.45, 0.5, 0.55)
IOUS = (0.45, 0.5, 0.55)


def shares(hits: int, wrong: int, missed: int, right: int) -> dict[str, float]:
    """As Google's services compute them; of nothing, 1 for the precision and 0 for the others."""
    found = {
        "precision": hits / (hits + wrong) if hits + wrong else 1.0,
        "recall": hits / (hits + missed) if hits + missed else 0.0,
        "f1Score": 2 * hits / (2 * hits + wrong + missed) if hits + wrong + missed else 0.0,
        "falsePositiveRate": wrong / (wrong + right) if wrong + right else 0.0,
    }
    return {name: round(value, 7) for name, value in found.items()}


def entry(hits: int, wrong: int, missed: int, right: int, threshold: float) -> dict[str, Any]:
    counts = {
        "truePositiveCount": hits,
        "falsePositiveCount": wrong,
        "falseNegativeCount": missed,
        "trueNegativeCount": right,
    }
    told = {name: str(count) for name, count in counts.items()}
    return {"confidenceThreshold": threshold, **shares(hits, wrong, missed, right), **told}


class Outcome:
    """What a model predicted for TEST images: of each label, found and wrongly found."""

    def __init__(self, images: list[int], found: list[list[int]], wrong: list[list[int]]) -> None:
        self.images = images
        self.found, self.wrong = found, wrong

    def entries(self, labels: list[int]) -> list[dict[str, Any]]:
        others = sum(self.images) * len(labels) - sum(self.images[label] for label in labels)
        made = []
        for place, threshold in enumerate(THRESHOLDS):
            hits = sum(self.found[label][place] for label in labels)
            wrong = sum(self.wrong[label][place] for label in labels)
            there = sum(self.images[label] for label in labels)
            made.append(entry(hits, wrong, there - hits, others - wrong, threshold))
        return made

    def area(self, labels: list[int]) -> float:
        there = sum(self.images[label] for label in labels)
        return round(sum(self.found[label][1] for label in labels) / there, 7) if there else 0.0

    @property
    def rows(self) -> list[list[int]]:
        last = len(self.images) - 1
        rows = [[0] * len(self.images) for _ in self.images]
        for label, images in enumerate(self.images):
            right = self.found[label][2]
            rows[label][label] += right
            rows[label][last - label] += images - right
        return rows

    def metrics(self, labels: list[int], entries: str) -> dict[str, Any]:
        area = self.area(labels)
        return {
            "auPrc": area,
            "auRoc": area,
            "logLoss": 1 - area,
            entries: self.entries(labels),
        }


Answers = list[dict[str, Any]]


def automl_answers(tested: Outcome) -> Answers:
    def one(labels: list[int], **more: Any) -> dict[str, Any]:
        return {
            "name": f"models/ICN1/modelEvaluations/{len(labels)}{labels[0]}",
            "createTime": "2026-01-01T00:00:00Z",
            "evaluatedExampleCount": sum(tested.images[label] for label in labels),
            "classificationEvaluationMetrics": tested.metrics(labels, "confidenceMetricsEntry"),
            **more,
        }

    every = [*range(len(LABELS))]
    overall = one(every)
    overall["classificationEvaluationMetrics"]["confusionMatrix"] = {
        "annotationSpecId": ["1", "2", "3"],
        "displayName": [*LABELS],
        "row": [{"exampleCount": row} for row in tested.rows],
    }
    parts = (one([n], displayName=LABELS[n], annotationSpecId=str(n + 1)) for n in every)
    return [overall, *parts]


def vertex_answers(tested: Outcome) -> Answers:
    def one(labels: list[int], **more: Any) -> dict[str, Any]:
        return {
            "name": f"models/1/evaluations/1/slices/{len(labels)}{labels[0]}",
            "createTime": "2026-01-01T00:00:00Z",
            "metrics": tested.metrics(labels, "confidenceMetrics"),
            **more,
        }

    every = [*range(len(LABELS))]
    overall = one(every)
    overall["metrics"]["confusionMatrix"] = {
        "annotationSpecs": [{"id": name, "displayName": name} for name in LABELS],
        "rows": [[float(count) for count in row] for row in tested.rows],
    }
    slices = (one([n], slice={"dimension": "annotationSpec", "value": LABELS[n]}) for n in every)
    return [overall, *slices]


def box_entries(tested: Outcome, labels: list[int], better: int) -> list[dict[str, Any]]:
    """At a lower overlap, more boxes are right."""
    made = []
    for place, threshold in enumerate(THRESHOLDS[1:], 1):
        there = sum(tested.images[label] for label in labels)
        hits = min(max(sum(tested.found[label][place] for label in labels) + better, 0), there)
        wrong = sum(tested.wrong[label][place] for label in labels)
        told = shares(hits, wrong, there - hits, 1)
        del told["falsePositiveRate"]
        made.append({"confidenceThreshold": threshold, **told})
    return made


def boxes(tested: Outcome, outer: str, inner: str) -> dict[str, Any]:
    every = [*range(len(LABELS))]
    return {
        "evaluatedBoundingBoxCount": sum(tested.images),
        "boundingBoxMeanAveragePrecision": tested.area(every),
        outer: [
            {"iouThreshold": iou, inner: box_entries(tested, every, 1 - place)}
            for place, iou in enumerate(IOUS)
        ],
    }


def automl_boxes(tested: Outcome) -> Answers:
    field = "imageObjectDetectionEvaluationMetrics"
    metrics = boxes(tested, "boundingBoxMetricsEntries", "confidenceMetricsEntries")
    return [{"name": "e/1", "evaluatedExampleCount": 2 * sum(tested.images), field: metrics}]


def vertex_boxes(tested: Outcome) -> Answers:
    return [{"name": "e/1", "metrics": boxes(tested, "boundingBoxMetrics", "confidenceMetrics")}]


def by_vertex(answers: Answers) -> list[Evaluation]:
    """As the provider reads them."""
    overall = vertex.overall(answers[:1])
    assert overall is not None
    return [overall, *vertex.by_label(answers[1:], overall.confusion)]


READERS: Mapping[str, tuple[Any, Any]] = {
    "automl": (automl_answers, automl.evaluations),
    "vertex": (vertex_answers, by_vertex),
    "automl boxes": (automl_boxes, automl.evaluations),
    "vertex boxes": (vertex_boxes, by_vertex),
}


@st.composite
def outcomes(draw: st.DrawFn) -> Outcome:
    images = [draw(st.integers(0, 12)) for _ in LABELS]
    found, wrong = [], []
    for count in images:
        falling, errors = [count], [sum(images) - count]
        for _ in THRESHOLDS[1:]:
            falling.append(draw(st.integers(0, falling[-1])))
            errors.append(draw(st.integers(0, errors[-1])))
        found.append(falling)
        wrong.append(errors)
    return Outcome(images, found, wrong)


LEAST = st.floats(0.01, 1.0)
METRICS = (Metric.AU_PRC, Metric.PRECISION, Metric.RECALL, Metric.F1)


@st.composite
def requirements(draw: st.DrawFn, metrics: tuple[Metric, ...]) -> Requirements:
    minima = st.dictionaries(st.sampled_from(metrics), LEAST, max_size=2)
    return Requirements(
        overall=draw(minima),
        each_label=draw(minima),
        labels=draw(st.dictionaries(st.sampled_from(LABELS), minima, max_size=1)),
        threshold=draw(st.sampled_from((0.45, 0.5, 0.52))),
        not_worse_than_current=draw(st.none() | st.floats(0, 0.3)),
        confidence=draw(st.none() | st.sampled_from((0.6, 0.95))),
    )


def fields(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every field of every message."""
    if isinstance(value, dict):
        for name, each in value.items():
            yield (*path, name)
            yield from fields(each, (*path, name))
    elif isinstance(value, list):
        for place, each in enumerate(value):
            yield from fields(each, (*path, place))


def without(answers: Answers, paths: list[tuple[Any, ...]]) -> Answers:
    left = copy.deepcopy(answers)
    for path in paths:
        node: Any = left
        try:
            for step in path[:-1]:
                node = node[step]
            node.pop(path[-1], None)
        except KeyError:
            continue  # what it was in is gone
    return left


NEEDED = {"name", "slice", "dimension", "value"}
"""Without them an answer is none of an evaluation, or of a label."""


@pytest.mark.parametrize("kind", READERS)
@given(st.data())
def test_what_is_left_out_decides_nothing(kind: str, data: st.DataObject) -> None:
    """Without some fields a gate decides as with all of them, or not at all."""
    make, read = READERS[kind]
    metrics = METRICS if "boxes" not in kind else (*METRICS[1:], Metric.MEAN_AVERAGE_PRECISION)
    require = data.draw(requirements(metrics))
    new, current = data.draw(outcomes()), data.draw(st.none() | outcomes())
    answers = [make(new), [] if current is None else make(current)]
    known = [path for path in fields(answers) if path[-1] not in NEEDED]
    gone = data.draw(st.lists(st.sampled_from(known), max_size=60, unique=True))
    if data.draw(st.booleans()):  # a name everywhere, as a service leaves it out
        name = data.draw(st.sampled_from(sorted({path[-1] for path in known})))
        gone += [path for path in known if path[-1] == name]
    if data.draw(st.booleans()):  # every nought, as proto3 JSON leaves them out
        gone += [path for path in known if at(answers, path) in (0, "0")]
    left = without(answers, gone)

    def decide(told: Any) -> bool | None:
        was = None if current is None else read(told[1])
        return evaluate_gate(require, read(told[0]), was).passed

    before, after = decide(answers), decide(left)
    assert after in (before, None)
    full = {each.id: each for each in read(answers[0])}
    for each in read(left[0]):
        same_numbers(full[each.id], each)


def at(value: Any, path: tuple[Any, ...]) -> Any:
    for step in path:
        value = value[step]
    return value


def same_numbers(full: Evaluation, left: Evaluation) -> None:
    """What is known without some fields is what it is with them."""
    for name in ("example_count", "au_prc", "au_roc", "log_loss", "mean_average_precision"):
        assert getattr(left, name) in (getattr(full, name), None), name
    for threshold in THRESHOLDS:
        mine, other = at_threshold(left, threshold), at_threshold(full, threshold)
        if mine is None:
            continue
        assert other is not None
        for name in type(mine).__struct_fields__:
            known, told = getattr(mine, name), getattr(other, name)
            if known is None:
                continue
            if told is None:  # a share of nothing, which only counts tell from one
                assert (name, known) == ("recall", 0.0)
            else:
                assert known == pytest.approx(told, abs=2e-6), name


def of_automl(metrics: dict[str, Any]) -> Evaluation:
    told = {"confidenceMetricsEntry": [metrics], "auPrc": 0.3}
    answer = {"name": "m/1", "displayName": "brick", "classificationEvaluationMetrics": told}
    return automl.evaluation({**answer, "evaluatedExampleCount": 5})


def of_vertex(metrics: dict[str, Any]) -> Evaluation:
    part = {"dimension": "annotationSpec", "value": "brick"}
    told = {"auPrc": 0.3, "confidenceMetrics": [metrics]}
    (found,) = vertex.by_label([{"name": "m/1", "slice": part, "metrics": told}], None)
    return found


@pytest.mark.parametrize("told", [of_automl, of_vertex])
@pytest.mark.parametrize(
    ("left_out", "shares_shown"),
    [("", "0.0%"), ("Count", "0.0%"), ("noughts", DASH), ("Count noughts recall f1Score", DASH)],
)
def test_a_label_that_was_never_predicted(told: Any, left_out: str, shares_shown: str) -> None:
    """Also where the service tells no counts, or leaves out what is zero."""
    fields = {
        name: value
        for name, value in entry(0, 0, 5, 7, 0.5).items()
        if not any(part in name for part in left_out.split())
        and not ("noughts" in left_out and value in (0, "0"))
    }
    found = told(fields)
    row = evaluations_text("m", [found], 0.5, PLAIN).splitlines()[-1].split()
    assert (row[0], row[2:4]) == ("brick", ["0.3000", DASH])
    assert set(row[4:]) <= {shares_shown, "0.0%"}
    document = content(ModelsEvaluations.of("m", [found]))
    assert document["evaluations"][0]["thresholds"][0]["precision"] is None
    assert not isinstance(measure(found, Metric.PRECISION, 0.5), Measure)


def test_nothing_is_told() -> None:
    """Nowhere a nought: dashes for people, null for programs."""
    for found in (automl.evaluation({"classificationEvaluationMetrics": {}}), by_vertex([{}])[0]):
        text = evaluations_text("m", [found], 0.5, PLAIN)
        assert "0" not in text
        assert f"auPRC {DASH}   auROC {DASH}   log loss {DASH}" in text
        (told,) = content(ModelsEvaluations.of("m", [found]))["evaluations"]
        assert [told[n] for n in ("example_count", "au_prc", "au_roc", "log_loss")] == [None] * 4


RECORDED: dict[str, Any] = {
    "confidenceMetrics": [
        {"precision": 0.2, "recall": 1.0},
        {"confidenceThreshold": 0.45, "precision": 0.96185285, "recall": 0.96185285},
        {"confidenceThreshold": 0.5, "precision": 0.9644809, "recall": 0.96185285},
        {"confidenceThreshold": 0.55, "precision": 0.9644809, "recall": 0.96185285},
    ],
    "confusionMatrix": {
        "annotationSpecs": [{"displayName": name} for name in ("tulips", "daisy", "roses")],
        "rows": [[149.0, 1.0, 0.0], [3.0, 85.0, 2.0], [1.0, 2.0, 124.0]],
    },
    "logLoss": 0.04900711,
    "auPrc": 0.99361706,
}
"""As recorded of Vertex AI: no counts, no F1, no auROC, and no threshold of 0."""


def test_recorded_answers_are_judged() -> None:
    part = {
        "slice": {"dimension": "annotationSpec", "value": "daisy"},
        "metrics": {"auPrc": 0.99, "confidenceMetrics": [{"confidenceThreshold": 0.5}]},
    }
    found = by_vertex([{"metrics": RECORDED}, part])
    assert [each.example_count for each in found] == [367, 90]
    require = Requirements(
        {Metric.AU_PRC: 0.9, Metric.PRECISION: 0.9, Metric.RECALL: 0.9, Metric.F1: 0.9},
        labels={"daisy": {Metric.AU_PRC: 0.9}},
        confidence=0.95,
    )
    report = evaluate_gate(require, found, None)
    assert report.passed
    assert [row.examples for row in report.rows] == [367, 367, 366, 367, 90]
    assert evaluate_gate(Requirements(each_label={Metric.F1: 0.1}), found, None).undecided == (
        "daisy: f1 at 0.5",
        "roses: f1 at 0.5",
        "tulips: f1 at 0.5",
    )


def test_a_matrix_of_some_labels_counts_nothing() -> None:
    """Of many labels a service may tell only those that it confuses most."""
    part = {**RECORDED, "confusionMatrix": {"annotationSpecs": [{"displayName": "tulips"}]}}
    part["confusionMatrix"]["rows"] = [[149.0]]
    (found,) = by_vertex([{"metrics": part}])
    assert (found.confusion is None, found.example_count) == (False, None)


@pytest.mark.parametrize(
    ("asked", "recall"), [(0.45, 0.9), (0.5, None), (0.52, None), (0.55, 0.5), (0.6, 0.5)]
)
def test_no_other_entry_stands_for_one_without_a_threshold(
    asked: float, recall: float | None
) -> None:
    """At a lower threshold more is found: what misses a minimum could meet it there."""
    told: list[dict[str, Any]] = [
        {"confidenceThreshold": 0.45, "recall": 0.9},
        {"recall": 0.7},
        {"confidenceThreshold": 0.55, "recall": 0.5},
    ]
    for order in (told, told[::-1]):
        (found,) = by_vertex([{"metrics": {"confidenceMetrics": order}}])
        entry = at_threshold(found, asked)
        assert (None if entry is None else entry.recall) == recall
