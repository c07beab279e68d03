"""Decides which operations are polled when: few one by one, many by lists."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence

from msgspec import Struct

from automl_plan.errors import OperationsRunning
from automl_plan.execution.answers import unknown_end
from automl_plan.execution.in_flight import InFlightChange
from automl_plan.model.live import Operation
from automl_plan.providers.protocol import Provider

MANY = 8
"""The number of operations from which on they are listed."""
_SHORTEST_LIST = 0.1
"""Seconds between two lists at least."""
SHORTEST_POLL = 0.02
_SOON = 0.1
LONGEST_POLL = 15.0
"""Seconds between two polls of an operation: its age until `_SOON`, then a tenth of its age."""


def pause_after(age: float) -> float:
    """Return the seconds until the next poll of an operation of this age in seconds."""
    return min(max(age / 10, min(age, _SOON), SHORTEST_POLL), LONGEST_POLL)


class ListedOperations(Struct, frozen=True):
    """The result of a list call: operations that are running, or that ended."""

    operations: Sequence[Operation]
    requested: float
    """When the list was requested (monotonic seconds)."""


class OperationPoller:
    """The changes in flight that are polled. Used by one thread; its calls run in others."""

    def __init__(
        self,
        list_active: Callable[[], Sequence[Operation]],
        list_recent: Callable[[int], Sequence[Operation]],
    ) -> None:
        """`list_active` lists running operations, `list_recent` at most N that ended."""
        self._list_active = list_active
        self._list_recent = list_recent
        self._named: dict[InFlightChange, None] = {}
        """Those whose operation is known."""
        self._nameless: dict[InFlightChange, None] = {}
        """Those whose call was not answered."""
        self._unlisted: deque[InFlightChange] = deque()
        """Those that no list of running operations contains."""
        self._recent_first = False
        """Whether a list of ended operations comes before those are polled one by one."""
        self._listing = False
        self._next_list = 0.0

    def __iter__(self) -> Iterator[InFlightChange]:
        return iter((*self._named, *self._nameless))

    def __len__(self) -> int:
        return len(self._named) + len(self._nameless)

    def __contains__(self, flight: InFlightChange) -> bool:
        return flight in self._named or flight in self._nameless

    def add(self, flight: InFlightChange) -> None:
        """Poll its operation, which may be another one than before."""
        self.drop(flight)
        flight.being_polled = False
        named = flight.operation is not None and flight.operation.id is not None
        (self._named if named else self._nameless)[flight] = None

    def drop(self, flight: InFlightChange) -> None:
        """Stop polling it."""
        self._named.pop(flight, None)
        self._nameless.pop(flight, None)

    def due(self, capacity: int) -> Iterator[InFlightChange]:
        """Yield at most `capacity` changes to be polled one by one now, marked as being polled."""
        now = time.monotonic()
        while capacity and self._unlisted and not self._recent_first:
            flight = self._unlisted.popleft()
            if flight in self._named and not flight.being_polled:
                flight.being_polled = True
                capacity -= 1
                yield flight
        for flight in self._one_by_one():
            if not capacity:
                return
            if not flight.being_polled and flight.next_poll <= now:
                flight.being_polled = True
                capacity -= 1
                yield flight

    def list_call(self) -> Callable[[], ListedOperations] | None:
        """Return the list call to be sent now, if any."""
        now = time.monotonic()
        if self._listing:
            return None
        if self._recent_first:
            self._listing = True
            # Others end in the meantime, or belong to someone else.
            most = 2 * len(self._unlisted)
            return lambda: ListedOperations(self._list_recent(most), now)
        if self._unlisted or not self._many or now < self._next_list:
            return None
        self._listing = True
        return lambda: ListedOperations(self._list_active(), now)

    def listed(self, answer: ListedOperations | None) -> Iterator[tuple[InFlightChange, Operation]]:
        """Yield the polled changes that a list contains; None is a list call that failed.

        Those that a list of running operations does not contain have ended, or are too new for
        it, and become due. After a failure all become due, one by one.
        """
        self._listing = False
        return self._listed_recent(answer) if self._recent_first else self._listed_active(answer)

    def _listed_recent(
        self, answer: ListedOperations | None
    ) -> Iterator[tuple[InFlightChange, Operation]]:
        self._recent_first = False
        known = {} if answer is None else {o.id: o for o in answer.operations if o.done}
        unlisted, self._unlisted = self._unlisted, deque()
        for flight in unlisted:
            operation = None
            if flight in self._named and flight.operation is not None and not flight.being_polled:
                operation = known.get(flight.operation.id or "")
            if operation is None:
                self._unlisted.append(flight)
            else:
                yield flight, operation

    def _listed_active(
        self, answer: ListedOperations | None
    ) -> Iterator[tuple[InFlightChange, Operation]]:
        now = time.monotonic()
        known = {} if answer is None else {o.id: o for o in answer.operations if not o.done}
        polled = list(self._named)
        age = sum(now - flight.started for flight in polled) / max(len(polled), 1)
        self._next_list = now + max(pause_after(age), _SHORTEST_LIST)
        for flight in polled:
            too_new = answer is not None and flight.started > answer.requested
            if flight.being_polled or too_new:
                continue
            assert flight.operation is not None  # noqa: S101 (it is named)
            operation = known.get(flight.operation.id or "")
            if operation is None:
                self._unlisted.append(flight)
            else:
                yield flight, operation
        self._recent_first = answer is not None and len(self._unlisted) >= MANY

    def pause(self) -> float:
        """Return the seconds until something is due."""
        if self._unlisted and not self._listing:
            return 0.0
        moments = [flight.next_poll for flight in self._one_by_one() if not flight.being_polled]
        if self._many and not self._listing:
            moments.append(self._next_list)
        now = time.monotonic()
        return max(min(moments, default=now + LONGEST_POLL) - now, 0.0)

    @property
    def _many(self) -> bool:
        return len(self._named) >= MANY

    def _one_by_one(self) -> list[InFlightChange]:
        """Those that are not listed: all when they are few, else calls without an answer."""
        return list(self._nameless if self._many else self)


def wait_for_operation(
    provider: Provider, operation_id: str, *, timeout: float | None = None
) -> Operation:
    """Poll an operation until it ended, well or not; `timeout` is in seconds.

    Raises OperationsRunning when it is still running after the timeout, ProviderError.
    """
    started = time.monotonic()
    while True:
        operation = provider.operation(operation_id)
        if operation.ended_as is not None:
            raise unknown_end(operation)
        if operation.done:
            return operation
        age = time.monotonic() - started
        pause = pause_after(age)
        if timeout is not None:
            if age >= timeout:
                raise OperationsRunning(
                    f"The operation {operation.id} is still running after {timeout:g} seconds.",
                    hint=f"Wait longer: automl-plan operations wait {operation.id}",
                )
            pause = min(pause, max(timeout - age, 0.01))
        time.sleep(pause)
