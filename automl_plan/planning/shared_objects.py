"""Objects that two addresses claim, which a state of version 0.1 may hold. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from msgspec import Struct

from automl_plan.model.address import Address, ResourceKind
from automl_plan.model.live import Live, LiveDataset, LiveModel
from automl_plan.model.ownership import Owners
from automl_plan.model.ownership_labels import address_digest, owner
from automl_plan.model.recorded import Recorded, RecordedOperation, RecordedResource
from automl_plan.planning import commands
from automl_plan.planning.drift import live_object
from automl_plan.planning.plan import IN_USE, SHARED, Action, Change, Note, NoteKind, Refusal

_LEAVES_IT = frozenset({Action.FORGET, Action.MOVE})
"""Actions that do nothing to an object."""
_ENDS = (Action.RESUME, Action.CANCEL)


class Shared(Struct, frozen=True):
    """One object, and the addresses that claim it."""

    kind: ResourceKind
    object_id: str
    addresses: tuple[Address, ...]
    maker: Address | None
    """The one whose open operation made it, and has not recorded it yet."""
    how_to_settle: str


def shared_objects(
    recorded: Recorded, live: Live, declared: Collection[Address]
) -> tuple[Shared, ...]:
    """The objects that more than one address claims; none in a state that this version wrote."""
    owners = Owners(recorded.lineage, recorded.resources, live.operations)
    found = []
    for (kind, object_id), addresses in owners.recorded.items():
        there = live_object(live, kind, object_id)
        maker = owners.made_by(kind, object_id, there)
        claimed = {*addresses} if maker is None else {*addresses, maker}
        if len(claimed) > 1:
            how_to_settle = _how_to_settle([a for a in addresses if a != maker], there, declared)
            found.append(Shared(kind, object_id, tuple(sorted(claimed)), maker, how_to_settle))
    return tuple(found)


def sharing_notes(shared: Iterable[Shared]) -> list[Note]:
    """Note objects that two addresses claim, and how to settle it."""
    return [
        Note(
            each.addresses[-1],
            NoteKind.SHARED,
            f"{each.object_id} belongs to {_and(each.addresses)}: {each.how_to_settle}",
        )
        for each in shared
    ]


def sharing_refusals(
    changes: Sequence[Change],
    resources: Mapping[Address, RecordedResource],
    shared: Collection[Shared],
) -> list[Refusal]:
    """Changes of objects that another address claims, or works on."""
    found: dict[tuple[Address, str], Refusal] = {}
    for each in shared:
        for change in changes:
            if change.address in each.addresses and _touches(change, each):
                others = [a for a in each.addresses if a != change.address]
                text = (
                    f"{change.address} {change.action}: {each.object_id} also belongs to "
                    f"{_and(others)}: {each.how_to_settle}."
                )
                refusal = Refusal(SHARED, text, change.address)
                found.setdefault((change.address, each.object_id), refusal)
    return [*found.values(), *_worked_on(changes, resources)]


def _touches(change: Change, shared: Shared) -> bool:
    if change.action is Action.RESUME and change.address == shared.maker:
        return True  # it would record the object a second time
    return change.object_id == shared.object_id and change.action not in _LEAVES_IT


def _worked_on(
    changes: Sequence[Change], resources: Mapping[Address, RecordedResource]
) -> list[Refusal]:
    """Refuse deletions of objects that an open operation of another address uses."""
    deleted = {c.object_id: c.address for c in changes if c.action is Action.DELETE}
    if not deleted:
        return []
    ended = {(c.address, c.operation_id) for c in changes if c.action in _ENDS}
    found = []
    for address, record in sorted(resources.items()):
        for operation in record.operations:
            for object_id in _works_on(operation):
                by = deleted.get(object_id)
                if by is not None and by != address and (address, operation.id) not in ended:
                    text = (
                        f"{by} delete: an operation of {address} ({operation.step}) uses "
                        f"{object_id}: wait until it ends ({commands.WAIT})."
                    )
                    found.append(Refusal(IN_USE, text, by))
    return found


def _works_on(operation: RecordedOperation) -> tuple[str, ...]:
    return tuple(i for i in (operation.object_id, operation.dataset_id) if i is not None)


def _how_to_settle(
    recorded_at: Sequence[Address],
    there: LiveDataset | LiveModel | None,
    declared: Collection[Address],
) -> str:
    """Which address should forget it: one that is not declared, or that its label does not name."""
    whose = None if there is None else owner(there.labels)
    named = None if whose is None else whose.address_digest

    def keeps(address: Address) -> tuple[bool, bool]:
        return address in declared, address_digest(address) == named

    chosen = min(sorted(recorded_at), key=keeps)
    said = f"an object can have only one address: {commands.forget(chosen)} drops it there"
    if chosen in declared:
        said += f" (and remove {chosen} from the configuration, or it is created again)"
    return said


def _and(addresses: Sequence[Address]) -> str:
    return " and ".join(map(str, addresses))
