"""Applies a plan."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence

from msgspec.structs import replace

from automl_plan.errors import Interrupted, OperationCancelled, PlanStale
from automl_plan.execution.calls import Calls
from automl_plan.execution.events import ApplyResult, Event, left_text
from automl_plan.execution.executor import Executor
from automl_plan.execution.outcomes import OutcomeRecorder
from automl_plan.execution.paid_call_guard import PaidCallGuard
from automl_plan.execution.poller import OperationPoller
from automl_plan.execution.signals import stopped_by_signals
from automl_plan.execution.steps import Steps
from automl_plan.execution.synchronous_steps import SynchronousSteps
from automl_plan.model.json import Attributes, Json
from automl_plan.model.prices import PriceBook
from automl_plan.model.recorded import Decision, RecordedObject, RecordedResource
from automl_plan.model.transitions import without_object
from automl_plan.notifications.outbox import Notices, open_notices, record_new
from automl_plan.notifications.texts import OperationEnd
from automl_plan.planning.drift import gained_protection, recordable
from automl_plan.planning.findings import busy_addresses, drift_findings
from automl_plan.planning.options import PlanMode
from automl_plan.planning.plan import Action, Difference, Drift
from automl_plan.planning.refusals import RefusalContext, find_refusals
from automl_plan.providers.protocol import Provider
from automl_plan.recovery.intents import Intents
from automl_plan.recovery.interrupted_calls import Verdict, open_intents, settle_intents
from automl_plan.state.store import StateSession
from automl_plan.workspace.billing import charge_at_end
from automl_plan.workspace.bound_plan import BoundPlan
from automl_plan.workspace.check_refusals import ResendCheck, raise_if_refused
from automl_plan.workspace.data_checks import with_lint
from automl_plan.workspace.plan_inputs import gather_inputs
from automl_plan.workspace.stale_plan import check_plan_is_current
from automl_plan.workspace.workspace import Workspace


def apply(
    workspace: Workspace,
    planned: BoundPlan,
    *,
    parallelism: int = 10,
    detach: bool = False,
    cancel_when_stopped: bool = False,
    on_event: Callable[[Event], None],
    command: str = "apply",
    lock_timeout: float = 0.0,
    decision: Decision | None = None,
) -> ApplyResult:
    """Carry out a plan; each step is recorded in the state before the next one starts.

    Changes that fail are in the result; those that depend on them are skipped, the others
    continue. `decision` is a person's, for promotions. Raises PlanRefused and PlanStale before
    anything is sent, StateLocked, StateUnwritable, Interrupted.
    """
    refusal_context = _check_refusals(workspace, planned)
    with workspace.open_state(timeout=lock_timeout, command=command) as session:
        check_plan_is_current(planned, workspace, session.state)
        if session.moved:
            raise PlanStale(
                "Another run changed the state after the plan was made.", hint="Plan again."
            )
        interrupted = any(open_intents(record) for record in session.state.resources.values())
        waiting = workspace.configuration.receivers and session.state.outbox
        if planned.empty and not planned.plan.drift and not interrupted and not waiting:
            return ApplyResult()
        provider = workspace.provider
        session.bind(provider.identity)
        notices = open_notices(workspace, session)
        _settle(session, provider, planned, notices, workspace.configuration.prices)
        notices.resume()
        for record in _with_endpoints(planned, session):
            session.record(record)
        # Accepting drift clears it, so report it now. Expirations persist; `watch` reports them.
        drift = planned.plan.drift
        found = drift_findings(drift, busy_addresses(session.state.resources))
        for notice in record_new(session, found, workspace.configuration.receivers):
            notices.stage(notice)
        _accept_drift(session, drift, all_of_it=planned.mode is PlanMode.REFRESH_ONLY)
        adopted = {c.object_id for c in planned.plan.changes if c.action is Action.IMPORT}
        own = {each for each in adopted if each is not None}
        desired, options = planned.desired, planned.options
        prices, given = workspace.configuration.prices, workspace.configuration.given_values
        calls = Calls(provider, desired, session.manifests, workspace.open_sources, options)
        synchronous = SynchronousSteps(provider, session, desired, notices, decision)
        outcomes = OutcomeRecorder(provider, session, desired, prices, notices, calls)
        steps = Steps(
            session,
            Intents(session, desired, planned.sources, lambda: workspace.commit, given),
            calls,
            synchronous,
            outcomes,
            check=ResendCheck(planned.plan.changes, refusal_context, workspace).check,
            replans=options.mode is PlanMode.NORMAL,
            own=own,
        )
        declared = (*desired.datasets, *desired.models)
        executor = Executor(
            planned.plan.changes,
            steps,
            outcomes,
            PaidCallGuard(provider, session, planned.lineage, declared, own),
            OperationPoller(provider.active_operations, provider.recent_operations),
            notices,
            parallelism=parallelism,
            detach=detach,
            cancel_when_stopped=cancel_when_stopped,
            on_event=on_event,
        )
        with stopped_by_signals(executor):
            result = replace(executor.run(), gates=tuple(synchronous.reports))
            notices.close()
    if executor.stopped:
        raise _interrupted(result, workspace.follow)
    return result


def _check_refusals(workspace: Workspace, planned: BoundPlan) -> RefusalContext:
    """Judge the changes again, and return what they were judged by. Raises PlanRefused."""
    refusal_context = planned.refusal_context
    if refusal_context is None:  # of a saved plan
        inputs = gather_inputs(workspace, refresh=planned.options.refresh)
        refusal_context = inputs.refusal_context(planned.options)
    refusal_context = with_lint(refusal_context, planned.plan.changes, workspace)
    found = find_refusals(planned.plan.changes, refusal_context)
    raise_if_refused((*planned.plan.refused, *found.refused))
    return refusal_context


def _with_endpoints(planned: BoundPlan, session: StateSession) -> list[RecordedResource]:
    """Return records with the endpoints that the plan found, where version 0.1 recorded none.

    Returns nothing for a plan without changes.
    """
    resources = session.state.resources if planned.plan.changes else {}
    return [
        replace(resources[address], endpoint=home)
        for address, home in planned.plan.endpoints.items()
        if address in resources and resources[address].endpoint is None
    ]


def _settle(
    session: StateSession,
    provider: Provider,
    planned: BoundPlan,
    notices: Notices,
    prices: PriceBook,
) -> None:
    """Record the outcomes of interrupted calls, as the plan assumed them.

    Calls whose outcome was unknown then are followed by a `resume` of the plan.
    """
    changes = planned.plan.changes
    resumes = [change for change in changes if change.action is Action.RESUME]
    resumed = {(c.address, c.object_id) for c in resumes if c.operation_id is None}
    touched = {change.address for change in changes}
    named = {(c.address, c.operation_id) for c in changes}
    followed = {
        intent.token
        for address, record in session.state.resources.items()
        for intent in open_intents(record)
        if (address, intent.object_id) in resumed
    }
    settled, found = settle_intents(
        session.state.resources,
        provider,
        but=followed,
        followed=[change.operation_id for change in resumes],
        desired=planned.desired,
    )
    for address, finding in found:
        unseen = finding.verdict is Verdict.OPEN or (
            finding.operation is not None
            and finding.verdict is Verdict.FOUND
            and (address, finding.operation.id) not in named
        )
        if unseen and address in touched:
            raise PlanStale(
                f"{address}: an interrupted call ({finding.intent.step}) may have arrived after "
                "the plan was made.",
                hint="Plan again.",
            )
    arrived = {address: f for address, f in found if f.verdict is Verdict.ARRIVED}
    for address, record in settled.items():
        notice, charge = None, None
        came = arrived.get(address)
        if came is not None:
            intent, made = came.intent, came.made
            notice = notices.end_notice(OperationEnd(address, intent, None, made), str(intent.step))
            charge = charge_at_end(provider, prices, address, intent, came.operation, made)
        session.record(record, notice=notice, charge=charge)


def _accept_drift(session: StateSession, drift: Sequence[Drift], *, all_of_it: bool) -> None:
    """Record the live attributes of drifted objects.

    `all_of_it`: also forget objects that are gone, and accept versions that others trained.
    """
    for item in drift:
        record = session.state.resources.get(item.address)
        if item.trained is not None:
            if all_of_it and record is not None and item.object_id not in record.foreign:
                foreign = (*record.foreign, item.object_id)
                session.record(replace(record, foreign=foreign))
            continue
        if record is None:
            continue
        if not item.gone:
            accepted = _with_live_attributes(record, item.object_id, recordable(item))
            if gained_protection(item):
                accepted = replace(accepted, protected=True)
            if accepted != record:
                session.record(accepted)
            for found in drift_findings([item]):
                if found.key in session.state.noticed:
                    session.record_cleared(found.key)
        elif all_of_it:
            session.record(without_object(record, item.object_id))


def _with_live_attributes(
    record: RecordedResource, object_id: str, differences: Sequence[Difference]
) -> RecordedResource:
    def accept(obj: RecordedObject) -> RecordedObject:
        if obj.id != object_id:
            return obj
        return replace(obj, attributes=_changed_attributes(obj.attributes, differences))

    current = None if record.current is None else accept(record.current)
    return replace(record, current=current, others=tuple(map(accept, record.others)))


def _changed_attributes(
    attributes: Attributes, differences: Sequence[Difference]
) -> dict[str, Json]:
    """Return the attributes with each differing leaf set to its live value; None removes it."""
    result = copy.deepcopy(dict(attributes))
    for difference in differences:
        *parents, leaf = difference.path.split(".")
        node: dict[str, Json] = result
        for parent in parents:
            child = node.setdefault(parent, {})
            if not isinstance(child, dict):
                break
            node = child
        if difference.after is None:
            node.pop(leaf, None)
        else:
            node[leaf] = difference.after
    return result


def _interrupted(result: ApplyResult, follow: str) -> Interrupted:
    cancelled = [f.error for f in result.failed if isinstance(f.error, OperationCancelled)]
    messages = [str(error.message) for error in cancelled]
    if not result.running:
        summary = "Interrupted; the state is saved and nothing is left running."
        return Interrupted("\n".join([summary, *messages]))
    summary = f"Interrupted; the state is saved. {left_text(result.left)}."
    return Interrupted(
        "\n".join([summary, *messages]),
        hint=f"Follow it with `{follow}`, or cancel it with `automl-plan operations cancel ID` "
        "(used node hours are billed).",
    )
