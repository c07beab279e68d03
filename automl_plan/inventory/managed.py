"""Which live objects are ours, and how users may name them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeVar

from automl_plan.errors import UsageError
from automl_plan.resources.address import Address, ResourceKind
from automl_plan.resources.recorded import RecordedObject, RecordedResource


@dataclass(frozen=True, slots=True)
class Managed:
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
    """The live object that a user means by an address, the name in one, an id or a display name.

    Raises UsageError when there is none, or several.
    """
    objects = {obj.id: obj for obj in live}
    if name in objects:
        return objects[name]
    try:
        address = Address.parse(name if "." in name else f"{kind}.{name}")
    except ValueError:
        address = None
    if address is not None and address in resources:
        current = resources[address].current
        if current is not None and current.id in objects:
            return objects[current.id]
    found = [obj for obj in objects.values() if obj.display_name == name]
    if len(found) == 1:
        return found[0]
    if found:
        ids = ", ".join(sorted(obj.id for obj in found))
        raise UsageError(
            f"Several {kind}s are called {name}: {ids}.", hint="Give the id of the one you mean."
        )
    raise UsageError(
        f"There is no {kind} {name}.", hint=f"`automl-plan {kind}s list` lists those that live."
    )
