"""The metrics of evaluations as JSON, as far as the APIs have them in common.

Which of them a service reports is a matter of readings.
"""

from __future__ import annotations

from collections.abc import Mapping

from automl_plan.emulator.evaluation_readings import (
    EVALUATION_AU_ROC,
    EVALUATION_COUNTS,
    EVALUATION_EXAMPLES,
    EVALUATION_F1,
    EVALUATION_MATRIX,
    EVALUATION_ZEROS,
)
from automl_plan.emulator.readings import Readings
from automl_plan.emulator.training.types import (
    ClassificationMetrics,
    DetectionMetrics,
    DetectionThreshold,
    Threshold,
)

_EVERY_POSITION = 2**31 - 1
"""All predictions of an example count."""
_Numbers = Mapping[str, float | str]
_NOUGHT = (0, "0")


def examples_json(
    readings: Readings, field: str, count: int, *, overall: bool
) -> dict[str, object]:
    """Return the number of examples, or of boxes, that were evaluated."""
    which = readings[EVALUATION_EXAMPLES]
    told = which == "all" or (which == "overall" and overall)
    return _numbers(readings, {field: count} if told else {}, {field: 0})


def labels_json(
    readings: Readings,
    metrics: ClassificationMetrics,
    names: tuple[str, str],
    *,
    au_roc: bool,
) -> dict[str, object]:
    """Return the metrics of classification, but for the confusion matrix.

    `names` are the API's for the list of thresholds and, in that, the number of predictions that
    count; `au_roc`: whether its evaluations of this kind were printed with that area.
    """
    areas = {"auPrc": metrics.au_prc, "logLoss": metrics.log_loss}
    told = readings[EVALUATION_AU_ROC]
    if told == "all" or (told == "labels-of-automl" and au_roc):
        areas["auRoc"] = metrics.au_roc
    entries, position = names
    found = _numbers(readings, areas, {"auRoc": 0})
    if metrics.thresholds:
        found[entries] = [_threshold(readings, each, position) for each in metrics.thresholds]
    return found


def shows_matrix(readings: Readings, metrics: ClassificationMetrics) -> bool:
    """Return whether an evaluation is reported with its confusion matrix."""
    return metrics.confusion is not None and readings[EVALUATION_MATRIX] == "present"


def _threshold(readings: Readings, entry: Threshold, position: str) -> dict[str, object]:
    """Return a ConfidenceMetricsEntry."""
    shares: _Numbers = {
        "confidenceThreshold": entry.confidence_threshold,
        "recall": entry.recall,
        "precision": entry.precision,
    }
    f1_score: _Numbers = {"f1Score": entry.f1_score}
    counts: _Numbers = {
        position: _EVERY_POSITION,
        "falsePositiveRate": entry.false_positive_rate,
        "recallAt1": entry.recall_at1,
        "precisionAt1": entry.precision_at1,
        "falsePositiveRateAt1": entry.false_positive_rate_at1,
        "f1ScoreAt1": entry.f1_score_at1,
        "truePositiveCount": str(entry.true_positive_count),
        "falsePositiveCount": str(entry.false_positive_count),
        "falseNegativeCount": str(entry.false_negative_count),
        "trueNegativeCount": str(entry.true_negative_count),
    }
    told = {
        **shares,
        **(f1_score if readings[EVALUATION_F1] == "present" else {}),
        **(counts if readings[EVALUATION_COUNTS] == "present" else {}),
    }
    return _numbers(readings, told, {**f1_score, **counts})


def detection_json(
    readings: Readings, metrics: DetectionMetrics, entries_field: str, thresholds_field: str
) -> dict[str, object]:
    """Return the metrics of object detection, with the API's names for its two lists."""
    entries = []
    for each in metrics.entries:
        numbers = {
            "iouThreshold": each.iou_threshold,
            "meanAveragePrecision": each.mean_average_precision,
        }
        thresholds = [_box_threshold(readings, threshold) for threshold in each.thresholds]
        entries.append({**_numbers(readings, numbers, {}), thresholds_field: thresholds})
    boxes = examples_json(
        readings, "evaluatedBoundingBoxCount", metrics.evaluated_box_count, overall=True
    )
    mean = {"boundingBoxMeanAveragePrecision": metrics.mean_average_precision}
    found = {**boxes, **_numbers(readings, mean, {})}
    return {**found, entries_field: entries} if entries else found


def _box_threshold(readings: Readings, entry: DetectionThreshold) -> dict[str, object]:
    numbers = {
        "confidenceThreshold": entry.confidence_threshold,
        "recall": entry.recall,
        "precision": entry.precision,
        "f1Score": entry.f1_score,
    }
    return _numbers(readings, numbers, {})


def _numbers(readings: Readings, told: _Numbers, every: _Numbers) -> dict[str, object]:
    """Return numbers as a message has them; `every` are those that may be set at all."""
    match readings[EVALUATION_ZEROS]:
        case "absent":
            return {name: value for name, value in told.items() if value not in _NOUGHT}
        case "present":
            return dict(told)
        case _:
            unset = {n: "0" if isinstance(v, str) else 0 for n, v in every.items()}
            return {**unset, **told}
