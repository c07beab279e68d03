"""Deletes one live model at once, outside of any plan."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from automl_plan.applying.judging import check_by_hand, check_refused
from automl_plan.applying.waiting import wait_for
from automl_plan.applying.workspace import Workspace
from automl_plan.errors import OperationFailed, UsageError
from automl_plan.planning.guard import protection_by_label
from automl_plan.planning.plan import Action, Change
from automl_plan.providers.protocol import Provider
from automl_plan.resources.address import Address, ResourceKind
from automl_plan.resources.live import Live, LiveModel, Operation
from automl_plan.resources.marks import address_in
from automl_plan.resources.ownership import Claim, Owners
from automl_plan.resources.recorded import RecordedResource
from automl_plan.resources.transitions import without_object


def delete_model(workspace: Workspace, model: LiveModel, address: Address | None) -> None:
    """Undeploy a model if need be, delete it, and forget it where it was recorded.

    Both calls have no further effect when they are sent again, so no intent is needed. Raises
    PlanRefused, UsageError, StateLocked, ProviderError.
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
    """Raise PlanRefused when a model may not be deleted; `address`: where it is recorded.

    Of one that is not recorded the labels tell by which address it is judged. Raises UsageError.
    """
    if address is None:
        address = _unrecorded_at(workspace, model)
        refusal = protection_by_label(f"{model.display_name} {model.id}", model.labels)
        check_refused(() if refusal is None else (refusal,))
    if address is None:
        return
    delete = Change(address, Action.DELETE, "models delete asks for it", object_id=model.id)
    endpoints = {each.id: each for each in model.places}
    undeploy = replace(delete, action=Action.UNDEPLOY, endpoints=tuple(sorted(endpoints)))
    changes = (undeploy, delete) if model.deployed_anywhere else (delete,)
    check_by_hand(workspace, changes, Live({}, {model.id: model}, endpoints=endpoints))


def _unrecorded_at(workspace: Workspace, model: LiveModel) -> Address | None:
    """The address that the labels of a model name which is not recorded; None where they name none.

    Raises UsageError for one that an open operation of this state makes.
    """
    state, desired = workspace.store.read(), workspace.configuration.desired
    ownership = Owners(state.lineage, state.resources).of(model)
    if ownership.claim is Claim.BEING_MADE:
        raise UsageError(
            f"The model {model.id} is made by an open operation of {ownership.address}.",
            hint=f"Let it end and be recorded first: automl-plan wait {ownership.address}",
        )
    return address_in(model.labels, (*state.resources, *desired.models))


def _delete(provider: Provider, model: LiveModel, record: RecordedResource | None = None) -> None:
    """Undeploy a model where it was seen to be deployed, and delete it. It may be gone.

    Raises ProviderError.
    """
    home = None if record is None else record.endpoint
    if model.deployed_anywhere:
        at = [each.id for each in model.places] or None
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
        if operation is None or not operation.more:
            return


def _ended_well(provider: Provider, operation: Operation) -> None:
    ended = operation if operation.done else wait_for(provider, operation.id)
    if ended.error is not None:
        raise OperationFailed(ended.error.message, where=f"operation {ended.id}")
