"""A metric of an evaluation with what is known of its true value. Pure."""

from __future__ import annotations

from enum import Enum, auto

from msgspec import Struct

from automl_plan.planning.intervals import Interval, exact_low, one_sided, wilson
from automl_plan.resources.evaluation import ConfidenceMetrics, Evaluation, at_threshold
from automl_plan.resources.requirements import Metric

_CURVE_OVERALL = 3
"""Examples that weigh as one in the overall area under the precision-recall curve."""
_CURVE_OF_LABEL = 2
"""The same in the area of a single label."""
_F1_OVERALL = 2
"""How often a wrong example is counted in the overall F1."""


class Unmeasured(Struct, frozen=True):
    """A metric without a value, and why there is none."""

    note: str


class Kind(Enum):
    """What a metric is, as a number that was counted."""

    SHARE = auto()
    """So many of so many examples."""
    F1 = auto()
    AREA = auto()
    """An area or a mean of areas: like a share, but no count."""


class Measure(Struct, frozen=True):
    """A measured metric, between 0 and 1.

    Precision and recall are shares of examples. F1 is a function of one, the Jaccard index J =
    TP / (TP + FP + FN): F1 = 2J / (1 + J).

    Boyd, Eng & Page 2013, "Area under the Precision-Recall Curve: Point Estimates and Confidence
    Intervals", take the area for a share of the positive examples. That holds no 95 % here: a
    confidently wrong example spoils the precision of all that rank below it, and in the overall
    figures it is missed under its own label too. In simulations (tests/planning/test_gate_rates.py
    keeps the telling ones) models exactly at the minimum passed in up to 22 % of runs. With three
    examples weighing as one overall, and two for a label, it was under 5 % for all of them,
    errors more confident than what is right included. The price: many examples are needed, and
    for models that know when they are wrong the interval is wider than need be.

    The labels of one image may be right or wrong together; overall figures never count on more
    examples than there are images. Where a bad image spoils all of its labels, and images have
    unlike numbers of them, a bound of 95 % is one of some 94 % then.
    """

    value: float
    kind: Kind
    examples: int | None
    """The examples behind it; None: its interval is not known."""
    weight: float = 1.0
    """What each of them counts as."""

    def within(self, z: float) -> Interval | None:
        """Its score interval at this standard normal quantile; None when none is known."""
        if self.examples is None:
            return None
        n = self.examples * self.weight
        share = wilson(self._share * n, n, z)
        return Interval(self._value(share.low), self._value(share.high))

    def low(self, confidence: float) -> float | None:
        """Its lower bound of this one-sided confidence; None when none is known."""
        if self.examples is None:
            return None
        n = self.examples * self.weight
        if self.kind is Kind.AREA:
            return wilson(self._share * n, n, one_sided(confidence)).low
        return self._value(exact_low(self._share * n, n, confidence))

    @property
    def _share(self) -> float:
        return self.value / (2 - self.value) if self.kind is Kind.F1 else self.value

    def _value(self, share: float) -> float:
        return 2 * share / (1 + share) if self.kind is Kind.F1 else share


def measure(evaluation: Evaluation, metric: Metric, threshold: float) -> Measure | Unmeasured:
    """A metric of an evaluation, where only scores of at least `threshold` count."""
    if evaluation.example_count <= 0:
        return Unmeasured("there are no test examples")
    overall = evaluation.label is None
    if metric is Metric.AU_PRC:
        weight = 1 / (_CURVE_OVERALL if overall else _CURVE_OF_LABEL)
        return _told(evaluation.au_prc, evaluation.example_count, weight)
    if metric is Metric.MEAN_AVERAGE_PRECISION:
        # A mean over labels and over degrees of overlap: no count tells how far it varies.
        return _told(evaluation.mean_average_precision, None)
    entry = at_threshold(evaluation, threshold)
    return _told(None, None) if entry is None else _at(entry, evaluation, metric)


def _told(value: float | None, examples: int | None, weight: float = 1.0) -> Measure | Unmeasured:
    return (
        Unmeasured("not told by the service")
        if value is None
        else Measure(value, Kind.AREA, examples, weight)
    )


def _at(entry: ConfidenceMetrics, evaluation: Evaluation, metric: Metric) -> Measure | Unmeasured:
    overall, images = evaluation.label is None, evaluation.example_count
    counts = (entry.true_positives, entry.false_positives, entry.false_negatives)
    hits, wrong, missed = (count or 0 for count in counts)
    told = None not in counts and hits + wrong + missed > 0
    match metric:
        case Metric.PRECISION:
            value, n, weight = entry.precision, hits + wrong, 1.0
        case Metric.RECALL:
            value, n, weight = entry.recall, hits + missed, 1.0
        case _:
            value, n = entry.f1_score, hits + wrong + missed
            weight = 1 / _F1_OVERALL if overall else 1.0
    if value is None or (told and n == 0):
        # A share of nothing: some services say 1 or 0 by convention.
        which = "prediction" if metric is Metric.PRECISION else "positive example"
        return Unmeasured(f"there is no {which} to measure it on")
    n = n if told else images
    kind = Kind.F1 if metric is Metric.F1 else Kind.SHARE
    return Measure(value, kind, min(n, images) if overall else n, weight)
