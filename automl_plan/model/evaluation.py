"""Evaluations of a model, in words common to all providers."""

from __future__ import annotations

from msgspec import Struct


class ConfidenceMetrics(Struct, frozen=True):
    """Precision and recall when only scores of at least `threshold` count."""

    threshold: float
    precision: float | None
    """Null: nothing was predicted, so there is none; services write 1 then."""
    recall: float | None
    """Null: no example has the label."""
    f1_score: float
    false_positive_rate: float | None = None
    true_positives: int | None = None
    false_positives: int | None = None
    false_negatives: int | None = None
    true_negatives: int | None = None


class ConfusionMatrix(Struct, frozen=True, forbid_unknown_fields=True):
    """`rows[i][j]`: examples of label i that were predicted as label j."""

    labels: tuple[str, ...]
    rows: tuple[tuple[int, ...], ...]


class Evaluation(Struct, frozen=True):
    """The evaluation of a model on its TEST examples: overall, or for one label.

    For object detection `au_prc` is None, `mean_average_precision` is set, and `thresholds`
    are those at an intersection over union of 0.5.
    """

    id: str
    label: str | None
    """None: overall."""
    example_count: int
    au_prc: float | None = None
    au_roc: float | None = None
    log_loss: float | None = None
    mean_average_precision: float | None = None
    thresholds: tuple[ConfidenceMetrics, ...] = ()
    confusion: ConfusionMatrix | None = None
    create_time: str | None = None
    simulated: bool = False
    """Whether the numbers are made up: no model was trained."""


def at_threshold(evaluation: Evaluation, threshold: float) -> ConfidenceMetrics | None:
    """The entry for the highest threshold that is not above the one asked for."""
    below = [entry for entry in evaluation.thresholds if entry.threshold <= threshold + 1e-9]
    return max(below, key=lambda entry: entry.threshold, default=None)
