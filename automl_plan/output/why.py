"""Why something is planned, or why nothing is, as text."""

from __future__ import annotations

from collections.abc import Mapping

from automl_plan.output.style import Style, clean, columns
from automl_plan.output.values import shown
from automl_plan.planning.explain import Compared, Explanation


def why_text(explanation: Explanation, places: Mapping[str, str], style: Style) -> str:
    """The comparison, the facts, and what follows. `places`: where fields are written."""
    parts = [style.bold(str(explanation.address)) + "\n"]
    if explanation.compared:
        headers = ("FIELD", "DECLARED", "ACTUAL", "FROM", "DECLARED AT", "ON CHANGE", "")
        cells = [
            (
                clean(row.field),
                shown(row.declared),
                shown(row.found),
                row.origin,
                clean(places.get(row.field, "(default)")),
                row.meaning,
                _verdict(row),
            )
            for row in explanation.compared
        ]
        parts.append(columns(headers, cells, style))
    parts.append("".join(f"- {clean(fact)}\n" for fact in explanation.facts))
    parts.append(_conclusion(explanation, style))
    return "\n".join(parts)


def _verdict(row: Compared) -> str:
    if row.equal:
        return "equal, ignored" if row.ignored else "equal"
    return "DIFFERS"


def _conclusion(explanation: Explanation, style: Style) -> str:
    lines = []
    for change in explanation.changes:
        where = f" ({clean(change.where)})" if change.where else ""
        lines.append(f"  {change.action:<11} {clean(change.reason)}{where}")
    lines += [f"  {style.yellow('note')}        {clean(note.text)}" for note in explanation.notes]
    if not explanation.changes:
        lines.insert(0, "  nothing: no difference requires a change")
    return style.bold("Planned:") + "\n" + "\n".join(lines) + "\n"
