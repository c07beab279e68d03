"""The evaluations of a model as tables and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from automl_plan.rendering.style import Style, clean, columns, counted
from automl_plan.resources.evaluation import ConfidenceMetrics, ConfusionMatrix, Evaluation
from automl_plan.resources.json import Json


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


def evaluations_json(evaluations: Sequence[Evaluation]) -> list[Json]:
    """The same for programs, with all thresholds."""
    return [_json(evaluation) for evaluation in evaluations]


def at_threshold(evaluation: Evaluation, threshold: float) -> ConfidenceMetrics | None:
    """The entry for the highest threshold that is not above the one asked for."""
    below = [entry for entry in evaluation.thresholds if entry.threshold <= threshold + 1e-9]
    return max(below, key=lambda entry: entry.threshold, default=None)


def _overall(evaluation: Evaluation, threshold: float) -> str:
    lines = [f"evaluated on {counted(evaluation.example_count, 'TEST image')}"]
    figures = {
        "auPRC": evaluation.au_prc,
        "auROC": evaluation.au_roc,
        "log loss": evaluation.log_loss,
        "mean average precision": evaluation.mean_average_precision,
    }
    lines.append(
        "   ".join(f"{name} {value:.4f}" for name, value in figures.items() if value is not None)
    )
    entry = at_threshold(evaluation, threshold)
    if entry is not None:
        lines.append(
            f"at a score of {entry.threshold:g}: precision {_percent(entry.precision)}, "
            f"recall {_percent(entry.recall)}, F1 {_percent(entry.f1_score)}"
        )
    return "\n".join(lines) + "\n"


def _per_label(labels: Sequence[Evaluation], threshold: float, style: Style) -> str:
    rows = []
    for evaluation in labels:
        entry = at_threshold(evaluation, threshold)
        quality = evaluation.au_prc
        if quality is None:
            quality = evaluation.mean_average_precision
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
    return columns(("LABEL", "IMAGES", "AUPRC", "PRECISION", "RECALL", "F1"), rows, style)


def _matrix(matrix: ConfusionMatrix, style: Style) -> str:
    labels = [clean(label) for label in matrix.labels]
    rows = [
        (label, *(str(count) if count else "." for count in row))
        for label, row in zip(labels, matrix.rows, strict=True)
    ]
    note = "Confusion matrix (rows: true label, columns: predicted label)\n"
    return note + columns(("", *labels), rows, style)


def _percent(share: float) -> str:
    return f"{share:.1%}"


def _json(evaluation: Evaluation) -> dict[str, Json]:
    confusion = evaluation.confusion
    return {
        "id": evaluation.id,
        "label": evaluation.label,
        "example_count": evaluation.example_count,
        "au_prc": evaluation.au_prc,
        "au_roc": evaluation.au_roc,
        "log_loss": evaluation.log_loss,
        "mean_average_precision": evaluation.mean_average_precision,
        "created": evaluation.create_time,
        "thresholds": [dict(asdict(entry)) for entry in evaluation.thresholds],
        "confusion": None
        if confusion is None
        else {"labels": list(confusion.labels), "rows": [list(row) for row in confusion.rows]},
    }
