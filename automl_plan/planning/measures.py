"""A metric of an evaluation as a proportion, with the number of examples behind it. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from automl_plan.planning.intervals import Interval, wilson
from automl_plan.resources.evaluation import ConfidenceMetrics, Evaluation, at_threshold
from automl_plan.resources.requirements import Metric


@dataclass(frozen=True, slots=True)
class Measure:
    """A measured metric.

    Precision and recall are proportions of examples. F1 is a function of one: with J = TP / (TP +
    FP + FN), F1 = 2J / (1 + J). The area under the precision-recall curve is taken for a
    proportion of the positive examples (Boyd, Eng & Page 2013, "Area under the Precision-Recall
    Curve: Point Estimates and Confidence Intervals": the binomial interval; here with Wilson's
    bounds, which hold at 1 too).
    """

    value: float
    n: float | None
    """Examples behind it; None when no interval can be told."""
    is_f1: bool = False

    @property
    def proportion(self) -> float:
        """What is a proportion of `n`."""
        return self.value / (2 - self.value) if self.is_f1 else self.value

    def interval(self, z: float) -> Interval | None:
        """Its interval; None when none can be told."""
        if self.n is None:
            return None
        found = wilson(self.proportion, self.n, z)
        if self.is_f1:
            return Interval(2 * found.low / (1 + found.low), 2 * found.high / (1 + found.high))
        return found


def measure(evaluation: Evaluation, metric: Metric, threshold: float) -> Measure | None:
    """A metric of an evaluation; None when the service does not tell it."""
    match metric:
        case Metric.AU_PRC:
            value = evaluation.au_prc
            return None if value is None else Measure(value, evaluation.example_count or None)
        case Metric.MEAN_AVERAGE_PRECISION:
            # A mean over labels and over levels of overlap: its spread is not in the counts.
            mean = evaluation.mean_average_precision
            return None if mean is None else Measure(mean, None)
        case _:
            entry = at_threshold(evaluation, threshold)
            return None if entry is None else _at(entry, evaluation.example_count, metric)


def _at(entry: ConfidenceMetrics, examples: int, metric: Metric) -> Measure:
    hits, wrong, missed = entry.true_positives, entry.false_positives, entry.false_negatives
    if metric is Metric.PRECISION:
        n = None if hits is None or wrong is None else hits + wrong
        return Measure(entry.precision, _predicted(entry, examples) if n is None else n)
    if metric is Metric.RECALL:
        n = None if hits is None or missed is None else hits + missed
        return Measure(entry.recall, examples or None if n is None else n)
    if hits is None or wrong is None or missed is None:
        predicted = _predicted(entry, examples)
        found = entry.recall * examples
        n_f1 = None if predicted is None else predicted + examples - found
        return Measure(entry.f1_score, n_f1, is_f1=True)
    return Measure(entry.f1_score, hits + wrong + missed, is_f1=True)


def _predicted(entry: ConfidenceMetrics, examples: int) -> float | None:
    """How many were predicted, where no counts are told: precision and recall tell it."""
    if entry.precision <= 0 or not examples:
        return None
    return entry.recall * examples / entry.precision
