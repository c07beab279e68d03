"""Which live objects are ours, and how users may name them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol, TypeVar

from msgspec import Struct

from automl_plan.errors import UsageError
from automl_plan.resources.address import Address, ResourceKind
from automl_plan.resources.recorded import RecordedObject, RecordedResource


class Managed(Struct, frozen=True):
    """A recorded object with the address that it belongs to."""

    address: Address
    object: RecordedObject
    current: bool


def managed_objects(
    resources: Mapping[Address, RecordedResource], kind: ResourceKind
) -> dict[str, Managed]:
    """The recorded objects of a kind, by id."""
    return {
        obj.id: Managed(address, obj, obj is resource.current)
        for address, resource in resources.items()
        if address.kind is kind
        for obj in resource.objects
    }


class Named(Protocol):
    """A live object."""

    @property
    def id(self) -> str:
        """The service's id."""

    @property
    def display_name(self) -> str:
        """The name shown to people; several objects may share it."""


_Named = TypeVar("_Named", bound=Named)


def pick(
    name: str,
    kind: ResourceKind,
    live: Iterable[_Named],
    resources: Mapping[Address, RecordedResource],
) -> _Named:
    """The live object that a user means by an id, an address, the name in one or a display name.

    Raises UsageError when there is none, or several.
    """
    found = matching(name, kind, live, resources)
    if len(found) == 1:
        return found[0]
    if found:
        managed = managed_objects(resources, kind)
        raise UsageError(
            f"Several {kind}s are called {name}: "
            + ", ".join(_told(obj.id, managed.get(obj.id)) for obj in found)
            + ".",
            hint="Give the id, or the address of a managed one.",
        )
    raise UsageError(
        f"There is no {kind} {name}.", hint=f"`automl-plan {kind}s list` lists those that live."
    )


def matching(
    name: str,
    kind: ResourceKind,
    live: Iterable[_Named],
    resources: Mapping[Address, RecordedResource],
) -> list[_Named]:
    """The live objects that a name may mean.

    An id, an address and the name in it mean one object only: the current version, if it lives.
    """
    objects = {obj.id: obj for obj in live}
    if name in objects:
        return [objects[name]]
    current = {str(m.address): i for i, m in managed_objects(resources, kind).items() if m.current}
    if name in current:
        return [objects[i] for i in (current[name],) if i in objects]
    declared = current.get(f"{kind}.{name}")
    if declared in objects:
        return [objects[declared]]
    return [obj for obj in objects.values() if obj.display_name == name]


def _told(object_id: str, managed: Managed | None) -> str:
    if managed is None:
        return f"{object_id} (unmanaged)"
    return f"{object_id} ({managed.address}{'' if managed.current else ', former'})"
