"""How good the versions are that a plan is about: what a reviewer compares. Pure.

A scorecard is a short form of a version's evaluations: the figures at one threshold, the curve,
the confusion matrix of few labels. Plan files carry them, so that a plan can be shown where the
service can't be asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from automl_plan.model.address import Address
from automl_plan.model.evaluation import ConfusionMatrix, Evaluation, at_threshold
from automl_plan.model.json import Count, Document, Number, Real
from automl_plan.model.requirements import DEFAULT_THRESHOLD, Requirements
from automl_plan.planning.gate import GateReport, evaluate_gate
from automl_plan.planning.statistics import no_better_than_guessing

_MOST_LABELS = 5_000
"""Labels whose figures are kept: as many as a dataset may have ("Quotas and limits")."""
_MOST_IN_MATRIX = 60
"""Labels of a confusion matrix that is kept: a larger one can't be read."""
_MOST_POINTS = 101
"""Of a curve."""


class Role(StrEnum):
    """What a version is in the plan."""

    CURRENT = "current"
    """It serves, or would if it were deployed."""
    CANDIDATE = "candidate"
    """It may become the current one."""
    REJECTED = "rejected"
    """Its gate rejected it."""


class Figures(Struct, frozen=True, forbid_unknown_fields=True):
    """The figures of one label, or overall; all but `examples` lie between 0 and 1.

    What the service does not report is absent or null.
    """

    label: str | None
    """None: overall."""
    examples: Count | None
    """Images of the TEST set."""
    au_prc: Real | None = None
    mean_average_precision: Real | None = None
    precision: Real | None = None
    recall: Real | None = None
    f1: Real | None = None


class Point(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A point of the precision-recall curve."""

    threshold: Real
    precision: Real
    recall: Real


class Scorecard(Document, frozen=True):
    """What is known of how good one version is."""

    address: Address
    object_id: str
    role: Role
    threshold: Real
    """The least score that counts as a prediction, for precision, recall and F1."""
    figures: tuple[Figures, ...]
    """Overall first, then by label."""
    version: Number | None
    curve: tuple[Point, ...]
    """Overall, by rising threshold."""
    confusion: ConfusionMatrix | None
    """None too where it has more labels than can be read."""
    gate: GateReport | None
    """What its gate would find, by what is declared now."""
    simulated: bool = False
    """Whether all this is made up: no model was trained."""
    guessing: str | None = None
    """That it is no better than guessing, and how that is known; None: it is better."""

    @property
    def overall(self) -> Figures | None:
        """The figures over all labels."""
        return next((each for each in self.figures if each.label is None), None)


def scorecard(
    address: Address,
    object_id: str,
    role: Role,
    evaluations: Sequence[Evaluation],
    *,
    version: int | None = None,
    require: Requirements | None = None,
) -> Scorecard:
    """The short form of a version's evaluations."""
    threshold = DEFAULT_THRESHOLD if require is None else require.threshold
    labels = [each for each in evaluations if each.label is not None]
    overall = next((each for each in evaluations if each.label is None), None)
    kept = [*([] if overall is None else [overall]), *labels[:_MOST_LABELS]]
    confusion = None if overall is None else overall.confusion
    return Scorecard(
        address,
        object_id,
        role,
        threshold,
        tuple(_figures(each, threshold) for each in kept),
        version,
        () if overall is None else _curve(overall),
        confusion if confusion and len(confusion.labels) <= _MOST_IN_MATRIX else None,
        None,
        simulated=any(each.simulated for each in evaluations),
        guessing=None if overall is None else no_better_than_guessing(overall),
    )


def with_forecast(
    card: Scorecard,
    require: Requirements,
    new: Sequence[Evaluation],
    current: Sequence[Evaluation] | None,
) -> Scorecard:
    """A candidate's scorecard with what its gate would find."""
    return replace(card, gate=evaluate_gate(require, new, current))


def _figures(evaluation: Evaluation, threshold: float) -> Figures:
    entry = at_threshold(evaluation, threshold)
    return Figures(
        evaluation.label,
        evaluation.example_count,
        _rounded(evaluation.au_prc),
        _rounded(evaluation.mean_average_precision),
        None if entry is None else _rounded(entry.precision),
        None if entry is None else _rounded(entry.recall),
        None if entry is None else _rounded(entry.f1_score),
    )


def _curve(evaluation: Evaluation) -> tuple[Point, ...]:
    entries = evaluation.thresholds
    step = max(1, -(-len(entries) // _MOST_POINTS))
    return tuple(
        Point(round(e.threshold, 4), round(e.precision, 6), round(e.recall, 6))
        for e in entries[::step]
        if e.threshold is not None and e.precision is not None and e.recall is not None
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)
