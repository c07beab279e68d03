"""What AutoML v1 and Vertex AI v1 measure alike, but for the names of some fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from automl_plan.model.evaluation import ConfidenceMetrics, ConfusionMatrix
from automl_plan.providers.google.json_fields import integer, items, number

ALL_PREDICTIONS = 2**31 - 1
"""The position of entries that count all predictions (proto: ConfidenceMetricsEntry; schema:
classification metrics)."""
SHOWN_IOU = 0.5


def label_thresholds(entries: object, position: str) -> tuple[ConfidenceMetrics, ...]:
    """Of classification, by rising threshold; `position` is the field that limits predictions."""
    found = [
        _of_label(entry)
        for entry in objects(entries)
        if integer(entry.get(position)) in (None, 0, ALL_PREDICTIONS)
    ]
    return tuple(sorted(found, key=lambda entry: entry.threshold))


def _of_label(entry: Mapping[str, Any]) -> ConfidenceMetrics:
    """An entry; a share of nothing is None, where the counts show that it is one."""
    hits = integer(entry.get("truePositiveCount")) or 0
    wrong = integer(entry.get("falsePositiveCount")) or 0
    missed = integer(entry.get("falseNegativeCount")) or 0
    told = hits + wrong + missed > 0
    return ConfidenceMetrics(
        threshold=number(entry.get("confidenceThreshold")),
        precision=None if told and hits + wrong == 0 else number(entry.get("precision")),
        recall=None if told and hits + missed == 0 else number(entry.get("recall")),
        f1_score=number(entry.get("f1Score")),
        false_positive_rate=number(entry.get("falsePositiveRate")),
        true_positives=hits,
        false_positives=wrong,
        false_negatives=missed,
        true_negatives=integer(entry.get("trueNegativeCount")) or 0,
    )


def box_thresholds(entries: object, inner: str) -> tuple[ConfidenceMetrics, ...]:
    """Of object detection at the shown IoU, by rising threshold; `inner` holds an IoU's entries."""
    by_iou = objects(entries)
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
        for entry in objects(nearest.get(inner))
    ]
    return tuple(sorted(found, key=lambda entry: entry.threshold))


def confusion(labels: tuple[str, ...], rows: list[Any]) -> ConfusionMatrix | None:
    """None unless it is square."""
    counts = tuple(tuple(integer(count) or 0 for count in items(row)) for row in rows)
    square = [len(row) for row in counts] == [len(labels)] * len(labels)
    return ConfusionMatrix(labels, counts) if labels and square else None


def objects(value: object) -> list[dict[str, Any]]:
    """The messages of a repeated field."""
    return [item for item in items(value) if isinstance(item, dict)]
