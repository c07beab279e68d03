"""Which operations are waited for, and what is asked to learn how they are."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence

from msgspec import Struct

from automl_plan.errors import OperationsRunning
from automl_plan.execution.in_flight import LONGEST_POLL, InFlightChange, pause_after
from automl_plan.model.live import Operation
from automl_plan.providers.protocol import Provider

MANY = 8
"""Operations from which on they are listed."""
_SHORTEST_LIST = 0.1
"""Seconds between two lists at least."""


class ListedOperations(Struct, frozen=True):
    """What a list told of: those that run, or have ended."""

    operations: Sequence[Operation]
    asked: float
    """When it was asked for (monotonic seconds)."""


class OperationPoller:
    """All that is waited for. One thread uses it; the calls that it gives out run in others."""

    def __init__(
        self,
        running: Callable[[], Sequence[Operation]],
        ended: Callable[[int], Sequence[Operation]],
    ) -> None:
        """What lists those that run, and at most so many of those that have ended."""
        self._running = running
        self._ended = ended
        self._named: dict[InFlightChange, None] = {}
        """Whose operation is known."""
        self._nameless: dict[InFlightChange, None] = {}
        """Of whose call no answer arrived."""
        self._unlisted: deque[InFlightChange] = deque()
        """Those that no list of what runs names."""
        self._seek_ended = False
        """Whether a list of what has ended is to tell of them before they are asked for."""
        self._listing = False
        self._next_list = 0.0

    def __iter__(self) -> Iterator[InFlightChange]:
        return iter((*self._named, *self._nameless))

    def __len__(self) -> int:
        return len(self._named) + len(self._nameless)

    def __contains__(self, running: InFlightChange) -> bool:
        return running in self._named or running in self._nameless

    def add(self, running: InFlightChange) -> None:
        """Wait for its operation, which may be another one than before."""
        self.drop(running)
        running.asked = False
        named = running.operation is not None and running.operation.id is not None
        (self._named if named else self._nameless)[running] = None

    def drop(self, running: InFlightChange) -> None:
        """Wait for it no longer."""
        self._named.pop(running, None)
        self._nameless.pop(running, None)

    def due(self, room: int) -> Iterator[InFlightChange]:
        """At most `room` of those that are to be asked for one by one now; they count as asked."""
        now = time.monotonic()
        while room and self._unlisted and not self._seek_ended:
            running = self._unlisted.popleft()
            if running in self._named and not running.asked:
                running.asked = True
                room -= 1
                yield running
        for running in self._one_by_one():
            if not room:
                return
            if not running.asked and running.next_poll <= now:
                running.asked = True
                room -= 1
                yield running

    def list_call(self) -> Callable[[], ListedOperations] | None:
        """The list call that is to be sent now, if any."""
        now = time.monotonic()
        if self._listing:
            return None
        if self._seek_ended:
            self._listing = True
            # Others end meanwhile, or are somebody else's.
            most = 2 * len(self._unlisted)
            return lambda: ListedOperations(self._ended(most), now)
        if self._unlisted or not self._many or now < self._next_list:
            return None
        self._listing = True
        return lambda: ListedOperations(self._running(), now)

    def listed(self, answer: ListedOperations | None) -> Iterator[tuple[InFlightChange, Operation]]:
        """What a list call, None for one that failed, tells of those that are waited for.

        Those that a list of what runs does not name have ended, or are too new for it, and are due.
        So is all, one by one, after it failed.
        """
        self._listing = False
        return self._those_ended(answer) if self._seek_ended else self._those_running(answer)

    def _those_ended(
        self, answer: ListedOperations | None
    ) -> Iterator[tuple[InFlightChange, Operation]]:
        self._seek_ended = False
        known = {} if answer is None else {o.id: o for o in answer.operations if o.done}
        unlisted, self._unlisted = self._unlisted, deque()
        for running in unlisted:
            operation = None
            if running in self._named and running.operation is not None and not running.asked:
                operation = known.get(running.operation.id or "")
            if operation is None:
                self._unlisted.append(running)
            else:
                yield running, operation

    def _those_running(
        self, answer: ListedOperations | None
    ) -> Iterator[tuple[InFlightChange, Operation]]:
        now = time.monotonic()
        known = {} if answer is None else {o.id: o for o in answer.operations if not o.done}
        waiting = list(self._named)
        age = sum(now - running.begun for running in waiting) / max(len(waiting), 1)
        self._next_list = now + max(pause_after(age), _SHORTEST_LIST)
        for running in waiting:
            if running.asked or (answer is not None and running.begun > answer.asked):
                continue
            assert running.operation is not None  # noqa: S101 (it is named)
            operation = known.get(running.operation.id or "")
            if operation is None:
                self._unlisted.append(running)
            else:
                yield running, operation
        self._seek_ended = answer is not None and len(self._unlisted) >= MANY

    def pause(self) -> float:
        """Seconds until something is due."""
        if self._unlisted and not self._listing:
            return 0.0
        moments = [r.next_poll for r in self._one_by_one() if not r.asked]
        if self._many and not self._listing:
            moments.append(self._next_list)
        now = time.monotonic()
        return max(min(moments, default=now + LONGEST_POLL) - now, 0.0)

    @property
    def _many(self) -> bool:
        return len(self._named) >= MANY

    def _one_by_one(self) -> list[InFlightChange]:
        """Those that no list tells of: few, or calls without an answer."""
        return list(self._nameless if self._many else self)


def wait_for_operation(
    provider: Provider, operation_id: str, *, timeout: float | None = None
) -> Operation:
    """The operation as it ended, well or not. `timeout` is in seconds.

    Raises OperationsRunning when it goes on after the timeout.
    """
    begun = time.monotonic()
    while True:
        operation = provider.operation(operation_id)
        if operation.done:
            return operation
        age = time.monotonic() - begun
        pause = pause_after(age)
        if timeout is not None:
            if age >= timeout:
                raise OperationsRunning(
                    f"The operation {operation.id} goes on after {timeout:g} seconds.",
                    hint=f"Wait longer: automl-plan operations wait {operation.id}",
                )
            pause = min(pause, max(timeout - age, 0.01))
        time.sleep(pause)
