"""What becomes of the versions beside the current one. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from automl_plan.planning import reasons
from automl_plan.planning.plan import Action, Change
from automl_plan.planning.versions import number_of
from automl_plan.resources.address import Address
from automl_plan.resources.live import LiveModel
from automl_plan.resources.recorded import RecordedObject, Status

_ONCE_CURRENT = (Status.FORMER, Status.WITHDRAWN)


def retire(
    address: Address,
    others: Sequence[RecordedObject],
    live: Mapping[str, LiveModel],
    *,
    keep: int,
    exempt: RecordedObject | None,
    needs: tuple[str, ...],
    trained: tuple[str, ...] = (),
    served: RecordedObject | None = None,
) -> list[Change]:
    """Undeploy the versions that are kept, delete the rest; after what `needs` names.

    What never was current is deleted whatever the gate says: after what `trained` names, the
    trainings of this plan. `others` are as they will be by then. Kept are the last `keep` that
    were current once (`served`, which this plan replaces, before all), the last one that was turned
    down (so that it is not paid for again), and `exempt`.
    """
    kept = kept_of(others, keep, exempt, served)
    changes: list[Change] = []
    for obj in others:
        if obj.id not in kept:
            replaced = obj.status is Status.FORMER and keep == 0
            reason = reasons.REPLACED if replaced else reasons.NOT_KEPT
            was_current = obj.status in _ONCE_CURRENT
            after = needs if was_current else trained
            changes += remove_model(address, obj.id, live, reason, after)
        elif obj.id in live and live[obj.id].deployed:
            changes.append(
                Change(address, Action.UNDEPLOY, reasons.KEPT, object_id=obj.id, needs=needs)
            )
    return changes


def kept_of(
    others: Iterable[RecordedObject],
    keep: int,
    exempt: RecordedObject | None,
    served: RecordedObject | None = None,
) -> frozenset[str]:
    """The ids of the versions that are not deleted."""
    newest_first = sorted(others, key=number_of, reverse=True)
    counted = [obj for obj in newest_first if obj != exempt]
    # What served last comes first, what was rolled back from last.
    once_current = sorted(
        (o for o in counted if o.status in _ONCE_CURRENT),
        key=lambda o: (o != served, o.status is Status.WITHDRAWN),
    )
    turned_down = [o for o in counted if o.status is Status.REJECTED]
    kept = {obj.id for obj in (*once_current[:keep], *turned_down[: min(keep, 1)])}
    return frozenset(kept if exempt is None else {*kept, exempt.id})


def remove_model(
    address: Address,
    object_id: str,
    live: Mapping[str, LiveModel],
    reason: str,
    needs: tuple[str, ...],
) -> tuple[Change, ...]:
    """Undeploy a live model if need be, wherever it is deployed, and delete it."""
    model = live.get(object_id)
    if model is None:
        return ()
    changes: list[Change] = []
    if model.deployed_anywhere:
        undeploy = Change(address, Action.UNDEPLOY, reason, object_id=object_id, needs=needs)
        changes.append(undeploy)
        needs = (undeploy.key,)
    changes.append(Change(address, Action.DELETE, reason, object_id=object_id, needs=needs))
    return tuple(changes)
