"""Accepts into the state what changed at the provider."""

from __future__ import annotations

import copy
from collections.abc import Sequence

from msgspec.structs import replace

from automl_plan.model.json import Attributes, Json
from automl_plan.model.recorded import RecordedObject, RecordedResource
from automl_plan.model.transitions import without_object
from automl_plan.planning.drift import gained_protection, recordable
from automl_plan.planning.findings import drift_findings
from automl_plan.planning.plan import Difference, Drift
from automl_plan.state.store import StateSession


def accept_drift(session: StateSession, drift: Sequence[Drift], *, all_of_it: bool) -> None:
    """Record the live attributes of drifted objects.

    `all_of_it`: also forget objects that are gone, and accept versions that others trained.
    """
    for item in drift:
        record = session.state.resources.get(item.address)
        if item.trained is not None:
            if all_of_it and record is not None and item.object_id not in record.foreign:
                foreign = (*record.foreign, item.object_id)
                session.record(replace(record, foreign=foreign))
            continue
        if record is None:
            continue
        if not item.gone:
            accepted = _accepted(record, item.object_id, recordable(item))
            if gained_protection(item):
                accepted = replace(accepted, protected=True)
            if accepted != record:
                session.record(accepted)
            for found in drift_findings([item]):
                if found.key in session.state.noticed:
                    session.record_cleared(found.key)
        elif all_of_it:
            session.record(without_object(record, item.object_id))


def _accepted(
    record: RecordedResource, object_id: str, differences: Sequence[Difference]
) -> RecordedResource:
    def accept(obj: RecordedObject) -> RecordedObject:
        if obj.id != object_id:
            return obj
        return replace(obj, attributes=_changed(obj.attributes, differences))

    current = None if record.current is None else accept(record.current)
    return replace(record, current=current, others=tuple(map(accept, record.others)))


def _changed(attributes: Attributes, differences: Sequence[Difference]) -> dict[str, Json]:
    """Return the attributes with each differing leaf set to its live value; None removes it."""
    result = copy.deepcopy(dict(attributes))
    for difference in differences:
        *parents, leaf = difference.path.split(".")
        node: dict[str, Json] = result
        for parent in parents:
            child = node.setdefault(parent, {})
            if not isinstance(child, dict):
                break
            node = child
        if difference.after is None:
            node.pop(leaf, None)
        else:
            node[leaf] = difference.after
    return result
