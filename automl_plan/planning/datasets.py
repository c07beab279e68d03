"""Plans one dataset. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace

from automl_plan.model.address import Address, ResourceKind
from automl_plan.model.desired import DesiredDataset, OnSourceChange
from automl_plan.model.fields import Mutability
from automl_plan.model.live import LiveDataset
from automl_plan.model.ownership_labels import DATA, fingerprint_of
from automl_plan.model.recorded import RecordedResource
from automl_plan.model.transitions import with_attributes
from automl_plan.planning import reasons
from automl_plan.planning.compare import differences, observed, of
from automl_plan.planning.drift import label_differences, outdated_labels
from automl_plan.planning.plan import Action, Change, Difference
from automl_plan.planning.projection import (
    NOT_YET_CREATED,
    Operations,
    deleted_results,
    finished_results,
    project_open_operations,
)


class DatasetPlan(Struct, frozen=True):
    """The plan of one declared dataset."""

    changes: tuple[Change, ...]
    object_id: str | None
    """The live dataset that will be current; None when it is not made yet."""
    former: tuple[str, ...]
    """Ids of replaced datasets, which are deleted after their models."""

    @property
    def ready(self) -> tuple[str, ...]:
        """Keys of the changes after which a model can be trained on it."""
        return tuple(change.key for change in self.changes)


def plan_dataset(
    desired: DesiredDataset,
    recorded: RecordedResource,
    live: Mapping[str, LiveDataset],
    operations: Operations,
    *,
    lineage: str,
    replace_asked: bool,
) -> DatasetPlan:
    """Plan one declared dataset, except for the deletion of former ones."""
    address = desired.address
    after = desired.attributes()
    made_already = finished_results(recorded.operations, live, operations)
    gone_already = deleted_results(recorded.operations, live, operations)
    projection = project_open_operations(
        recorded, made=made_already, gone=gone_already, operations=operations
    )
    resource, resumes = projection.resource, projection.changes
    former = tuple(o.id for o in resource.others if o.id in live)
    gone = _gone_formers(resource, live)
    current = resource.current

    if current is not None and current.id != NOT_YET_CREATED and current.id not in live:
        forget = Change(address, Action.FORGET, reasons.GONE, object_id=current.id)
        made = _make(desired, reasons.GONE, None, (), (*projection.keys, forget.key))
        return DatasetPlan((*resumes, *gone, forget, *made), None, former)
    if current is None:
        made = _make(desired, reasons.DOES_NOT_EXIST, None, (), projection.keys)
        return DatasetPlan((*resumes, *gone, *made), None, former)

    if current.id == NOT_YET_CREATED:
        before = dict(current.attributes)
    else:
        before = observed(ResourceKind.DATASET, current.attributes, live[current.id].attributes())
    found = differences(before, after)
    replacing = of(ResourceKind.DATASET, found, Mutability.IMMUTABLE)
    data = tuple(d for d in of(ResourceKind.DATASET, found, Mutability.DATA) if d.after)
    imports = data and data[0].before is None
    partial = current.partial
    again = (
        partial is not None
        and not partial.allowed
        and desired.data is not None
        and "sources" not in desired.lifecycle.ignore_changes
    )
    left = current.id in live and _holds_other_data(live[current.id], desired)
    if (
        data
        and (left or not imports)
        and (desired.on_source_change is OnSourceChange.REPLACE or again)
    ):
        replacing = (*replacing, *data)
    if replacing or replace_asked:
        reason = reasons.dataset_replaced(replacing) if replacing else reasons.REPLACE_REQUESTED
        if again and desired.on_source_change is OnSourceChange.APPEND:
            reason = reasons.STILL_PARTIAL
        field = replacing[0].path if replacing else None
        made = _make(desired, reason, field, found, projection.keys)
        former = former if current.id == NOT_YET_CREATED else (current.id, *former)
        return DatasetPlan((*resumes, *gone, *made), None, former)

    object_id = None if current.id == NOT_YET_CREATED else current.id
    changes: list[Change] = []
    if data or again:
        reason = reasons.NOT_YET_IMPORTED if imports else reasons.APPENDED
        if again and partial is not None:
            reason = reasons.imported_again(partial.rows)
        changes.append(
            replace(
                _import(desired, reason, projection.keys), object_id=object_id, differences=data
            )
        )
    mutable = of(ResourceKind.DATASET, found, Mutability.MUTABLE)
    protected = desired.lifecycle.prevent_destroy
    marked = outdated_labels(recorded, lineage, protected=protected) if object_id is None else ()
    if object_id is not None:
        held = current if not data else with_attributes(current, {"data": desired.data})
        marked = label_differences(
            lineage,
            address,
            held,
            live[object_id].labels,
            protected=protected,
            current=None,
        )
    if mutable or marked:
        changes.append(
            Change(
                address,
                Action.UPDATE,
                reasons.updated(mutable) if mutable else reasons.OUTDATED_LABELS,
                field=(mutable or marked)[0].path,
                object_id=object_id,
                differences=(*mutable, *marked),
                after=after,
                # Its label with the data must be true.
                needs=(*projection.keys, *(change.key for change in changes if marked)),
            )
        )
    return DatasetPlan((*resumes, *gone, *changes), object_id, former)


def _holds_other_data(there: LiveDataset, desired: DesiredDataset) -> bool:
    """Whether a dataset has images of an import of other data, which need not have ended well.

    Its label names the data of the last import that was begun.
    """
    begun = there.labels.get(DATA)
    return bool(there.example_count) and begun is not None and fingerprint_of(begun) != desired.data


def delete_dataset(
    address: Address, object_id: str | None, reason: str, needs: tuple[str, ...]
) -> Change:
    """Return the deletion of a dataset; None: of the one that an earlier operation creates."""
    return Change(address, Action.DELETE, reason, object_id=object_id, needs=needs)


def _make(
    desired: DesiredDataset,
    reason: str,
    field: str | None,
    found: tuple[Difference, ...],
    needs: tuple[str, ...],
) -> tuple[Change, ...]:
    create = Change(
        desired.address,
        Action.CREATE,
        reason,
        field=field,
        differences=found,
        after=desired.attributes(),
        needs=needs,
    )
    if desired.data is None:
        return (create,)
    return (create, _import(desired, reasons.NOT_YET_IMPORTED, (create.key,)))


def _import(desired: DesiredDataset, reason: str, needs: tuple[str, ...]) -> Change:
    return Change(
        desired.address,
        Action.IMPORT_DATA,
        reason,
        field="sources",
        after=desired.attributes(),
        needs=needs,
    )


def _gone_formers(
    resource: RecordedResource, live: Mapping[str, LiveDataset]
) -> tuple[Change, ...]:
    return tuple(
        Change(resource.address, Action.FORGET, reasons.GONE, object_id=o.id)
        for o in resource.others
        if o.id not in live and o.id != NOT_YET_CREATED
    )
