"""The metrics of a classifier at a threshold.

Apart from `metrics`, because simulated training needs them and must run without numpy.
"""

from __future__ import annotations

from msgspec import Struct

from automl_plan.emulator.training.types import Threshold

CONFIDENCE_THRESHOLDS = (*(step / 20 for step in range(20)), 0.96, 0.97, 0.98, 0.99)
"""0.00, 0.05, … 0.95, 0.96, 0.97, 0.98, 0.99 (proto: ConfidenceMetricsEntry)."""


class Counts(Struct, frozen=True):
    """The outcomes of all pairs of an example and a label at a threshold."""

    true_positive: int
    false_positive: int
    false_negative: int
    true_negative: int

    @property
    def recall(self) -> float:
        """The share of positives that are found; 0 when there are none."""
        return _share(self.true_positive, self.true_positive + self.false_negative, none=0.0)

    @property
    def precision(self) -> float:
        """The share of found pairs that are correct; 1 when nothing is found."""
        return _share(self.true_positive, self.true_positive + self.false_positive, none=1.0)

    @property
    def false_positive_rate(self) -> float:
        """The share of negatives that are found; 0 when there are none."""
        return _share(self.false_positive, self.false_positive + self.true_negative, none=0.0)

    @property
    def f1_score(self) -> float:
        """The harmonic mean of recall and precision."""
        found = 2 * self.true_positive
        return _share(found, found + self.false_positive + self.false_negative, none=0.0)


def threshold_entry(confidence: float, every: Counts, best: Counts) -> Threshold:
    """Return the entry of a threshold; `best` counts only each example's highest score."""
    return Threshold(
        confidence_threshold=confidence,
        recall=every.recall,
        precision=every.precision,
        false_positive_rate=every.false_positive_rate,
        f1_score=every.f1_score,
        recall_at1=best.recall,
        precision_at1=best.precision,
        false_positive_rate_at1=best.false_positive_rate,
        f1_score_at1=best.f1_score,
        true_positive_count=every.true_positive,
        false_positive_count=every.false_positive,
        false_negative_count=every.false_negative,
        true_negative_count=every.true_negative,
    )


def _share(part: int, whole: int, *, none: float) -> float:
    return part / whole if whole else none
