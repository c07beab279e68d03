"""The changes of a run: which can be started, and what those in flight wait for."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from enum import Enum, auto

from msgspec import Struct

from automl_plan.errors import UnsettledOperation
from automl_plan.execution.durations import Expectation
from automl_plan.execution.events import Event, EventType, Left
from automl_plan.model.recorded import RecordedOperation, Step
from automl_plan.planning.forecast import Forecast
from automl_plan.planning.plan import Action, Change


class ReadyQueue:
    """Hands out the changes whose needs are met."""

    def __init__(self, changes: Sequence[Change]) -> None:
        self._pending = {change.key: change for change in changes}
        self._unmet = {
            change.key: {need for need in change.needs if need in self._pending}
            for change in changes
        }
        self._needed_by: dict[str, list[str]] = {}
        for key, needs in self._unmet.items():
            for need in needs:
                self._needed_by.setdefault(need, []).append(key)
        self._ready = deque(key for key in self._pending if not self._unmet[key])
        self._deferred: list[str] = []

    def __iter__(self) -> Iterator[Change]:
        """Yield the changes that are not started."""
        return iter(self._pending.values())

    @property
    def ready(self) -> bool:
        """Whether a change can be started."""
        return bool(self._ready)

    def pop(self) -> Change:
        """Return the next change to start."""
        return self._pending.pop(self._ready.popleft())

    def defer(self, change: Change) -> None:
        """Put back a change that was popped, until the deferred ones are released."""
        self._pending[change.key] = change
        self._deferred.append(change.key)

    def release_deferred(self) -> bool:
        """Put the deferred changes before the others; return whether there are any."""
        self._ready.extendleft(reversed(self._deferred))
        released, self._deferred = bool(self._deferred), []
        return released

    def drop_deferred(self) -> list[Change]:
        """Remove the deferred changes, which will not be started, and return them."""
        dropped, self._deferred = [self._pending.pop(key) for key in self._deferred], []
        return dropped

    def done(self, change: Change) -> None:
        """Release the changes that needed nothing else than this one.

        They come before those that needed nothing: a training takes hours, and waits for no other
        resource's turn.
        """
        freed = []
        for key in self._needed_by.get(change.key, ()):
            self._unmet[key].discard(change.key)
            if not self._unmet[key] and key in self._pending:
                freed.append(key)
        self._ready.extendleft(reversed(freed))


_SHORT_STEPS = frozenset({Step.CREATE, Step.UNDEPLOY, Step.DELETE})
"""Steps of seconds or minutes: a detached run waits for them, and starts what follows."""


class State(Enum):
    """What a change in flight waits for."""

    CALLING = auto()
    """The answer to its call, which is about to be sent or was sent."""
    RUNNING = auto()
    """The end of its operation, which is polled."""
    SEARCHING = auto()
    """The outcome of a call that was not answered: whether it was received, and what it made."""


class InFlightChange(Struct, eq=False):
    """A change that was started; compared by identity. Times are monotonic seconds."""

    change: Change
    started: float
    operation: RecordedOperation | None
    state: State = State.CALLING
    finish: Callable[[object], str | None] | None = None
    """For a change that opens no operation: records what its call returned."""
    next_poll: float = 0.0
    polls: int = 0
    being_polled: bool = False
    """Whether a poll of it is under way."""
    poll_failures: int = 0
    """Polls in a row that failed."""
    interrupted_at: float | None = None
    """When the search for the outcome of its call began."""
    has_candidates: bool = False
    """Whether an operation is running that its call may have started."""
    acknowledged: bool = False
    """Whether the service said that it received the call."""
    sent: int = 1
    """How often its call was sent."""
    short_step: bool = False
    """Whether the running operation takes seconds, and is followed by a long one."""
    cancel_requested: bool = False
    """Whether its cancellation was requested when the run was stopped."""
    expectation: Expectation | None = None
    """How long it takes, by the history."""

    def remaining(self) -> Forecast | None:
        """Forecast how long it still takes; None without a history, or when being cancelled."""
        if self.expectation is None or self.cancel_requested:
            return None
        if self.change.action is Action.CANCEL:
            return None
        return self.expectation.left(time.monotonic() - self.started)

    def event(self, kind: EventType, message: str | None = None) -> Event:
        """Return the event that reports it."""
        return Event(
            kind,
            self.change,
            elapsed=time.monotonic() - self.started,
            operation_id=None if self.operation is None else self.operation.id,
            message=message,
            left=self.remaining() if kind is EventType.WAITING else None,
        )

    def left(self) -> Left:
        """Return what a run reports that leaves it running."""
        operation = self.operation
        if operation is None:
            return Left(self.change)
        return Left(self.change, operation.step, operation.id)

    def poll_in(self, seconds: float) -> None:
        """Schedule the next poll."""
        self.next_poll = time.monotonic() + seconds

    def searched_seconds(self) -> float:
        """Return how long the outcome of its call has been searched for; starts the search."""
        now = time.monotonic()
        if self.interrupted_at is None:
            self.interrupted_at = now
        return now - self.interrupted_at

    @property
    def recorded(self) -> RecordedOperation:
        """The operation of a change that has one."""
        assert self.operation is not None  # noqa: S101 (asked only where a state implies it)
        return self.operation

    @property
    def trains(self) -> bool:
        """Whether it is a training whose operation is known."""
        operation = self.operation
        return operation is not None and operation.step is Step.TRAIN and operation.id is not None

    @property
    def can_detach(self) -> bool:
        """Whether a detached run can leave it to the service: it takes long, and it is there."""
        operation = self.operation
        if operation is None or not self.polls or operation.step in _SHORT_STEPS:
            return False
        if self.change.action is Action.CANCEL or self.short_step:
            return False  # it ends soon, and what replaces it waits for it
        return operation.id is not None or self.has_candidates

    def not_found(self) -> UnsettledOperation:
        """Return the error for a call that had no outcome."""
        address = self.change.address
        message = (
            "The service acknowledged the call, but nothing that it started or made was found."
            if self.acknowledged
            else f"The service never received the call, though it was sent {self.sent} times."
        )
        return UnsettledOperation(
            message,
            where=str(address),
            hint="Apply again when the service answers reliably. To adopt what you find yourself: "
            f"`automl-plan resolve {address} --adopt ID`.",
        )
