"""What the beginning and the end of each change leave in the state.

All of this but the calls themselves runs on one thread, which alone writes the state.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from automl_plan.data.sources import SourceReader
from automl_plan.errors import (
    AutomlPlanError,
    Cancelled,
    DataLoss,
    DeadlineExceeded,
    Internal,
    OperationCancelled,
    OperationFailed,
    PlanRefused,
    PlanStale,
    TransportError,
    Unavailable,
    Unknown,
)
from automl_plan.execution.calls import Call, Calls, as_candidate
from automl_plan.execution.history import Entry, Expectation, Expectations, entry_of, examples_of
from automl_plan.execution.immediate_steps import ACTIONS, SynchronousSteps
from automl_plan.execution.in_flight import InFlightChange
from automl_plan.model.address import Address
from automl_plan.model.desired import Desired
from automl_plan.model.history import Charge
from automl_plan.model.live import CANCELLED, Operation, OperationKind
from automl_plan.model.notices import Notice
from automl_plan.model.ownership_labels import mark_in
from automl_plan.model.prices import PriceBook
from automl_plan.model.recorded import (
    MAKING,
    Decision,
    RecordedOperation,
    RecordedResource,
    Step,
    known_ids,
)
from automl_plan.model.source_data import SourceData
from automl_plan.model.transitions import (
    after_operation,
    placed,
    with_endpoint,
    with_operation,
    without_operation,
)
from automl_plan.notifications.outbox import Notices
from automl_plan.notifications.texts import OperationEnd
from automl_plan.planning.cost import describe_spending
from automl_plan.planning.options import PlanMode, PlanOptions
from automl_plan.planning.plan import Action, Change
from automl_plan.planning.projection import MAKES
from automl_plan.providers.protocol import Provider
from automl_plan.recovery.billing import charge_at_end, current_meter, utc_now
from automl_plan.recovery.intents import STEPS, Intents
from automl_plan.recovery.interrupted_calls import Finding, find_outcome
from automl_plan.recovery.running_operations import is_ours
from automl_plan.state.store import StateSession

if TYPE_CHECKING:
    from automl_plan.planning.gate import GateReport

Check = Callable[[Change, RecordedOperation], None]
"""Raises PlanRefused when the call of an operation that an earlier run began may not be sent."""

_WORK = {Step.DEPLOY: OperationKind.DEPLOY_MODEL, Step.UNDEPLOY: OperationKind.UNDEPLOY_MODEL}
"""Of several calls the one that takes the time of the step."""
_BILLED = frozenset({Step.TRAIN, Step.DEPLOY})
"""Steps that cost by the hour."""
UNDECIDED = (Cancelled, DataLoss, DeadlineExceeded, Internal, Unavailable, Unknown)
"""Answers after which the service may have acted all the same."""


class StartedStep(Struct, frozen=True):
    """A change under way. `call` is what remains to be sent, `operation` what is recorded."""

    call: Callable[[], object] | None = None
    operation: RecordedOperation | None = None
    finish: Callable[[object], str | None] | None = None
    """For what opens no operation: records what the call returned, and says what came of it."""


class Steps:
    """Begins and ends changes against one provider and one open state."""

    def __init__(
        self,
        provider: Provider,
        session: StateSession,
        desired: Desired,
        sources: Mapping[Address, SourceData],
        *,
        reader: SourceReader,
        prices: PriceBook,
        commit: Callable[[], str | None],
        notices: Notices,
        check: Check,
        options: PlanOptions,
        decision: Decision | None = None,
        given: Collection[str] = (),
    ) -> None:
        """`check`: of calls of earlier runs; `given`: variables with a value from outside."""
        self._provider = provider
        self._session = session
        self._desired = desired
        self._prices = prices
        self._expectations = Expectations()
        self._check = check
        self._mode = options.mode
        self.notices = notices
        self._intents = Intents(session, desired, sources, commit, given)
        self._calls = Calls(provider, desired, session.manifests, reader, options)
        self.own: set[str] = set()
        """The tokens and the ids of operations of all that this run has begun."""
        self._nothing_made: set[Address] = set()
        """Where a resumed operation was to make what the plan deletes, and made nothing."""
        self._instant = SynchronousSteps(provider, session, desired, notices, decision)

    @property
    def reports(self) -> Sequence[tuple[Address, int | None, GateReport]]:
        """The gates that were asked: address, version, what they found."""
        return self._instant.reports

    def begin(self, change: Change) -> StartedStep:
        """Journal what is about to be sent. Raises StateUnwritable, and then sends nothing."""
        if change.action in ACTIONS:
            instant = self._instant.begin(change)
            return StartedStep(instant.call, finish=instant.finish)
        match change.action:
            case Action.RESUME:
                return StartedStep(operation=self._open_operation(change))
            case Action.CANCEL:
                operation = self._open_operation(change)
                return StartedStep(call=self.cancel(operation), operation=operation)
            case Action.DELETE if change.object_id is None and change.address in self._nothing_made:
                return StartedStep(finish=lambda _: "(nothing was made)")
            case _:
                operation = self._intents.of(change)
                record = self._record_of(change.address)
                call = self._call(change, record, operation)
                self._intend(with_operation(record, operation), operation)
                return StartedStep(call, operation)

    def _call(self, change: Change, record: RecordedResource, intent: RecordedOperation) -> Call:
        examples, lineage = self._examples(change, intent), self._session.state.lineage
        return self._calls.of(record, intent, lineage, examples)

    def together(self) -> AbstractContextManager[None]:
        """Bring to disk at once what is recorded inside. Raises StateUnwritable at its end."""
        return self._session.together()

    def running(self) -> Sequence[Operation]:
        """The operations that run, as far as a list tells."""
        return self._provider.active_operations()

    def ended_lately(self, most: int) -> Sequence[Operation]:
        """At most so many operations that have ended, as far as a list tells."""
        return self._provider.recent_operations(most)

    def _intend(
        self, record: RecordedResource, intent: RecordedOperation, ended: Entry | None = None
    ) -> None:
        """Record an intent; that of a call which is billed is on disk before anything else."""
        self.own.add(intent.token)
        self._session.record(record, ended)
        if intent.step in _BILLED:
            self._session.sync()

    def answered(
        self, change: Change, operation: RecordedOperation, answer: Operation
    ) -> RecordedOperation:
        """Journal the name of the operation that a call opened, and its endpoint."""
        operation = placed(replace(operation, id=answer.id), answer)
        self.own.add(answer.id)
        self._session.record(with_operation(self._record_of(change.address), operation))
        return operation

    def nothing_to_wait_for(self, change: Change, operation: RecordedOperation) -> None:
        """Record a call that was done when it answered."""
        record = self._record_of(change.address)
        self._session.record(after_operation(record, operation, when=utc_now()))

    def refused(self, change: Change, operation: RecordedOperation, error: AutomlPlanError) -> bool:
        """Record that a call failed or was not sent. False: it may have had an effect, and the
        intent stays, to be settled."""
        if isinstance(error, UNDECIDED) or (isinstance(error, TransportError) and error.sent):
            return False
        self._session.record(without_operation(self._record_of(change.address), operation))
        return True

    def cancel(self, operation: RecordedOperation) -> Call:
        """What asks for an operation's end."""
        return self._calls.cancel(operation)

    def ask(self, running: InFlightChange) -> Callable[[], Operation | Finding]:
        """What asks how an operation stands, or what came of a call that was cut off."""
        change, operation, provider = running.change, running.operation, self._provider
        assert operation is not None  # noqa: S101 (only operations are waited for)
        if operation.id is not None:
            return partial(provider.operation, operation.id)
        known, waited = known_ids(self._session.state.resources), running.looked_for()
        return lambda: find_outcome(change.address, operation, provider, known, waited)

    def further(
        self, change: Change, operation: RecordedOperation, answer: Operation
    ) -> StartedStep:
        """Write the intent of the next call, after one of several has ended well.

        Nothing is sent when something else is declared by now: the next plan goes on from there.
        A call that may not be sent raises PlanRefused in its place.
        """
        record = self._record_of(change.address)
        worked = answer.kind is _WORK.get(operation.step)
        ended = self._ended_entry(change, operation, answer) if worked else None
        refused = self._refused(change, operation)
        if refused is not None or not self._intents.still_wanted(change.address, operation):
            nothing = answer.kind is OperationKind.CREATE_ENDPOINT
            self._session.record(
                without_operation(record, operation)
                if nothing
                else after_operation(record, operation, when=utc_now()),
                ended,
            )
            return StartedStep() if refused is None else StartedStep(_raising(refused))
        intent = placed(replace(operation, id=None), answer)
        record = with_endpoint(record, intent)
        call = self._call(change, record, intent)
        self._intend(with_operation(record, intent), intent, ended)
        return StartedStep(call, intent)

    def lost(self, change: Change, operation: RecordedOperation) -> RecordedOperation:
        """Take an operation that the service has forgotten for a call that was cut off."""
        intent = replace(operation, id=None)
        self._session.record(with_operation(self._record_of(change.address), intent))
        return intent

    def arrived(self, change: Change, operation: RecordedOperation, made: str | None) -> str | None:
        """Record what a call that was cut off has made."""
        operation = self._gated(change, operation)
        record = self._record_of(change.address)
        notice = self._notice(change, operation, None, made)
        record = after_operation(record, as_candidate(change, operation), made=made, when=utc_now())
        charge = self._charge(change, operation, None, made)
        self._session.record(self._with_protection(record, operation), None, notice, charge)
        self.notices.send(notice)
        return made

    def again(self, change: Change, operation: RecordedOperation) -> StartedStep:
        """Give up an intent that was never received, and write another to be sent.

        Nothing is sent when the plan wants nothing of it, or something else is declared by now:
        what takes its place is another change, of this plan or of the next. Raises PlanStale where
        what follows would not be what was planned, PlanRefused when it may not be sent.
        """
        address = change.address
        record = without_operation(self._record_of(address), operation)
        clears = operation.step in (Step.UNDEPLOY, Step.DELETE)
        unplanned = change.action is Action.RESUME and change.after is None and not clears
        wanted = not unplanned and self._intents.still_wanted(address, operation)
        if not wanted and not unplanned and operation.step is Step.TRAIN:
            # What follows would take down what serves for a model that is not there.
            self._session.record(record)
            what = "The training was never received, and something else is declared by now."
            raise PlanStale(what, where=str(address), hint="Plan again.")
        if not wanted:
            self._session.record(record)
            self._nothing_made.add(address)
            trains = operation.step is Step.TRAIN and address in self._desired.models
            more = "; plan again" if trains and self._mode is PlanMode.NORMAL else ""
            return StartedStep(finish=lambda _: f"(it was never received{more})")
        refused = self._refused(change, operation)
        if refused is not None:
            self._session.record(record)
            raise refused
        intent = self._intents.renewed(address, operation)
        call = self._call(change, record, intent)
        self._intend(with_operation(record, intent), intent)
        return StartedStep(call, intent)

    def _refused(self, change: Change, operation: RecordedOperation) -> PlanRefused | None:
        """Why a call that an earlier run began may not be sent by this one."""
        try:
            self._check(change, operation)
        except PlanRefused as error:
            return error
        return None

    def ended(self, change: Change, operation: RecordedOperation, answer: Operation) -> str | None:
        """Record the end of an operation and say what came of it.

        Raises OperationFailed when it ended with an error.
        """
        record = self._record_of(change.address)
        if answer.error is not None:
            notice = self._notice(change, operation, answer)
            charge = self._charge(change, operation, answer, None)
            self._session.record(without_operation(record, operation), None, notice, charge)
            self.notices.send(notice)
            cost = describe_spending(operation, current_meter(self._provider), self._prices, answer)
            if change.action is Action.CANCEL and answer.error.code == CANCELLED:
                return f"(what it used is billed: {cost})" if cost else None
            if change.action is Action.RESUME and change.after is None and operation.step in MAKES:
                # The plan knew of it, or wants nothing of it: what needs this goes on.
                self._nothing_made.add(change.address)
                how = "it was cancelled" if answer.error.code == CANCELLED else "it had failed"
                return f"({how}{f': {cost}' if cost else ''})"
            if answer.error.code == CANCELLED:
                raise OperationCancelled(
                    f"{operation.step} was cancelled" + (f": {cost}." if cost else "."),
                    where=f"operation {answer.id}",
                    hint="What it used is billed.",
                )
            raise OperationFailed(
                f"{operation.step} failed: {answer.error.message or 'the service says no more'}",
                where=f"operation {answer.id}",
                hint="Mend the cause and apply again; what else was done is recorded.",
            )
        if answer.result_id is None and operation.step in MAKING:
            # As an intent again, so that the next run finds the object by its label.
            self._session.record(with_operation(record, replace(operation, id=None)))
            raise OperationFailed(
                f"{operation.step} ended well, but the service does not say what it made.",
                where=f"operation {answer.id}",
                hint="The next plan looks for it by its label.",
            )
        operation = placed(self._gated(change, operation), answer)
        if answer.result_id is not None and mark_in(operation.token, "") is None:
            self._check_ours(change, operation, answer.result_id)
        partial = self._calls.imported(operation, answer)
        result, made = as_candidate(change, operation), answer.result_id
        record = after_operation(record, result, made=made, when=utc_now(), partial=partial)
        ended = self._ended_entry(change, operation, answer)
        notice = self._notice(change, operation, answer, answer.result_id, ended)
        charge = self._charge(change, operation, answer, answer.result_id)
        self._session.record(self._with_protection(record, operation), ended, notice, charge)
        self.notices.send(notice)
        return self._calls.outcome(change, operation, answer, partial)

    def _charge(
        self,
        change: Change,
        operation: RecordedOperation,
        answer: Operation | None,
        made: str | None,
    ) -> Charge | None:
        return charge_at_end(self._provider, self._prices, change.address, operation, answer, made)

    def expectation(self, change: Change, operation: RecordedOperation) -> Expectation | None:
        """What the history makes expect of an operation."""
        examples, history = self._examples(change, operation), self._session.state.history
        begun = change.action in STEPS
        return self._expectations.of(operation, examples, history, begun=begun)

    def _notice(
        self,
        change: Change,
        operation: RecordedOperation,
        answer: Operation | None,
        made: str | None = None,
        entry: Entry | None = None,
    ) -> tuple[str, Notice] | None:
        """What is to be told of an end, before it is recorded; `answer` as in `OperationEnd`."""
        former = self._record_of(change.address).current if operation.step is Step.TRAIN else None
        expected = self.expectation(change, operation)
        ended = OperationEnd(
            change.address,
            operation,
            answer,
            made,
            None if entry is None else entry[1],
            None if expected is None else expected.outlook.forecast(),
            former,
        )
        return self.notices.of_end(ended, str(change.action))

    def _ended_entry(
        self, change: Change, operation: RecordedOperation, answer: Operation
    ) -> Entry | None:
        followed = change.action in STEPS
        return entry_of(operation, answer, self._examples(change, operation), followed=followed)

    def _examples(self, change: Change, operation: RecordedOperation) -> int | None:
        resources = self._session.state.resources
        return examples_of(operation, change.address, self._desired, resources)

    def _check_ours(self, change: Change, operation: RecordedOperation, made: str) -> None:
        """After a rebuilt state took an operation up: whether what it made is ours."""
        lineage = self._session.state.lineage
        if is_ours(self._provider, lineage, change.address, operation, made):
            return
        self._session.record(without_operation(self._record_of(change.address), operation))
        raise OperationFailed(
            f"{made}, which an operation made that the rebuilt state took up, is not what "
            f"{change.address} declares.",
            where=f"operation {operation.id}",
            hint="Now that it has ended, its labels tell what it is: move the state away, and make "
            "it anew with `automl-plan state rebuild`.",
        )

    def _gated(self, change: Change, operation: RecordedOperation) -> RecordedOperation:
        """A gate that was declared while a training ran is asked all the same."""
        model = self._desired.models.get(change.address)
        gated = model is not None and model.require is not None
        return replace(operation, gated=True) if gated else operation

    def _with_protection(
        self, record: RecordedResource, operation: RecordedOperation
    ) -> RecordedResource:
        """Record as protected what was made with the label that says so."""
        address = record.address
        declared = self._desired.datasets.get(address) or self._desired.models.get(address)
        if declared is None or operation.step not in MAKING:
            return record
        return replace(record, protected=declared.lifecycle.prevent_destroy)

    def _record_of(self, address: Address) -> RecordedResource:
        return self._session.state.resources.get(address) or RecordedResource(address)

    def _open_operation(self, change: Change) -> RecordedOperation:
        for operation in self._record_of(change.address).operations:
            if operation.id == change.operation_id and (
                operation.id is not None or operation.object_id == change.object_id
            ):
                return operation
        name = change.operation_id
        what = f"operation {name}" if name else "call without an answer"
        raise PlanStale(
            f"The {what} of {change.address} is not open any more: another run has recorded what "
            "came of it.",
            hint="Plan again.",
        )


def _raising(error: PlanRefused) -> Callable[[], object]:
    def call() -> object:
        raise error

    return call
