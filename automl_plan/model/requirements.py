"""What a newly trained version must reach before it takes the current one's place: its gate."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from msgspec import UNSET, Struct, UnsetType, ValidationError, convert, field, to_builtins

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
        metrics: dict[str, Any] = {str(metric): least for metric, least in self.overall.items()}
        others = {name: getattr(self, name) for name in _BESIDE_METRICS}
        written: dict[str, Json] = to_builtins(_Written(**metrics, **others), order="deterministic")
        return written

    @classmethod
    def from_json(cls, content: Attributes) -> Requirements:
        """The inverse of `to_json`. Raises ValueError."""
        try:
            read = convert(content, _Written)
        except ValidationError as error:
            raise ValueError(str(error)) from error
        overall = {m: least for m in Metric if (least := getattr(read, m)) is not None}
        others = {name: getattr(read, name) for name in _BESIDE_METRICS}
        return cls(overall, **{name: value for name, value in others.items() if value is not UNSET})


class _Written(Struct, omit_defaults=True, kw_only=True):
    """Requirements as the configuration has them; the metrics are those over all labels."""

    au_prc: float | None = None
    f1: float | None = None
    mean_average_precision: float | None = None
    precision: float | None = None
    recall: float | None = None
    each_label: Mapping[Metric, float] = field(default_factory=dict)
    labels: Mapping[str, Mapping[Metric, float]] = field(default_factory=dict)
    threshold: float | UnsetType = UNSET
    """Always written."""
    not_worse_than_current: float | None = None
    confidence: float | None = None


_BESIDE_METRICS = tuple(name for name in _Written.__struct_fields__ if name not in set(Metric))
