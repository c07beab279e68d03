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
from automl_plan.planning.findings import Found, busy_addresses, drift_findings, expiry_findings
from automl_plan.planning.options import PlanOptions
from automl_plan.planning.plan import Action, Change
from automl_plan.recovery.interrupted_calls import Finding, Verdict, open_intents, settle_intents
from automl_plan.state.document import State
from automl_plan.workspace.make_plan import make_plan
from automl_plan.workspace.workspace import Workspace, fetch_open_operations


class WatchEventType(StrEnum):
    """What a watch saw or did."""

    FOLLOWING = "following"
    """An operation goes on; told once."""
    ENDED = "ended"
    FAILED = "failed"
    LEFT = "left"
    """Something waits for a person or an apply: a watch changes nothing at the service."""
    FOUND = "found"
    """Drift, or a life that ends; told once."""
    SENT = "sent"
    NOT_SENT = "not-sent"
    """A receiver does not take a message; told when the cause changes."""
    BUSY = "busy"
    """Another run holds the lock; told once."""
    TROUBLE = "trouble"
    """A look failed; told when the cause changes."""


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
    """What was seen of one state."""

    state: State
    desired: Desired
    answers: Mapping[str, Operation] = field(default_factory=dict)
    """How the operations stand whose names are known; those that are forgotten are missing."""
    changes: Mapping[str, Change] | None = field(default_factory=dict)
    """How a wait would go on with the trainings that ended, by operation. None: no plan can be
    made, so what they made must not take anything's place."""
    settled: tuple[tuple[Address, RecordedResource, Finding], ...] = ()
    """Calls that were cut off, with the records after them."""
    unsettled: Mapping[str, UnsettledOperation] = field(default_factory=dict)
    """Those that a person has to settle, by address."""
    undecided: int = 0
    """Those of which it can't be known yet what came."""
    found: tuple[Found, ...] | None = None
    """Drift and lives that end; None when they were not looked for."""

    @property
    def busy_addresses(self) -> frozenset[Address]:
        """Addresses on which drift was not looked for."""
        return busy_addresses(self.state.resources)


def take_snapshot(workspace: Workspace, *, far: bool) -> Snapshot:
    """See how what runs stands, and with `far` what drifted or expires, by list calls.

    Raises StateError, ProviderError.
    """
    state = workspace.store.read()
    state.check_provider(workspace.provider.identity)
    snapshot = _interrupted_calls(workspace, state)
    # Operations first: what one makes must not be missing where it has ended.
    answers = fetch_open_operations(state.resources, workspace.provider)
    snapshot = replace(snapshot, answers=answers)
    trained = _trained(state.resources, answers)
    if trained:
        changes, desired = _planned_changes(workspace, trained)
        snapshot = replace(snapshot, changes=changes, desired=desired)
    return replace(snapshot, found=_find_drift_and_expiry(workspace, state)) if far else snapshot


def _interrupted_calls(workspace: Workspace, state: State) -> Snapshot:
    """What came of calls without an answer, each by itself: one must not hide another."""
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
    """The trainings that ended well."""
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
    """What `wait` would do with trainings that ended: follow, whatever the configuration wants."""
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


def _find_drift_and_expiry(workspace: Workspace, state: State) -> tuple[Found, ...]:
    """Drift where nothing is under way, and lives that end."""
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
