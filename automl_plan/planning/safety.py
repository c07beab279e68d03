"""What a plan must not do: delete what is protected, or change too much at once. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from automl_plan.model.address import Address, ResourceKind
from automl_plan.model.desired import Desired, RemovalAction
from automl_plan.model.live import Live
from automl_plan.model.ownership_labels import PROTECTED
from automl_plan.model.recorded import Recorded, RecordedResource, Step
from automl_plan.planning import commands
from automl_plan.planning.plan import LARGE_CHANGE, PROTECTED_ADDRESS, Action, Change, Refusal

LEAST_OBJECTS = 10
MOST_CHANGED = 0.3
"""Of at least this many recorded resources, this share may be deleted or replaced at once."""
_SHOWN = 10


def protection(
    changes: Sequence[Change],
    desired: Desired,
    recorded: Recorded,
    live: Live,
    *,
    destroy: bool = False,
    chosen_by_user: bool = False,
) -> Iterator[Refusal]:
    """Refuse deletions of protected resources; former versions only where the user chose one."""
    chosen: dict[Address, str | None]
    if chosen_by_user:
        chosen = {c.address: c.object_id for c in changes if c.action is Action.DELETE}
    else:
        chosen = dict.fromkeys(_lost(changes, recorded))
    for address, object_id in sorted(chosen.items()):
        if _protected(address, desired, recorded, live, object_id):
            yield _refusal(address, desired, destroy=destroy, chosen_by_user=chosen_by_user)


def protection_by_label(name: str, labels: Mapping[str, str]) -> Refusal | None:
    """Why an object that no address records is not deleted; None when its label protects it not."""
    if labels.get(PROTECTED) != "true":
        return None
    text = (
        f"{name} is protected by its label {PROTECTED}, set by another state or one that was lost: "
        "delete it there, or remove that label first."
    )
    return Refusal(PROTECTED_ADDRESS, text)


def large_change(changes: Sequence[Change], recorded: Recorded) -> Iterator[Refusal]:
    """More deletions and retrainings at once than are likely to be meant."""
    hit = _lost(changes, recorded) | {c.address for c in changes if c.action is Action.RETRAIN}
    there = sum(1 for record in recorded.resources.values() if record.current is not None)
    if there >= LEAST_OBJECTS and len(hit) > MOST_CHANGED * there:
        names = ", ".join(str(address) for address in sorted(hit)[:_SHOWN])
        more = f" and {len(hit) - _SHOWN} more" if len(hit) > _SHOWN else ""
        yield Refusal(
            LARGE_CHANGE,
            f"{len(hit)} of {there} resources would be deleted or replaced at once "
            f"({names}{more}), more than {MOST_CHANGED:.0%}: if this is intended, use "
            f"{commands.ALLOW_LARGE_CHANGE}.",
        )


def _lost(changes: Sequence[Change], recorded: Recorded) -> set[Address]:
    """The addresses whose current object is deleted, other than by a swap of versions."""
    swapped = {c.address for c in changes if c.action in _SWAPS}
    swapped |= {
        address
        for address, record in recorded.resources.items()
        if any(operation.step is Step.TRAIN for operation in record.operations)
        and any(c.address == address and c.action is Action.RESUME for c in changes)
    }
    lost = set()
    for change in changes:
        record = recorded.resources.get(change.address)
        current = None if record is None else record.current
        if change.action is not Action.DELETE or current is None:
            continue
        if change.object_id == current.id and change.address not in swapped:
            lost.add(change.address)
    return lost


_SWAPS = frozenset({Action.RETRAIN, Action.GATE, Action.PROMOTE})


def _protected(
    address: Address, desired: Desired, recorded: Recorded, live: Live, chosen: str | None
) -> bool:
    """Return whether the current object of an address, or the chosen one, is protected.

    A plan makes the record and the labels match the declaration, so only that counts. A deletion
    by command is refused by any of the three.
    """
    declared = desired.resource(address)
    if declared is not None and (chosen is None or declared.lifecycle.prevent_destroy):
        return declared.lifecycle.prevent_destroy
    if any(r.address == address and r.action is RemovalAction.DELETE for r in desired.removals):
        return False
    record = recorded.resources.get(address) or RecordedResource(address)
    current = None if record.current is None else record.current.id
    objects = live.datasets if address.kind is ResourceKind.DATASET else live.models
    there = objects.get(chosen or current or "")
    return record.protected or (there is not None and there.labels.get(PROTECTED) == "true")


def _refusal(address: Address, desired: Desired, *, destroy: bool, chosen_by_user: bool) -> Refusal:
    refused = f"{address} would be deleted, but is protected by lifecycle.prevent_destroy"
    if address in desired.datasets or address in desired.models:
        way = (
            f"set prevent_destroy to false{' and apply' if destroy or chosen_by_user else ''} "
            "first."
        )
    else:
        way = (
            "declare it again, or confirm its deletion with "
            f"`removed: [{{from: {address}, action: delete}}]`."
        )
    field = "lifecycle.prevent_destroy"
    return Refusal(PROTECTED_ADDRESS, f"{refused}: {way}", address, field)
