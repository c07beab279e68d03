"""Under which address each object is recorded: one object belongs to one address."""

from __future__ import annotations

from collections.abc import Mapping

from automl_plan.errors import StateConflict
from automl_plan.model.address import Address, ResourceKind
from automl_plan.model.recorded import RecordedResource


class Addresses:
    """An index of the recorded objects that is kept up with each step: a scan would be quadratic.

    A state of version 0.1 may hold an object twice; that is read, and never done again.
    """

    def __init__(self, resources: Mapping[Address, RecordedResource]) -> None:
        self._holders: dict[tuple[ResourceKind, str], set[Address]] = {}
        for resource in resources.values():
            self._add(resource)

    def check(self, resource: RecordedResource, *, origin: Address | None = None) -> None:
        """Raise StateConflict when another address than `origin` records one of its objects."""
        address = resource.address
        for obj in resource.objects:
            holders = self._holders.get((address.kind, obj.id), set()) - {origin}
            if holders and address not in holders:
                other = min(holders)
                raise StateConflict(
                    f"{obj.id} is recorded as {other}, and can't be recorded as {address}, too.",
                    where=str(address),
                    hint="One object belongs to one address. Plan again; "
                    f"`automl-plan state rm {other}` has the state forget it there.",
                )

    def replace(self, former: RecordedResource | None, resource: RecordedResource) -> None:
        """Take in what a resource records now in the place of what was recorded before."""
        if former is not None:
            for obj in former.objects:
                self._holders[former.address.kind, obj.id].discard(former.address)
        self._add(resource)

    def _add(self, resource: RecordedResource) -> None:
        for obj in resource.objects:
            key = (resource.address.kind, obj.id)
            self._holders.setdefault(key, set()).add(resource.address)
