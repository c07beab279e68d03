"""The requests of one run, each sent by a worker; one thread gives them out and takes the answers.

A call that follows from something recorded is `held` until that is on disk.
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
    POLL = auto()
    """How one operation stands."""
    LIST = auto()
    """Which operations run."""
    LOOK = auto()
    """What lives, before calls that are paid for."""


class Answer(Struct, frozen=True):
    """What a request came back with; `future` has its result or its error."""

    purpose: Purpose
    running: InFlightChange | None
    """None for a list and a look."""
    future: Future[Any]


class RequestPool:
    """At most `parallelism` calls, and as many questions, at the same time."""

    def __init__(self, parallelism: int) -> None:
        self._parallelism = parallelism
        self._pool = ThreadPoolExecutor(parallelism, thread_name_prefix="request")
        self._held: list[tuple[InFlightChange, Callable[[], object]]] = []
        self._under_way: dict[Future[Any], Answer] = {}
        self._count = dict.fromkeys(Purpose, 0)
        self._answers: queue.SimpleQueue[Future[Any]] = queue.SimpleQueue()

    def hold(self, running: InFlightChange, call: Callable[[], object]) -> None:
        """Send a call as soon as it is let go."""
        self._held.append((running, call))

    def let_go(self) -> None:
        """Send the calls that are held."""
        for running, call in self.give_up():
            self.send(Purpose.CHANGE, running, call)

    def give_up(self) -> list[tuple[InFlightChange, Callable[[], object]]]:
        """The calls that are held, which are not sent."""
        held, self._held = self._held, []
        return held

    def send(
        self, purpose: Purpose, running: InFlightChange | None, call: Callable[[], object]
    ) -> None:
        """Send a request at once."""
        future = self._pool.submit(call)
        self._under_way[future] = Answer(purpose, running, future)
        self._count[purpose] += 1
        future.add_done_callback(self._answers.put)

    def room(self, purpose: Purpose) -> int:
        """How many more of them may be sent now."""
        held = len(self._held) if purpose is Purpose.CHANGE else 0
        return max(self._parallelism - self._count[purpose] - held, 0)

    def any(self, *purposes: Purpose) -> bool:
        """Whether one of them is under way."""
        return any(self._count[purpose] for purpose in purposes)

    def answers(self, seconds: float) -> list[Answer]:
        """Wait for an answer, at most so long; all that are there."""
        arrived = []
        try:
            arrived.append(self._answered(self._answers.get(timeout=seconds)))
            while True:
                arrived.append(self._answered(self._answers.get_nowait()))
        except queue.Empty:
            return arrived

    def unanswered(self) -> list[InFlightChange]:
        """The changes whose calls were sent, and not answered."""
        calls = (a for a in self._under_way.values() if a.purpose is Purpose.CHANGE)
        return [answer.running for answer in calls if answer.running is not None]

    def trainings(self) -> frozenset[str]:
        """The tokens of trainings that are asked for, whose operations are not known yet."""
        asked = (running.operation for running in self.unanswered())
        return frozenset(o.token for o in asked if o and o.step is Step.TRAIN and o.id is None)

    def close(self) -> None:
        """Send nothing more, and wait for nothing."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _answered(self, future: Future[Any]) -> Answer:
        answer = self._under_way.pop(future)
        self._count[answer.purpose] -= 1
        return answer
