"""Carries out changes: independent ones at the same time, each after what it needs.

One thread decides, journals and reports; a pool of threads only sends requests, so parallelism
counts requests, not the hours for which the service works. What is journalled in one round is
brought to disk together, before the calls are sent that follow from it.

`Executor._actions` is the table of all this: what is done for a change in each state, by what the
service answered.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from automl_plan.errors import (
    AutomlPlanError,
    ProviderError,
    StateOutdated,
    TransportError,
)
from automl_plan.execution.answers import Answer, answer_of, answer_to_call, answer_to_poll
from automl_plan.execution.events import ApplyResult, Event, EventType, Failure, why_skipped
from automl_plan.execution.in_flight import InFlightChange, ReadyQueue, State
from automl_plan.execution.outcomes import OutcomeRecorder
from automl_plan.execution.paid_call_guard import PaidCallGuard
from automl_plan.execution.poller import LONGEST_POLL, SHORTEST_POLL, OperationPoller, pause_after
from automl_plan.execution.request_pool import Purpose, RequestPool, Response
from automl_plan.execution.steps import StartedStep, Steps
from automl_plan.model.live import Operation, OperationKind
from automl_plan.notifications.outbox import Notices
from automl_plan.planning.plan import Change
from automl_plan.recovery.intents import STEPS
from automl_plan.recovery.interrupted_calls import Finding
from automl_plan.state.store import UNRECORDED

TOLERATED_POLL_FAILURES = 8
DRAIN_SECONDS = 30.0
"""How long an interrupted run waits for answers that are under way."""
MOST_SENT = 3
"""How often one run sends a call that is never received."""
_LONGEST_PAUSE = 0.2
"""Seconds after which a signal is noticed at the latest."""


class Executor:
    """One run over a plan's changes."""

    def __init__(
        self,
        changes: Sequence[Change],
        steps: Steps,
        outcomes: OutcomeRecorder,
        guard: PaidCallGuard,
        poller: OperationPoller,
        notices: Notices,
        *,
        parallelism: int,
        detach: bool,
        cancel_when_stopped: bool = False,
        on_event: Callable[[Event], None],
    ) -> None:
        self._steps = steps
        self._outcomes = outcomes
        self._guard = guard
        self._poller = poller
        self._notices = notices
        self._detach = detach
        self._cancel_when_stopped = cancel_when_stopped
        self._on_event = on_event
        self._queue = ReadyQueue(changes)
        self._requests = RequestPool(parallelism)
        self._detached: list[InFlightChange] = []
        """What a detached run leaves to the service."""
        self._done: list[Change] = []
        self._failed: list[Failure] = []
        self._halted: AutomlPlanError | None = None
        self._stopped_at: float | None = None

        calling, running, searching = State.CALLING, State.RUNNING, State.SEARCHING
        self._actions: Mapping[tuple[State, Answer], Callable[[InFlightChange, Any], None]] = {
            (calling, Answer.RETURNED): self._finish,  # end
            (calling, Answer.STARTED): self._follow,  # RUNNING, or as if polled when it is done
            (calling, Answer.ACCEPTED): self._await_cancellation,  # RUNNING
            (calling, Answer.COMPLETED): self._complete,  # end
            (calling, Answer.REJECTED): self._reject,  # end
            (calling, Answer.UNANSWERED): self._search,  # SEARCHING
            (calling, Answer.FAILED): self._fail,  # end
            (running, Answer.WORKING): self._wait,  # RUNNING, or detached
            (running, Answer.STEP_ENDED): self._call_next,  # CALLING; RUNNING until it may be sent
            (running, Answer.ENDED): self._record_end,  # end
            (running, Answer.FORGOTTEN): self._search_result,  # SEARCHING
            (running, Answer.UNSETTLED): self._fail,  # end
            (running, Answer.UNREACHABLE): self._poll_again,  # RUNNING; end after too many
            (searching, Answer.FOUND): self._follow_found,  # RUNNING
            (searching, Answer.ARRIVED): self._record_found,  # end
            (searching, Answer.NEVER_RECEIVED): self._resend,  # CALLING; end after too many
            (searching, Answer.UNDECIDED): self._search_on,  # SEARCHING, or detached
            (searching, Answer.FORGOTTEN): self._fail,  # end
            (searching, Answer.UNSETTLED): self._fail,  # end
            (searching, Answer.UNREACHABLE): self._poll_again,  # SEARCHING; end after too many
        }
        """What is done by state and answer; the comment says which state follows. An error that
        is raised on the way ends the change; one that says that nothing can be recorded any more
        ends the run."""

    @property
    def stopped(self) -> bool:
        """Whether `stop` was called."""
        return self._stopped_at is not None

    def stop(self) -> None:
        """Start nothing new, take the answers that are under way, and leave. For signals."""
        self._stopped_at = time.monotonic()

    def run(self) -> ApplyResult:
        """Carry out what can be carried out."""
        try:
            responses: list[Response] = []
            while True:
                with self._journalled():
                    for response in responses:
                        self._take(response)
                    self._notices.record_sent()
                    self._start_ready()
                    if self._check_before_paying():
                        self._start_ready()
                    self._start_cancels()
                self._flush()
                self._start_polls()
                if self._may_leave():
                    break
                pause = min(max(self._poller.pause(), 0.02), _LONGEST_PAUSE)
                responses = self._requests.responses(pause)
        finally:
            self._requests.close()
        return self._result()

    def _result(self) -> ApplyResult:
        # A call that was sent may have arrived, though no answer came in time.
        left = [*self._detached, *self._poller, *self._requests.unanswered()]
        for flight in left:
            self._report(EventType.DETACHED, flight)
        why = why_skipped(self._failed)
        for change in self._queue:
            self._on_event(Event(EventType.SKIPPED, change, message=why))
        if self._halted is not None:
            raise self._halted
        return ApplyResult(
            done=tuple(self._done),
            failed=tuple(self._failed),
            skipped=tuple(self._queue),
            left=tuple(flight.left() for flight in left),
        )

    @contextmanager
    def _journalled(self) -> Iterator[None]:
        """Bring to disk together what is recorded inside."""
        try:
            with self._steps.together():
                yield
        except UNRECORDED as error:
            self._halted = self._halted or error

    @property
    def _ending(self) -> bool:
        """Whether nothing new is started."""
        return self._halted is not None or self.stopped

    def _may_leave(self) -> bool:
        """Whether nothing is left that this run should wait for."""
        if self._stopped_at is not None:
            ends = (*self._poller, *self._detached) if self._cancel_when_stopped else ()
            if self._halted is None and any(flight.trains for flight in ends):
                return False
            gave_up = time.monotonic() - self._stopped_at > DRAIN_SECONDS
            return not self._requests.pending(Purpose.CHANGE) or gave_up
        if self._requests.pending(*Purpose):
            return False
        if self._halted is not None:
            return True
        return not self._queue.ready and not self._poller

    # -- requests --------------------------------------------------------------------------

    def _start_ready(self) -> None:
        while self._queue.ready and self._requests.capacity(Purpose.CHANGE) and not self._ending:
            change = self._queue.pop()
            if not self._guard.allows(STEPS.get(change.action)):
                self._queue.defer(change)
                continue
            flight = InFlightChange(change, time.monotonic(), None)
            self._report(EventType.STARTED, flight)
            with self._ended_by_errors(flight):
                started = self._steps.start(change)
                if started.operation is not None:
                    flight.expectation = self._outcomes.expectation(change, started.operation)
                self._send(flight, started)

    def _check_before_paying(self) -> bool:
        """Continue the check that paid calls wait for; whether deferred changes can be started."""
        if self._ending:
            return False
        try:
            call = self._guard.next_call(self._requests.starting_trainings())
        except StateOutdated as error:
            self._halted = error
            return False
        if call is not None:
            self._requests.send(Purpose.CHECK, None, call)
        if (failure := self._guard.pop_failure()) is not None:
            for change in self._queue.drop_deferred():
                self._fail(InFlightChange(change, time.monotonic(), None), failure)
        return self._guard.idle and self._queue.release_deferred()

    def _send(self, flight: InFlightChange, started: StartedStep) -> None:
        """Stage the call of a step; poll a step without one, or finish it."""
        flight.operation, flight.finish = started.operation, started.finish
        if started.call is not None:
            flight.state = State.CALLING
            self._requests.stage(flight, started.call)
        elif started.operation is not None:
            self._poll(flight)
        elif started.finish is not None:
            self._finish(flight, None)
        else:
            self._succeed(flight, None)

    def _flush(self) -> None:
        """Send the calls whose intents are on disk; none when the disk did not take them."""
        if self._halted is None or isinstance(self._halted, StateOutdated):
            self._requests.flush()
            self._notices.flush()
            return
        for flight in self._requests.discard():
            self._fail(flight, self._halted)

    def _start_cancels(self) -> None:
        """Cancel each running training once, after a stop that must end them."""
        if not (self.stopped and self._cancel_when_stopped):
            return
        for flight in [*self._poller, *self._detached]:
            # The answer to a poll that is under way comes first: it may have ended.
            if not flight.trains or flight.cancel_requested or flight.being_polled:
                continue
            flight.cancel_requested, flight.state = True, State.CALLING
            self._poller.drop(flight)
            if flight in self._detached:
                self._detached.remove(flight)
            self._requests.send(Purpose.CHANGE, flight, self._steps.cancel_call(flight.recorded))

    def _poll(self, flight: InFlightChange) -> None:
        """Poll its operation; search for one that is not known."""
        named = flight.operation is not None and flight.operation.id is not None
        flight.state = State.RUNNING if named else State.SEARCHING
        self._poller.add(flight)

    def _start_polls(self) -> None:
        if self._halted is not None:
            return
        if (call := self._poller.list_call()) is not None:
            self._requests.send(Purpose.LIST, None, call)
        for flight in self._poller.due(self._requests.capacity(Purpose.POLL)):
            if self.stopped and not flight.cancel_requested:
                flight.being_polled = False
                continue
            self._requests.send(Purpose.POLL, flight, self._steps.poll_call(flight))

    # -- answers ---------------------------------------------------------------------------

    def _take(self, response: Response) -> None:
        flight, result = response.flight, response.future.result
        if response.purpose is Purpose.CHECK:
            self._guard.take(result)
        elif flight is None:
            self._take_list(result)
        elif response.purpose is Purpose.CHANGE:
            self._act(flight, *answer_to_call(flight, result))
        else:
            flight.being_polled = False
            self._take_poll(flight, *answer_to_poll(result))

    def _take_list(self, result: Callable[[], Any]) -> None:
        listed = None
        with suppress(ProviderError):  # each is polled then, and reports it if that fails, too
            listed = result()
        for flight, operation in self._poller.listed(listed):
            self._take_poll(flight, *answer_of(operation))

    def _take_poll(self, flight: InFlightChange, answer: Answer, content: object) -> None:
        flight.polls += 1
        if answer is not Answer.UNREACHABLE:
            flight.poll_failures = 0
        if isinstance(content, Finding):
            flight.has_candidates = bool(content.candidates)
        self._act(flight, answer, content)

    def _act(self, flight: InFlightChange, answer: Answer, content: object) -> None:
        with self._ended_by_errors(flight):
            self._actions[flight.state, answer](flight, content)

    @contextmanager
    def _ended_by_errors(self, flight: InFlightChange) -> Iterator[None]:
        try:
            yield
        except AutomlPlanError as error:
            self._fail(flight, error)

    # -- actions: CALLING ------------------------------------------------------------------

    def _finish(self, flight: InFlightChange, returned: object) -> None:
        """Record a step that opens no operation."""
        assert flight.finish is not None  # noqa: S101 (it has no operation)
        self._succeed(flight, flight.finish(returned))

    def _follow(self, flight: InFlightChange, operation: Operation) -> None:
        flight.operation = self._steps.on_started(flight.change, flight.recorded, operation)
        self._poll(flight)
        if operation.done:
            self._act(flight, *answer_of(operation))
        else:
            flight.poll_in(SHORTEST_POLL)

    def _await_cancellation(self, flight: InFlightChange, _: object) -> None:
        self._poll(flight)

    def _complete(self, flight: InFlightChange, _: object) -> None:
        if flight.operation is not None:
            self._steps.on_completed(flight.change, flight.operation)
        self._succeed(flight, None)

    def _reject(self, flight: InFlightChange, error: AutomlPlanError) -> None:
        self._steps.on_rejected(flight.change, flight.recorded)
        self._fail(flight, error)

    def _search(self, flight: InFlightChange, error: AutomlPlanError) -> None:
        """Keep the intent of a call that may have been received, and find out."""
        flight.acknowledged = isinstance(error, TransportError) and error.accepted
        self._poll(flight)
        flight.poll_in(SHORTEST_POLL)
        self._report(EventType.WAITING, flight, f"{error.message} Checking whether it arrived.")

    # -- actions: RUNNING ------------------------------------------------------------------

    def _wait(self, flight: InFlightChange, operation: Operation) -> None:
        flight.short_step = operation.kind is OperationKind.CREATE_ENDPOINT
        self._poll_or_detach(flight, pause_after(time.monotonic() - flight.started))
        progress = operation.progress_percent
        self._report(EventType.WAITING, flight, None if progress is None else f"{progress} %")

    def _call_next(self, flight: InFlightChange, operation: Operation) -> None:
        """Send the next of several calls, unless the run is ending: the next run continues then."""
        if self._ending:
            return
        if not self._guard.allows(flight.recorded.step):
            flight.poll_in(SHORTEST_POLL)
            return
        started = self._steps.next_call(flight.change, flight.recorded, operation)
        self._poller.drop(flight)
        self._send(flight, started)

    def _record_end(self, flight: InFlightChange, operation: Operation) -> None:
        outcome = self._outcomes.on_finished(flight.change, flight.recorded, operation)
        self._poller.drop(flight)
        self._succeed(flight, outcome)

    def _search_result(self, flight: InFlightChange, error: AutomlPlanError) -> None:
        """Find out what became of an operation that the service has forgotten."""
        flight.operation = self._outcomes.on_lost(flight.change, flight.recorded)
        flight.acknowledged, flight.interrupted_at = True, None
        self._poll(flight)
        self._report(EventType.WAITING, flight, f"{error.message} Looking for its result.")

    def _poll_again(self, flight: InFlightChange, error: AutomlPlanError) -> None:
        flight.poll_failures += 1
        if flight.poll_failures > TOLERATED_POLL_FAILURES:
            self._fail(flight, error)
            return
        self._poll_or_detach(flight, LONGEST_POLL / 3)
        self._report(EventType.WAITING, flight, error.message)

    # -- actions: SEARCHING ----------------------------------------------------------------

    def _follow_found(self, flight: InFlightChange, finding: Finding) -> None:
        found = finding.operation
        assert found is not None  # noqa: S101 (it was found)
        flight.operation = self._steps.on_started(flight.change, finding.intent, found)
        self._poll(flight)
        flight.poll_in(SHORTEST_POLL)

    def _record_found(self, flight: InFlightChange, finding: Finding) -> None:
        self._poller.drop(flight)
        made = self._outcomes.on_found(flight.change, finding.intent, finding.made)
        self._succeed(flight, made)

    def _resend(self, flight: InFlightChange, finding: Finding) -> None:
        """Send a call again that was never received, as often as one run may."""
        may_resend = flight.sent < MOST_SENT
        if may_resend and not self._guard.allows(finding.intent.step):
            flight.poll_in(SHORTEST_POLL)
            return
        self._poller.drop(flight)
        if not may_resend or (finding.conclusive and flight.acknowledged):
            self._fail(flight, flight.not_found())
            return
        started = self._steps.resend(flight.change, finding.intent)
        flight.interrupted_at = None
        if started.call is not None:
            flight.sent += 1
            self._report(EventType.WAITING, flight, "it was never received; sending it again")
        self._send(flight, started)

    def _search_on(self, flight: InFlightChange, finding: Finding) -> None:
        since = flight.interrupted_at or 0.0
        self._poll_or_detach(flight, pause_after(time.monotonic() - since))
        ids = ", ".join(operation.id for operation in finding.candidates)
        message = f"its operation may be {ids}" if ids else "checking whether the call arrived"
        self._report(EventType.WAITING, flight, message)

    # -- ends ------------------------------------------------------------------------------

    def _poll_or_detach(self, flight: InFlightChange, seconds: float) -> None:
        """Poll it again in `seconds`; a detached run leaves it to the service."""
        if self._detach and flight.can_detach:
            self._poller.drop(flight)
            self._detached.append(flight)
        else:
            flight.poll_in(seconds)

    def _succeed(self, flight: InFlightChange, outcome: str | None) -> None:
        self._done.append(flight.change)
        self._queue.done(flight.change)
        self._report(EventType.DONE, flight, outcome)

    def _fail(self, flight: InFlightChange, error: AutomlPlanError) -> None:
        self._poller.drop(flight)
        if isinstance(error, UNRECORDED):
            self._halted = error
        self._failed.append(Failure(flight.change, error))
        self._report(EventType.FAILED, flight, error.message)

    def _report(self, kind: EventType, flight: InFlightChange, message: str | None = None) -> None:
        self._on_event(flight.event(kind, message))
