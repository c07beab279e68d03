"""Settles calls that were cut off: was it received, and what came of it?

An intent without an operation's name means that a run ended between writing the intent and
reading the answer. Nothing is planned or sent for its address before this is known.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from automl_plan.errors import NotFound, UnsettledOperation
from automl_plan.providers.protocol import Provider
from automl_plan.resources.address import Address, ResourceKind
from automl_plan.resources.live import (
    TOKEN_LABEL,
    Live,
    LiveDataset,
    LiveModel,
    Operation,
    OperationKind,
)
from automl_plan.resources.recorded import RecordedOperation, RecordedResource, Step
from automl_plan.resources.transitions import (
    after_operation,
    with_operation,
    without_operation,
)

CLOCK_SKEW = timedelta(minutes=15)
"""How far this machine's clock may be off the service's."""

_KINDS = {
    Step.CREATE: OperationKind.CREATE_DATASET,
    Step.TRAIN: OperationKind.CREATE_MODEL,
    Step.IMPORT_DATA: OperationKind.IMPORT_DATA,
}


def settle(
    resources: Mapping[Address, RecordedResource], provider: Provider
) -> dict[Address, RecordedResource]:
    """The records whose open intents are settled now, by address.

    Costs no call when nothing is open. Raises UnsettledOperation while it can't be known.
    """
    known = {o.id for r in resources.values() for o in r.operations if o.id is not None}
    intents = [
        (address, intent)
        for address, resource in sorted(resources.items())
        for intent in resource.operations
        if intent.id is None
    ]
    if not intents:
        return {}
    # What runs first, and only then what lives: the other way round, a training that ends in
    # between would be in neither list, and be taken for one that was never received.
    running = {
        intent.token: _running(intent, provider, known)
        for _, intent in intents
        if intent.step in _KINDS
    }
    live = provider.live()
    settled: dict[Address, RecordedResource] = {}
    for address, intent in intents:
        resource = settled.get(address, resources[address])
        settled[address] = _settled(resource, intent, live, running.get(intent.token, []))
    return settled


def _settled(
    resource: RecordedResource, intent: RecordedOperation, live: Live, running: list[Operation]
) -> RecordedResource:
    if intent.step not in _KINDS:
        return without_operation(resource, intent)  # sending it again has no further effect
    made = _made_by(intent, live)
    if made is not None:
        return after_operation(resource, intent, made=made)
    if not running:
        # Whatever ended since made nothing that bears the token: nothing of ours was received.
        # An import that ended is sent again: the same images and labels are added once (proto:
        # InputConfig).
        return without_operation(resource, intent)
    if intent.step is Step.IMPORT_DATA and len(running) == 1:
        return with_operation(resource, replace(intent, id=running[0].id))
    raise UnsettledOperation(
        f"{resource.address}: a run was cut off at {intent.started} while it sent "
        f"{intent.step}; it is not known whether one of these operations is that one: "
        + ", ".join(f"{o.id} (started {o.create_time})" for o in running),
        where=str(resource.address),
        hint=f"Wait for its end (automl-plan operations wait {running[0].id}); then plan again. "
        "Nothing is sent for this resource before.",
    )


def _made_by(intent: RecordedOperation, live: Live) -> str | None:
    if intent.step is Step.IMPORT_DATA:
        return None
    objects: Mapping[str, LiveDataset | LiveModel]
    objects = live.datasets if intent.step is Step.CREATE else live.models
    for obj in objects.values():
        if obj.labels.get(TOKEN_LABEL) == intent.token:
            return obj.id
    return None


def _running(intent: RecordedOperation, provider: Provider, known: set[str]) -> list[Operation]:
    """What runs and may be the intent's: of its kind, not older, not known as another's."""
    dataset_id = intent.dataset_id or intent.object_id
    works_on = None if dataset_id is None else (ResourceKind.DATASET, dataset_id)
    try:
        operations = provider.operations(done=False, works_on=works_on)
    except NotFound:
        return []
    kind = _KINDS[intent.step]
    earliest = datetime.fromisoformat(intent.started) - CLOCK_SKEW
    return [
        o
        for o in operations
        if o.kind is kind and o.id not in known and _time(o.create_time) >= earliest
    ]


def _time(text: str | None) -> datetime:
    """An operation without a time counts as new: it is not ruled out."""
    return datetime.max.replace(tzinfo=UTC) if text is None else datetime.fromisoformat(text)
