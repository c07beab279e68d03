"""How far a share that was measured on some examples may lie from the true one. Pure."""

from __future__ import annotations

from math import exp, lgamma, log, log1p, sqrt

from msgspec import Struct


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
