"""How far a share that was measured on some examples may lie from the true one. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist


@dataclass(frozen=True, slots=True)
class Interval:
    """What is taken to hold the true value; of a share 0 to 1, of a difference -1 to 1."""

    low: float
    high: float


NOTHING_KNOWN = Interval(0.0, 1.0)


def one_sided(confidence: float) -> float:
    """The standard normal quantile of a single bound: 1.645 for a confidence of 0.95."""
    return NormalDist().inv_cdf(confidence)


def two_sided(confidence: float) -> float:
    """The standard normal quantile of an interval: 1.960 for a confidence of 0.95."""
    return NormalDist().inv_cdf((1 + confidence) / 2)


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
