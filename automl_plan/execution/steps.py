"""Starts the calls of changes: writes an intent before each, and records how it was answered.

All of this but the calls themselves runs on one thread, which alone writes the state.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

from msgspec import Struct
from msgspec.structs import replace

from automl_plan.errors import PlanRefused, PlanStale
from automl_plan.execution.calls import Call, Calls
from automl_plan.execution.durations import Entry
from automl_plan.execution.in_flight import InFlightChange
from automl_plan.execution.outcomes import OutcomeRecorder
from automl_plan.execution.synchronous_steps import ACTIONS, SynchronousSteps
from automl_plan.model.address import Address
from automl_plan.model.live import Operation, OperationKind
from automl_plan.model.recorded import RecordedOperation, RecordedResource, Step, known_ids
from automl_plan.model.timestamps import utc_now
from automl_plan.model.transitions import (
    after_operation,
    placed,
    with_endpoint,
    with_operation,
    without_operation,
)
from automl_plan.planning.plan import Action, Change
from automl_plan.recovery.intents import Intents
from automl_plan.recovery.interrupted_calls import Finding
from automl_plan.state.store import StateSession

Check = Callable[[Change, RecordedOperation], None]
"""Raises PlanRefused when the call of an operation that an earlier run started may not be sent."""

_WORK = {Step.DEPLOY: OperationKind.DEPLOY_MODEL, Step.UNDEPLOY: OperationKind.UNDEPLOY_MODEL}
"""Of several calls the one that takes the time of the step."""
_BILLED = frozenset({Step.TRAIN, Step.DEPLOY})
"""Steps that cost by the hour."""


class StartedStep(Struct, frozen=True):
    """A step whose intent is recorded; its call is still to be sent."""

    call: Callable[[], object] | None = None
    operation: RecordedOperation | None = None
    """The recorded intent, or the operation to be followed."""
    finish: Callable[[object], str | None] | None = None
    """For a step without an operation: records what the call returned, and describes it."""


class Steps:
    """Starts and resends the calls of one run, with one state open."""

    def __init__(
        self,
        session: StateSession,
        intents: Intents,
        calls: Calls,
        synchronous: SynchronousSteps,
        outcomes: OutcomeRecorder,
        *,
        check: Check,
        replans: bool,
        own: set[str],
    ) -> None:
        """`check` is asked before a call of an earlier run is sent.

        `replans`: whether planning again would train what was not received. `own` collects the
        tokens and the operation ids of all that the run starts.
        """
        self._session = session
        self._intents = intents
        self._calls = calls
        self._synchronous = synchronous
        self._outcomes = outcomes
        self._check = check
        self._replans = replans
        self._own = own

    def start(self, change: Change) -> StartedStep:
        """Journal what is about to be sent. Raises StateUnwritable, and then sends nothing."""
        if change.action in ACTIONS:
            step = self._synchronous.start(change)
            return StartedStep(step.call, finish=step.finish)
        made_nothing = change.address in self._outcomes.made_nothing
        match change.action:
            case Action.RESUME:
                return StartedStep(operation=self._open_operation(change))
            case Action.CANCEL:
                operation = self._open_operation(change)
                return StartedStep(self.cancel_call(operation), operation)
            case Action.DELETE if change.object_id is None and made_nothing:
                return StartedStep(finish=lambda _: "(nothing was made)")
            case _:
                operation = self._intents.intent_for(change)
                record = self._record_of(change.address)
                call = self._call(change, record, operation)
                self._record_intent(with_operation(record, operation), operation)
                return StartedStep(call, operation)

    def together(self) -> AbstractContextManager[None]:
        """Bring to disk at once what is recorded inside. Raises StateUnwritable at its end."""
        return self._session.together()

    def cancel_call(self, operation: RecordedOperation) -> Call:
        """Return the call that cancels an operation."""
        return self._calls.cancel(operation)

    def poll_call(self, flight: InFlightChange) -> Callable[[], Operation | Finding]:
        """Return the call that asks for an operation's status, or for a call's outcome."""
        operation = flight.recorded
        if operation.id is not None:
            return self._calls.status(operation.id)
        known, searched = known_ids(self._session.state.resources), flight.searched_seconds()
        return self._calls.outcome(flight.change.address, operation, known, searched)

    def on_started(
        self, change: Change, operation: RecordedOperation, answer: Operation
    ) -> RecordedOperation:
        """Journal the name of the operation that a call opened, and its endpoint."""
        operation = placed(replace(operation, id=answer.id), answer)
        self._own.add(answer.id)
        self._session.record(with_operation(self._record_of(change.address), operation))
        return operation

    def on_completed(self, change: Change, operation: RecordedOperation) -> None:
        """Record a call that was done when it answered."""
        record = self._record_of(change.address)
        self._session.record(after_operation(record, operation, when=utc_now()))

    def on_rejected(self, change: Change, operation: RecordedOperation) -> None:
        """Record that a call failed without effect, or was not sent."""
        self._session.record(without_operation(self._record_of(change.address), operation))

    def next_call(
        self, change: Change, operation: RecordedOperation, answer: Operation
    ) -> StartedStep:
        """Write the intent of the next call, after one of several has ended well.

        Nothing is sent when the plan does not want it, or something else is declared by now: the
        next plan continues from there. The call of a step that may not be sent raises PlanRefused.
        """
        record = self._record_of(change.address)
        worked = answer.kind is _WORK.get(operation.step)
        entry = self._outcomes.history_entry(change, operation, answer) if worked else None
        refused = self._refused(change, operation)
        if refused is not None or not self._wanted(change, operation):
            nothing = answer.kind is OperationKind.CREATE_ENDPOINT
            self._session.record(
                without_operation(record, operation)
                if nothing
                else after_operation(record, operation, when=utc_now()),
                entry,
            )
            return StartedStep() if refused is None else StartedStep(_raising(refused))
        intent = placed(replace(operation, id=None), answer)
        record = with_endpoint(record, intent)
        call = self._call(change, record, intent)
        self._record_intent(with_operation(record, intent), intent, entry)
        return StartedStep(call, intent)

    def _wanted(self, change: Change, operation: RecordedOperation) -> bool:
        """Return whether a call may continue: this plan wants it, and so does what is declared."""
        return not _unplanned(change, operation) and self._intents.still_wanted(
            change.address, operation
        )

    def resend(self, change: Change, operation: RecordedOperation) -> StartedStep:
        """Drop the intent of a call that was never received, and write another to be sent.

        Nothing is sent when the plan does not want it, or something else is declared by now: what
        replaces it is another change, of this plan or of the next. Raises PlanStale where what
        follows would not be what was planned, PlanRefused when it may not be sent.
        """
        address = change.address
        record = without_operation(self._record_of(address), operation)
        wanted = self._wanted(change, operation)
        if not wanted and not _unplanned(change, operation) and operation.step is Step.TRAIN:
            # What follows would undeploy the current version for a model that does not exist.
            self._session.record(record)
            what = "The training was never received, and something else is declared by now."
            raise PlanStale(what, where=str(address), hint="Plan again.")
        if not wanted:
            self._session.record(record)
            self._outcomes.made_nothing.add(address)
            trains = operation.step is Step.TRAIN and self._intents.declares(address)
            more = "; plan again" if trains and self._replans else ""
            return StartedStep(finish=lambda _: f"(it was never received{more})")
        refused = self._refused(change, operation)
        if refused is not None:
            self._session.record(record)
            raise refused
        intent = self._intents.renewed(address, operation)
        call = self._call(change, record, intent)
        self._record_intent(with_operation(record, intent), intent)
        return StartedStep(call, intent)

    def _call(self, change: Change, record: RecordedResource, intent: RecordedOperation) -> Call:
        examples = self._outcomes.examples(change, intent)
        return self._calls.call_for(record, intent, self._session.state.lineage, examples)

    def _record_intent(
        self, record: RecordedResource, intent: RecordedOperation, ended: Entry | None = None
    ) -> None:
        """Record an intent; that of a billed call is on disk before anything else."""
        self._own.add(intent.token)
        self._session.record(record, ended)
        if intent.step in _BILLED:
            self._session.sync()

    def _refused(self, change: Change, operation: RecordedOperation) -> PlanRefused | None:
        """Return why this run may not send a call that an earlier run started."""
        try:
            self._check(change, operation)
        except PlanRefused as error:
            return error
        return None

    def _record_of(self, address: Address) -> RecordedResource:
        return self._session.state.resources.get(address) or RecordedResource(address)

    def _open_operation(self, change: Change) -> RecordedOperation:
        for operation in self._record_of(change.address).operations:
            if operation.id == change.operation_id and (
                operation.id is not None or operation.object_id == change.object_id
            ):
                return operation
        name = change.operation_id
        what = f"operation {name}" if name else "unanswered call"
        raise PlanStale(
            f"The {what} of {change.address} is not open any more: another run has recorded its "
            "outcome.",
            hint="Plan again.",
        )


def _raising(error: PlanRefused) -> Callable[[], object]:
    def call() -> object:
        raise error

    return call


def _unplanned(change: Change, operation: RecordedOperation) -> bool:
    """Return whether a resumed call makes what the plan does not want any more."""
    clears = operation.step in (Step.UNDEPLOY, Step.DELETE)
    return change.action is Action.RESUME and change.after is None and not clears
