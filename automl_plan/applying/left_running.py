"""What a run leaves running at the service, in words: for its last line, and for an interrupt's."""

from __future__ import annotations

from collections.abc import Sequence

from automl_plan.applying.events import Left
from automl_plan.resources.recorded import Step

_SHOWN = 5
NOUNS = {
    Step.CREATE: "creation",
    Step.IMPORT_DATA: "data import",
    Step.TRAIN: "training",
    Step.DEPLOY: "deployment",
    Step.UNDEPLOY: "undeployment",
    Step.DELETE: "deletion",
    None: "call without an answer",
}


def left_text(left: Sequence[Left]) -> str:
    """`1 training started and running (ICN1), 2 data imports still running (ICN2, ICN3)`."""
    groups: dict[tuple[bool, Step | None], list[Left]] = {}
    for each in left:
        groups.setdefault((each.started, each.step), []).append(each)
    return ", ".join(_group(step, started, each) for (started, step), each in groups.items())


def _group(step: Step | None, started: bool, left: Sequence[Left]) -> str:
    count, ids = len(left), [each.operation_id for each in left if each.operation_id]
    noun = NOUNS[step]
    if count > 1:
        noun = "calls without an answer" if step is None else f"{noun}s"
    how = "started and running" if started else "still running"
    if step is None:
        how = "sent"
    more = f" and {len(ids) - _SHOWN} more" if len(ids) > _SHOWN else ""
    shown = f" ({', '.join(ids[:_SHOWN])}{more})" if ids else ""
    return f"{count} {noun} {how}{shown}"
