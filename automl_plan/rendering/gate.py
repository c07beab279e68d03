"""What a gate required and what was measured, as a table."""

from __future__ import annotations

from collections.abc import Sequence

from automl_plan.planning.gate import SHOWN_CONFIDENCE, GateReport, GateRow
from automl_plan.rendering.evaluations import simulated
from automl_plan.rendering.style import Style, clean, columns
from automl_plan.resources.address import Address


def gates_text(reports: Sequence[tuple[Address, int | None, GateReport]], style: Style) -> str:
    """The table of each gate that was asked, below a line on what came of it."""
    parts = []
    for address, version, report in reports:
        verdict = style.green("let through") if report.passed else style.red("turned down")
        head = f"{style.bold(str(address))} version {version}: {verdict} by its gate"
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
        notes.append("these evaluations are simulated: made up, no image was looked at")
    table = columns(headers, [_cells(row) for row in report.rows], style)
    return table + "".join(f"{clean(note)}\n" for note in notes)


def _cells(row: GateRow) -> tuple[str, ...]:
    return (
        clean(row.requirement),
        _number(row.required),
        _number(row.actual),
        _number(row.current),
        _bounds(row),
        "-" if row.examples is None else f"{row.examples:,}",
        "met" if row.met else "not met",
    )


def _bounds(row: GateRow) -> str:
    if row.low is None:
        return "-"
    if row.high is None:
        return f"at least {row.low:.4f}"
    return f"{row.low:.4f} to {row.high:.4f}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
