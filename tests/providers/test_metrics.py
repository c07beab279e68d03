"""A share of nothing is no share, whatever number the service writes for it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl_plan.model.evaluation import Evaluation
from automl_plan.model.requirements import Metric
from automl_plan.output.documents.models import ModelsEvaluations
from automl_plan.output.evaluations import evaluations_text
from automl_plan.output.style import PLAIN
from automl_plan.planning.statistics import Measure, measure
from automl_plan.providers.google.automl import wire as automl
from automl_plan.providers.google.metrics import label_thresholds
from automl_plan.providers.google.vertex import wire as vertex
from tests.output.schema import content

COUNT = st.integers(0, 3)


def entry(hits: int, wrong: int, missed: int, right: int = 7) -> dict[str, Any]:
    """As both services tell one: int64 as text, and noughts left out."""
    counts = {
        "truePositiveCount": hits,
        "falsePositiveCount": wrong,
        "falseNegativeCount": missed,
        "trueNegativeCount": right,
    }
    shares = {"precision": 1.0, "recall": 1.0, "f1Score": 0.5, "confidenceThreshold": 0.5}
    return {**shares, **{key: str(count) for key, count in counts.items() if count}}


@given(COUNT, COUNT, COUNT)
def test_whatever_is_counted(hits: int, wrong: int, missed: int) -> None:
    (found,) = label_thresholds([entry(hits, wrong, missed)], "positionThreshold")
    told = hits + wrong + missed > 0
    assert (found.precision is None) == (told and hits + wrong == 0)
    assert (found.recall is None) == (told and hits + missed == 0)
    evaluation = Evaluation("1", "brick", 3, thresholds=(found,))
    for metric, value in ((Metric.PRECISION, found.precision), (Metric.RECALL, found.recall)):
        assert isinstance(measure(evaluation, metric, 0.5), Measure) == (value is not None)


def of_automl(entries: list[dict[str, Any]]) -> Evaluation:
    metrics = {"auPrc": 0.3, "confidenceMetricsEntry": entries}
    answer = {"name": "m/1", "displayName": "brick", "classificationEvaluationMetrics": metrics}
    return automl.evaluation({**answer, "evaluatedExampleCount": 5})


def of_vertex(entries: list[dict[str, Any]]) -> Evaluation:
    part = {"dimension": "annotationSpec", "value": "brick"}
    metrics = {"auPrc": 0.3, "confidenceMetrics": entries}
    (found,) = vertex.by_label([{"name": "m/1", "slice": part, "metrics": metrics}])
    return found


@pytest.mark.parametrize("told", [of_automl, of_vertex])
def test_a_label_that_was_never_predicted(told: Any) -> None:
    found = told([entry(0, 0, 5)])
    row = evaluations_text("m", [found], 0.5, PLAIN).splitlines()[-1]
    assert row.split() == ["brick", "5", "0.3000", "–", "100.0%", "50.0%"]  # noqa: RUF001 (a dash)
    document = content(ModelsEvaluations.of("m", [found]))
    assert document["evaluations"][0]["thresholds"][0]["precision"] is None
