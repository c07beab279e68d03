"""Deletes what was copied, at the provider that it was moved from, where that is asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from automl_plan.applying.deletion import delete_live
from automl_plan.applying.migrating.events import MigrationEvent, MigrationStep
from automl_plan.applying.waiting import wait_for
from automl_plan.errors import OperationFailed
from automl_plan.providers.protocol import Provider
from automl_plan.resources.address import Address, ResourceKind


def delete_originals(
    provider: Provider,
    originals: Mapping[str, Address],
    protected: Mapping[Address, bool],
    tell: Callable[[MigrationEvent], None],
) -> dict[str, Address]:
    """Undeploy and delete models, then datasets; those of protected addresses stay, and are given.

    All of it can be sent again without harm. Raises ProviderError.
    """
    live = provider.live()
    kept: dict[str, Address] = {}
    for object_id, address in sorted(originals.items(), key=lambda o: o[1].kind, reverse=True):
        is_model = address.kind is ResourceKind.MODEL
        if object_id not in (live.models if is_model else live.datasets):
            continue
        if protected.get(address):
            why = "lifecycle.prevent_destroy"
            kept[object_id] = address
            tell(MigrationEvent(MigrationStep.KEPT, address, object_id, message=why))
            continue
        if is_model:
            delete_live(provider, live.models[object_id])
        else:
            operation = provider.delete(address.kind, object_id)
            ended = operation
            if operation is not None and not operation.done:
                ended = wait_for(provider, operation.id)
            if ended is not None and ended.error is not None:
                raise OperationFailed(ended.error.message, where=f"operation {ended.id}")
        tell(MigrationEvent(MigrationStep.DELETED, address, object_id))
    return kept
