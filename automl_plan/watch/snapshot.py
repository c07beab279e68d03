"""What a watch sees and reports. Read-only: neither state nor service is changed."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct, field
from msgspec.structs import replace

from automl_plan.errors import (
    ConfigurationError,
    PlanError,
    SourceError,
    UnsettledOperation,
    UsageError,
)
from automl_plan.model.address import Address
from automl_plan.model.desired import Desired
from automl_plan.model.homes import resolved
from automl_plan.model.live import Operation
from automl_plan.model.recorded import RecordedResource, Step
from automl_plan.planning.drift import find_drift
from automl_plan.planning.findings import (
    LastingFinding,
    busy_addresses,
    drift_findings,
    expiry_findings,
)
from automl_plan.planning.options import PlanOptions
from automl_plan.planning.plan import Action, Change
from automl_plan.recovery.interrupted_calls import Finding, Verdict, open_intents, settle_intents
from automl_plan.state.document import State
from automl_plan.workspace.make_plan import make_plan
from automl_plan.workspace.workspace import Workspace, fetch_open_operations


class WatchEventType(StrEnum):
    """What a watch found or did."""

    FOLLOWING = "following"
    """An operation is running; reported once."""
    ENDED = "ended"
    FAILED = "failed"
    LEFT = "left"
    """Something needs a person or an apply: a watch changes nothing at the service."""
    FOUND = "found"
    """Drift or expiry; reported once."""
    SENT = "sent"
    NOT_SENT = "not-sent"
    """A message could not be delivered; reported when the cause changes."""
    BUSY = "busy"
    """Another run holds the lock; reported once."""
    TROUBLE = "trouble"
    """A snapshot failed; reported when the cause changes."""


class WatchEvent(Struct, frozen=True):
    """One event. `message` is for people."""

    type: WatchEventType
    message: str
    address: str | None = None
    operation_id: str | None = None
    receiver: str | None = None
    notice_id: str | None = None


class WatchResult(Struct, frozen=True):
    """What was open when a watch ended."""

    complete: bool
    """False: the last check failed."""
    running: int = 0
    """Operations that are still running."""
    left: int = 0
    """What waits for an apply or a person."""
    waiting: int = 0
    """Messages that are still to be sent."""
    recorded: int = 0
    """Operations whose end this watch recorded."""


class Snapshot(Struct, frozen=True):
    """A read-only view of one state, its operations and findings."""

    state: State
    desired: Desired
    answers: Mapping[str, Operation] = field(default_factory=dict)
    """The status of operations by id; without those that the service has forgotten."""
    changes: Mapping[str, Change] | None = field(default_factory=dict)
    """How `wait` would continue with the trainings that ended, by operation. None: no plan can be
    made, so their results must not replace anything."""
    settled: tuple[tuple[Address, RecordedResource, Finding], ...] = ()
    """Interrupted calls whose outcome is known, with the records after them."""
    unsettled: Mapping[str, UnsettledOperation] = field(default_factory=dict)
    """Interrupted calls that a person must settle, by address."""
    undecided: int = 0
    """The number of interrupted calls whose outcome is not known yet."""
    found: tuple[LastingFinding, ...] | None = None
    """Drift and expiry; None when they were not checked."""

    @property
    def busy_addresses(self) -> frozenset[Address]:
        """The addresses that were not checked for drift."""
        return busy_addresses(self.state.resources)


def take_snapshot(workspace: Workspace, *, check_drift: bool) -> Snapshot:
    """Take a snapshot of operations, and with `check_drift` of drift and expiry.

    Raises StateError, ProviderError.
    """
    state = workspace.store.read()
    state.check_provider(workspace.provider.identity)
    snapshot = _interrupted_calls(workspace, state)
    # Operations first: the result of one that has ended must not be missing.
    answers = fetch_open_operations(state.resources, workspace.provider)
    snapshot = replace(snapshot, answers=answers)
    trained = _trained(state.resources, answers)
    if trained:
        changes, desired = _planned_changes(workspace, trained)
        snapshot = replace(snapshot, changes=changes, desired=desired)
    return (
        replace(snapshot, found=_find_drift_and_expiry(workspace, state))
        if check_drift
        else snapshot
    )


def _interrupted_calls(workspace: Workspace, state: State) -> Snapshot:
    """Find the outcomes of interrupted calls, each by itself: one must not hide another."""
    desired, resources = workspace.configuration.desired, state.resources
    tokens = {
        intent.token: address
        for address, record in resources.items()
        for intent in open_intents(record)
    }
    settled, unsettled, undecided = [], {}, 0
    for token, address in sorted(tokens.items(), key=lambda each: each[1]):
        others = tokens.keys() - {token}
        provider = workspace.provider
        try:
            records, findings = settle_intents(resources, provider, but=others, desired=desired)
        except UnsettledOperation as error:
            unsettled[str(address)] = error
            continue
        for _, finding in findings:
            if address in records:
                settled.append((address, records[address], finding))
            elif finding.verdict is Verdict.OPEN:
                undecided += 1
    return Snapshot(
        state, desired, settled=tuple(settled), unsettled=unsettled, undecided=undecided
    )


def _trained(
    resources: Mapping[Address, RecordedResource], answers: Mapping[str, Operation]
) -> frozenset[str]:
    """Return the ids of trainings that ended well."""
    ended = {each for each, answer in answers.items() if answer.done and answer.error is None}
    return frozenset(
        operation.id
        for record in resources.values()
        for operation in record.operations
        if operation.step is Step.TRAIN and operation.id is not None and operation.id in ended
    )


def _planned_changes(
    workspace: Workspace, trained: frozenset[str]
) -> tuple[Mapping[str, Change] | None, Desired]:
    """Return how `wait` would continue with trainings that ended, and what is declared."""
    try:
        planned = make_plan(workspace, PlanOptions(lint=False), resuming=())
    except (ConfigurationError, PlanError, SourceError, UnsettledOperation, UsageError):
        return None, workspace.configuration.desired
    changes = {
        change.operation_id: change
        for change in planned.plan.changes
        if change.operation_id in trained and change.action is Action.RESUME
    }
    return {str(key): change for key, change in changes.items()}, planned.desired


def _find_drift_and_expiry(workspace: Workspace, state: State) -> tuple[LastingFinding, ...]:
    """Find drift where no operation is open, and versions that expire."""
    if not state.resources:
        return ()
    provider = workspace.provider
    live = resolved(provider.live(), state.resources, state.lineage)
    drift = find_drift(state.recorded(), live)
    models = workspace.configuration.desired.models
    return (
        *drift_findings(drift, busy_addresses(state.resources)),
        *expiry_findings(models, state.resources, live.models, provider.now()),
    )
