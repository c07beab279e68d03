"""Carries out changes: independent ones at the same time, each after what it needs.

One thread decides, journals and tells; a pool of threads does nothing but send requests, so
parallelism counts requests, not the hours that the service works. What is journalled in one round
is brought to disk together, before the calls are sent that follow from it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from typing import Any

from automl_plan.errors import (
    AutomlPlanError,
    NotFound,
    ProviderError,
    StateError,
    StateOutdated,
    TransportError,
    UnsettledOperation,
)
from automl_plan.execution.events import ApplyResult, Event, EventType, Failure
from automl_plan.execution.in_flight import (
    LONGEST_POLL,
    SHORTEST_POLL,
    InFlightChange,
    Tally,
    pause_after,
)
from automl_plan.execution.poller import ListedOperations, OperationPoller
from automl_plan.execution.ready_queue import ReadyQueue
from automl_plan.execution.request_pool import Answer, Purpose, RequestPool
from automl_plan.execution.second_look import PaidCallGuard
from automl_plan.execution.steps import StartedStep, Steps
from automl_plan.model.live import Operation, OperationKind
from automl_plan.planning.plan import Change
from automl_plan.recovery.intents import STEPS
from automl_plan.recovery.interrupted_calls import Finding, Verdict
from automl_plan.state.store import UNRECORDED

TOLERATED_POLL_FAILURES = 8
DRAIN_SECONDS = 30.0
"""How long an interrupted run waits for answers that are under way."""
_LONGEST_PAUSE = 0.2
"""Seconds after which a signal is noticed at the latest."""
MOST_SENT = 3
"""How often one run sends a call that is never received."""


class Executor:
    """One run over a plan's changes."""

    def __init__(
        self,
        changes: Sequence[Change],
        steps: Steps,
        second_look: PaidCallGuard,
        *,
        parallelism: int,
        detach: bool,
        cancel_when_stopped: bool = False,
        on_event: Callable[[Event], None],
    ) -> None:
        self._steps = steps
        self._second_look = second_look
        self._detach = detach
        self._cancel_when_stopped = cancel_when_stopped
        self._on_event = on_event
        self._order = ReadyQueue(changes)
        self._requests = RequestPool(parallelism)
        self._polls = OperationPoller(steps.running, steps.ended_lately)
        self._left: list[InFlightChange] = []
        """What a detached run leaves to the service."""
        self._tally = Tally()
        self._halted: AutomlPlanError | None = None
        self._stopped_at: float | None = None

    @property
    def stopped(self) -> bool:
        """Whether somebody asked for an early end."""
        return self._stopped_at is not None

    def stop(self) -> None:
        """Start nothing new, take the answers that are under way, and leave. For signals."""
        self._stopped_at = time.monotonic()

    def run(self) -> ApplyResult:
        """Carry out what can be carried out."""
        try:
            answers: list[Answer] = []
            while True:
                with self._journalled():
                    for answer in answers:
                        self._take(answer)
                    self._steps.notices.take()
                    self._start_ready()
                    if self._look_first():
                        self._start_ready()
                    self._start_cancels()
                self._let_go()
                self._start_polls()
                if self._may_leave():
                    break
                pause = min(max(self._polls.pause(), 0.02), _LONGEST_PAUSE)
                answers = self._requests.answers(pause)
        finally:
            self._requests.close()
        return self._result()

    def _result(self) -> ApplyResult:
        """How the run ended; tells of everything that is left behind."""
        # Of what is being sent no answer came in time: it may have arrived.
        left = [*self._left, *self._polls, *self._requests.unanswered()]
        for running in left:
            self._tell(EventType.DETACHED, running)
        why = self._tally.why_skipped()
        for change in self._order:
            self._on_event(Event(EventType.SKIPPED, change, message=why))
        if self._halted is not None:
            raise self._halted
        return self._tally.result(skipped=self._order, left=left)

    @contextmanager
    def _journalled(self) -> Iterator[None]:
        """Bring to disk together what is recorded inside."""
        try:
            with self._steps.together():
                yield
        except UNRECORDED as error:
            self._halted = self._halted or error

    def _start_ready(self) -> None:
        while self._order.ready and self._requests.room(Purpose.CHANGE) and not self._ending:
            change = self._order.take()
            running = InFlightChange(change, time.monotonic(), None)
            if not self._second_look.lets(STEPS.get(change.action)):
                self._order.set_aside(change)
                continue
            self._tell(EventType.STARTED, running)
            try:
                begun = self._steps.begin(change)
            except AutomlPlanError as error:
                self._fail(running, error)
                continue
            running.operation, running.finish = begun.operation, begun.finish
            if begun.operation is not None:
                running.expectation = self._steps.expectation(change, begun.operation)
            self._send(running, begun)

    def _look_first(self) -> bool:
        """Go on with the look that calls wait for; whether changes that waited can begin."""
        if self._ending:
            return False
        try:
            call = self._second_look.next_call(self._requests.trainings())
        except StateOutdated as error:
            self._halted = error
            return False
        if call is not None:
            self._requests.send(Purpose.LOOK, None, call)
        if (failure := self._second_look.failure()) is not None:
            for change in self._order.give_up():
                self._fail(InFlightChange(change, time.monotonic(), None), failure)
        return self._second_look.over and self._order.release()

    def _send(self, running: InFlightChange, begun: StartedStep) -> None:
        if begun.call is not None:
            self._requests.hold(running, begun.call)
        elif begun.operation is not None:
            self._polls.add(running)
        elif running.finish is not None:
            self._finish(running, None)
        else:
            self._done(running, None)

    def _let_go(self) -> None:
        """Send the calls whose intents are on disk; none when the disk did not take them."""
        if self._halted is None or isinstance(self._halted, StateOutdated):
            self._requests.let_go()
            self._steps.notices.let_go()
            return
        for running, _ in self._requests.give_up():
            self._fail(running, self._halted)

    def _finish(self, running: InFlightChange, found: object) -> None:
        """End a change that opened no operation."""
        assert running.finish is not None  # noqa: S101 (asked by whoever calls)
        try:
            outcome = running.finish(found)
        except UNRECORDED as error:
            self._halt(running, error)
        except AutomlPlanError as error:
            self._fail(running, error)
        else:
            self._done(running, outcome)

    def _start_cancels(self) -> None:
        """After a stop that is to end the trainings: ask for their end, once each."""
        if not (self.stopped and self._cancel_when_stopped):
            return
        for running in [*self._polls, *self._left]:
            # Of what is being asked the answer is taken first: it may have ended.
            if not running.trains or running.cancelled or running.asked:
                continue
            operation = running.operation
            assert operation is not None  # noqa: S101 (a training is an operation)
            running.cancelled = True
            self._polls.drop(running)
            if running in self._left:
                self._left.remove(running)
            self._requests.send(Purpose.CHANGE, running, self._steps.cancel(operation))

    def _start_polls(self) -> None:
        if self._halted is not None:
            return
        if (call := self._polls.list_call()) is not None:
            self._requests.send(Purpose.LIST, None, call)
        for running in self._polls.due(self._requests.room(Purpose.POLL)):
            if self.stopped and not running.cancelled:
                running.asked = False
                continue
            self._requests.send(Purpose.POLL, running, self._steps.ask(running))

    @property
    def _ending(self) -> bool:
        """Whether nothing new is begun."""
        return self._halted is not None or self.stopped

    def _look_again(self, running: InFlightChange, seconds: float) -> None:
        """Look at it in so many seconds; a detached run leaves it to the service."""
        if self._detach and running.can_be_left:
            self._polls.drop(running)
            self._left.append(running)
        else:
            running.look_again(seconds)

    def _may_leave(self) -> bool:
        """Whether nothing is left that this run should wait for."""
        if self._stopped_at is not None:
            ends = (*self._polls, *self._left) if self._cancel_when_stopped else ()
            if self._halted is None and any(running.trains for running in ends):
                return False
            given_up = time.monotonic() - self._stopped_at > DRAIN_SECONDS
            return not self._requests.any(Purpose.CHANGE) or given_up
        if self._requests.any(*Purpose):
            return False
        if self._halted is not None:
            return True
        return not self._order.ready and not self._polls

    def _take(self, answer: Answer) -> None:
        running = answer.running
        if answer.purpose is Purpose.LOOK:
            self._second_look.take(answer.future.result)
        elif running is None:
            self._listed(answer.future)
        elif answer.purpose is Purpose.CHANGE:
            self._answered(running, answer.future)
        else:
            running.asked = False
            self._polled(running, answer.future)

    def _listed(self, future: Future[Any]) -> None:
        answer: ListedOperations | None = None
        with suppress(ProviderError):  # each is asked for then, and tells if that fails too
            answer = future.result()
        for running, operation in self._polls.listed(answer):
            running.polls += 1
            self._learned(running, operation)

    def _answered(self, running: InFlightChange, future: Future[Any]) -> None:
        change, operation = running.change, running.operation
        try:
            answer = future.result()
        except AutomlPlanError as error:
            self._refused(running, error)
            return
        if running.finish is not None:
            self._finish(running, answer)
            return
        try:
            if answer is not None and operation is not None:
                running.operation = self._steps.answered(change, operation, answer)
                self._polls.add(running)
                if answer.done:
                    self._ended(running, answer)
                else:
                    running.look_again(SHORTEST_POLL)
            elif operation is not None and operation.id is not None:
                self._polls.add(running)  # a cancel was asked for: wait for its end
            else:
                if operation is not None:
                    self._steps.nothing_to_wait_for(change, operation)
                self._done(running, None)
        except StateError as error:
            self._halt(running, error)

    def _refused(self, running: InFlightChange, error: AutomlPlanError) -> None:
        operation = running.operation
        if operation is None or operation.id is not None or isinstance(error, UNRECORDED):
            self._fail(running, error)
            return
        try:
            certain = self._steps.refused(running.change, operation, error)
        except UNRECORDED as unwritable:
            self._halt(running, unwritable)
            return
        if certain:
            self._fail(running, error)
        else:
            running.accepted = isinstance(error, TransportError) and error.accepted
            self._polls.add(running)
            running.look_again(SHORTEST_POLL)
            self._tell(EventType.WAITING, running, f"{error.message} Was it received?")

    def _polled(self, running: InFlightChange, future: Future[Operation | Finding]) -> None:
        running.polls += 1
        try:
            answer = future.result()
        except NotFound as error:
            self._learned(running, error)
        except (ProviderError, UnsettledOperation) as error:
            running.poll_failures += 1
            lasts = running.poll_failures > TOLERATED_POLL_FAILURES
            if lasts or isinstance(error, UnsettledOperation):
                self._polls.drop(running)
                self._fail(running, error)
                return
            self._look_again(running, LONGEST_POLL / 3)
            self._tell(EventType.WAITING, running, error.message)
        else:
            self._learned(running, answer)

    def _learned(self, running: InFlightChange, answer: Operation | Finding | NotFound) -> None:
        """Go on by how an operation stands, or by which one it is."""
        running.poll_failures = 0
        try:
            if isinstance(answer, NotFound):
                self._lost(running, answer)
            elif isinstance(answer, Finding):
                self._found(running, answer)
            elif answer.done:
                self._ended(running, answer)
            else:
                self._goes_on(running, answer)
        except StateError as error:
            self._halt(running, error)

    def _goes_on(self, running: InFlightChange, answer: Operation) -> None:
        running.passing = answer.kind is OperationKind.CREATE_ENDPOINT
        self._look_again(running, pause_after(time.monotonic() - running.begun))
        progress = answer.progress_percent
        self._tell(EventType.WAITING, running, None if progress is None else f"{progress} %")

    def _lost(self, running: InFlightChange, error: NotFound) -> None:
        """The service has forgotten an operation: what it made tells what came of it."""
        operation = running.operation
        if operation is None or operation.id is None:
            self._polls.drop(running)
            self._fail(running, error)
            return
        running.operation = self._steps.lost(running.change, operation)
        running.accepted, running.cut_off = True, None
        self._polls.add(running)
        self._tell(EventType.WAITING, running, f"{error.message} What did it make?")

    def _found(self, running: InFlightChange, finding: Finding) -> None:
        """Go on by what came of a call without an answer."""
        running.candidates = bool(finding.candidates)
        if finding.verdict is Verdict.FOUND and finding.operation is not None:
            running.operation = self._steps.answered(
                running.change, finding.intent, finding.operation
            )
            self._polls.add(running)
            running.look_again(SHORTEST_POLL)
            return
        if finding.verdict is Verdict.OPEN:
            self._look_again(running, pause_after(time.monotonic() - (running.cut_off or 0.0)))
            maybe = ", ".join(operation.id for operation in finding.candidates)
            said = f"its operation may be {maybe}" if maybe else "was the call received?"
            self._tell(EventType.WAITING, running, said)
            return
        sends = finding.verdict is Verdict.NEVER and running.sent < MOST_SENT
        if sends and not self._second_look.lets(finding.intent.step):
            running.look_again(SHORTEST_POLL)
            return
        self._polls.drop(running)
        if finding.verdict is Verdict.ARRIVED:
            made = self._steps.arrived(running.change, finding.intent, finding.made)
            self._done(running, made)
            return
        if running.sent >= MOST_SENT or (finding.proved and running.accepted):
            self._fail(running, running.not_found())
            return
        try:
            begun = self._steps.again(running.change, finding.intent)
        except AutomlPlanError as error:
            self._fail(running, error)
            return
        running.operation, running.finish, running.cut_off = begun.operation, begun.finish, None
        if begun.call is not None:
            running.sent += 1
            self._tell(EventType.WAITING, running, "it was never received, and is sent again")
        self._send(running, begun)

    def _ended(self, running: InFlightChange, answer: Operation) -> None:
        operation = running.operation
        assert operation is not None  # noqa: S101 (only operations are waited for)
        if answer.has_next_step and answer.error is None:
            if self._ending:
                return  # the next run goes on with it
            if not self._second_look.lets(operation.step):
                running.look_again(SHORTEST_POLL)
                return
            begun = self._steps.further(running.change, operation, answer)
            self._polls.drop(running)
            running.operation = begun.operation
            self._send(running, begun)
            return
        try:
            outcome = self._steps.ended(running.change, operation, answer)
        except ProviderError as error:
            self._polls.drop(running)
            self._fail(running, error)
            return
        self._polls.drop(running)
        self._done(running, outcome)

    def _done(self, running: InFlightChange, outcome: str | None) -> None:
        self._tally.done.append(running.change)
        self._order.done(running.change)
        self._tell(EventType.DONE, running, outcome)

    def _fail(self, running: InFlightChange, error: AutomlPlanError) -> None:
        if isinstance(error, UNRECORDED):
            self._halted = error
        self._tally.failed.append(Failure(running.change, error))
        self._tell(EventType.FAILED, running, error.message)

    def _halt(self, running: InFlightChange, error: StateError) -> None:
        """What happened can't be recorded; of an unwritable state, start nothing more."""
        self._polls.drop(running)
        self._fail(running, error)

    def _tell(self, kind: EventType, running: InFlightChange, message: str | None = None) -> None:
        self._on_event(running.event(kind, message))
