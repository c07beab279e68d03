"""Adopts running operations on managed datasets into a rebuilt state."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from automl_plan.errors import StateError
from automl_plan.model.address import Address, ResourceKind
from automl_plan.model.desired import Desired, DesiredModel
from automl_plan.model.json import Json
from automl_plan.model.live import TOKEN_LABEL, Live, Operation, OperationKind
from automl_plan.model.ownership_labels import (
    DATA,
    INPUTS,
    PROTECTED,
    address_digest,
    address_digest_in,
    fingerprint_of,
    inputs_digest,
    owner,
    rebuilt_token,
    version_in,
)
from automl_plan.model.recorded import RecordedObject, RecordedOperation, RecordedResource, Step
from automl_plan.model.timestamps import instant_of, utc_now
from automl_plan.model.transitions import with_operation
from automl_plan.providers.protocol import Provider

_FOLLOWED = (OperationKind.IMPORT_DATA, OperationKind.CREATE_MODEL)

Resources = dict[Address, RecordedResource]


def running_imports_and_trainings(provider: Provider) -> frozenset[str]:
    """Return the ids of all running imports and trainings."""
    running = provider.operations(done=False)
    return frozenset(operation.id for operation in running if operation.kind in _FOLLOWED)


def adopt_running_operations(
    resources: Resources, desired: Desired, live: Live, provider: Provider
) -> None:
    """Record the imports and trainings that are running on the recorded datasets.

    Raises StateError when the model of a training can't be determined: continuing without it might
    pay twice.
    """
    on_ours = [
        (address, obj)
        for address, record in list(resources.items())
        if address.kind is ResourceKind.DATASET
        for obj in record.objects
    ]
    for address, obj in on_ours:
        for operation in provider.operations(done=False, works_on=(address.kind, obj.id)):
            if operation.kind is OperationKind.IMPORT_DATA:
                mark = live.datasets[obj.id].labels.get(DATA)
                found = _import(operation, obj, mark)
                resources[address] = with_operation(_without_data(resources[address]), found)
            elif operation.kind is OperationKind.CREATE_MODEL:
                model = _owner_of_training(operation, address, obj, resources, desired)
                record = resources.get(model.address) or RecordedResource(model.address)
                begun = _training(operation, obj, record, model, _inputs(model, desired))
                resources[model.address] = with_operation(record, begun)


def _import(operation: Operation, obj: RecordedObject, mark: str | None) -> RecordedOperation:
    return RecordedOperation(
        Step.IMPORT_DATA,
        token=rebuilt_token(operation.id),
        started=_started(operation),
        id=operation.id,
        object_id=obj.id,
        attributes={} if mark is None else {"data": fingerprint_of(mark)},
    )


def _training(
    operation: Operation,
    on: RecordedObject,
    record: RecordedResource,
    model: DesiredModel,
    inputs: dict[str, Json],
) -> RecordedOperation:
    return RecordedOperation(
        Step.TRAIN,
        token=operation.labels.get(TOKEN_LABEL) or rebuilt_token(operation.id),
        started=_started(operation),
        id=operation.id,
        attributes=inputs,
        dataset_id=on.id,
        version=version_in(operation.labels) or record.versions + 1,
        gated=model.require is not None,
        protected=operation.labels.get(PROTECTED) == "true" if operation.labels else None,
    )


def _owner_of_training(
    operation: Operation,
    dataset: Address,
    on: RecordedObject,
    resources: Mapping[Address, RecordedResource],
    desired: Desired,
) -> DesiredModel:
    """Return the declared model of a training: by its labels, or the only one that fits."""
    mark = address_digest_in(operation.labels.get(TOKEN_LABEL, ""), "")
    waiting = []
    for address, model in desired.models.items():
        record = resources.get(address) or RecordedResource(address)
        digest = inputs_digest(_inputs(model, desired))
        if mark is not None:
            its = mark == address_digest(address) and digest == operation.labels.get(INPUTS)
        else:
            trained = any(inputs_digest(obj.attributes) == digest for obj in record.objects)
            its = model.dataset == dataset and not trained and not record.operations
        if its:
            waiting.append(model)
    if len(waiting) != 1:
        raise StateError(
            f"The operation {operation.id} trains a model on {dataset} ({on.id}), and which one "
            "can't be determined before it ends.",
            hint=f"Wait for it (`automl-plan operations wait {operation.id}`) or cancel it, "
            "then rebuild the state.",
        )
    return waiting[0]


def _inputs(model: DesiredModel, desired: Desired) -> dict[str, Json]:
    attributes = model.attributes(desired.datasets[model.dataset])
    return {key: value for key, value in attributes.items() if key != "deploy"}


def _started(operation: Operation) -> str:
    """Return when an operation started (RFC 3339), or now where the service does not say."""
    started = instant_of(operation.create_time)
    return utc_now() if started is None else started.isoformat()


def _without_data(record: RecordedResource) -> RecordedResource:
    current = record.current
    if current is None:
        return record
    attributes = {k: v for k, v in current.attributes.items() if k != "data"}
    return replace(record, current=replace(current, attributes=attributes))


def is_ours(
    provider: Provider,
    lineage: str,
    address: Address,
    operation: RecordedOperation,
    made: str,
) -> bool:
    """Whether the result of an operation has the ownership labels of its address and inputs.

    Raises ProviderError.
    """
    is_model = address.kind is ResourceKind.MODEL
    there = provider.models() if is_model else provider.datasets()
    labels = next((obj.labels for obj in there if obj.id == made), {})
    whose, digest = owner(labels), labels.get(INPUTS)
    if whose is None or not lineage.startswith(whose.lineage):
        return False
    mine = whose.address_digest == address_digest(address)
    return mine and digest in (None, inputs_digest(operation.attributes))
