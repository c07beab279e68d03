"""Our own labels on live objects, compared with what they should be. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from automl_plan.planning.plan import Difference
from automl_plan.resources.address import Address
from automl_plan.resources.live import OWN_LABEL_PREFIX
from automl_plan.resources.marks import marks, wrong_marks
from automl_plan.resources.recorded import RecordedObject, Status

FIELD = "bookkeeping"


def mark_differences(
    lineage: str,
    address: Address,
    obj: RecordedObject,
    labels: Mapping[str, str],
    *,
    protected: bool,
    current: RecordedObject | None,
) -> tuple[Difference, ...]:
    """What is wrong with an object's marks, each as `bookkeeping.version` and the like."""
    wanted = marks(lineage, address, obj, protected=protected)
    replaced = (
        obj.status is Status.FORMER
        and current is not None
        and (current.version or 0) > (obj.version or 0)
    )
    found = wrong_marks(wanted, labels, replaced=replaced)
    return tuple(
        Difference(f"{FIELD}.{label.removeprefix(OWN_LABEL_PREFIX)}", there, should)
        for label, (there, should) in sorted(found.items())
    )


def label_of(path: str) -> str:
    """The label that such a difference is about."""
    return OWN_LABEL_PREFIX + path.removeprefix(f"{FIELD}.")
