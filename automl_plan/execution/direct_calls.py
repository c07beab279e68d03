"""Changes without a plan: deletes a live model, removes ownership labels from an object."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from automl_plan.errors import OperationFailed, UsageError
from automl_plan.execution.poller import wait_for_operation
from automl_plan.model.address import Address, ResourceKind
from automl_plan.model.live import OWN_LABEL_PREFIX, Live, LiveDataset, LiveModel, Operation
from automl_plan.model.ownership import Claim, Owners
from automl_plan.model.ownership_labels import address_in
from automl_plan.model.recorded import RecordedResource
from automl_plan.model.transitions import without_object
from automl_plan.planning.plan import Action, Change
from automl_plan.planning.safety import protection_by_label
from automl_plan.providers.protocol import Provider
from automl_plan.workspace.check_refusals import check_command, raise_if_refused
from automl_plan.workspace.workspace import Workspace


def delete_model(workspace: Workspace, model: LiveModel, address: Address | None) -> None:
    """Undeploy a model if necessary, delete it, and remove it from the record.

    Both calls are idempotent, so no intent is needed. Raises PlanRefused, UsageError, StateLocked,
    ProviderError.
    """
    provider = workspace.provider
    if address is None:
        check_deletion(workspace, model, address)
        _delete(provider, model)
        return
    with workspace.open_state(command="models delete") as session:
        check_deletion(workspace, model, address)
        _delete(provider, model)
        record = session.state.resources.get(address)
        if record is not None:
            session.record(without_object(record, model.id))


def check_deletion(workspace: Workspace, model: LiveModel, address: Address | None) -> None:
    """Raise PlanRefused when a model must not be deleted; `address` is where it is recorded.

    A model that is not recorded is judged by the address that its labels name. Raises UsageError.
    """
    if address is None:
        address = _unrecorded_at(workspace, model)
        refusal = protection_by_label(f"{model.display_name} {model.id}", model.labels)
        raise_if_refused(() if refusal is None else (refusal,))
    if address is None:
        return
    delete = Change(address, Action.DELETE, "requested by models delete", object_id=model.id)
    endpoints = {each.id: each for each in model.endpoints}
    undeploy = replace(delete, action=Action.UNDEPLOY, endpoints=tuple(sorted(endpoints)))
    changes = (undeploy, delete) if model.deployed_anywhere else (delete,)
    check_command(workspace, changes, Live({}, {model.id: model}, endpoints=endpoints))


def _unrecorded_at(workspace: Workspace, model: LiveModel) -> Address | None:
    """Return the address that the labels of an unrecorded model name, if any.

    Raises UsageError for a model that an open operation of this state is creating.
    """
    state, desired = workspace.store.read(), workspace.configuration.desired
    ownership = Owners(state.lineage, state.resources).of(model)
    if ownership.claim is Claim.BEING_MADE:
        raise UsageError(
            f"An open operation of {ownership.address} is creating the model {model.id}.",
            hint=f"Wait for it first: automl-plan wait {ownership.address}",
        )
    return address_in(model.labels, (*state.resources, *desired.models))


def _delete(provider: Provider, model: LiveModel, record: RecordedResource | None = None) -> None:
    """Undeploy a model if it is deployed, and delete it; it may be gone. Raises ProviderError."""
    home = None if record is None else record.endpoint
    if model.deployed_anywhere:
        at = [each.id for each in model.endpoints] or None
        versions = () if record is None else tuple(obj.id for obj in record.objects)
        _undeploy(lambda: provider.undeploy(model.id, at, home, versions), provider)
    operation = provider.delete(ResourceKind.MODEL, model.id, home)
    if operation is not None:
        _ended_well(provider, operation)


def _undeploy(step: Callable[[], Operation | None], provider: Provider) -> None:
    while True:
        operation = step()
        if operation is not None:
            _ended_well(provider, operation)
        if operation is None or not operation.has_next_step:
            return


def _ended_well(provider: Provider, operation: Operation) -> None:
    ended = operation if operation.done else wait_for_operation(provider, operation.id)
    if ended.error is not None:
        raise OperationFailed(ended.error.message, where=f"operation {ended.id}")


def labelled_object(
    workspace: Workspace, object_id: str
) -> tuple[ResourceKind, LiveDataset | LiveModel]:
    """Return an unrecorded live object with ownership labels, by its id, and its kind.

    Raises UsageError for another one, ProviderError.
    """
    state, provider = workspace.store.read(), workspace.provider
    objects: tuple[LiveDataset | LiveModel, ...] = (*provider.datasets(), *provider.models())
    obj = next((each for each in objects if each.id == object_id), None)
    if obj is None:
        raise UsageError(
            f"There is no dataset or model {object_id}.",
            hint="`automl-plan plan` lists those that are not recorded.",
        )
    owned = Owners(state.lineage, state.resources).of(obj)
    match owned.claim:
        case Claim.RECORDED:
            raise UsageError(
                f"{object_id} is recorded as {owned.address}.",
                hint=f"`automl-plan state rm {owned.address}` forgets it.",
            )
        case Claim.BEING_MADE:
            raise UsageError(
                f"An open operation of {owned.address} is creating {object_id}.",
                hint="Wait for it first: `automl-plan wait`.",
            )
        case Claim.OTHER_STATE if state.lineage:
            raise UsageError(f"{object_id} has the ownership labels of another state.")
        case Claim.UNMANAGED:
            raise UsageError(f"{object_id} has no ownership labels.")
    return ResourceKind.MODEL if isinstance(obj, LiveModel) else ResourceKind.DATASET, obj


def remove_ownership_labels(
    workspace: Workspace, kind: ResourceKind, obj: LiveDataset | LiveModel
) -> None:
    """Remove the ownership labels of an object; idempotent. Raises ProviderError."""
    own = dict.fromkeys(key for key in obj.labels if key.startswith(OWN_LABEL_PREFIX))
    workspace.provider.update(kind, obj.id, {}, own)
