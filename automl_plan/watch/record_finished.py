"""Records operations that ended, as the run would have that waits for them."""

from __future__ import annotations

from collections.abc import Iterator

from automl_plan.errors import OperationFailed, ProviderError
from automl_plan.execution.calls import Calls
from automl_plan.execution.outcomes import OutcomeRecorder
from automl_plan.model.address import Address
from automl_plan.model.recorded import RecordedOperation, RecordedResource, Step
from automl_plan.notifications.outbox import Notices, open_notices
from automl_plan.notifications.texts import OperationEnd
from automl_plan.planning.options import PlanOptions
from automl_plan.planning.projection import resume
from automl_plan.recovery.interrupted_calls import Finding, Verdict
from automl_plan.state.store import StateSession
from automl_plan.watch.snapshot import Snapshot, WatchEvent, WatchEventType
from automl_plan.workspace.billing import charge_at_end
from automl_plan.workspace.workspace import Workspace

_UNKNOWN = "whether it matches the configuration is unknown. Next: automl-plan plan"
_OTHERWISE = "it differs from the configuration. Next: automl-plan plan"


def record_finished(
    workspace: Workspace, session: StateSession, snapshot: Snapshot
) -> Iterator[WatchEvent]:
    """Record the operations of a snapshot that ended, with their messages; yield each.

    The state must be that of the snapshot. Raises StateUnwritable.
    """
    configuration, provider = workspace.configuration, workspace.provider
    notices = open_notices(workspace, session, deferred=True)
    notices.resume()
    calls = Calls(
        provider, snapshot.desired, session.manifests, workspace.open_sources, PlanOptions()
    )
    prices = configuration.prices
    outcomes = OutcomeRecorder(provider, session, snapshot.desired, prices, notices, calls)
    for address, record, finding in snapshot.settled:
        yield from _settled(workspace, session, notices, address, record, finding)
    for _, record in sorted(snapshot.state.resources.items()):
        for operation in record.operations:
            if operation.id is not None:
                yield from _record_operation(outcomes, snapshot, record, operation)


def _settled(
    workspace: Workspace,
    session: StateSession,
    notices: Notices,
    address: Address,
    record: RecordedResource,
    finding: Finding,
) -> Iterator[WatchEvent]:
    """Record the outcome of an interrupted call."""
    intent = finding.intent
    if finding.verdict is not Verdict.ARRIVED:
        session.record(record)
        return
    ended = OperationEnd(address, intent, finding.operation, finding.made)
    charge = charge_at_end(
        workspace.provider,
        workspace.configuration.prices,
        address,
        intent,
        finding.operation,
        finding.made,
    )
    session.record(record, notice=notices.end_notice(ended, str(intent.step)), charge=charge)
    text = f"{address}: interrupted {intent.step} ended: {finding.made}"
    yield WatchEvent(WatchEventType.ENDED, text, str(address), intent.id)


def _record_operation(
    outcomes: OutcomeRecorder,
    snapshot: Snapshot,
    record: RecordedResource,
    operation: RecordedOperation,
) -> Iterator[WatchEvent]:
    """Record one operation, by its status."""
    assert operation.id is not None  # noqa: S101 (the caller looked)
    address, answer = record.address, snapshot.answers.get(operation.id)
    change = resume(record, operation)
    if answer is None:
        outcomes.on_lost(change, operation)
        return
    if not answer.done or (answer.has_next_step and answer.error is None):
        return
    why = ""
    if operation.step is Step.TRAIN and answer.error is None:
        planned = None if snapshot.changes is None else snapshot.changes.get(operation.id)
        if planned is not None and planned.address != address:
            planned = None  # it will be moved, by an apply
        # Where it is not known whether it is wanted, it replaces nothing before a plan.
        change = planned or resume(record, operation, wanted=False)
        if change.after is None:
            why = "; it is a candidate: " + (_UNKNOWN if planned is None else _OTHERWISE)
    about = (str(address), operation.id)
    try:
        outcome = outcomes.on_finished(change, operation, answer)
    except OperationFailed as error:
        yield WatchEvent(WatchEventType.FAILED, f"{address}: {error.message}", *about)
    except ProviderError:
        return  # asked again at the next snapshot
    else:
        made = f": {outcome}{why}" if outcome else why
        yield WatchEvent(WatchEventType.ENDED, f"{address}: {operation.step} ended{made}", *about)
