"""Metrics with the interval of their true value; whether they beat guessing. Pure."""

from __future__ import annotations

from enum import Enum, auto
from math import exp, lgamma, log, log1p, sqrt

from msgspec import Struct
from msgspec.structs import replace

from automl_plan.model.evaluation import (
    ConfidenceMetrics,
    Evaluation,
    at_threshold,
    counts_of,
)
from automl_plan.model.requirements import DEFAULT_THRESHOLD, Metric


class Interval(Struct, frozen=True):
    """What is taken to hold the true value; of a share 0 to 1, of a difference -1 to 1."""

    low: float
    high: float


NOTHING_KNOWN = Interval(0.0, 1.0)
_HALVINGS = 30
"""Of the range of a bound that is sought: to 1e-9."""
_TINY = 1e-300


def one_sided(confidence: float) -> float:
    """The standard normal quantile of a single bound: 1.645 for a confidence of 0.95."""
    return _quantile(confidence)


def two_sided(confidence: float) -> float:
    """The standard normal quantile of an interval: 1.960 for a confidence of 0.95."""
    return _quantile((1 + confidence) / 2)


def _quantile(share: float) -> float:
    # Takes milliseconds to import, and most plans ask for no interval.
    from statistics import NormalDist

    return NormalDist().inv_cdf(share)


def wilson(k: float, n: float, z: float) -> Interval:
    """The score interval of a share of which k of n examples were seen; k may be fractional.

    Wilson 1927, "Probable Inference, the Law of Succession, and Statistical Inference": unlike
    the textbook interval it says something at 0 and at n, and stays between 0 and 1. With the z
    of one side, each of its ends is a bound by itself.
    """
    if n <= 0:
        return NOTHING_KNOWN
    share = min(max(k / n, 0.0), 1.0)
    centre = share + z * z / (2 * n)
    spread = z * sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    # By rounding alone the bounds of 0 and of n could miss what was measured.
    low = min(max((centre - spread) / scale, 0.0), share)
    return Interval(low, max(min((centre + spread) / scale, 1.0), share))


def exact_low(k: float, n: float, confidence: float) -> float:
    """The lower bound of a share of which k of n examples were seen; k may be fractional.

    Clopper & Pearson 1934, "The use of confidence or fiducial limits illustrated in the case of
    the binomial": the least share for which k or more are seen with a probability of
    1 - confidence. Wilson's bound keeps its confidence on average only: with 30 of 30 right a
    minimum of 0.917 would be met, which a model exactly at it reaches in 7.4 % of tests. What is
    decided on has to keep it always.
    """
    if n <= 0 or k <= 0:
        return 0.0
    low, high = 0.0, min(k / n, 1.0)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if _tail(min(k, n), n, middle) < 1 - confidence:
            low = middle
        else:
            high = middle
    return low


def _tail(k: float, n: float, share: float) -> float:
    """The probability of k or more of n: the regularised incomplete beta function at a, b.

    Its continued fraction, by Lentz's method: Press et al., "Numerical Recipes", section 6.4.
    """
    a, b = k, n - k + 1
    if share > (a + 1) / (a + b + 2):  # beyond, the other tail's converges fast
        return 1 - _lentz(b, a, 1 - share)
    return _lentz(a, b, share)


def _lentz(a: float, b: float, x: float) -> float:
    if x <= 0:
        return 0.0
    front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x)) / a
    c, d = 1.0, 1 / _apart(1 - (a + b) * x / (a + 1))
    product = d
    for m in range(1, 10_000):
        for step in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1 / _apart(1 + step * d)
            c = _apart(1 + step / c)
            product *= c * d
        if abs(c * d - 1) < 1e-12:
            break
    return front * product


def _apart(value: float) -> float:
    """Not zero: it is divided by."""
    return value if abs(value) > _TINY else _TINY


def difference(new: float, new_within: Interval, old: float, old_within: Interval) -> Interval:
    """The interval of `new - old`, of two values with an interval each, at their confidence.

    With Wilson's intervals this is method 10 of Newcombe 1998, "Interval estimation for the
    difference between independent proportions: comparison of eleven methods". Zou & Donner 2008,
    "Construction of confidence limits about effect measures: a general approach", show that it
    serves any pair of intervals. It takes the two for independent; where both were measured on
    the same examples they err together, and it is wider than need be.
    """
    gap = new - old
    below = sqrt((new - new_within.low) ** 2 + (old_within.high - old) ** 2)
    above = sqrt((new_within.high - new) ** 2 + (old - old_within.low) ** 2)
    return Interval(max(gap - below, -1.0), min(gap + above, 1.0))


_CURVE_OVERALL = 3
"""Examples that weigh as one in the overall area under the precision-recall curve."""
_CURVE_OF_LABEL = 2
"""The same in the area of a single label."""
_F1_OVERALL = 2
"""How often a wrong example is counted in the overall F1."""


NOT_REPORTED = "not reported by the service"


class Unmeasured(Struct, frozen=True):
    """A metric without a value, and why there is none."""

    note: str
    unknown: bool = True
    """Whether there may be a value that is not reported; else it is a share of nothing."""


class Kind(Enum):
    """What a metric is, as a number that was counted."""

    SHARE = auto()
    """A share of counted examples."""
    F1 = auto()
    AREA = auto()
    """An area or a mean of areas: like a share, but no count."""


class Measure(Struct, frozen=True):
    """A measured metric, between 0 and 1.

    Precision and recall are shares of examples. F1 is a function of one, the Jaccard index J =
    TP / (TP + FP + FN): F1 = 2J / (1 + J).

    Boyd, Eng & Page 2013, "Area under the Precision-Recall Curve: Point Estimates and Confidence
    Intervals", take the area for a share of the positive examples. That does not hold 95% here: a
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
    if evaluation.example_count is not None and evaluation.example_count <= 0:
        return Unmeasured("no test examples", unknown=False)
    overall = evaluation.label is None
    if metric is Metric.AU_PRC:
        weight = 1 / (_CURVE_OVERALL if overall else _CURVE_OF_LABEL)
        return _told(evaluation.au_prc, evaluation.example_count, weight)
    if metric is Metric.MEAN_AVERAGE_PRECISION:
        # A mean over labels and over degrees of overlap: its variance is unknown.
        return _told(evaluation.mean_average_precision, None)
    entry = at_threshold(evaluation, threshold)
    return _told(None, None) if entry is None else _at(entry, evaluation, metric)


def _told(value: float | None, examples: int | None, weight: float = 1.0) -> Measure | Unmeasured:
    return (
        Unmeasured(NOT_REPORTED) if value is None else Measure(value, Kind.AREA, examples, weight)
    )


def _at(entry: ConfidenceMetrics, evaluation: Evaluation, metric: Metric) -> Measure | Unmeasured:
    overall = evaluation.label is None
    counts = counts_of(entry, evaluation.positives)
    weight, kind = 1.0, Kind.SHARE
    match metric:
        case Metric.PRECISION:
            value, n = entry.precision, counts.predicted
            if value == 1 and n is None and not entry.recall:
                return Unmeasured("whether anything is predicted is not reported")
        case Metric.RECALL:
            value, n = entry.recall, counts.positives
        case _:
            value, n = entry.f1_score, counts.involved
            weight, kind = (1 / _F1_OVERALL if overall else 1.0), Kind.F1
    if n == 0:
        # A share of nothing: some services say 1 or 0 by convention.
        which = "prediction" if metric is Metric.PRECISION else "positive example"
        return Unmeasured(f"no {which} to measure it on", unknown=False)
    if value is None:
        return Unmeasured(NOT_REPORTED)
    if overall and n is not None:
        images = evaluation.example_count
        n = None if images is None else min(n, images)
    return Measure(value, kind, n, weight)


_CONFIDENCE = 0.95
_AU_ROC_OF_GUESSING = 0.5


def no_better_than_guessing(overall: Evaluation) -> str | None:
    """That a model is no better than guessing, by its overall evaluation; None: it is better.

    Also None where it is unknown: object detection, no TEST images, no area.

    Scores that have nothing to do with the labels give an area under the precision-recall curve
    that is the share of the positive class, and one of 0.5 under the ROC curve: Saito &
    Rehmsmeier 2015, "The Precision-Recall Plot Is More Informative than the ROC Plot When
    Evaluating Binary Classifiers on Imbalanced Datasets". Overall figures pool the decisions on
    all labels, so the share is the mean over labels: one in three with three classes. A model is
    said to be no better when the 95% interval of each reported area reaches down to the
    value of guessing. The interval of auPRC is that of `Measure`; where it is the only area that is
    reported, each image counts as one, since the wide interval of few images proves nothing: a
    model that is right on all of 4 images is not said to guess. An area under the ROC curve is
    the chance that a positive example scores above a negative one, whose variance is at most that
    of a share of as many examples as the rarer of the two has (Birnbaum & Klose 1957, "Bounds for
    the Variance of the Mann-Whitney Statistic"); so that share's score interval is taken.
    """
    images = overall.example_count
    if overall.label is not None or images is None or images <= 0:
        return None
    z = two_sided(_CONFIDENCE)
    positive, negative = _counted(overall)
    told = []
    share = positive / (positive + negative) if positive and negative else None
    found = measure(overall, Metric.AU_PRC, DEFAULT_THRESHOLD)
    if isinstance(found, Measure) and overall.au_roc is None:
        found = replace(found, weight=1.0)
    if share is not None and isinstance(found, Measure) and (within := found.within(z)):
        told.append(("auPRC", found.value, share, within.low))
    if overall.au_roc is not None:
        examples = min(each for each in (images, positive, negative) if each)
        low = wilson(overall.au_roc * examples, examples, z).low
        told.append(("auROC", overall.au_roc, _AU_ROC_OF_GUESSING, low))
    if not told or any(low > guessed for *_, guessed, low in told):
        return None
    areas = "; ".join(f"{name} {area:.4f} (guessing: {guess:.4f})" for name, area, guess, _ in told)
    many = f"{images:,} TEST image{'' if images == 1 else 's'}"
    return f"no better than guessing on {many}: {areas}"


def _counted(overall: Evaluation) -> tuple[int, int]:
    """Return the numbers of positive and negative decisions on labels; 0 where they are unknown.

    A service that leaves out true negatives still reports all decisions where everything is
    predicted; without that, each image of a confusion matrix is positive for one of its labels.
    """
    for entry in overall.thresholds:
        right, wrong = entry.true_negatives, entry.false_positives
        counts = counts_of(entry, overall.positives)
        everything = entry.threshold is not None and entry.threshold <= 0
        if wrong is None and counts.predicted is not None and counts.hits is not None:
            wrong = counts.predicted - counts.hits
        if counts.positives is not None and wrong is not None and (right or everything):
            return counts.positives, wrong + (right or 0)
    if overall.confusion is None:
        return 0, 0
    images = sum(map(sum, overall.confusion.rows))
    return images, images * (len(overall.confusion.labels) - 1)
