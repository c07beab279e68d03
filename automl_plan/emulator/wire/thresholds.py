"""The metrics of a classification at one threshold, but for one field alike in both APIs."""

from automl_plan.emulator.training.types import Threshold
from automl_plan.emulator.wire.calls import filled

_EVERY_POSITION = 2**31 - 1
"""All predictions of an example count."""


def threshold_json(entry: Threshold, position: str) -> dict[str, object]:
    """A ConfidenceMetricsEntry; `position` is the field that tells how many predictions count."""
    counts = {
        "truePositiveCount": entry.true_positive_count,
        "falsePositiveCount": entry.false_positive_count,
        "falseNegativeCount": entry.false_negative_count,
        "trueNegativeCount": entry.true_negative_count,
    }
    return filled(
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
