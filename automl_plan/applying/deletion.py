"""Deletes one live model at once, outside of any plan."""

from __future__ import annotations

from automl_plan.applying.waiting import wait_for
from automl_plan.applying.workspace import Workspace
from automl_plan.errors import OperationFailed
from automl_plan.providers.protocol import Provider
from automl_plan.resources.address import Address, ResourceKind
from automl_plan.resources.live import LiveModel, Operation
from automl_plan.resources.transitions import without_object


def delete_model(workspace: Workspace, model: LiveModel, address: Address | None) -> None:
    """Undeploy a model if need be, delete it, and forget it where it was recorded.

    Both calls have no further effect when they are sent again, so no intent is needed. Raises
    StateLocked, ProviderError.
    """
    provider = workspace.provider
    if address is None:
        delete_live(provider, model)
        return
    with workspace.open_state(command="models delete") as session:
        delete_live(provider, model)
        record = session.state.resources.get(address)
        if record is not None:
            session.record(without_object(record, model.id))


def delete_live(provider: Provider, model: LiveModel) -> None:
    """Undeploy a model if need be, and delete it. It may be gone. Raises ProviderError."""
    if model.deployed:
        _undeploy(provider, model.id)
    operation = provider.delete(ResourceKind.MODEL, model.id)
    if operation is not None:
        _ended_well(provider, operation)


def _undeploy(provider: Provider, model_id: str) -> None:
    while True:
        operation = provider.undeploy(model_id)
        if operation is not None:
            _ended_well(provider, operation)
        if operation is None or not operation.more:
            return


def _ended_well(provider: Provider, operation: Operation) -> None:
    ended = operation if operation.done else wait_for(provider, operation.id)
    if ended.error is not None:
        raise OperationFailed(ended.error.message, where=f"operation {ended.id}")
