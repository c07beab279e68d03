"""Makes a plan of desired, recorded and live. Same input, same plan."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType

from msgspec.structs import replace

from automl_plan.model.address import Address, ResourceKind
from automl_plan.model.desired import Desired
from automl_plan.model.homes import homes_of, resolved
from automl_plan.model.json import Json
from automl_plan.model.live import Live
from automl_plan.model.ownership_labels import expected_labels
from automl_plan.model.prices import PriceBook
from automl_plan.model.recorded import Recorded, RecordedObject, RecordedResource
from automl_plan.planning import reasons
from automl_plan.planning.cost import Meter, costs_of, describe_spending
from automl_plan.planning.datasets import DatasetPlan, delete_dataset, plan_dataset
from automl_plan.planning.drift import assume_live, find_drift
from automl_plan.planning.endpoints import with_endpoints
from automl_plan.planning.ignore_changes import without_ignored
from automl_plan.planning.models import ModelPlan, plan_model, remove_all_models
from automl_plan.planning.notes import (
    elsewhere_notes,
    empty_notes,
    expiry_notes,
    rename_notes,
    trained_notes,
)
from automl_plan.planning.options import PlanMode, PlanOptions
from automl_plan.planning.plan import Action, Change, Plan, Unrecorded, in_order
from automl_plan.planning.projection import (
    NOT_YET_CREATED,
    deleted_results,
    project_open_operations,
)
from automl_plan.planning.refactoring import RefactoringImpossible, apply_blocks
from automl_plan.planning.resumption import find_differing_operations
from automl_plan.planning.shared_objects import shared_objects, sharing_notes
from automl_plan.planning.targeting import (
    allowed_addresses,
    check_addresses,
    narrowed,
    recorded_users,
    renamed,
)
from automl_plan.planning.unrecorded import pays, without_imported

_SWAPS = frozenset(
    {Action.TRAIN, Action.RETRAIN, Action.GATE, Action.PROMOTE, Action.DELETE, Action.RESUME}
)
"""Actions after which a model's current version may be another one, or gone."""


def make_plan(
    desired: Desired,
    recorded: Recorded,
    live: Live | None,
    options: PlanOptions,
    meter: Meter | None = None,
    *,
    service_now: datetime | None = None,
    examples: Mapping[Address, int] = MappingProxyType({}),
    prices: PriceBook | None = None,
    unrecorded: Sequence[Unrecorded] = (),
    given: Mapping[str, Json] | None = None,
) -> Plan:
    """Plan the changes that make live match desired.

    `live` None: the state is trusted. `meter` measures running trainings, `service_now` is for the
    age of models, `examples` are the numbers of images in the sources of datasets, `unrecorded` the
    objects with the state's labels that are not in it, `given` the variables with a value from
    outside. Raises UsageError for addresses in `options` that are neither declared nor recorded,
    RefactoringImpossible for blocks that can't be carried out.
    """
    there = assume_live(recorded) if live is None else live
    # Nothing is adopted only to be destroyed or compared.
    normal = options.mode is PlanMode.NORMAL
    blocks = desired if normal else replace(desired, adoptions=())
    applied = apply_blocks(blocks, recorded, there, examples)
    if applied.problems:
        raise RefactoringImpossible(applied.problems)
    known = {*desired.datasets, *desired.models, *recorded.resources, *applied.resources}
    check_addresses(options, known)
    options = renamed(options, applied.changes)
    before, recorded = recorded, replace(recorded, resources=applied.resources)
    allowed = allowed_addresses(desired, recorded, known, options)
    drift = tuple(d for d in find_drift(before, there) if d.address in allowed)
    if options.mode is PlanMode.REFRESH_ONLY:
        left_out = tuple(sorted(known - allowed))
        return Plan(
            (),
            drift,
            tuple(sorted(known & allowed)),
            unrecorded=tuple(unrecorded),
            not_planned=left_out,
        )

    desired = without_ignored(desired, recorded.resources, there, options.replaces)
    there = _marked(there, applied.changes, desired, recorded)
    there = resolved(there, recorded.resources, recorded.lineage)
    homes = homes_of(recorded.resources, there.models, recorded.lineage)
    destroy = options.mode is PlanMode.DESTROY
    wanted = Desired({}, {}) if destroy else desired
    gone = reasons.DESTROY if destroy else reasons.NOT_DECLARED
    dataset_plans = {
        address: plan_dataset(
            dataset,
            _record(recorded, address),
            there.datasets,
            there.operations,
            lineage=recorded.lineage,
            replace_asked=address in options.replaces,
        )
        for address, dataset in sorted(wanted.datasets.items())
    }
    models = _plan_models(wanted, recorded, there, dataset_plans, options.replaces, service_now)
    model_changes = {address: dataset_plan.changes for address, dataset_plan in models.items()}
    for address, resource in sorted(recorded.resources.items()):
        if address.kind is ResourceKind.MODEL and address not in wanted.models:
            model_changes[address] = remove_all_models(
                resource, there.models, there.operations, gone
            )
    dataset_changes = [c for dataset_plan in dataset_plans.values() for c in dataset_plan.changes]
    deletions = _delete_datasets(wanted, recorded, there, dataset_plans, model_changes, gone)
    made = (*dataset_changes, *_flat(model_changes), *deletions)
    later = _after(applied.changes, made, wanted, before)
    later = _after_imports(unrecorded, applied.changes, later, allowed)
    ordered = in_order((*applied.changes, *later))
    # A moved resource is known by its new name.
    known = {*desired.datasets, *desired.models, *recorded.resources} | {c.address for c in ordered}
    part = narrowed(ordered, allowed, wanted, known, options)
    changes = tuple(
        _with_current_status(change, recorded, there, meter, prices)
        for change in with_endpoints(
            part.changes, recorded.resources, homes, there, recorded.lineage
        )
    )
    looked_at = {*wanted.datasets, *wanted.models} - {*part.left_out}
    unchanged = tuple(sorted(looked_at - {change.address for change in changes}))
    notes = [note for dataset_plan in models.values() for note in dataset_plan.notes]
    notes += rename_notes(changes, desired, recorded.resources)
    empty = empty_notes(wanted, changes, recorded.resources, there)
    notes += [note for note in empty if note.address not in part.left_out]
    if service_now is not None:
        notes += expiry_notes(wanted.models, changes, recorded.resources, there, service_now)
    notes += elsewhere_notes(changes, recorded.resources, there)
    notes += trained_notes(recorded.resources, there)
    shared = shared_objects(recorded, there, {*wanted.datasets, *wanted.models})
    notes += sharing_notes(shared)
    left = without_imported(unrecorded, changes)
    return Plan(
        changes,
        drift,
        unchanged,
        tuple(note for note in notes if note.address in allowed),
        None
        if prices is None
        else costs_of(changes, desired, recorded.resources, there, prices, meter, left),
        unrecorded=left,
        endpoints={address: home for address, home in homes.items() if address in allowed},
        not_planned=part.left_out,
        differing_operations=find_differing_operations(wanted, recorded.resources, given),
    )


def _after_imports(
    unrecorded: Sequence[Unrecorded],
    block_changes: Sequence[Change],
    changes: Sequence[Change],
    allowed: Collection[Address],
) -> Sequence[Change]:
    """Changes that are paid for wait for the imports that make the state whole."""
    ids = {each.id for each in unrecorded}
    first = tuple(
        c.key
        for c in block_changes
        if c.action is Action.IMPORT and c.object_id in ids and c.address in allowed
    )
    if not first:
        return changes
    return [
        replace(c, needs=tuple(dict.fromkeys((*c.needs, *first)))) if pays(c) else c
        for c in changes
    ]


def _after(
    block_changes: Sequence[Change], changes: Sequence[Change], wanted: Desired, before: Recorded
) -> Sequence[Change]:
    """Changes that wait for what moves or adopts their address, or the dataset of their model.

    A dataset is deleted after the models that were trained on it are forgotten.
    """
    if not block_changes:
        return changes
    keys: dict[Address, list[str]] = {}
    of_dataset: dict[str, list[str]] = {}
    for change in block_changes:
        keys.setdefault(change.address, []).append(change.key)
        for obj in _record(before, change.address).objects:
            forgotten = change.action is Action.FORGET and obj.id == change.object_id
            if forgotten and obj.dataset_id is not None:
                of_dataset.setdefault(obj.dataset_id, []).append(change.key)

    def first(change: Change) -> list[str]:
        deleted = change.object_id if change.action is Action.DELETE else None
        of_address = [k for a in _about(change.address, wanted) for k in keys.get(a, ())]
        return of_address + of_dataset.get(deleted or "", [])

    return [replace(c, needs=(*c.needs, *needed)) if (needed := first(c)) else c for c in changes]


def _about(address: Address, wanted: Desired) -> tuple[Address, ...]:
    model = wanted.models.get(address)
    return (address,) if model is None else (address, model.dataset)


def _marked(live: Live, changes: Iterable[Change], desired: Desired, recorded: Recorded) -> Live:
    """Return the live resources with our labels on what imports adopt."""
    datasets, models = dict(live.datasets), dict(live.models)
    for change in changes:
        obj = _record(recorded, change.address).current
        if change.action is not Action.IMPORT or obj is None:
            continue
        declared = desired.resource(change.address)
        protected = declared is not None and declared.lifecycle.prevent_destroy
        own = expected_labels(recorded.lineage, change.address, obj, protected=protected)
        if obj.id in datasets:
            dataset = datasets[obj.id]
            datasets[obj.id] = replace(dataset, labels={**dataset.labels, **own})
        else:
            model = models[obj.id]
            models[obj.id] = replace(model, labels={**model.labels, **own})
    return replace(live, datasets=datasets, models=models)


def _with_current_status(
    change: Change,
    recorded: Recorded,
    live: Live,
    meter: Meter | None,
    prices: PriceBook | None,
) -> Change:
    """Add to the reason of a resume or cancel how its operation ended and what it has cost."""
    if change.action not in (Action.RESUME, Action.CANCEL):
        return change
    for operation in _record(recorded, change.address).operations:
        if operation.id is not None and operation.id == change.operation_id:
            stands = live.operations.get(operation.id)
            reason = change.reason
            if stands is not None and stands.done:
                reason = f"{operation.step}: {reasons.ended(stands.error)}"
            cost = None
            if prices is not None:
                made = None if stands is None else live.models.get(stands.result_id or "")
                cost = describe_spending(operation, meter, prices, stands, made)
            return replace(change, reason=reason if cost is None else f"{reason}; {cost}")
    return change


def _plan_models(
    wanted: Desired,
    recorded: Recorded,
    live: Live,
    dataset_plans: Mapping[Address, DatasetPlan],
    replaces: Collection[Address],
    service_now: datetime | None,
) -> dict[Address, ModelPlan]:
    return {
        address: plan_model(
            model,
            wanted.datasets[model.dataset],
            dataset_plans[model.dataset],
            _record(recorded, address),
            live.models,
            live.operations,
            lineage=recorded.lineage,
            now=service_now,
            replace_asked=address in replaces,
        )
        for address, model in sorted(wanted.models.items())
    }


def _delete_datasets(
    wanted: Desired,
    recorded: Recorded,
    live: Live,
    dataset_plans: Mapping[Address, DatasetPlan],
    model_changes: Mapping[Address, tuple[Change, ...]],
    gone: str,
) -> list[Change]:
    """Former datasets, and those not declared any more, after what their models do."""
    deletions: list[Change] = []
    replaced = {
        address: dataset_plan
        for address, dataset_plan in dataset_plans.items()
        if dataset_plan.former
    }
    declared_users = _users(wanted) if replaced else {}
    undeclared = sorted(
        address
        for address in recorded.resources
        if address.kind is ResourceKind.DATASET and address not in wanted.datasets
    )
    users = recorded_users(recorded) if replaced or undeclared else {}
    stay = _trained_on(recorded, model_changes) if replaced else set()
    for address, dataset_plan in replaced.items():
        for object_id in dataset_plan.former:
            if object_id not in stay:
                using = {*declared_users.get(address, ()), *users.get(object_id, ())}
                needs = (*dataset_plan.ready, *_keys_of(sorted(using), model_changes))
                deletions.append(delete_dataset(address, object_id, reasons.REPLACED, needs))
    for address in undeclared:
        resource = recorded.resources[address]
        lost = deleted_results(resource.operations, live.datasets, live.operations)
        projection = project_open_operations(
            resource, wanted=False, gone=lost, operations=live.operations
        )
        deletions += projection.changes
        for obj in projection.resource.objects:
            if obj.id == NOT_YET_CREATED:
                deletions.append(delete_dataset(address, None, gone, projection.keys))
            elif obj.id in live.datasets:
                needs = (*projection.keys, *_keys_of(users.get(obj.id, ()), model_changes))
                deletions.append(delete_dataset(address, obj.id, gone, needs))
            else:
                deletions.append(Change(address, Action.FORGET, reasons.GONE, object_id=obj.id))
    return deletions


def _trained_on(
    recorded: Recorded, model_changes: Mapping[Address, tuple[Change, ...]]
) -> set[str]:
    """The datasets of current models that stay current: what serves keeps what it was made of."""

    def goes(change: Change, current: RecordedObject) -> bool:
        forgotten = change.action is Action.FORGET and change.object_id == current.id
        return forgotten or change.action in _SWAPS

    return {
        resource.current.dataset_id
        for address, resource in recorded.resources.items()
        if resource.current is not None
        and resource.current.dataset_id is not None
        and not any(goes(c, resource.current) for c in model_changes.get(address, ()))
    }


def _users(desired: Desired) -> dict[Address, list[Address]]:
    """The declared models of each declared dataset."""
    users: dict[Address, list[Address]] = {}
    for address in sorted(desired.models):
        users.setdefault(desired.models[address].dataset, []).append(address)
    return users


def _record(recorded: Recorded, address: Address) -> RecordedResource:
    return recorded.resources.get(address) or RecordedResource(address)


def _flat(changes: Mapping[Address, tuple[Change, ...]]) -> tuple[Change, ...]:
    return tuple(change for group in changes.values() for change in group)


def _keys_of(
    addresses: Iterable[Address], changes: Mapping[Address, tuple[Change, ...]]
) -> tuple[str, ...]:
    return tuple(change.key for address in addresses for change in changes[address])
