"""What a gate required and what was measured."""

from __future__ import annotations

from collections.abc import Sequence

from automl_plan.planning.gate import SHOWN_CONFIDENCE, GateReport, GateRow
from automl_plan.rendering.style import Style, clean, columns
from automl_plan.resources.address import Address


def gates_text(reports: Sequence[tuple[Address, int | None, GateReport]], style: Style) -> str:
    """The table of each gate that was asked, each with a line on what came of it."""
    return "".join(
        f"{_verdict(address, version, report, style)}\n{gate_text(report, style)}\n"
        for address, version, report in reports
    )


def gate_text(report: GateReport, style: Style) -> str:
    """A table of all requirements, then what there is to say about them."""
    bound = (
        f"{SHOWN_CONFIDENCE:.0%} INTERVAL"
        if report.confidence is None
        else f"{report.confidence:.4g} BOUND"
    )
    headers = ("REQUIREMENT", "REQUIRED", "ACTUAL", "CURRENT", bound, "EXAMPLES", "")
    text = columns(headers, [_cells(row) for row in report.rows], style)
    notes = [f"  {clean(row.requirement)}: {clean(row.note)}" for row in report.rows if row.note]
    if report.caveat is not None:
        notes.append(f"  {clean(report.caveat)}")
    return text + "".join(f"{note}\n" for note in notes)


def _cells(row: GateRow) -> tuple[str, ...]:
    return (
        clean(row.requirement),
        f"{row.required:.4f}",
        _number(row.actual),
        _number(row.current),
        _bounds(row),
        "-" if row.examples is None else f"{row.examples:,}",
        "met" if row.met else "NOT MET",
    )


def _bounds(row: GateRow) -> str:
    if row.low is None:
        return "-"
    if row.high is None:
        return f"≥ {row.low:.4f}"
    return f"{row.low:.4f} to {row.high:.4f}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def _verdict(address: Address, version: int | None, report: GateReport, style: Style) -> str:
    told = style.green("passed") if report.passed else style.red("rejected")
    return f"{style.bold(str(address))} version {version}: {told} by its gate"
