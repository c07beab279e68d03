"""Deletes what was copied, at the provider that it was moved from, where that is asked for."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

from automl_plan.applying.deletion import delete_live
from automl_plan.applying.migrating.events import MigrationEvent, MigrationStep
from automl_plan.applying.waiting import wait_for
from automl_plan.errors import OperationFailed
from automl_plan.planning.plan import Action, Change
from automl_plan.providers.protocol import Provider
from automl_plan.resources.address import Address, ResourceKind
from automl_plan.resources.desired import Desired
from automl_plan.resources.live import Live
from automl_plan.state.document import State

_PAID = frozenset({Action.TRAIN, Action.RETRAIN, Action.CREATE})


def why_not_now(following: Sequence[Change] | None, addresses: Collection[Address]) -> str | None:
    """Why originals of these addresses stay, by the next plan; None when they can go."""
    if following is None:
        return "the next plan can't be made"
    if any(c.action in _PAID for c in following if c.address in addresses):
        return "the next plan would make it again"
    return None


def why_without_copy(here: Live, copy_id: str | None) -> str | None:
    """Why an original stays, by its copy; `here` is what lives where the copy was made."""
    if copy_id in here.datasets or copy_id in here.models:
        return None
    return f"its copy {copy_id} does not live any more"


def protected(desired: Desired, state: State) -> set[Address]:
    """The addresses that are protected: as recorded, or declared and not applied yet."""
    declared = {a: d.lifecycle for a, d in desired.datasets.items()}
    declared |= {a: m.lifecycle for a, m in desired.models.items()}
    recorded = {address for address, record in state.resources.items() if record.protected}
    return recorded | {a for a, lifecycle in declared.items() if lifecycle.prevent_destroy}


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
