"""Evaluations as tables: of models, of candidates beside current versions, of gates."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from automl_plan.model.address import Address
from automl_plan.model.evaluation import (
    ConfidenceMetrics,
    ConfusionMatrix,
    Evaluation,
    ImageResult,
    Resembled,
    at_threshold,
)
from automl_plan.output.style import Style, clean, columns, counted
from automl_plan.planning.adequacy import Advice
from automl_plan.planning.gate import SHOWN_CONFIDENCE, GateReport, GateRow
from automl_plan.planning.scorecards import Figures, Role, Scorecard
from automl_plan.planning.statistics import no_better_than_guessing
from automl_plan.workspace.misread import Misread

UNKNOWN = "\u2013"
"""What is shown where a number is not known: a dash."""


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
    examples: int | None
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
    """Of every address that has a candidate, or a rejected version."""
    current = {card.address: card for card in scores if card.role is Role.CURRENT}
    return tuple(
        _comparison(card, current.get(card.address))
        for card in scores
        if card.role is not Role.CURRENT
    )


def figure(value: float | None) -> str:
    """`0.9990`, or a dash."""
    return UNKNOWN if value is None else f"{value:.4f}"


def counts(count: int | None) -> str:
    """`1,200`, or a dash."""
    return UNKNOWN if count is None else f"{count:,}"


def images(count: int | None) -> str:
    """`1 TEST image`, `– TEST images`."""  # noqa: RUF002 (a dash)
    return f"{UNKNOWN} TEST images" if count is None else counted(count, "TEST image")


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
    boxes = Metric(
        "mean average precision",
        None if old is None else old.mean_average_precision,
        new.mean_average_precision,
    )
    area = Metric("auPRC", None if old is None else old.au_prc, new.au_prc)
    metrics = (
        area if boxes.current is None and boxes.candidate is None else boxes,
        Metric(f"precision{at}", None if old is None else old.precision, new.precision),
        Metric(f"recall{at}", None if old is None else old.recall, new.recall),
        Metric(f"F1{at}", None if old is None else old.f1, new.f1),
    )
    return LabelMetrics(new.label, new.examples, metrics)


_WIDEST_MATRIX = 120
"""Columns of a terminal up to which a confusion matrix is shown as a table."""
_MOST_CONFUSED = 20


def evaluations_text(
    title: str, evaluations: Sequence[Evaluation], threshold: float, style: Style
) -> str:
    """Overall figures, a table per label, and the confusion matrix where there is one."""
    if not evaluations:
        return f"{clean(title)} has no evaluations.\n"
    parts = [style.bold(clean(title)) + "\n"]
    parts += [_overall(e, threshold) for e in evaluations if e.label is None]
    labels = [e for e in evaluations if e.label is not None]
    if labels:
        parts.append(_per_label(labels, threshold, style))
    parts += [_matrix(e.confusion, style) for e in evaluations if e.confusion is not None]
    return "\n".join(parts)


def misread_text(title: str, misread: Misread, style: Style) -> str:
    """How many TEST images are misread, and a table of them: those read most surely first."""
    head = style.bold(clean(title)) + "\n" + misread_sentence(misread) + "\n"
    rows = [
        (
            clean(each.uri),
            labels_text(each.labels),
            "\n".join(reading(each, label) for label in each.wrong),
            "\n".join(figure(each.score(label)) for label in each.wrong),
            "\n".join(map(_resembled, each.nearest)),
        )
        for each in misread.images
    ]
    headers = ("IMAGE", "LABELS", "READ AS", "SCORE", "NEAREST TRAINING IMAGES")
    return f"{head}\n{columns(headers, rows, style)}" if rows else head


def misread_sentence(misread: Misread) -> str:
    """`3 of 179 TEST images are misread: they have the label cat, or are read as it.`"""
    many, of = len(misread.images), images(misread.tested)
    is_, them = ("is", "it has") if many == 1 else ("are", "they have")
    label = None if misread.label is None else f"the label {clean(misread.label)}"
    if not many:
        about = "" if label is None else f", of those that have {label} or are read as it"
        return f"None of {of} is misread{about}."
    about = "" if label is None else f": {them} {label}, or {is_} read as it"
    return f"{many:,} of {of} {is_} misread{about}."


def labels_text(labels: Sequence[str]) -> str:
    """`cat, dog`, or a dash."""
    return ", ".join(map(clean, labels)) or UNKNOWN


def reading(image: ImageResult, label: str) -> str:
    """`dog`, which the image has not; `not cat`, which it has."""
    return clean(label) if label in image.predicted else f"not {clean(label)}"


def _resembled(each: Resembled) -> str:
    return f"{each.similarity:.2f} {labels_text(each.labels)}  {clean(each.uri)}"


def headline_text(address: Address, evaluation: Evaluation, style: Style) -> str:
    """One line on how good a model is: `model.digits: auPRC 0.9990 on 179 TEST images`."""
    on = images(evaluation.example_count)
    figures = f"{_figures(evaluation, ', ')} on {on}{simulated(evaluation)}"
    guessing = no_better_than_guessing(evaluation)
    told = "" if guessing is None else f"{style.bold(str(address))} is {guessing}\n"
    return f"{style.bold(str(address))}: {figures}\n{told}"


def simulated(told: Evaluation | Scorecard | GateReport | Advice) -> str:
    """` (simulated)` behind numbers that are made up; nothing behind others."""
    return " (simulated)" if told.simulated else ""


def _overall(evaluation: Evaluation, threshold: float) -> str:
    lines = [
        f"evaluated on {images(evaluation.example_count)}{simulated(evaluation)}",
        _figures(evaluation, "   "),
    ]
    entry = at_threshold(evaluation, threshold)
    if entry is not None:
        score = threshold if entry.threshold is None else entry.threshold
        lines.append(
            f"at a score of {score:g}: precision {_percent(entry.precision)}, "
            f"recall {_percent(entry.recall)}, F1 {_percent(entry.f1_score)}"
        )
    guessing = no_better_than_guessing(evaluation)
    if guessing is not None:
        lines.append(f"it is {guessing}")
    return "\n".join(lines) + "\n"


def _figures(evaluation: Evaluation, separator: str) -> str:
    boxes = evaluation.mean_average_precision
    figures = (
        {"mean average precision": boxes}
        if boxes is not None
        else {
            "auPRC": evaluation.au_prc,
            "auROC": evaluation.au_roc,
            "log loss": evaluation.log_loss,
        }
    )
    return separator.join(f"{name} {figure(value)}" for name, value in figures.items())


def _per_label(labels: Sequence[Evaluation], threshold: float, style: Style) -> str:
    detection = any(evaluation.mean_average_precision is not None for evaluation in labels)
    rows = []
    for evaluation in labels:
        entry = at_threshold(evaluation, threshold)
        quality = evaluation.mean_average_precision if detection else evaluation.au_prc
        rows.append(
            (
                clean(evaluation.label or ""),
                counts(evaluation.example_count),
                figure(quality),
                *map(_percent, _shares(entry)),
            )
        )
    headers = ("LABEL", "IMAGES", "MAP" if detection else "AUPRC", "PRECISION", "RECALL", "F1")
    return columns(headers, rows, style)


def _shares(entry: ConfidenceMetrics | None) -> tuple[float | None, float | None, float | None]:
    if entry is None:
        return None, None, None
    return entry.precision, entry.recall, entry.f1_score


def _matrix(matrix: ConfusionMatrix, style: Style) -> str:
    labels = [clean(label) for label in matrix.labels]
    if sum(len(label) + 2 for label in labels) > _WIDEST_MATRIX:
        return _most_confused(labels, matrix, style)
    rows = [
        (label, *(str(count) if count else "." for count in row))
        for label, row in zip(labels, matrix.rows, strict=True)
    ]
    note = "Confusion matrix (rows: true label, columns: predicted label)\n"
    return note + columns(("", *labels), rows, style)


def _most_confused(labels: Sequence[str], matrix: ConfusionMatrix, style: Style) -> str:
    """What a matrix that no terminal can show is read for."""
    confused = [
        (count, true, predicted)
        for true, row in zip(labels, matrix.rows, strict=True)
        for predicted, count in zip(labels, row, strict=True)
        if count and true != predicted
    ]
    if not confused:
        return "No TEST image was confused with another label.\n"
    worst = sorted(confused, key=lambda entry: (-entry[0], *entry[1:]))[:_MOST_CONFUSED]
    note = (
        f"Most confused, {len(worst)} of {len(confused)} pairs (--json has the whole matrix of "
        f"{len(labels)} labels)\n"
    )
    rows = [(true, predicted, f"{count:,}") for count, true, predicted in worst]
    return note + columns(("TRUE LABEL", "PREDICTED AS", "IMAGES"), rows, style)


def _percent(share: float | None) -> str:
    return UNKNOWN if share is None else f"{share:.1%}"


def gates_text(reports: Sequence[tuple[Address, int | None, GateReport]], style: Style) -> str:
    """Return the table of each gate that was evaluated, below a line with its verdict."""
    parts = []
    for address, version, report in reports:
        verdict = {
            True: style.green("passed"),
            False: style.red("rejected by"),
            None: style.yellow("undecided by"),
        }[report.passed]
        head = f"{style.bold(str(address))} version {version}: {verdict} its gate"
        head += f"{simulated(report)}\n"
        parts.append(f"{head}{gate_text(report, style)}\n")
    return "".join(parts)


def gate_text(report: GateReport, style: Style) -> str:
    """A table of all requirements, then the notes and how much is known."""
    bound = (
        f"INTERVAL ({SHOWN_CONFIDENCE:.0%})"
        if report.confidence is None
        else f"BOUND ({report.confidence * 100:g}%)"
    )
    headers = ("REQUIREMENT", "REQUIRED", "ACTUAL", "CURRENT", bound, "EXAMPLES", "VERDICT")
    notes = [f"{row.requirement}: {row.note}" for row in report.rows if row.note is not None]
    if report.caveat is not None:
        notes.append(report.caveat)
    if report.guessing is not None:
        notes.append(f"the new version is {report.guessing}")
    if report.simulated:
        notes.append("these evaluations are simulated: no image was evaluated")
    table = columns(headers, [_cells(row) for row in report.rows], style)
    return table + "".join(f"{clean(note)}\n" for note in notes)


def _cells(row: GateRow) -> tuple[str, ...]:
    return (
        clean(row.requirement),
        figure(row.required),
        figure(row.actual),
        figure(row.current),
        _bounds(row),
        counts(row.examples),
        {True: "met", False: "not met", None: "unknown"}[row.met],
    )


def _bounds(row: GateRow) -> str:
    if row.low is None:
        return UNKNOWN
    if row.high is None:
        return f"at least {row.low:.4f}"
    return f"{row.low:.4f} to {row.high:.4f}"
