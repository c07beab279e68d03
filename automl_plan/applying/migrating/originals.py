"""Deletes what was copied, at the provider that it was moved from, where that is asked for."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from automl_plan.applying.deletion import delete_live
from automl_plan.applying.migrating.events import MigrationEvent, MigrationStep
from automl_plan.applying.waiting import wait_for
from automl_plan.errors import OperationFailed
from automl_plan.providers.protocol import Provider
from automl_plan.resources.address import Address, ResourceKind
from automl_plan.resources.live import Live


def delete_originals(
    provider: Provider,
    originals: Mapping[str, Address],
    live: Live,
    protected: Collection[Address],
    tell: Callable[[MigrationEvent], None],
) -> dict[str, Address]:
    """Undeploy and delete models, then datasets; those of protected addresses stay, and are given.

    All of it can be sent again without harm. Raises ProviderError.
    """
    kept: dict[str, Address] = {}
    for object_id, address in sorted(originals.items(), key=lambda o: o[1].kind, reverse=True):
        is_model = address.kind is ResourceKind.MODEL
        if address in protected:
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
