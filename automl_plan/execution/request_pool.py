"""The requests of one run, each sent by a worker; one thread hands them out and takes the answers.

A call that follows from a recorded intent is staged until the intent is on disk.
"""

from __future__ import annotations

import queue
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from enum import Enum, auto
from typing import Any

from msgspec import Struct

from automl_plan.execution.in_flight import InFlightChange
from automl_plan.model.recorded import Step


class Purpose(Enum):
    """What a request is for."""

    CHANGE = auto()
    """To carry out a change, or to cancel its operation."""
    POLL = auto()
    """To ask for the status of one operation."""
    LIST = auto()
    """To list operations."""
    CHECK = auto()
    """To look for unrecorded objects before paid calls."""


class Response(Struct, frozen=True):
    """The answer to a request; `future` has its result or its error."""

    purpose: Purpose
    flight: InFlightChange | None
    """None for a list and a check."""
    future: Future[Any]


class RequestPool:
    """At most `parallelism` calls, and the same number of polls, at the same time."""

    def __init__(self, parallelism: int) -> None:
        self._parallelism = parallelism
        self._pool = ThreadPoolExecutor(parallelism, thread_name_prefix="request")
        self._staged: list[tuple[InFlightChange, Callable[[], object]]] = []
        self._pending: dict[Future[Any], Response] = {}
        self._count = dict.fromkeys(Purpose, 0)
        self._answered: queue.SimpleQueue[Future[Any]] = queue.SimpleQueue()

    def stage(self, flight: InFlightChange, call: Callable[[], object]) -> None:
        """Keep a call until `flush`."""
        self._staged.append((flight, call))

    def flush(self) -> None:
        """Send the staged calls."""
        staged, self._staged = self._staged, []
        for flight, call in staged:
            self.send(Purpose.CHANGE, flight, call)

    def discard(self) -> list[InFlightChange]:
        """Forget the staged calls; return their changes."""
        staged, self._staged = self._staged, []
        return [flight for flight, _ in staged]

    def send(
        self, purpose: Purpose, flight: InFlightChange | None, call: Callable[[], object]
    ) -> None:
        """Send a request at once."""
        future = self._pool.submit(call)
        self._pending[future] = Response(purpose, flight, future)
        self._count[purpose] += 1
        future.add_done_callback(self._answered.put)

    def capacity(self, purpose: Purpose) -> int:
        """Return how many more requests of a purpose may be sent now."""
        staged = len(self._staged) if purpose is Purpose.CHANGE else 0
        return max(self._parallelism - self._count[purpose] - staged, 0)

    def pending(self, *purposes: Purpose) -> bool:
        """Whether a request of one of these purposes is not answered yet."""
        return any(self._count[purpose] for purpose in purposes)

    def responses(self, seconds: float) -> list[Response]:
        """Wait up to `seconds` for an answer; return all that have arrived."""
        arrived = []
        try:
            arrived.append(self._take(self._answered.get(timeout=seconds)))
            while True:
                arrived.append(self._take(self._answered.get_nowait()))
        except queue.Empty:
            return arrived

    def unanswered(self) -> list[InFlightChange]:
        """Return the changes whose calls were sent, and not answered."""
        calls = (r for r in self._pending.values() if r.purpose is Purpose.CHANGE)
        return [response.flight for response in calls if response.flight is not None]

    def starting_trainings(self) -> frozenset[str]:
        """Return the tokens of trainings whose calls were sent, and not answered."""
        operations = (flight.operation for flight in self.unanswered())
        return frozenset(o.token for o in operations if o and o.step is Step.TRAIN and o.id is None)

    def close(self) -> None:
        """Send nothing more, and wait for nothing."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _take(self, future: Future[Any]) -> Response:
        response = self._pending.pop(future)
        self._count[response.purpose] -= 1
        return response
