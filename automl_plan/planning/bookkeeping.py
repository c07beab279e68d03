"""Our own labels on live objects, compared with what they should be. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from automl_plan.planning.plan import Difference
from automl_plan.resources.address import Address
from automl_plan.resources.live import OWN_LABEL_PREFIX
from automl_plan.resources.marks import ADDRESS, address_label, marks, wrong_marks
from automl_plan.resources.recorded import RecordedObject, RecordedResource, Status, Step
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


def made_elsewhere(record: RecordedResource, lineage: str) -> tuple[Difference, ...]:
    """What will be wrong with the marks of an object that open operations are making.

    It bears the address under which its call was sent, which may have been moved since.
    """
    own = address_mark(record.address)
    making = [o for o in record.operations if o.step in (Step.CREATE, Step.TRAIN)]
    if all(mark_in(operation.token, lineage) in (None, own) for operation in making):
        return ()
    path = f"{FIELD}.{ADDRESS.removeprefix(OWN_LABEL_PREFIX)}"
    return (Difference(path, None, address_label(lineage, record.address)),)


def label_of(path: str) -> str:
    """The label that such a difference is about."""
    return OWN_LABEL_PREFIX + path.removeprefix(f"{FIELD}.")
