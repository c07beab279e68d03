"""The state once everything recorded has its copy. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from automl_plan.planning.migration import Moving
from automl_plan.resources.address import Address
from automl_plan.resources.recorded import RecordedObject, RecordedResource
from automl_plan.state.document import State


def switched(
    state: State, moving: Sequence[Moving], copies: Mapping[str, str], provider: str, when: str
) -> State:
    """The state of the copies, bound to their provider; `when` is the time at which they are seen.

    Versions, decisions and what everything was made with are kept. What does not move is not in
    it, nor models of others that were accepted: theirs are the originals. Nor is the history: how
    long another service takes has to be seen.
    """
    moved = {each.object.id for each in moving}
    resources: dict[Address, RecordedResource] = {}
    for address, record in state.resources.items():
        current = record.current if record.current and record.current.id in moved else None
        following = replace(
            record,
            current=None if current is None else _copy(current, copies, when),
            others=tuple(_copy(o, copies, when) for o in record.others if o.id in moved),
            operations=(),
            foreign=(),
        )
        if not following.empty:
            resources[address] = following
    return replace(state, provider=provider, resources=resources, history={})


def _copy(obj: RecordedObject, copies: Mapping[str, str], when: str) -> RecordedObject:
    dataset_id = None if obj.dataset_id is None else copies.get(obj.dataset_id)
    return replace(obj, id=copies[obj.id], created=when, dataset_id=dataset_id)
