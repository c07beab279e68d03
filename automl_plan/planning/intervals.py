"""How far a proportion that was measured on few examples may lie from the true one. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist


@dataclass(frozen=True, slots=True)
class Interval:
    """Bounds between 0 and 1 (for a difference: -1 and 1)."""

    low: float
    high: float

    @property
    def width(self) -> float:
        """From the lower to the upper bound."""
        return self.high - self.low


def quantile(confidence: float, *, sides: int) -> float:
    """The standard normal quantile for an interval of one or two sides."""
    return NormalDist().inv_cdf(confidence if sides == 1 else (1 + confidence) / 2)


def wilson(proportion: float, n: float, z: float) -> Interval:
    """The score interval of a proportion that was measured on n examples.

    Wilson 1927, "Probable Inference, the Law of Succession, and Statistical Inference". Without
    examples nothing is known.
    """
    if n <= 0:
        return Interval(0.0, 1.0)
    squared = z * z
    centre = proportion + squared / (2 * n)
    spread = z * sqrt(proportion * (1 - proportion) / n + squared / (4 * n * n))
    scale = 1 + squared / n
    # Rounding must not push the measured value itself out at 0 and at 1.
    low = min(max((centre - spread) / scale, 0.0), proportion)
    return Interval(low, max(min((centre + spread) / scale, 1.0), proportion))


def difference(new: float, n_new: float, old: float, n_old: float, z: float) -> Interval:
    """The interval of `new - old`, two proportions measured on different examples.

    Newcombe 1998, "Interval estimation for the difference between independent proportions:
    comparison of eleven methods", method 10. Where both were measured on the same examples it is
    wider than need be: it errs towards what is known less.
    """
    a, b = wilson(new, n_new, z), wilson(old, n_old, z)
    gap = new - old
    below = sqrt((new - a.low) ** 2 + (b.high - old) ** 2)
    above = sqrt((a.high - new) ** 2 + (old - b.low) ** 2)
    return Interval(max(gap - below, -1.0), min(gap + above, 1.0))
