"""The metrics of evaluations as JSON, as far as the APIs have them in common."""

from automl_plan.emulator.training.types import DetectionMetrics, Threshold
from automl_plan.emulator.wire.requests import omit_empty

_EVERY_POSITION = 2**31 - 1
"""All predictions of an example count."""


def threshold_json(entry: Threshold, position: str) -> dict[str, object]:
    """Return a ConfidenceMetricsEntry; `position` names the field for the number of predictions."""
    counts = {
        "truePositiveCount": entry.true_positive_count,
        "falsePositiveCount": entry.false_positive_count,
        "falseNegativeCount": entry.false_negative_count,
        "trueNegativeCount": entry.true_negative_count,
    }
    return omit_empty(
        {
            "confidenceThreshold": entry.confidence_threshold,
            position: _EVERY_POSITION,
            "recall": entry.recall,
            "precision": entry.precision,
            "falsePositiveRate": entry.false_positive_rate,
            "f1Score": entry.f1_score,
            "recallAt1": entry.recall_at1,
            "precisionAt1": entry.precision_at1,
            "falsePositiveRateAt1": entry.false_positive_rate_at1,
            "f1ScoreAt1": entry.f1_score_at1,
            **{name: str(count) for name, count in counts.items() if count},
        }
    )


def detection_json(
    metrics: DetectionMetrics, entries_field: str, thresholds_field: str
) -> dict[str, object]:
    """Return the metrics of object detection, with the API's names for its two lists."""
    entries = [
        omit_empty(
            {
                "iouThreshold": entry.iou_threshold,
                "meanAveragePrecision": entry.mean_average_precision,
                thresholds_field: [
                    omit_empty(
                        {
                            "confidenceThreshold": each.confidence_threshold,
                            "recall": each.recall,
                            "precision": each.precision,
                            "f1Score": each.f1_score,
                        }
                    )
                    for each in entry.thresholds
                ],
            }
        )
        for entry in metrics.entries
    ]
    return omit_empty(
        {
            "evaluatedBoundingBoxCount": metrics.evaluated_box_count,
            "boundingBoxMeanAveragePrecision": metrics.mean_average_precision,
            entries_field: entries,
        }
    )
