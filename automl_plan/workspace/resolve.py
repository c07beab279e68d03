"""Settles an interrupted call by a person's decision."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from automl_plan.errors import NotFound, UsageError
from automl_plan.model.address import Address, ResourceKind
from automl_plan.model.live import LiveDataset, LiveModel
from automl_plan.model.ownership import Claim, Owners
from automl_plan.model.recorded import MAKING, RecordedOperation, RecordedResource, known_ids
from automl_plan.model.transitions import after_operation, with_operation, without_operation
from automl_plan.planning.refactoring import not_free
from automl_plan.providers.protocol import Provider
from automl_plan.recovery.interrupted_calls import KINDS, open_intents
from automl_plan.workspace.billing import charge_at_end
from automl_plan.workspace.workspace import Workspace


def interrupted_call_of(workspace: Workspace, address: Address) -> RecordedOperation:
    """Return the interrupted call of an address. Raises UsageError when there is none."""
    record = workspace.store.read().resources.get(address)
    intents = () if record is None else open_intents(record)
    if not intents:
        raise UsageError(
            f"{address} has no interrupted call: there is nothing to resolve.",
            hint="`automl-plan state list` shows open operations.",
        )
    return intents[0]


def adopt(workspace: Workspace, address: Address, intent: RecordedOperation, found: str) -> str:
    """Record an operation, or an object, as the result of an interrupted call.

    Returns a description. Raises UsageError for one that can't be it, StateLocked.
    """
    provider = workspace.provider
    with workspace.open_state(command="resolve") as session:
        session.bind(provider.identity)
        resources = session.state.resources
        if found in known_ids(resources):
            raise UsageError(f"{found} is already recorded as something else.")
        record = resources.get(address) or RecordedResource(address)
        owners = Owners(session.state.lineage, resources)
        record, said = _adopted(provider, record, intent, found, owners)
        charge = None
        if not any(each.token == intent.token for each in record.operations):  # it has ended
            prices, made = workspace.configuration.prices, _new_object(resources, record)
            charge = charge_at_end(provider, prices, address, intent, None, made)
        session.record(record, charge=charge)
    return said


def abandon(workspace: Workspace, address: Address, intent: RecordedOperation) -> None:
    """Record that an interrupted call was never received. Raises StateLocked."""
    with workspace.open_state(command="resolve") as session:
        record = session.state.resources.get(address) or RecordedResource(address)
        session.record(without_operation(record, intent))


def _new_object(before: Mapping[Address, RecordedResource], record: RecordedResource) -> str | None:
    """Return the object that is new in a record."""
    known = known_ids(before)
    return next((obj.id for obj in record.objects if obj.id not in known), None)


def _adopted(
    provider: Provider,
    record: RecordedResource,
    intent: RecordedOperation,
    found: str,
    owners: Owners,
) -> tuple[RecordedResource, str]:
    try:
        operation = provider.operation(found)
    except NotFound:
        return _made(provider, record, intent, found, owners), f"{found} is what it made."
    if operation.kind is not KINDS[intent.step]:
        raise UsageError(f"{found} is not a {intent.step} operation but {operation.kind}.")
    if not operation.done:
        record = with_operation(record, replace(intent, id=found))
        return record, f"{found} is its operation; the next apply follows it."
    if operation.error is not None:
        return without_operation(record, intent), f"{found} ended with an error: nothing was made."
    if operation.result_id is not None:
        made = operation.result_id
        return _made(provider, record, intent, made, owners), f"{made} is what it made."
    return after_operation(record, intent), f"{found} has ended well."


def _made(
    provider: Provider,
    record: RecordedResource,
    intent: RecordedOperation,
    object_id: str,
    owners: Owners,
) -> RecordedResource:
    there: LiveDataset | LiveModel
    try:
        if record.address.kind is ResourceKind.DATASET:
            there = provider.dataset(object_id)
        else:
            there = provider.model(object_id)
    except NotFound as error:
        raise UsageError(f"There is no operation or object {object_id}.") from error
    if isinstance(there, LiveModel) and there.dataset_id not in ("", intent.dataset_id):
        # "": the service does not report it
        raise UsageError(f"The model {object_id} was trained on another dataset.")
    if intent.step not in MAKING:
        raise UsageError(f"A {intent.step} call creates no object: give its operation.")
    owner = owners.of(there)
    if owner.claim in (Claim.BEING_MADE, Claim.OTHER_STATE) and owner.address != record.address:
        said = not_free(there, owners)
        if said is not None:
            raise UsageError(f"{said[0]}.", hint=said[1])
    return after_operation(record, intent, made=object_id)
