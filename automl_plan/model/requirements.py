"""What a newly trained version must reach before it takes the current one's place: its gate."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct, field

from automl_plan.model.json import Attributes, Json

DEFAULT_THRESHOLD = 0.5


class Metric(StrEnum):
    """The metrics that can be required; all lie between 0 and 1, and more is better."""

    AU_PRC = "au_prc"
    """Area under the precision-recall curve: image classification."""
    MEAN_AVERAGE_PRECISION = "mean_average_precision"
    """Object detection."""
    PRECISION = "precision"
    RECALL = "recall"
    F1 = "f1"


class Requirements(Struct, frozen=True):
    """The `require` of a model; at least one requirement is set."""

    overall: Mapping[Metric, float] = field(default_factory=dict)
    """The least value of each metric over all labels."""
    each_label: Mapping[Metric, float] = field(default_factory=dict)
    """The least value of each metric for every label."""
    labels: Mapping[str, Mapping[Metric, float]] = field(default_factory=dict)
    """The least values for single labels; they go before `each_label`."""
    threshold: float = DEFAULT_THRESHOLD
    """The least score that counts as a prediction, for precision, recall and f1."""
    not_worse_than_current: float | None = None
    """By how much the headline metric (`au_prc`, or `mean_average_precision` for object
    detection) may lie below that of the current version at most."""
    confidence: float | None = None
    """Between 0.5 and 1: decide on the lower bound of this one-sided confidence, not on the
    measured value."""

    def to_json(self) -> dict[str, Json]:
        """As the configuration has it; equal requirements give equal JSON."""
        content: dict[str, Json] = {str(m): v for m, v in sorted(self.overall.items())}
        if self.each_label:
            content["each_label"] = {str(m): v for m, v in sorted(self.each_label.items())}
        if self.labels:
            content["labels"] = {
                label: {str(m): v for m, v in sorted(minima.items())}
                for label, minima in sorted(self.labels.items())
            }
        content["threshold"] = self.threshold
        if self.not_worse_than_current is not None:
            content["not_worse_than_current"] = self.not_worse_than_current
        if self.confidence is not None:
            content["confidence"] = self.confidence
        return content

    @classmethod
    def from_json(cls, content: Attributes) -> Requirements:
        """The inverse of `to_json`. Raises KeyError, TypeError or ValueError."""
        labels = content.get("labels", {})
        if not isinstance(labels, dict):
            raise TypeError("labels is not a mapping")
        margin, confidence = content.get("not_worse_than_current"), content.get("confidence")
        return cls(
            overall=_minima({k: v for k, v in content.items() if k in set(Metric)}),
            each_label=_minima(content.get("each_label", {})),
            labels={label: _minima(minima) for label, minima in labels.items()},
            threshold=_number(content.get("threshold", DEFAULT_THRESHOLD)),
            not_worse_than_current=None if margin is None else _number(margin),
            confidence=None if confidence is None else _number(confidence),
        )


def _minima(content: Json) -> dict[Metric, float]:
    if not isinstance(content, dict):
        raise TypeError(f"{content!r:.60} is not a mapping of metrics")
    return {Metric(metric): _number(value) for metric, value in content.items()}


def _number(value: Json) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{value!r:.60} is not a number")
    return float(value)
