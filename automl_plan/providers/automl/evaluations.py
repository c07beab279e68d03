"""AutoML v1's model evaluations → our words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec.structs import replace

from automl_plan.providers.metrics import box_thresholds, confusion, label_thresholds, objects
from automl_plan.providers.values import integer, items, moment, number, tail, text
from automl_plan.resources.evaluation import ConfusionMatrix, Evaluation


def evaluations(answers: Iterable[Mapping[str, Any]]) -> tuple[Evaluation, ...]:
    """ModelEvaluations: overall first, then by label."""
    found = [evaluation(answer) for answer in answers]
    return tuple(sorted(found, key=lambda e: (e.label is not None, e.label or "", e.id)))


def evaluation(answer: Mapping[str, Any]) -> Evaluation:
    """A ModelEvaluation; one without an annotation spec is the overall one."""
    label = text(answer.get("displayName"))
    if label is None and answer.get("annotationSpecId"):
        label = str(answer["annotationSpecId"])
    classification = answer.get("classificationEvaluationMetrics")
    detection = answer.get("imageObjectDetectionEvaluationMetrics")
    metrics = Evaluation(
        id=tail(answer.get("name")),
        label=label,
        example_count=integer(answer.get("evaluatedExampleCount")) or 0,
        create_time=moment(answer.get("createTime")),
    )
    if isinstance(classification, dict):
        return replace(
            metrics,
            au_prc=number(classification.get("auPrc")),
            au_roc=number(classification.get("auRoc")),
            log_loss=number(classification.get("logLoss")),
            thresholds=label_thresholds(
                classification.get("confidenceMetricsEntry"), "positionThreshold"
            ),
            confusion=_confusion(classification.get("confusionMatrix")),
        )
    if isinstance(detection, dict):
        return replace(
            metrics,
            mean_average_precision=number(detection.get("boundingBoxMeanAveragePrecision")),
            thresholds=box_thresholds(
                detection.get("boundingBoxMetricsEntries"), "confidenceMetricsEntries"
            ),
        )
    return metrics


def _confusion(matrix: object) -> ConfusionMatrix | None:
    if not isinstance(matrix, dict):
        return None
    labels = tuple(str(name) for name in items(matrix.get("displayName")))
    return confusion(labels, [row.get("exampleCount") for row in objects(matrix.get("row"))])
