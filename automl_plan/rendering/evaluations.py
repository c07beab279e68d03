"""The evaluations of a model as tables and as JSON."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import asdict

from automl_plan.planning.adequacy import Advice
from automl_plan.planning.gate import GateReport
from automl_plan.planning.guessing import no_better_than_guessing
from automl_plan.planning.scorecards import Scorecard
from automl_plan.rendering.document import document
from automl_plan.rendering.style import Style, clean, columns, counted
from automl_plan.resources.address import Address
from automl_plan.resources.evaluation import ConfusionMatrix, Evaluation, at_threshold
from automl_plan.resources.json import Json

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


def evaluations_json(model_id: str, evaluations: Sequence[Evaluation]) -> dict[str, Json]:
    """The same for programs, with all thresholds."""
    return document(model_id=model_id, evaluations=[_json(e) for e in evaluations])


def headline_text(address: Address, evaluation: Evaluation, style: Style) -> str:
    """One line on how good a model is: `model.digits: auPRC 0.9990 on 179 TEST images`."""
    images = counted(evaluation.example_count, "TEST image")
    figures = f"{_figures(evaluation, ', ')} on {images}{simulated(evaluation)}"
    guessing = no_better_than_guessing(evaluation)
    told = "" if guessing is None else f"{style.bold(str(address))} is {guessing}\n"
    return f"{style.bold(str(address))}: {figures}\n{told}"


def simulated(told: Evaluation | Scorecard | GateReport | Advice) -> str:
    """` (simulated)` behind numbers that are made up; nothing behind others."""
    return " (simulated)" if told.simulated else ""


def _overall(evaluation: Evaluation, threshold: float) -> str:
    lines = [
        f"evaluated on {counted(evaluation.example_count, 'TEST image')}{simulated(evaluation)}",
        _figures(evaluation, "   "),
    ]
    entry = at_threshold(evaluation, threshold)
    if entry is not None:
        lines.append(
            f"at a score of {entry.threshold:g}: precision {_percent(entry.precision)}, "
            f"recall {_percent(entry.recall)}, F1 {_percent(entry.f1_score)}"
        )
    guessing = no_better_than_guessing(evaluation)
    if guessing is not None:
        lines.append(f"it is {guessing}")
    return "\n".join(lines) + "\n"


def _figures(evaluation: Evaluation, separator: str) -> str:
    figures = {
        "auPRC": evaluation.au_prc,
        "auROC": evaluation.au_roc,
        "log loss": evaluation.log_loss,
        "mean average precision": evaluation.mean_average_precision,
    }
    return separator.join(f"{n} {value:.4f}" for n, value in figures.items() if value is not None)


def _per_label(labels: Sequence[Evaluation], threshold: float, style: Style) -> str:
    detection = any(evaluation.mean_average_precision is not None for evaluation in labels)
    rows = []
    for evaluation in labels:
        entry = at_threshold(evaluation, threshold)
        quality = evaluation.mean_average_precision if detection else evaluation.au_prc
        rows.append(
            (
                clean(evaluation.label or ""),
                f"{evaluation.example_count:,}",
                "-" if quality is None else f"{quality:.4f}",
                "-" if entry is None else _percent(entry.precision),
                "-" if entry is None else _percent(entry.recall),
                "-" if entry is None else _percent(entry.f1_score),
            )
        )
    headers = ("LABEL", "IMAGES", "MAP" if detection else "AUPRC", "PRECISION", "RECALL", "F1")
    return columns(headers, rows, style)


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
        return "No TEST image was taken for another label.\n"
    worst = sorted(confused, key=lambda entry: (-entry[0], *entry[1:]))[:_MOST_CONFUSED]
    note = (
        f"Most confused, {len(worst)} of {len(confused)} pairs (--json has the whole matrix of "
        f"{len(labels)} labels)\n"
    )
    rows = [(true, predicted, f"{count:,}") for count, true, predicted in worst]
    return note + columns(("TRUE LABEL", "PREDICTED AS", "IMAGES"), rows, style)


def _percent(share: float | None) -> str:
    return "\u2013" if share is None else f"{share:.1%}"


def _json(evaluation: Evaluation) -> dict[str, Json]:
    confusion, guessing = evaluation.confusion, no_better_than_guessing(evaluation)
    return {
        "id": evaluation.id,
        "label": evaluation.label,
        "example_count": evaluation.example_count,
        "au_prc": evaluation.au_prc,
        "au_roc": evaluation.au_roc,
        "log_loss": evaluation.log_loss,
        "mean_average_precision": evaluation.mean_average_precision,
        "created": evaluation.create_time,
        **({"simulated": True} if evaluation.simulated else {}),
        **({} if guessing is None else {"guessing": guessing}),
        "thresholds": [dict(asdict(entry)) for entry in evaluation.thresholds],
        "confusion": None
        if confusion is None
        else {"labels": list(confusion.labels), "rows": [list(row) for row in confusion.rows]},
    }
