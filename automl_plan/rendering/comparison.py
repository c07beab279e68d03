"""Candidates beside the versions whose place they would take."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from automl_plan.planning.scorecards import Figures, Role, Scorecard
from automl_plan.resources.address import Address


class Metric(Struct, frozen=True):
    """One metric of a label, or overall: of the current version and of the candidate."""

    name: str
    current: float | None
    candidate: float | None

    @property
    def change(self) -> float | None:
        """By how much the candidate is better; below zero, worse."""
        if self.current is None or self.candidate is None:
            return None
        return self.candidate - self.current


class LabelMetrics(Struct, frozen=True):
    """All metrics of one label, or overall."""

    label: str | None
    examples: int
    """TEST images that the candidate was evaluated on."""
    metrics: tuple[Metric, ...]


class Comparison(Struct, frozen=True):
    """A candidate and the current version of one address."""

    address: Address
    candidate: Scorecard
    current: Scorecard | None
    overall: LabelMetrics | None
    labels: tuple[LabelMetrics, ...]


def comparisons(scores: Sequence[Scorecard]) -> tuple[Comparison, ...]:
    """Of every address that has a candidate, or a version that its gate turned down."""
    current = {card.address: card for card in scores if card.role is Role.CURRENT}
    return tuple(
        _comparison(card, current.get(card.address))
        for card in scores
        if card.role is not Role.CURRENT
    )


def figure(value: float | None) -> str:
    """`0.9990`, or a dash."""
    return "\u2013" if value is None else f"{value:.4f}"


def signed(value: float | None) -> str:
    """`+0.0120`, or nothing."""
    return "" if value is None else f"{value:+.4f}"


def version_name(card: Scorecard) -> str:
    """`version 3`; adopted models have no number."""
    return f"version {card.version}" if card.version is not None else card.object_id


def _comparison(candidate: Scorecard, current: Scorecard | None) -> Comparison:
    before = {} if current is None else {each.label: each for each in current.figures}
    rows = [_metrics(each, before.get(each.label), candidate) for each in candidate.figures]
    return Comparison(
        candidate.address,
        candidate,
        current,
        next((row for row in rows if row.label is None), None),
        tuple(row for row in rows if row.label is not None),
    )


def _metrics(new: Figures, old: Figures | None, card: Scorecard) -> LabelMetrics:
    at = f" at {card.threshold:g}"
    pairs = (
        ("auPRC", None if old is None else old.au_prc, new.au_prc),
        (
            "mean average precision",
            None if old is None else old.mean_average_precision,
            new.mean_average_precision,
        ),
        (f"precision{at}", None if old is None else old.precision, new.precision),
        (f"recall{at}", None if old is None else old.recall, new.recall),
        (f"F1{at}", None if old is None else old.f1, new.f1),
    )
    told = tuple(Metric(*pair) for pair in pairs if pair[1:] != (None, None))
    return LabelMetrics(new.label, new.examples, told)
