"""Live objects of ours that the state does not know: a sign that a state was lost, or is older.

Without this, a lost state would have everything made and paid for again.
"""

from __future__ import annotations

from collections.abc import Mapping

from automl_plan.applying.recovery import known_ids
from automl_plan.errors import StateBehind
from automl_plan.planning.plan import Action, Plan
from automl_plan.resources.address import Address, ResourceKind
from automl_plan.resources.live import TOKEN_LABEL, Live
from automl_plan.resources.marks import owner
from automl_plan.resources.recorded import RecordedResource
from automl_plan.resources.tokens import address_mark, mark_in

_MAKING = frozenset({Action.CREATE, Action.TRAIN, Action.RETRAIN})
_SHOWN = 5


def check_strays(
    plan: Plan, resources: Mapping[Address, RecordedResource], live: Live, lineage: str
) -> None:
    """Raise StateBehind when the plan makes what already lives, unknown to the state."""
    addresses = {change.address for change in plan.changes if change.action in _MAKING}
    if not addresses:
        return
    known = known_ids(resources) | {operation.made for operation in live.operations.values()}
    tokens = {operation.token for r in resources.values() for operation in r.operations}
    found = []
    for kind, objects in (
        (ResourceKind.DATASET, live.datasets),
        (ResourceKind.MODEL, live.models),
    ):
        wanted = {address_mark(address): address for address in addresses if address.kind is kind}
        for obj in objects.values():
            mark = _mark(obj.labels, lineage)
            # What an open operation has made is recorded when that is resumed.
            recorded = obj.id in known or obj.labels.get(TOKEN_LABEL) in tokens
            if mark in wanted and not recorded:
                found.append((wanted[mark], obj.id))
    if found:
        raise _behind(sorted(found), lineage)


def _mark(labels: Mapping[str, str], lineage: str) -> str | None:
    """The mark of the address that this state (lineage "": any) says an object belongs to."""
    whose = owner(labels)
    if whose is None:
        return mark_in(labels.get(TOKEN_LABEL, ""), lineage)
    return whose.mark if not lineage or lineage.startswith(whose.lineage) else None


def _behind(found: list[tuple[Address, str]], lineage: str) -> StateBehind:
    told = [f"{address}: {object_id}" for address, object_id in found[:_SHOWN]]
    if len(found) > _SHOWN:
        told.append(f"… and {len(found) - _SHOWN} more")
    if not lineage:
        message = "There is no state, but live objects bear labels of these addresses:"
        hint = (
            "Was the state lost? Bring it back from version control, or a copy with `automl-plan "
            "state push FILE`, or make it anew of their labels: `automl-plan state rebuild`. "
            "Do they belong to another configuration? `automl-plan state new`."
        )
    else:
        message = "These live objects were made by this state, which does not know them:"
        hint = (
            "Is it an older one? Bring back the one that knows them: `automl-plan state push "
            "FILE`. What is not wanted can be deleted: `automl-plan models delete ID`."
        )
    return StateBehind("\n".join([message, *told, "Making them again would pay twice."]), hint=hint)
