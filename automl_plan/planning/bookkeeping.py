"""Our own labels on live objects, compared with what they should be. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from automl_plan.planning.plan import Difference
from automl_plan.resources.address import Address
from automl_plan.resources.live import OWN_LABEL_PREFIX
from automl_plan.resources.marks import ADDRESS, PROTECTED, address_label, marks, wrong_marks
from automl_plan.resources.recorded import MAKING, RecordedObject, RecordedResource, Status
from automl_plan.resources.tokens import address_mark, mark_in

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


def outdated_marks(
    record: RecordedResource, lineage: str, *, protected: bool
) -> tuple[Difference, ...]:
    """What will be wrong with the marks of an object that open operations are making.

    They were chosen when its call was sent: it may have been moved, or protected, since.
    """
    own = address_mark(record.address)
    making = [o for o in record.operations if o.step in MAKING]
    found = []
    if any(mark_in(operation.token, lineage) not in (None, own) for operation in making):
        found.append((ADDRESS, None, address_label(lineage, record.address)))
    if any(operation.protected not in (None, protected) for operation in making):
        found.append((PROTECTED, *((None, "true") if protected else ("true", None))))
    return tuple(
        Difference(f"{FIELD}.{label.removeprefix(OWN_LABEL_PREFIX)}", before, after)
        for label, before, after in found
    )


def label_of(path: str) -> str:
    """The label that such a difference is about."""
    return OWN_LABEL_PREFIX + path.removeprefix(f"{FIELD}.")
