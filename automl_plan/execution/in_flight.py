"""Changes that were begun, when to look at them again, and how they ended."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from msgspec import Struct, field

from automl_plan.errors import GateRejected, UnsettledOperation
from automl_plan.execution.events import ApplyResult, Event, EventType, Failure, Left
from automl_plan.execution.history import Expectation
from automl_plan.model.recorded import RecordedOperation, Step
from automl_plan.planning.forecast import Forecast
from automl_plan.planning.plan import Action, Change

SHORTEST_POLL = 0.02
_SOON = 0.1
LONGEST_POLL = 15.0
"""Seconds between two looks at an operation: its age until `_SOON`, then a tenth of its age."""
_SHORT_STEPS = frozenset({Step.CREATE, Step.UNDEPLOY, Step.DELETE})
"""Steps of seconds or minutes; a detached run waits for them and goes on."""


def pause_after(age: float) -> float:
    """Seconds until the next look at what is so many seconds old."""
    return min(max(age / 10, min(age, _SOON), SHORTEST_POLL), LONGEST_POLL)


class InFlightChange(Struct, eq=False):
    """A change that was begun; each is only itself. Moments are monotonic seconds."""

    change: Change
    begun: float
    operation: RecordedOperation | None
    finish: Callable[[object], str | None] | None = None
    """For what opens no operation: records what its call returned."""
    next_poll: float = 0.0
    polls: int = 0
    asked: bool = False
    """Whether it is being asked how it stands."""
    poll_failures: int = 0
    cut_off: float | None = None
    """Since when it is looked for what came of a call without an answer."""
    candidates: bool = False
    """Whether something runs that may be what that call began."""
    accepted: bool = False
    """Whether the service said that it took that call."""
    sent: int = 1
    passing: bool = False
    """Whether what it waits for takes seconds, and the call that takes long is sent after it."""
    cancelled: bool = False
    """Whether its end was asked for when the run was stopped."""
    expectation: Expectation | None = None
    """How long it takes, by the history."""

    def left(self) -> Forecast | None:
        """How long it still takes, by the history."""
        if self.expectation is None or self.cancelled or self.change.action is Action.CANCEL:
            return None
        return self.expectation.left(time.monotonic() - self.begun)

    def event(self, kind: EventType, message: str | None = None) -> Event:
        """What is told of it."""
        return Event(
            kind,
            self.change,
            elapsed=time.monotonic() - self.begun,
            operation_id=None if self.operation is None else self.operation.id,
            message=message,
            left=self.left() if kind is EventType.WAITING else None,
        )

    def look_again(self, seconds: float) -> None:
        """Let the next look be in so many seconds."""
        self.next_poll = time.monotonic() + seconds

    def looked_for(self) -> float:
        """For how many seconds it has been looked for what came of its call."""
        now = time.monotonic()
        if self.cut_off is None:
            self.cut_off = now
        return now - self.cut_off

    @property
    def trains(self) -> bool:
        """Whether it is a training whose operation is known."""
        operation = self.operation
        return operation is not None and operation.step is Step.TRAIN and operation.id is not None

    @property
    def can_be_left(self) -> bool:
        """Whether a detached run can leave it to the service: it is long, and surely there."""
        operation = self.operation
        if operation is None or not self.polls or operation.step in _SHORT_STEPS:
            return False
        if self.change.action is Action.CANCEL or self.passing:
            return False  # its end is near, and what takes its place waits for it
        return operation.id is not None or self.candidates

    def not_found(self) -> UnsettledOperation:
        """The error for a call of which nothing is found."""
        address = self.change.address
        said = (
            "The service said that it took the call, but nothing is found of it."
            if self.accepted
            else f"The service never received the call, though it was sent {self.sent} times."
        )
        return UnsettledOperation(
            said,
            where=str(address),
            hint="Apply again when the service answers reliably. What is found by hand can be "
            f"adopted: `automl-plan resolve {address} --adopt ID`.",
        )


class Tally(Struct):
    """The changes that were done, and those that failed."""

    done: list[Change] = field(default_factory=list)
    failed: list[Failure] = field(default_factory=list)

    def why_skipped(self) -> str:
        """Why the others were not begun."""
        if self.failed and all(isinstance(each.error, GateRejected) for each in self.failed):
            return "the new version does not meet what is required"
        if self.failed:
            return "a change that it needs failed"
        return "a change that it needs goes on at the service"

    def result(self, *, skipped: Iterable[Change], left: Iterable[InFlightChange]) -> ApplyResult:
        """How the run ended; `left` is what goes on at the service."""
        return ApplyResult(
            done=tuple(self.done),
            failed=tuple(self.failed),
            skipped=tuple(skipped),
            left=tuple(_left(running) for running in left),
        )


def _left(running: InFlightChange) -> Left:
    operation = running.operation
    if operation is None:
        return Left(running.change)
    return Left(running.change, operation.step, operation.id)
