"""Carries out changes: independent ones at the same time, each after what it needs.

One thread decides, journals and tells; a pool of threads does nothing but send requests, so
parallelism counts requests, not the hours that the service works.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from automl_plan.applying.events import ApplyResult, Event, EventType, Failure
from automl_plan.applying.recovery import Finding, Verdict
from automl_plan.applying.running import LONGEST_POLL, SHORTEST_POLL, Running, pause_after
from automl_plan.applying.steps import Begun, Steps
from automl_plan.errors import (
    AutomlPlanError,
    GateRejected,
    NotFound,
    ProviderError,
    StateUnwritable,
    TransportError,
    UnsettledOperation,
)
from automl_plan.planning.plan import Change
from automl_plan.resources.live import Operation, OperationKind

TOLERATED_POLL_FAILURES = 8
DRAIN_SECONDS = 30.0
"""How long an interrupted run waits for answers that are under way."""
_LONGEST_PAUSE = 0.2
"""Seconds after which a signal is noticed at the latest."""
MOST_SENT = 3
"""How often one run sends a call that is never received."""


@dataclass(slots=True)
class _Tally:
    done: list[Change] = field(default_factory=list)
    failed: list[Failure] = field(default_factory=list)
    skipped: list[Change] = field(default_factory=list)


class Schedule:
    """One run over a plan's changes."""

    def __init__(
        self,
        changes: Sequence[Change],
        steps: Steps,
        operation: Callable[[str], Operation],
        *,
        parallelism: int,
        detach: bool,
        cancel_when_stopped: bool = False,
        on_event: Callable[[Event], None],
    ) -> None:
        self._steps = steps
        self._operation = operation
        self._parallelism = parallelism
        self._detach = detach
        self._cancel_when_stopped = cancel_when_stopped
        self._on_event = on_event
        self._pending = {change.key: change for change in changes}
        self._unmet = {
            change.key: {need for need in change.needs if need in self._pending}
            for change in changes
        }
        self._needed_by: dict[str, list[str]] = {}
        for key, needs in self._unmet.items():
            for need in needs:
                self._needed_by.setdefault(need, []).append(key)
        self._ready = [key for key in self._pending if not self._unmet[key]]
        self._pool = ThreadPoolExecutor(parallelism, thread_name_prefix="request")
        self._sending: dict[Future[Any], Running] = {}
        self._polling: dict[Future[Operation | Finding], Running] = {}
        self._waiting: list[Running] = []
        self._tally = _Tally()
        self._halted: StateUnwritable | None = None
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
            while True:
                self._start_ready()
                self._start_cancels()
                self._start_polls()
                if self._may_leave():
                    break
                self._collect()
                self._steps.notices.take()
        finally:
            self._pool.shutdown(wait=False, cancel_futures=True)
        return self._result()

    def _result(self) -> ApplyResult:
        """How the run ended; tells of everything that is left behind."""
        self._waiting += self._sending.values()  # no answer came in time: it may have arrived
        for running in self._waiting:
            self._tell(EventType.DETACHED, running)
        for change in self._pending.values():
            if change not in self._tally.skipped:
                self._tally.skipped.append(change)
                self._on_event(Event(EventType.SKIPPED, change, message=self._why_skipped()))
        if self._halted is not None:
            raise self._halted
        return ApplyResult(
            done=tuple(self._tally.done),
            failed=tuple(self._tally.failed),
            skipped=tuple(self._tally.skipped),
            running=tuple(running.change for running in self._waiting),
        )

    # -- starting --------------------------------------------------------------------------

    def _start_ready(self) -> None:
        while self._ready and len(self._sending) < self._parallelism and not self._ending:
            change = self._pending.pop(self._ready.pop(0))
            running = Running(change, time.monotonic(), None)
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

    def _send(self, running: Running, begun: Begun) -> None:
        if begun.call is not None:
            self._sending[self._pool.submit(begun.call)] = running
        elif begun.operation is not None:
            self._waiting.append(running)
        elif running.finish is not None:
            self._finish(running, None)
        else:
            self._done(running, None)

    def _finish(self, running: Running, found: object) -> None:
        """End a change that opened no operation."""
        assert running.finish is not None  # noqa: S101 (asked by whoever calls)
        try:
            outcome = running.finish(found)
        except StateUnwritable as error:
            self._halt(running, error)
        except AutomlPlanError as error:
            self._fail(running, error)
        else:
            self._done(running, outcome)

    def _start_cancels(self) -> None:
        """After a stop that is to end the trainings: ask for their end, once each."""
        if not (self.stopped and self._cancel_when_stopped):
            return
        polled = {id(running) for running in self._polling.values()}
        for running in [r for r in self._waiting if r.trains and not r.cancelled]:
            if id(running) in polled:
                continue  # it may have ended: the answer is taken first
            operation = running.operation
            assert operation is not None  # noqa: S101 (a training is an operation)
            running.cancelled = True
            self._waiting.remove(running)
            self._sending[self._pool.submit(self._steps.cancel(operation))] = running

    def _start_polls(self) -> None:
        if self._halted is not None:
            return
        now = time.monotonic()
        polled = {id(running) for running in self._polling.values()}
        for running in self._waiting:
            if id(running) in polled or running.next_poll > now or self._is_left(running):
                continue
            if self.stopped and not running.cancelled:
                continue
            if len(self._polling) >= self._parallelism:
                return
            self._polling[self._pool.submit(self._poll(running, now))] = running

    def _poll(self, running: Running, now: float) -> Callable[[], Operation | Finding]:
        """What asks how an operation stands, or first which one it is."""
        operation = running.operation
        assert operation is not None  # noqa: S101 (only operations are waited for)
        if operation.id is not None:
            return partial(self._operation, operation.id)
        if running.cut_off is None:
            running.cut_off = now
        return self._steps.look(running.change, operation, now - running.cut_off)

    @property
    def _ending(self) -> bool:
        """Whether nothing new is begun."""
        return self._halted is not None or self.stopped

    def _is_left(self, running: Running) -> bool:
        """Whether a detached run leaves an operation to the service."""
        return self._detach and running.can_be_left

    def _may_leave(self) -> bool:
        """Whether nothing is left that this run should wait for."""
        if self._stopped_at is not None:
            if self._cancel_when_stopped and any(running.trains for running in self._waiting):
                return False
            given_up = time.monotonic() - self._stopped_at > DRAIN_SECONDS
            return not self._sending or given_up
        if self._sending or self._polling:
            return False
        if self._halted is not None:
            return True
        return not self._ready and all(map(self._is_left, self._waiting))

    # -- answers ---------------------------------------------------------------------------

    def _collect(self) -> None:
        """Wait for an answer, or for the time of the next poll."""
        under_way: set[Future[Any]] = {*self._sending, *self._polling}
        pause = min((r.next_poll for r in self._waiting), default=0.0) - time.monotonic()
        pause = min(max(pause, 0.02), _LONGEST_PAUSE)
        if not under_way:
            time.sleep(pause)
            return
        finished, _ = wait(under_way, timeout=pause, return_when=FIRST_COMPLETED)
        for future in finished:
            if future in self._sending:
                self._answered(self._sending.pop(future), future)
            else:
                self._polled(self._polling.pop(future), future)

    def _answered(self, running: Running, future: Future[Any]) -> None:
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
                self._waiting.append(running)
                if answer.done:
                    self._ended(running, answer)
                else:
                    running.look_again(SHORTEST_POLL)
            elif operation is not None and operation.id is not None:
                self._waiting.append(running)  # a cancel was asked for: wait for its end
            else:
                if operation is not None:
                    self._steps.nothing_to_wait_for(change, operation)
                self._done(running, None)
        except StateUnwritable as error:
            self._halt(running, error)

    def _refused(self, running: Running, error: AutomlPlanError) -> None:
        operation = running.operation
        if operation is None or operation.id is not None:
            self._fail(running, error)
            return
        certain = True
        try:
            if isinstance(error, ProviderError):
                certain = self._steps.refused(running.change, operation, error)
            else:
                self._steps.never_sent(running.change, operation)
        except StateUnwritable as unwritable:
            self._halt(running, unwritable)
            return
        if certain:
            self._fail(running, error)
        else:
            running.accepted = isinstance(error, TransportError) and error.accepted
            self._waiting.append(running)
            running.look_again(SHORTEST_POLL)
            self._tell(EventType.WAITING, running, f"{error.message} Was it received?")

    def _polled(self, running: Running, future: Future[Operation | Finding]) -> None:
        running.polls += 1
        try:
            answer = future.result()
        except UnsettledOperation as error:
            self._waiting.remove(running)
            self._fail(running, error)
            return
        except NotFound as error:
            self._lost(running, error)
            return
        except ProviderError as error:
            running.poll_failures += 1
            if running.poll_failures > TOLERATED_POLL_FAILURES:
                self._waiting.remove(running)
                self._fail(running, error)
                return
            running.look_again(LONGEST_POLL / 3)
            self._tell(EventType.WAITING, running, error.message)
            return
        running.poll_failures = 0
        if isinstance(answer, Finding):
            try:
                self._found(running, answer)
            except StateUnwritable as error:
                self._halt(running, error)
            return
        if answer.done:
            try:
                self._ended(running, answer)
            except StateUnwritable as error:
                self._halt(running, error)
            return
        running.passing = answer.kind is OperationKind.CREATE_ENDPOINT
        running.look_again(pause_after(time.monotonic() - running.begun))
        progress = answer.progress_percent
        self._tell(EventType.WAITING, running, None if progress is None else f"{progress} %")

    def _lost(self, running: Running, error: NotFound) -> None:
        """The service has forgotten an operation: what it made tells what came of it."""
        operation = running.operation
        if operation is None or operation.id is None:
            self._waiting.remove(running)
            self._fail(running, error)
            return
        try:
            running.operation = self._steps.lost(running.change, operation)
        except StateUnwritable as unwritable:
            self._halt(running, unwritable)
            return
        running.accepted, running.cut_off = True, None
        self._tell(EventType.WAITING, running, f"{error.message} What did it make?")

    def _found(self, running: Running, finding: Finding) -> None:
        """Go on by what came of a call without an answer."""
        running.candidates = bool(finding.candidates)
        if finding.verdict is Verdict.FOUND and finding.operation is not None:
            running.operation = self._steps.answered(
                running.change, finding.intent, finding.operation
            )
            running.look_again(SHORTEST_POLL)
            return
        if finding.verdict is Verdict.OPEN:
            running.look_again(pause_after(time.monotonic() - (running.cut_off or 0.0)))
            maybe = ", ".join(operation.id for operation in finding.candidates)
            said = f"its operation may be {maybe}" if maybe else "was the call received?"
            self._tell(EventType.WAITING, running, said)
            return
        self._waiting.remove(running)
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
        running.operation, running.cut_off = begun.operation, None
        running.sent += 1
        self._tell(EventType.WAITING, running, "it was never received, and is sent again")
        self._send(running, begun)

    def _ended(self, running: Running, answer: Operation) -> None:
        operation = running.operation
        assert operation is not None  # noqa: S101 (only operations are waited for)
        if answer.more and answer.error is None:
            if not self._ending:  # else the next run goes on with it
                begun = self._steps.further(running.change, operation, answer)
                self._waiting.remove(running)
                running.operation = begun.operation
                self._send(running, begun)
            return
        try:
            outcome = self._steps.ended(running.change, operation, answer)
        except ProviderError as error:
            self._waiting.remove(running)
            self._fail(running, error)
            return
        self._waiting.remove(running)
        self._done(running, outcome)

    # -- ends ------------------------------------------------------------------------------

    def _done(self, running: Running, outcome: str | None) -> None:
        key = running.change.key
        self._tally.done.append(running.change)
        for other in self._needed_by.get(key, ()):
            self._unmet[other].discard(key)
            if not self._unmet[other] and other in self._pending:
                self._ready.append(other)
        self._tell(EventType.DONE, running, outcome)

    def _fail(self, running: Running, error: AutomlPlanError) -> None:
        if isinstance(error, StateUnwritable):
            self._halted = error
        self._tally.failed.append(Failure(running.change, error))
        self._tell(EventType.FAILED, running, error.message)

    def _halt(self, running: Running, error: StateUnwritable) -> None:
        """What happened can't be recorded: start nothing more."""
        if running in self._waiting:
            self._waiting.remove(running)
        self._fail(running, error)

    def _why_skipped(self) -> str:
        failed = self._tally.failed
        if failed and all(isinstance(each.error, GateRejected) for each in failed):
            return "the new version does not meet what is required"
        if failed:
            return "a change that it needs failed"
        return "a change that it needs goes on at the service"

    def _tell(self, kind: EventType, running: Running, message: str | None = None) -> None:
        operation = running.operation
        self._on_event(
            Event(
                kind,
                running.change,
                elapsed=time.monotonic() - running.begun,
                operation_id=operation.id if operation is not None else None,
                message=message,
                left=running.left() if kind is EventType.WAITING else None,
            )
        )
