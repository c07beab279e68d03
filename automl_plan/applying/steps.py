"""What each change sends, and what its beginning and end leave in the state.

All of this but the calls themselves runs on one thread, which alone writes the state.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from automl_plan.errors import (
    Cancelled,
    DataLoss,
    DeadlineExceeded,
    Internal,
    OperationCancelled,
    OperationFailed,
    PlanStale,
    ProviderError,
    TransportError,
    Unavailable,
    Unknown,
)
from automl_plan.planning.plan import Action, Change
from automl_plan.providers.protocol import Provider
from automl_plan.resources.address import Address
from automl_plan.resources.desired import Desired, DesiredDataset
from automl_plan.resources.fields import FIELDS, Mutability
from automl_plan.resources.json import Json
from automl_plan.resources.live import TOKEN_LABEL, Operation, SourceData
from automl_plan.resources.recorded import RecordedOperation, RecordedResource, Step
from automl_plan.resources.transitions import (
    after_operation,
    retired,
    with_attributes,
    with_operation,
    without_object,
    without_operation,
)
from automl_plan.state.store import StateSession

Call = Callable[[], Operation | None]

CANCELLED = 1
"""google.rpc.Code.CANCELLED."""

_STEPS = {
    Action.CREATE: Step.CREATE,
    Action.IMPORT_DATA: Step.IMPORT_DATA,
    Action.TRAIN: Step.TRAIN,
    Action.RETRAIN: Step.TRAIN,
    Action.DEPLOY: Step.DEPLOY,
    Action.UNDEPLOY: Step.UNDEPLOY,
    Action.DELETE: Step.DELETE,
}
_MAKING = frozenset({Step.CREATE, Step.TRAIN})
"""Steps that make an object."""
_REPEATABLE = frozenset({Step.DEPLOY, Step.UNDEPLOY, Step.DELETE})
"""Steps that have no further effect when they are sent again (proto: AutoMl service)."""
_UNDECIDED = (Cancelled, DataLoss, DeadlineExceeded, Internal, Unavailable, Unknown)
"""Answers after which the service may have acted all the same."""


@dataclass(frozen=True, slots=True)
class Begun:
    """A change under way. `call` is what remains to be sent, `operation` what is recorded."""

    call: Call | None = None
    operation: RecordedOperation | None = None


class Steps:
    """Begins and ends changes against one provider and one open state."""

    def __init__(
        self,
        provider: Provider,
        session: StateSession,
        desired: Desired,
        sources: Mapping[Address, SourceData],
    ) -> None:
        self._provider = provider
        self._session = session
        self._desired = desired
        self._sources = sources

    def begin(self, change: Change) -> Begun:
        """Journal what is about to be sent. Raises StateUnwritable, and then sends nothing."""
        match change.action:
            case Action.FORGET:
                record = self._record_of(change.address)
                self._session.record(without_object(record, change.object_id))
                return Begun()
            case Action.UPDATE:
                return Begun(call=self._update(change))
            case Action.RESUME:
                return Begun(operation=self._open_operation(change))
            case Action.CANCEL:
                operation = self._open_operation(change)
                return Begun(call=self._cancel(change), operation=operation)
            case _:
                operation = self._intent(change)
                call = self._call(change, operation)
                self._session.record(with_operation(self._record_of(change.address), operation))
                return Begun(call, operation)

    def answered(
        self, change: Change, operation: RecordedOperation, answer: Operation
    ) -> RecordedOperation:
        """Journal the name of the operation that a call opened."""
        operation = replace(operation, id=answer.id)
        self._session.record(with_operation(self._record_of(change.address), operation))
        return operation

    def nothing_to_wait_for(self, change: Change, operation: RecordedOperation | None) -> None:
        """Record a call that was done when it answered."""
        record = self._record_of(change.address)
        if operation is not None:
            self._session.record(after_operation(record, operation, when=_now()))
        elif change.action is Action.UPDATE and record.current is not None:
            changed = self._mutable(change)
            self._session.record(replace(record, current=with_attributes(record.current, changed)))

    def refused(self, change: Change, operation: RecordedOperation, error: ProviderError) -> bool:
        """Record that a call failed; whether it is now certain that it had no effect.

        Where that is not certain the intent stays, for the next run to settle.
        """
        undecided = isinstance(error, _UNDECIDED) or (
            isinstance(error, TransportError) and error.sent
        )
        if undecided and operation.step not in _REPEATABLE:
            return False
        self._session.record(without_operation(self._record_of(change.address), operation))
        return True

    def never_sent(self, change: Change, operation: RecordedOperation) -> None:
        """Record that a change was given up before its call was sent."""
        self._session.record(without_operation(self._record_of(change.address), operation))

    def ended(self, change: Change, operation: RecordedOperation, answer: Operation) -> str | None:
        """Record the end of an operation and say what came of it.

        Raises OperationFailed when it ended with an error.
        """
        record = self._record_of(change.address)
        if answer.error is not None:
            self._session.record(without_operation(record, operation))
            if change.action is Action.CANCEL and answer.error.code == CANCELLED:
                return "cancelled; the node hours it used so far are billed"
            kind = OperationCancelled if answer.error.code == CANCELLED else OperationFailed
            raise kind(
                f"{operation.step} failed: {answer.error.message or 'the service says no more'}",
                where=f"operation {answer.id}",
                hint="Mend the cause and apply again; what else was done is recorded.",
            )
        if answer.made is None and operation.step in _MAKING:
            # As an intent again, so that the next run finds the object by its label.
            self._session.record(with_operation(record, replace(operation, id=None)))
            raise OperationFailed(
                f"{operation.step} ended well, but the service does not say what it made.",
                where=f"operation {answer.id}",
                hint="The next plan looks for it by its label.",
            )
        record = after_operation(record, operation, made=answer.made, when=_now())
        if change.action is Action.CANCEL:
            record = retired(record)
        self._session.record(record)
        return _outcome(change, operation, answer)

    # -- intents ---------------------------------------------------------------------------

    def _intent(self, change: Change) -> RecordedOperation:
        address, step = change.address, _STEPS[change.action]
        after = dict(change.after or {})
        intent = RecordedOperation(step, token=secrets.token_hex(16), started=_now())
        match step:
            case Step.CREATE:
                after.pop("data", None)
                return replace(intent, attributes=after)
            case Step.TRAIN:
                after.pop("deploy", None)
                dataset = self._desired.models[address].dataset
                return replace(intent, attributes=after, dataset_id=self._current_id(dataset))
            case Step.IMPORT_DATA:
                data = self._sources[address]
                return replace(
                    intent,
                    object_id=change.object_id or self._current_id(address),
                    attributes={"data": data.fingerprint},
                    examples=data.examples,
                    labelled_examples=data.labelled_examples,
                )
            case Step.DEPLOY:
                return replace(
                    intent,
                    object_id=change.object_id or self._current_id(address),
                    attributes={"deploy": after["deploy"]},
                )
            case Step.UNDEPLOY | Step.DELETE:
                return replace(intent, object_id=change.object_id or self._current_id(address))

    # -- calls -----------------------------------------------------------------------------

    def _call(self, change: Change, intent: RecordedOperation) -> Call:
        provider, address = self._provider, change.address
        own_labels = {TOKEN_LABEL: intent.token}
        match intent.step:
            case Step.CREATE:
                dataset = self._desired.datasets[address]
                return lambda: provider.create_dataset(dataset, own_labels)
            case Step.IMPORT_DATA:
                return self._import(self._desired.datasets[address], _id(intent))
            case Step.TRAIN:
                model, dataset_id = self._desired.models[address], intent.dataset_id
                assert dataset_id is not None  # noqa: S101 (_intent has just set it)
                return lambda: provider.train(model, dataset_id, own_labels)
            case Step.DEPLOY:
                nodes = self._desired.models[address].node_count or 1
                return lambda: provider.deploy(provider.model(_id(intent)), nodes)
            case Step.UNDEPLOY:
                return lambda: provider.undeploy(_id(intent))
            case Step.DELETE:
                return lambda: provider.delete(address.kind, _id(intent))

    def _import(self, dataset: DesiredDataset, object_id: str) -> Call:
        provider, planned = self._provider, dataset.data

        def call() -> Operation:
            if provider.read_sources(dataset.sources).fingerprint != planned:
                raise PlanStale(
                    f"The sources of {dataset.address} changed after the plan was made.",
                    hint="Plan again, and look at what it says.",
                )
            return provider.import_data(object_id, dataset.sources)

        return call

    def _update(self, change: Change) -> Call:
        provider, address = self._provider, change.address
        object_id = change.object_id or self._current_id(address)
        changed = self._mutable(change)

        def call() -> None:
            provider.update(address.kind, object_id, changed)

        return call

    def _cancel(self, change: Change) -> Call:
        provider, operation_id = self._provider, change.operation_id or ""

        def call() -> None:
            provider.cancel(operation_id)

        return call

    # -- records ---------------------------------------------------------------------------

    def _record_of(self, address: Address) -> RecordedResource:
        return self._session.state.resources.get(address) or RecordedResource(address)

    def _current_id(self, address: Address) -> str:
        current = self._record_of(address).current
        if current is None:
            raise PlanStale(
                f"{address} should exist by now, but is not recorded.", hint="Plan again."
            )
        return current.id

    def _open_operation(self, change: Change) -> RecordedOperation:
        for operation in self._record_of(change.address).operations:
            if operation.id == change.operation_id:
                return operation
        raise PlanStale(
            f"The operation {change.operation_id} of {change.address} is not open any more.",
            hint="Plan again.",
        )

    @staticmethod
    def _mutable(change: Change) -> dict[str, Json]:
        """The whole desired values of the mutable fields that differ."""
        touched = {difference.path.partition(".")[0] for difference in change.differences}
        after = change.after or {}
        return {
            field.path: after.get(field.path)
            for field in FIELDS[change.address.kind]
            if field.mutability is Mutability.MUTABLE and field.path in touched
        }


def _id(operation: RecordedOperation) -> str:
    assert operation.object_id is not None  # noqa: S101 (steps on an object always have one)
    return operation.object_id


def _outcome(change: Change, operation: RecordedOperation, answer: Operation) -> str | None:
    if change.action is Action.CANCEL:
        return "too late: it had finished; what it made is deleted by the next apply"
    if answer.partial_failures:
        count = len(answer.partial_failures)
        return f"{count} rows were refused; the first: {answer.partial_failures[0]}"
    return answer.made or operation.object_id


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
