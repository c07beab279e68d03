"""Decides whether a newly trained version may become the current one. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import cast

from msgspec import Struct
from msgspec.structs import asdict, replace

from automl_plan.model.evaluation import Evaluation
from automl_plan.model.json import Attributes, Document, Real, written
from automl_plan.model.requirements import Metric, Requirements
from automl_plan.planning.statistics import (
    Interval,
    Measure,
    Unmeasured,
    difference,
    measure,
    no_better_than_guessing,
    one_sided,
    two_sided,
)

SHOWN_CONFIDENCE = 0.95
"""Of the two-sided interval that is shown where no confidence is required."""
_WIDE = 0.1
"""Of an interval: what is worth a word."""
_ROUNDING = 1e-7
"""The service reports single-precision figures: 0.95 may arrive as 0.94999999."""
_AT_THRESHOLD = (Metric.PRECISION, Metric.RECALL, Metric.F1)
_NO_BOUND = "a confidence is required, but the reported counts give no bound"
_TWICE = "the service reports several evaluations of it"


class GateRow(Document, frozen=True):
    """One requirement and what was measured."""

    requirement: str
    """`au_prc`, `recall at 0.5`, `seven: recall at 0.5`, `au_prc against the current version`."""
    required: Real
    """The least value; against the current version: its value less the margin."""
    met: bool | None
    """Null: undecided, since a number that it needs is not reported."""
    actual: Real | None = None
    """Absent: there is no such value, or it is not reported; the note says why."""
    current: Real | None = None
    """The same metric of the current version, where there is one."""
    low: Real | None = None
    """With a confidence: the bound that was decided on. Against the current version: that of the
    difference, added to the current value, so that `required` is what it is held against."""
    high: Real | None = None
    """None with a confidence, which looks at one side."""
    examples: int | None = None
    """The test examples behind the interval."""
    note: str | None = None

    @property
    def rounded(self) -> GateRow:
        """The row for documents, numbers to six places."""
        return replace(
            self, **{n: round(v, 6) for n, v in asdict(self).items() if type(v) is float}
        )

    def to_json(self) -> Attributes:
        """Return what is known, numbers to six places."""
        return cast("Attributes", written(self.rounded))


class GateReport(Document, frozen=True):
    """All requirements of a gate."""

    rows: tuple[GateRow, ...]
    confidence: Real | None
    """As required; None: the measured values decided."""
    caveat: str | None
    """How little is known where test examples are few."""
    simulated: bool = False
    """Whether what was measured is made up: no model was trained."""
    guessing: str | None = None
    """That the new version is no better than guessing, and how that is known."""

    @property
    def passed(self) -> bool | None:
        """Whether every requirement is met; None: undecided, none is missed but some may be."""
        met = [row.met for row in self.rows]
        return False if False in met else None if None in met else True

    @property
    def undecided(self) -> tuple[str, ...]:
        """The requirements on numbers that are not reported."""
        return tuple(row.requirement for row in self.rows if row.met is None)

    @property
    def rounded(self) -> GateReport:
        """The report for documents, numbers to six places."""
        return replace(self, rows=tuple(row.rounded for row in self.rows))


_ByLabel = Mapping[str | None, Evaluation | None]
"""None: which of several evaluations of a label is meant is not known."""


def evaluate_gate(
    requirements: Requirements,
    new: Sequence[Evaluation],
    current: Sequence[Evaluation] | None,
) -> GateReport:
    """Compare the evaluations of a new version with the requirements.

    `current` are those of the current version; None when there is none.
    Each requirement is compared with its own bound: that all of many are met by luck is less
    likely than for a single one.
    """
    gate = _Gate(requirements, _by_label(new), None if current is None else _by_label(current))
    overall = gate.new.get(None)
    return GateReport(
        tuple(gate.rows()),
        requirements.confidence,
        gate.caveat(),
        any(each.simulated for each in (*new, *(current or ()))),
        None if overall is None else no_better_than_guessing(overall),
    )


def _by_label(evaluations: Sequence[Evaluation]) -> _ByLabel:
    found: dict[str | None, Evaluation | None] = {}
    for evaluation in evaluations:
        found[evaluation.label] = None if evaluation.label in found else evaluation
    return found


class _Gate(Struct, frozen=True):
    requirements: Requirements
    new: _ByLabel
    current: _ByLabel | None

    def rows(self) -> Iterator[GateRow]:
        for label, metric, least in self._minima():
            yield self._minimum(label, metric, least)
        yield from self._missing()
        margin = self.requirements.not_worse_than_current
        if margin is not None:
            yield self._against_current(margin)

    def caveat(self) -> str | None:
        """On the widest of the intervals; None when all are narrow."""
        asked = [(label, metric) for label, metric, _ in self._minima()]
        if self.requirements.not_worse_than_current is not None:
            asked.append((None, self._headline()))
        widest, told = _WIDE, None
        for label, metric in asked:
            found = self._measured(self.new, label, metric)
            if isinstance(found, Unmeasured):
                continue
            within = found.within(two_sided(SHOWN_CONFIDENCE))
            if within is not None and within.high - within.low > widest:
                widest = within.high - within.low
                told = (
                    f"with only {found.examples} test example{'' if found.examples == 1 else 's'}, "
                    f"{self._name(label, metric)} is between {within.low:.2f} and "
                    f"{within.high:.2f} ({SHOWN_CONFIDENCE:.0%} confidence)"
                )
        return told

    def _minima(self) -> Iterator[tuple[str | None, Metric, float]]:
        for metric, least in sorted(self.requirements.overall.items()):
            yield None, metric, least
        for label in self._labels():
            own = self.requirements.labels.get(label, {})
            for metric, least in sorted({**self.requirements.each_label, **own}.items()):
                yield label, metric, least

    def _labels(self) -> list[str]:
        """The labels that were evaluated, and those that the overall evaluation names."""
        overall = self.new.get(None)
        named = () if overall is None or overall.confusion is None else overall.confusion.labels
        return sorted({*named, *(label for label in self.new if label is not None)})

    def _minimum(self, label: str | None, metric: Metric, least: float) -> GateRow:
        name = self._name(label, metric)
        found = self._measured(self.new, label, metric)
        before = None if self.current is None else self._measured(self.current, label, metric)
        was = before.value if isinstance(before, Measure) else None
        if isinstance(found, Unmeasured):
            return self._unmeasured(name, least, found, was)
        confidence = self.requirements.confidence
        if confidence is None:
            return self._row(name, least, found, was, found.within(self._z()))
        low = found.low(confidence)
        return self._row(name, least, found, was, None if low is None else Interval(low, 1.0))

    def _missing(self) -> Iterator[GateRow]:
        """What is required of labels that were not evaluated."""
        labels = self._labels()
        evaluated = sorted(label for label in self.new if label is not None)
        note = (
            f"not evaluated; evaluated labels: {', '.join(evaluated)}"
            if evaluated
            else "no label was evaluated"
        )
        if not labels:
            for metric, least in sorted(self.requirements.each_label.items()):
                name = self._name("each label", metric)
                yield GateRow(name, least, met=None, note=note)
        for label in sorted(set(self.requirements.labels) - set(labels)):
            for metric, least in sorted(self.requirements.labels[label].items()):
                yield GateRow(self._name(label, metric), least, met=None, note=note)

    def _against_current(self, margin: float) -> GateRow:
        """Not worse by more than the margin; with a confidence, a test of non-inferiority."""
        metric = self._headline()
        name = f"{metric} against the current version"
        found = self._measured(self.new, None, metric)
        actual = found.value if isinstance(found, Measure) else None
        if self.current is None:
            note = "no current version to compare with"
            return GateRow(name, 0.0, met=True, actual=actual, note=note)
        before = self._measured(self.current, None, metric)
        if isinstance(before, Unmeasured):
            note = f"current version: {before.note}"
            met = None if before.unknown else False
            return GateRow(name, 0.0, met=met, actual=actual, note=note)
        least = before.value - margin
        if isinstance(found, Unmeasured):
            return self._unmeasured(name, least, found, before.value)
        within, was_within = found.within(self._z()), before.within(self._z())
        bounds = None
        if within is not None and was_within is not None:
            gap = difference(found.value, within, before.value, was_within)
            low, high = before.value + gap.low, before.value + gap.high
            bounds = Interval(max(low, 0.0), min(high, 1.0))
        return self._row(name, least, found, before.value, bounds)

    def _row(
        self, name: str, least: float, found: Measure, was: float | None, within: Interval | None
    ) -> GateRow:
        confident = self.requirements.confidence is not None
        decides = within.low if confident and within is not None else found.value
        met: bool | None = decides >= least - _ROUNDING
        note = None
        if met and confident and within is None:
            # A bound is at most the value: what the value misses, any bound does.
            met, note = None, _NO_BOUND
        return GateRow(
            name,
            least,
            met=met,
            actual=found.value,
            current=was,
            low=None if within is None else within.low,
            high=None if within is None or confident else within.high,
            examples=None if within is None else found.examples,
            note=note,
        )

    @staticmethod
    def _unmeasured(name: str, least: float, found: Unmeasured, was: float | None) -> GateRow:
        met = None if found.unknown else False
        return GateRow(name, least, met=met, current=was, note=found.note)

    def _z(self) -> float:
        confidence = self.requirements.confidence
        return two_sided(SHOWN_CONFIDENCE) if confidence is None else one_sided(confidence)

    def _headline(self) -> Metric:
        for version in (self.new, self.current or {}):
            overall = version.get(None)
            if overall is not None and overall.au_prc is not None:
                return Metric.AU_PRC
            if overall is not None and overall.mean_average_precision is not None:
                return Metric.MEAN_AVERAGE_PRECISION
        return Metric.AU_PRC

    def _measured(
        self, evaluations: _ByLabel, label: str | None, metric: Metric
    ) -> Measure | Unmeasured:
        evaluation = evaluations.get(label)
        if evaluation is None:
            return Unmeasured(_TWICE if label in evaluations else "not evaluated")
        return measure(evaluation, metric, self.requirements.threshold)

    def _name(self, label: str | None, metric: Metric) -> str:
        threshold = f" at {self.requirements.threshold:g}" if metric in _AT_THRESHOLD else ""
        return f"{'' if label is None else f'{label}: '}{metric}{threshold}"
