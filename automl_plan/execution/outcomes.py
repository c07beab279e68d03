"""Records how operations ended, with their messages, costs and durations."""

from __future__ import annotations

from msgspec.structs import replace

from automl_plan.errors import ImportPartial, OperationCancelled, OperationFailed
from automl_plan.execution.calls import Calls
from automl_plan.execution.durations import Entry, Expectation, Expectations, entry_of, examples_of
from automl_plan.model.address import Address
from automl_plan.model.desired import Desired
from automl_plan.model.history import Charge
from automl_plan.model.live import Operation
from automl_plan.model.notices import Notice
from automl_plan.model.ownership_labels import address_digest_in
from automl_plan.model.prices import PriceBook
from automl_plan.model.recorded import (
    MAKING,
    PartialImport,
    RecordedOperation,
    RecordedResource,
    Step,
)
from automl_plan.model.timestamps import utc_now
from automl_plan.model.transitions import (
    after_operation,
    placed,
    with_operation,
    without_operation,
)
from automl_plan.notifications.outbox import Notices
from automl_plan.notifications.texts import OperationEnd
from automl_plan.planning.cost import describe_spending
from automl_plan.planning.notes import fewer_trained_text
from automl_plan.planning.plan import Action, Change
from automl_plan.planning.projection import MAKES
from automl_plan.planning.reasons import refused_rows
from automl_plan.providers.protocol import Provider
from automl_plan.recovery.intents import STEPS
from automl_plan.recovery.running_operations import is_ours
from automl_plan.state.store import StateSession
from automl_plan.workspace.billing import charge_at_end, current_meter


class OutcomeRecorder:
    """Records the outcomes of operations in one open state."""

    def __init__(
        self,
        provider: Provider,
        session: StateSession,
        desired: Desired,
        prices: PriceBook,
        notices: Notices,
        calls: Calls,
    ) -> None:
        """`calls` knows what was imported by this run, and what its trainings were found to
        lack."""
        self._provider = provider
        self._session = session
        self._desired = desired
        self._prices = prices
        self._notices = notices
        self._calls = calls
        self._expectations = Expectations(provider.capabilities.model_types)
        self.made_nothing: set[Address] = set()
        """Where a resumed operation was expected to make what the plan deletes, and did not."""

    def on_lost(self, change: Change, operation: RecordedOperation) -> RecordedOperation:
        """Turn an operation that the service has forgotten back into an intent to be settled."""
        intent = replace(operation, id=None)
        self._session.record(with_operation(self._record_of(change.address), intent))
        return intent

    def on_found(
        self, change: Change, operation: RecordedOperation, made: str | None
    ) -> str | None:
        """Record what an unanswered call made."""
        operation = self._gated(change, operation)
        record = self._record_of(change.address)
        notice = self._notice(change, operation, None, made)
        result = _as_candidate(change, operation)
        record = after_operation(record, result, made=made, when=utc_now())
        charge = self._charge(change, operation, None, made)
        self._session.record(self._with_protection(record, operation), None, notice, charge)
        self._notices.stage(notice)
        return made

    def on_finished(
        self, change: Change, operation: RecordedOperation, answer: Operation
    ) -> str | None:
        """Record the end of an operation and describe it.

        Raises OperationFailed when it ended with an error.
        """
        record, made = self._record_of(change.address), answer.result_id
        if answer.error is not None:
            return self._record_failure(change, operation, answer)
        if made is None and operation.step in MAKING:
            # As an intent again, so that the next run finds the object by its label.
            self._session.record(with_operation(record, replace(operation, id=None)))
            raise OperationFailed(
                f"{operation.step} ended well, but the service does not report what it made.",
                where=f"operation {answer.id}",
                hint="The next plan looks for it by its label.",
            )
        operation = placed(self._gated(change, operation), answer)
        if made is not None and address_digest_in(operation.token, "") is None:
            self._check_ours(change, operation, made)
        partial = self._calls.partial_import(operation, answer)
        result = _as_candidate(change, operation)
        record = after_operation(
            record, result, made=made, when=utc_now(), partial=partial, ended=answer.update_time
        )
        entry = self.history_entry(change, operation, answer)
        notice = self._notice(change, operation, answer, made, entry)
        charge = self._charge(change, operation, answer, made)
        self._session.record(self._with_protection(record, operation), entry, notice, charge)
        self._notices.stage(notice)
        return self._description(change, operation, answer, partial)

    def expectation(self, change: Change, operation: RecordedOperation) -> Expectation | None:
        """Return how long the history expects an operation to take; None without any like it."""
        examples, history = self.examples(change, operation), self._session.state.history
        begun = change.action in STEPS
        return self._expectations.of(operation, examples, history, begun=begun)

    def history_entry(
        self, change: Change, operation: RecordedOperation, answer: Operation
    ) -> Entry | None:
        """Return what the history keeps of an operation that ended well; None of short ones."""
        followed = change.action in STEPS
        return entry_of(operation, answer, self.examples(change, operation), followed=followed)

    def examples(self, change: Change, operation: RecordedOperation) -> int | None:
        """Return the number of images that an operation works on, where that is recorded."""
        resources = self._session.state.resources
        return examples_of(operation, change.address, self._desired, resources)

    def _record_failure(
        self, change: Change, operation: RecordedOperation, answer: Operation
    ) -> str | None:
        """Record an end with an error. Describes one that the plan allows for; raises others."""
        assert answer.error is not None  # noqa: S101 (the caller looked)
        record = self._record_of(change.address)
        notice = self._notice(change, operation, answer)
        charge = self._charge(change, operation, answer, None)
        self._session.record(without_operation(record, operation), None, notice, charge)
        self._notices.stage(notice)
        cancelled = answer.error.cancelled
        cost = describe_spending(operation, current_meter(self._provider), self._prices, answer)
        if change.action is Action.CANCEL and cancelled:
            return f"(what it used is billed: {cost})" if cost else None
        if change.action is Action.RESUME and change.after is None and operation.step in MAKES:
            # The plan expected it, or does not want the result: what depends on this continues.
            self.made_nothing.add(change.address)
            how = "it was cancelled" if cancelled else "it had failed"
            return f"({how}{f': {cost}' if cost else ''})"
        if cancelled:
            raise OperationCancelled(
                f"{operation.step} was cancelled" + (f": {cost}." if cost else "."),
                where=f"operation {answer.id}",
                hint="What it used is billed.",
            )
        raise OperationFailed(
            f"{operation.step} failed: {answer.error.message or 'the service gives no reason'}",
            where=f"operation {answer.id}",
            hint="Fix the cause and apply again; what else was done is recorded.",
        )

    def _description(
        self,
        change: Change,
        operation: RecordedOperation,
        answer: Operation,
        partial: PartialImport | None,
    ) -> str | None:
        """Describe the result of an operation that ended well. Raises ImportPartial."""
        if change.action is Action.CANCEL:
            meter = current_meter(self._provider)
            cost = describe_spending(operation, meter, self._prices, answer)
            billed = f" and is billed ({cost})" if cost else ""
            return f"too late: it had finished{billed}; the next apply deletes what it made"
        if partial is not None and not partial.allowed:
            raise ImportPartial(
                f"the service refused {refused_rows(partial.rows)}.",
                where=f"operation {answer.id}",
                hint="Fix them and apply again: unchanged sources are imported again, changed "
                "sources need a new dataset. --allow-partial-import trains without them.",
            )
        if partial is not None:
            return f"without {refused_rows(partial.rows)}"
        fewer = fewer_trained_text(operation.labelled_examples, answer.trained_items)
        remarks = (self._calls.remarks.get(operation.token), fewer and f"WARNING: it {fewer}")
        made, told = answer.result_id or operation.object_id, "; ".join(filter(None, remarks))
        return f"{made} ({told})" if told else made

    def _charge(
        self,
        change: Change,
        operation: RecordedOperation,
        answer: Operation | None,
        made: str | None,
    ) -> Charge | None:
        return charge_at_end(self._provider, self._prices, change.address, operation, answer, made)

    def _notice(
        self,
        change: Change,
        operation: RecordedOperation,
        answer: Operation | None,
        made: str | None = None,
        entry: Entry | None = None,
    ) -> tuple[str, Notice] | None:
        """Return the message on an end that is not recorded yet; `answer` as in `OperationEnd`."""
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
        return self._notices.end_notice(ended, str(change.action))

    def _check_ours(self, change: Change, operation: RecordedOperation, made: str) -> None:
        """Raise OperationFailed when an operation that a rebuilt state adopted was not ours."""
        lineage = self._session.state.lineage
        if is_ours(self._provider, lineage, change.address, operation, made):
            return
        self._session.record(without_operation(self._record_of(change.address), operation))
        raise OperationFailed(
            f"{made}, the result of an operation that the rebuilt state adopted, is not what "
            f"{change.address} declares.",
            where=f"operation {operation.id}",
            hint="The operation has ended, so its labels identify it now: move the state away, and "
            "run `automl-plan state rebuild` again.",
        )

    def _gated(self, change: Change, operation: RecordedOperation) -> RecordedOperation:
        """Apply a gate that was declared while a training was running."""
        model = self._desired.models.get(change.address)
        gated = model is not None and model.require is not None
        return replace(operation, gated=True) if gated else operation

    def _with_protection(
        self, record: RecordedResource, operation: RecordedOperation
    ) -> RecordedResource:
        """Record as protected what was made with the label that protects it."""
        declared = self._desired.resource(record.address)
        if declared is None or operation.step not in MAKING:
            return record
        return replace(record, protected=declared.lifecycle.prevent_destroy)

    def _record_of(self, address: Address) -> RecordedResource:
        return self._session.state.resources.get(address) or RecordedResource(address)


def _as_candidate(change: Change, operation: RecordedOperation) -> RecordedOperation:
    """Make the result of a training that is not wanted as it is a candidate, never current."""
    resumed = change.action is Action.RESUME and change.after is not None
    unwanted = operation.step is Step.TRAIN and change.action in (Action.RESUME, Action.CANCEL)
    return replace(operation, gated=True) if unwanted and not resumed else operation
