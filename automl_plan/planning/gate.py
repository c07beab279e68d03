"""Decides whether a newly trained version may take the current one's place. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from automl_plan.planning.intervals import Interval, difference, quantile
from automl_plan.planning.measures import Measure, measure
from automl_plan.resources.evaluation import Evaluation
from automl_plan.resources.json import Json
from automl_plan.resources.requirements import Metric, Requirements

SHOWN_CONFIDENCE = 0.95
"""Of the two-sided interval that is shown where none is asked for."""
WIDE = 0.1
"""An interval wider than this is worth a word."""
_THRESHOLDED = (Metric.PRECISION, Metric.RECALL, Metric.F1)


@dataclass(frozen=True, slots=True)
class GateRow:
    """One requirement, and what was measured."""

    requirement: str
    required: float
    actual: float | None
    """None: the service does not tell it."""
    met: bool
    current: float | None = None
    """The same metric of the current version, where there is one."""
    low: float | None = None
    """With a confidence: the one-sided bound that was decided on; else of the 95 % interval. For
    the comparison with the current version, of the difference."""
    high: float | None = None
    examples: int | None = None
    """The examples behind the interval."""
    note: str | None = None

    def to_json(self) -> dict[str, Json]:
        """The row without what is not known; numbers to six places."""
        fields: dict[str, Json] = {
            "requirement": self.requirement,
            "required": self.required,
            "actual": self.actual,
            "met": self.met,
            "current": self.current,
            "low": self.low,
            "high": self.high,
            "examples": self.examples,
            "note": self.note,
        }
        return {
            key: round(value, 6) if isinstance(value, float) else value
            for key, value in fields.items()
            if value is not None
        }


@dataclass(frozen=True, slots=True)
class GateReport:
    """All requirements of a gate, in the order of the configuration's reference."""

    rows: tuple[GateRow, ...]
    confidence: float | None = None
    """As required; None: the measured values decided."""

    @property
    def passed(self) -> bool:
        """Whether every requirement is met."""
        return all(row.met for row in self.rows)

    @property
    def caveat(self) -> str | None:
        """How little is known where the test examples are few."""
        wide = [r for r in self.rows if r.high is not None and r.high - (r.low or 0.0) > WIDE]
        if not wide or self.confidence is not None:
            return None
        row = max(wide, key=lambda r: (r.high or 0.0) - (r.low or 0.0))
        return (
            f"with {row.examples} test examples, {row.requirement} is known to lie between "
            f"{row.low:.2f} and {row.high:.2f} only ({SHOWN_CONFIDENCE:.0%} interval); "
            "`confidence` makes the gate decide on the lower bound"
        )

    def to_json(self) -> dict[str, Json]:
        """For programs."""
        return {
            "passed": self.passed,
            "confidence": self.confidence,
            "rows": [row.to_json() for row in self.rows],
            "caveat": self.caveat,
        }


def judge(
    requirements: Requirements,
    new: Sequence[Evaluation],
    current: Sequence[Evaluation] | None,
) -> GateReport:
    """Hold a version's evaluations against what is required.

    `current` are those of the version that it would replace; None when there is none.
    """
    rows = tuple(
        _rows(requirements, _by_label(new), None if current is None else _by_label(current))
    )
    return GateReport(rows, requirements.confidence)


_ByLabel = Mapping[str | None, Evaluation]


def _by_label(evaluations: Sequence[Evaluation]) -> _ByLabel:
    return {evaluation.label: evaluation for evaluation in evaluations}


def _rows(requirements: Requirements, new: _ByLabel, current: _ByLabel | None) -> Iterator[GateRow]:
    for metric, least in sorted(requirements.overall.items()):
        yield _row(requirements, None, metric, least, new, current)
    labels = sorted(label for label in new if label is not None)
    for label in labels:
        own = requirements.labels.get(label, {})
        for metric, least in sorted({**requirements.each_label, **own}.items()):
            yield _row(requirements, label, metric, least, new, current)
    for label in sorted(set(requirements.labels) - set(labels)):
        note = f"the evaluation has no such label, but {', '.join(labels) or 'none at all'}"
        for metric, least in sorted(requirements.labels[label].items()):
            name = _name(label, metric, requirements.threshold)
            yield GateRow(name, least, None, met=False, note=note)
    if requirements.each_label and not labels:
        for metric, least in sorted(requirements.each_label.items()):
            name = _name("each label", metric, requirements.threshold)
            yield GateRow(name, least, None, met=False, note="the evaluation tells of no labels")
    if requirements.not_worse_than_current is not None:
        yield _comparison(requirements, requirements.not_worse_than_current, new, current)


def _row(
    requirements: Requirements,
    label: str | None,
    metric: Metric,
    least: float,
    new: _ByLabel,
    current: _ByLabel | None,
) -> GateRow:
    name = _name(label, metric, requirements.threshold)
    found = _measure(new, label, metric, requirements.threshold)
    if found is None:
        return GateRow(name, least, None, met=False, note="the service does not tell it")
    before = None if current is None else _measure(current, label, metric, requirements.threshold)
    confidence = requirements.confidence
    examples = None if found.n is None else round(found.n)
    if confidence is None:
        interval = found.interval(quantile(SHOWN_CONFIDENCE, sides=2))
        met, note = found.value >= least, None
    else:
        interval = found.interval(quantile(confidence, sides=1))
        met = interval is not None and interval.low >= least
        note = None if interval is not None else "no bound can be told for this metric"
    return GateRow(
        name,
        least,
        found.value,
        met=met,
        current=None if before is None else before.value,
        low=None if interval is None else interval.low,
        high=None if interval is None or confidence is not None else interval.high,
        examples=examples,
        note=note,
    )


def _comparison(
    requirements: Requirements, margin: float, new: _ByLabel, current: _ByLabel | None
) -> GateRow:
    """Not worse than the current version by more than a margin (a test of non-inferiority)."""
    metric, found = _headline(new)
    name = f"{metric} against the current version"
    if current is None:
        note = "there is no current version to compare with"
        actual = None if found is None else found.value
        return GateRow(name, 0.0, actual, met=True, note=note)
    before = _measure(current, None, metric, requirements.threshold)
    if found is None or before is None:
        which = "new" if found is None else "current"
        note = f"the service does not tell it of the {which} version"
        return GateRow(name, 0.0, found.value if found else None, met=False, note=note)
    least = before.value - margin
    interval = _difference(found, before, requirements.confidence)
    met = found.value >= least
    if requirements.confidence is not None:
        met = interval is not None and interval.low >= -margin
    one_sided = requirements.confidence is not None
    counts = [n for n in (found.n, before.n) if n is not None]
    return GateRow(
        name,
        least,
        found.value,
        met=met,
        current=before.value,
        low=None if interval is None else interval.low,
        high=None if interval is None or one_sided else interval.high,
        examples=round(min(counts)) if counts else None,
        note="no bound can be told for this metric" if one_sided and interval is None else None,
    )


def _difference(new: Measure, old: Measure, confidence: float | None) -> Interval | None:
    if new.n is None or old.n is None:
        return None
    sides = 2 if confidence is None else 1
    z = quantile(SHOWN_CONFIDENCE if confidence is None else confidence, sides=sides)
    return difference(new.value, new.n, old.value, old.n, z)


def _headline(evaluations: _ByLabel) -> tuple[Metric, Measure | None]:
    overall = evaluations.get(None)
    if (
        overall is not None
        and overall.au_prc is None
        and overall.mean_average_precision is not None
    ):
        metric = Metric.MEAN_AVERAGE_PRECISION
    else:
        metric = Metric.AU_PRC
    return metric, None if overall is None else measure(overall, metric, 0.0)


def _measure(
    evaluations: _ByLabel, label: str | None, metric: Metric, threshold: float
) -> Measure | None:
    evaluation = evaluations.get(label)
    return None if evaluation is None else measure(evaluation, metric, threshold)


def _name(label: str | None, metric: Metric, threshold: float) -> str:
    told = f"{metric} at {threshold:g}" if metric in _THRESHOLDED else str(metric)
    return told if label is None else f"{label}: {told}"
