"""The events and the result of an apply."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from msgspec import Struct

from automl_plan.errors import AutomlPlanError, GateNotPassed, GateUndecided
from automl_plan.model.address import Address
from automl_plan.model.recorded import Step
from automl_plan.planning.forecast import Forecast
from automl_plan.planning.gate import GateReport
from automl_plan.planning.plan import Action, Change


class EventType(StrEnum):
    """The stages of a change."""

    STARTED = "started"
    """The call is about to be sent."""
    WAITING = "waiting"
    """The service works on it; reported with every poll."""
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"
    """Not started: a change that it depends on failed or is still running."""
    DETACHED = "detached"
    """Left running at the service."""


class Event(Struct, frozen=True):
    """An event of one change. `elapsed` is in seconds since it was started."""

    type: EventType
    change: Change
    elapsed: float = 0.0
    operation_id: str | None = None
    message: str | None = None
    """The result, the cause of a failure, or the progress that the service reports."""
    left: Forecast | None = None
    """How long a running change still takes, by the history."""


class Failure(Struct, frozen=True):
    """A change that could not be carried out, and why."""

    change: Change
    error: AutomlPlanError


class Left(Struct, frozen=True):
    """A change that is still running at the service after the run."""

    change: Change
    step: Step | None = None
    """None for a call that opens no operation, and was not answered in time."""
    operation_id: str | None = None
    """None while it is not known."""

    @property
    def started(self) -> bool:
        """Whether this run started it, rather than an earlier one."""
        return self.change.action not in (Action.RESUME, Action.CANCEL)


class ApplyResult(Struct, frozen=True):
    """The outcome of an apply."""

    done: tuple[Change, ...] = ()
    failed: tuple[Failure, ...] = ()
    skipped: tuple[Change, ...] = ()
    left: tuple[Left, ...] = ()
    """Still running at the service: detached or interrupted."""
    gates: tuple[tuple[Address, int | None, GateReport], ...] = ()
    """The gates that were evaluated: address, version, report."""

    @property
    def running(self) -> tuple[Change, ...]:
        """The changes that are still running at the service."""
        return tuple(left.change for left in self.left)


def why_skipped(failed: Sequence[Failure]) -> str:
    """Return why changes were not started in a run with these failures."""
    if failed and all(isinstance(each.error, GateUndecided) for each in failed):
        return "the gate of the new version is undecided"
    if failed and all(isinstance(each.error, GateNotPassed) for each in failed):
        return "the new version does not meet the requirements"
    if failed:
        return "a change that it depends on failed"
    return "a change that it depends on is still running at the service"


_SHOWN = 5
NOUNS = {
    Step.CREATE: "creation",
    Step.IMPORT_DATA: "data import",
    Step.TRAIN: "training",
    Step.DEPLOY: "deployment",
    Step.UNDEPLOY: "undeployment",
    Step.DELETE: "deletion",
    None: "unanswered call",
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
        noun = "unanswered calls" if step is None else f"{noun}s"
    how = "started and running" if started else "still running"
    if step is None:
        how = "sent"
    more = f" and {len(ids) - _SHOWN} more" if len(ids) > _SHOWN else ""
    shown = f" ({', '.join(ids[:_SHOWN])}{more})" if ids else ""
    return f"{count} {noun} {how}{shown}"
