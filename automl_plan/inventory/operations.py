"""Operations at the service, chosen by what they work on."""

from __future__ import annotations

from collections.abc import Mapping

from automl_plan.errors import NotFound, UsageError
from automl_plan.inventory.managed import pick
from automl_plan.providers.protocol import Provider
from automl_plan.resources.address import Address, ResourceKind
from automl_plan.resources.live import Operation
from automl_plan.resources.recorded import RecordedResource


def list_operations(
    provider: Provider,
    resources: Mapping[Address, RecordedResource],
    *,
    done: bool | None,
    works_on: str | None,
    operation_id: str | None,
) -> list[Operation]:
    """Operations, the newest first. Raises UsageError for a `works_on` that nothing bears."""
    if operation_id is not None:
        try:
            found = [provider.operation(operation_id)]
        except NotFound:
            found = []
        if works_on is not None:
            on_it = {
                o.id for o in provider.operations(works_on=_object(provider, resources, works_on))
            }
            found = [o for o in found if o.id in on_it]
        return [o for o in found if done is None or o.done is done]
    on = None if works_on is None else _object(provider, resources, works_on)
    listed = provider.operations(done=done, works_on=on)
    return sorted(listed, key=lambda o: o.create_time or "", reverse=True)


def _object(
    provider: Provider, resources: Mapping[Address, RecordedResource], name: str
) -> tuple[ResourceKind, str]:
    """The dataset or model that a user means."""
    kinds = [k for k in ResourceKind if name.startswith(f"{k}.")] or list(ResourceKind)
    for kind in kinds:
        live = provider.datasets() if kind is ResourceKind.DATASET else provider.models()
        try:
            return kind, pick(name, kind, live, resources).id
        except UsageError:
            if kind is kinds[-1]:
                raise
    raise AssertionError("unreachable")
