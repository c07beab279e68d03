"""The versions of a model, as text and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from automl_plan.model.lifespan import birth_of
from automl_plan.output.expiry import life_text
from automl_plan.output.style import Style, clean, columns
from automl_plan.output.values import shown
from automl_plan.workspace.versions import VersionRow

_COMMIT = 10
"""Digits of a commit that are shown."""
_NOT_DEPLOYED = "No version is deployed.\n"


def versions_text(rows: Sequence[VersionRow], now: datetime, style: Style) -> str:
    """One version a line, newest first, its id below its number; decisions after the table."""
    if not rows:
        return "No versions.\n"
    headers = ("VERSION", "STATUS", "DATA", "COMMIT", "EVALUATION", "COST", "AGE", "EXPIRES")
    cells = [
        (
            f"{row.recorded.version or '-'}\n{clean(row.live.id)}",
            _status(row),
            shown(row.data) if row.data else "-",
            _commit(row.recorded.commit),
            _evaluation(row),
            "-" if row.usd is None else f"${row.usd:,.2f}",
            _age(row.live.create_time, now),
            life_text(row.expires, now, style),
        )
        for row in rows
    ]
    nothing = "" if any(row.live.deployed for row in rows) else _NOT_DEPLOYED
    return columns(headers, cells, style) + nothing + "".join(map(_decision, rows))


def _status(row: VersionRow) -> str:
    status = "current" if row.current else str(row.recorded.status or "former")
    return f"{status}\n{'deployed' if row.live.deployed else 'undeployed'}"


def _commit(commit: str | None) -> str:
    if commit is None:
        return "-"
    digits, dash, rest = commit.partition("-")
    return clean(digits[:_COMMIT] + dash + rest)


def _evaluation(row: VersionRow) -> str:
    evaluation = row.evaluation
    if evaluation is None:
        return "-"
    if evaluation.au_prc is not None:
        figure = f"auPRC {evaluation.au_prc:.4f}"
    elif evaluation.mean_average_precision is not None:
        figure = f"mAP {evaluation.mean_average_precision:.4f}"
    else:
        return "-"
    made_up = "\nsimulated" if row.live.simulated else ""
    return f"{figure}\n{evaluation.example_count:,} images{made_up}"


def _age(created: str | None, now: datetime) -> str:
    born = birth_of(created)
    if born is None:
        return "-"
    age = now - born
    return f"{age.days} days" if age.days != 1 else "1 day"


def _decision(row: VersionRow) -> str:
    decision = row.recorded.decision
    if decision is None:
        return ""
    by = "" if decision.by is None else f" by {clean(decision.by)}"
    why = "" if decision.why is None else f": {clean(decision.why)}"
    missed = [str(r.get("requirement")) for r in decision.rows if r.get("met") is False]
    what = f" (not met: {clean(', '.join(missed))})" if missed else ""
    return f"Version {row.recorded.version}: {decision.kind}{by} {decision.when}{what}{why}\n"
