"""AutoML v1's model evaluations → our words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from automl_plan.providers.automl.wire import integer, items, number, tail, text
from automl_plan.resources.evaluation import ConfidenceMetrics, ConfusionMatrix, Evaluation

ALL_POSITIONS = 2**31 - 1
"""positionThreshold of the entries that count all predictions (proto: ConfidenceMetricsEntry)."""
SHOWN_IOU = 0.5


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
        create_time=text(answer.get("createTime")),
    )
    if isinstance(classification, dict):
        return replace(
            metrics,
            au_prc=number(classification.get("auPrc")),
            au_roc=number(classification.get("auRoc")),
            log_loss=number(classification.get("logLoss")),
            thresholds=_thresholds(classification.get("confidenceMetricsEntry")),
            confusion=_confusion(classification.get("confusionMatrix")),
        )
    if isinstance(detection, dict):
        return replace(
            metrics,
            mean_average_precision=number(detection.get("boundingBoxMeanAveragePrecision")),
            thresholds=_detection_thresholds(detection.get("boundingBoxMetricsEntries")),
        )
    return metrics


def _thresholds(entries: object) -> tuple[ConfidenceMetrics, ...]:
    found = [
        ConfidenceMetrics(
            threshold=number(entry.get("confidenceThreshold")),
            precision=number(entry.get("precision")),
            recall=number(entry.get("recall")),
            f1_score=number(entry.get("f1Score")),
            false_positive_rate=number(entry.get("falsePositiveRate")),
            true_positives=integer(entry.get("truePositiveCount")) or 0,
            false_positives=integer(entry.get("falsePositiveCount")) or 0,
            false_negatives=integer(entry.get("falseNegativeCount")) or 0,
            true_negatives=integer(entry.get("trueNegativeCount")) or 0,
        )
        for entry in _objects(entries)
        if integer(entry.get("positionThreshold")) in (None, 0, ALL_POSITIONS)
    ]
    return tuple(sorted(found, key=lambda entry: entry.threshold))


def _detection_thresholds(entries: object) -> tuple[ConfidenceMetrics, ...]:
    by_iou = _objects(entries)
    if not by_iou:
        return ()
    nearest = min(by_iou, key=lambda e: abs(number(e.get("iouThreshold")) - SHOWN_IOU))
    found = [
        ConfidenceMetrics(
            threshold=number(entry.get("confidenceThreshold")),
            precision=number(entry.get("precision")),
            recall=number(entry.get("recall")),
            f1_score=number(entry.get("f1Score")),
        )
        for entry in _objects(nearest.get("confidenceMetricsEntries"))
    ]
    return tuple(sorted(found, key=lambda entry: entry.threshold))


def _confusion(matrix: object) -> ConfusionMatrix | None:
    """None unless it is square."""
    if not isinstance(matrix, dict):
        return None
    labels = tuple(str(name) for name in items(matrix.get("displayName")))
    rows = tuple(
        tuple(integer(count) or 0 for count in items(row.get("exampleCount")))
        for row in _objects(matrix.get("row"))
    )
    square = [len(row) for row in rows] == [len(labels)] * len(labels)
    return ConfusionMatrix(labels, rows) if labels and square else None


def _objects(value: object) -> list[dict[str, Any]]:
    return [item for item in items(value) if isinstance(item, dict)]
