"""What a plan says of the data that it imports or trains on, for people."""

from __future__ import annotations

from collections.abc import Iterator

from automl_plan.applying.planned import Planned
from automl_plan.planning.adequacy import Adequacy
from automl_plan.planning.data_findings import DataFindings
from automl_plan.rendering.adequacy import sentence
from automl_plan.rendering.style import counted

SHOWN = 5
"""Findings of a dataset that are shown where room is short."""


def data_sentences(planned: Planned, *, all_verdicts: bool) -> Iterator[str]:
    """A line for each dataset, and one for each of its first findings.

    Without `all_verdicts` only of data that is not adequate, or in which something is wrong.
    """
    for address in sorted({*planned.adequacy, *planned.data_findings}):
        advice = planned.adequacy.get(address)
        wanted = all_verdicts or (advice and advice.verdict is Adequacy.NOT_ADEQUATE)
        if advice is not None and wanted:
            yield f"{address}: its data is {sentence(advice)}"
        found = planned.data_findings.get(address)
        if found is None:
            continue
        if found.unchecked:
            yield f"{address}: not checked: {'; '.join(found.unchecked)}"
        if not (found.errors or found.warnings):
            continue
        yield f"{address}: {findings_counted(found)} in its data"
        shown = [f for f in found.findings if f.severity != "notice"][:SHOWN]
        for finding in shown:
            yield f"{finding.where}: {finding.severity}[{finding.rule}]: {finding.message}"
        more = found.errors + found.warnings - len(shown)
        if more:
            yield f"and {more:,} more: automl-plan datasets lint {address.name}"


def findings_counted(found: DataFindings) -> str:
    """`2 errors, 1 warning`; notices are not counted."""
    parts = [
        counted(number, noun)
        for number, noun in ((found.errors, "error"), (found.warnings, "warning"))
        if number
    ]
    return ", ".join(parts)
