"""Plans one model. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from automl_plan.model.address import Address
from automl_plan.model.desired import DesiredDataset, DesiredModel
from automl_plan.model.json import Attributes
from automl_plan.model.live import LiveModel, Operation, OperationKind
from automl_plan.model.recorded import (
    RecordedObject,
    RecordedOperation,
    RecordedResource,
    Status,
    Step,
)
from automl_plan.model.transitions import without_operation
from automl_plan.planning import reasons
from automl_plan.planning.datasets import DatasetPlan
from automl_plan.planning.drift import TRAFFIC, outdated_labels
from automl_plan.planning.plan import TRAININGS, Action, Change, Difference, HeldBy, Note, NoteKind
from automl_plan.planning.projection import (
    NOT_YET_CREATED,
    Operations,
    Projection,
    cancel,
    failed_without_effect,
    finished_results,
    project_open_operations,
)
from automl_plan.planning.promotion import Promoter
from automl_plan.planning.versions import (
    Inputs,
    VersionAction,
    VersionDecision,
    decide_version,
    remove_model,
    retire,
)


class ModelPlan(Struct, frozen=True):
    """The plan of one declared model."""

    changes: tuple[Change, ...]
    notes: tuple[Note, ...] = ()


def plan_model(
    desired: DesiredModel,
    dataset: DesiredDataset,
    dataset_plan: DatasetPlan,
    recorded: RecordedResource,
    live: Mapping[str, LiveModel],
    operations: Operations,
    *,
    lineage: str,
    now: datetime | None,
    replace_asked: bool,
) -> ModelPlan:
    """Plan one declared model, and retire the versions that it replaces."""
    address = desired.address
    after = desired.attributes(dataset)
    inputs = Inputs(after, dataset_plan.object_id, "dataset" in desired.lifecycle.ignore_changes)
    projection = _cancel_outdated(_gated(recorded, desired), inputs, live, operations, now)
    if _outdated_and_interrupted(recorded, inputs):
        # Whether it runs must be known before another one is begun.
        return ModelPlan(projection.changes)
    projection = _after_its_dataset(projection, recorded, dataset_plan)
    resource = projection.resource
    changes = [*projection.changes, *_forgotten(resource.others, address, live)]
    decision = decide_version(desired, inputs, resource, live, now, replace_asked=replace_asked)
    notes = () if decision.held is None else (_held(address, decision.held, decision),)
    others = tuple(obj for obj in resource.others if obj.id in live)
    outdated = outdated_labels(recorded, lineage, protected=desired.lifecycle.prevent_destroy)
    promoter = Promoter(desired, after, lineage, live, now, outdated)

    served = None
    if decision.action is VersionAction.KEEP:
        current = resource.current
        if current is not None and current.id != NOT_YET_CREATED and current.id not in live:
            changes.append(_forget(address, current))
            current = None
        if current is not None:
            changes += promoter.bring_up_to_date(current, projection.keys, current=current)
        changes += promoter.restore_labels(others, current)
    else:
        needs: tuple[str, ...] = projection.keys
        current = resource.current
        if current is not None and current.id not in live and current.id != NOT_YET_CREATED:
            forget = _forget(address, current)
            changes.append(forget)
            needs, current = (*needs, forget.key), None
        restored = promoter.restore_labels(others, current, chosen=decision.version)
        needs = (*needs, *(c.key for c in restored if c.object_id == _id_of(decision.version)))
        if decision.action is VersionAction.TRAIN:
            taken = _train(desired, decision, after, (*dataset_plan.ready, *needs), current)
        else:
            assert decision.version is not None  # noqa: S101 (both are about a version)
            taken = promoter.promote(
                decision.version, decision.action, decision.reason, needs, decision.field
            )
            restored, taken = _patched_once(restored, taken)
        changes += restored
        if current is not None and current.id != NOT_YET_CREATED:
            changes += _until_replaced(promoter, current, projection.keys, decision.action)
        changes += taken
        former = () if current is None else (replace(current, status=Status.FORMER),)
        served = former[0] if former else None
        others = tuple(o for o in (*former, *others) if o != decision.version)
    exempt = decision.newest if decision.action is VersionAction.KEEP else decision.version
    done = tuple(change.key for change in changes)
    changes += retire(
        address,
        others,
        _as_deployed(live, changes),
        keep=desired.keep_versions,
        exempt=exempt,
        needs=done,
        trained=tuple(c.key for c in changes if c.action in TRAININGS),
        served=served,
    )
    return ModelPlan(tuple(_without_doomed_updates(changes)), notes)


def _held(address: Address, why: str, decision: VersionDecision) -> Note:
    version = decision.newest
    if version is not None and version.status is Status.WITHDRAWN:
        by = HeldBy.PERSON
    else:
        by = HeldBy.UNDECIDED if decision.undecided else HeldBy.GATE
    return Note(address, NoteKind.HELD, why, by)


def _patched_once(restored: list[Change], taken: list[Change]) -> tuple[list[Change], list[Change]]:
    """Restore labels along with the later update of the same object, where there is one.

    Two updates of an object would have one key, and the first would wait for the second.
    """
    earlier = {change.key: change for change in restored}
    twice = {change.key for change in taken if change.key in earlier}
    merged = []
    for change in taken:
        needs = tuple(key for key in change.needs if key not in twice)
        differences = change.differences
        if change.key in twice:
            differences = (*differences, *earlier[change.key].differences)
        merged.append(replace(change, needs=needs, differences=differences))
    return [change for change in restored if change.key not in twice], merged


def _id_of(version: RecordedObject | None) -> str | None:
    return None if version is None else version.id


def _until_replaced(
    promoter: Promoter, current: RecordedObject, needs: tuple[str, ...], action: VersionAction
) -> list[Change]:
    """What the current version needs before its successor takes its place.

    It serves until then, and for good where the gate rejects the successor. So a deployment that
    others ended is made again; what is newly declared is for the successor.
    """
    changes = promoter.restore_labels((current,), current)
    if action is VersionAction.PROMOTE:
        return changes
    stopped = not promoter.live[current.id].deployed
    for change in promoter.bring_up_to_date(current, needs, current=current):
        moved = any(difference.path == TRAFFIC for difference in change.differences)
        if change.action is Action.DEPLOY and (stopped or moved):
            changes.append(change)
    return changes


def _as_deployed(
    live: Mapping[str, LiveModel], changes: Iterable[Change]
) -> Mapping[str, LiveModel]:
    """Return the live models as these changes deploy or undeploy them."""
    deployed = {
        change.object_id: change.action is Action.DEPLOY
        for change in changes
        if change.action in (Action.DEPLOY, Action.UNDEPLOY) and change.object_id in live
    }
    if not deployed:
        return live
    return {**live, **{i: replace(live[i], deployed=on) for i, on in deployed.items() if i}}


def _train(
    desired: DesiredModel,
    decision: VersionDecision,
    after: Attributes,
    needs: tuple[str, ...],
    current: RecordedObject | None,
) -> list[Change]:
    """Return the changes that train a version, evaluate its gate and deploy it."""
    address = desired.address
    train = Change(
        address,
        Action.TRAIN if current is None else Action.RETRAIN,
        decision.reason,
        field=decision.field,
        differences=decision.differences,
        after=after,
        needs=needs,
    )
    changes = [train]
    if desired.require is not None:
        changes.append(
            Change(
                address,
                Action.GATE,
                reasons.GATED,
                field="require",
                after={"require": desired.require.to_json()},
                needs=(train.key,),
            )
        )
    if desired.node_count is not None:
        changes.append(
            Change(
                address,
                Action.DEPLOY,
                reasons.DEPLOY_NEW,
                field="deploy",
                differences=(Difference("deploy.node_count", None, desired.node_count),),
                after=after,
                needs=(changes[-1].key,),
            )
        )
    return changes


def _without_doomed_updates(changes: list[Change]) -> list[Change]:
    """Drop updates of objects that are deleted."""
    doomed = {c.object_id for c in changes if c.action is Action.DELETE}
    return [c for c in changes if c.action is not Action.UPDATE or c.object_id not in doomed]


def remove_all_models(
    recorded: RecordedResource,
    live: Mapping[str, LiveModel],
    operations: Operations,
    reason: str,
) -> tuple[Change, ...]:
    """Plan the removal of everything recorded for an address that is no longer declared."""
    address = recorded.address
    resource = recorded
    changes: list[Change] = []
    made = finished_results(recorded.operations, live, operations)
    for operation in recorded.operations:
        ended = operation.id in made or failed_without_effect(operation, operations)
        if operation.step is Step.TRAIN and not ended:
            changes.append(cancel(recorded, operation, reasons.NOT_WANTED))
            resource = without_operation(resource, operation)
    projection = project_open_operations(resource, wanted=False, made=made, operations=operations)
    resource = projection.resource
    changes += projection.changes
    objects = resource.objects
    changes += _forgotten(objects, address, live)
    done = tuple(change.key for change in changes)
    deploying = _deploying(recorded.operations, operations)
    for obj in objects:
        changes += remove_model(address, obj.id, live, reason, done, deploying)
    return tuple(changes)


def _deploying(
    open_operations: Iterable[RecordedOperation], operations: Operations
) -> frozenset[str]:
    """Return the models that are deployed when these operations end, though not wanted.

    A deployment that has only created its endpoint is not continued.
    """
    return frozenset(
        operation.object_id
        for operation in open_operations
        if operation.step is Step.DEPLOY and operation.id is not None and operation.object_id
        if not failed_without_effect(operation, operations)
        and not _creates_endpoint(operations.get(operation.id))
    )


def _creates_endpoint(operation: Operation | None) -> bool:
    return operation is not None and operation.kind is OperationKind.CREATE_ENDPOINT


def _gated(recorded: RecordedResource, desired: DesiredModel) -> RecordedResource:
    """Return the record with running trainings gated, when a gate is declared by now."""
    if desired.require is None:
        return recorded
    operations = tuple(
        replace(o, gated=True) if o.step is Step.TRAIN else o for o in recorded.operations
    )
    return replace(recorded, operations=operations)


def _cancel_outdated(
    recorded: RecordedResource,
    inputs: Inputs,
    live: Mapping[str, LiveModel],
    operations: Operations,
    now: datetime | None,
) -> Projection:
    """Foresee open operations; a training whose inputs are not the declared ones is ended.

    One that has ended by itself has been paid for: what it made is a version like any other, and
    no candidate for anything if it expired before it was recorded.
    """
    wanted, cancels = recorded, []
    results = finished_results(recorded.operations, live, operations)
    outdated = tuple(o for o in recorded.operations if _outdated(o, inputs))
    for operation in outdated:
        if operation.id not in results and not failed_without_effect(operation, operations):
            cancels.append(cancel(recorded, operation, reasons.OUTDATED))
            wanted = without_operation(wanted, operation)
    known = {operation.id for operation in outdated}
    made = {
        key: model for key, model in results.items() if key in known or live[model].has_expired(now)
    }
    projection = project_open_operations(wanted, made=made, operations=operations)
    return Projection(projection.resource, (*cancels, *projection.changes))


def _outdated(operation: RecordedOperation, inputs: Inputs) -> bool:
    return operation.step is Step.TRAIN and bool(inputs.differing(operation.attributes))


def _outdated_and_interrupted(recorded: RecordedResource, inputs: Inputs) -> bool:
    return any(o.id is None and _outdated(o, inputs) for o in recorded.operations)


def _after_its_dataset(
    projection: Projection, recorded: RecordedResource, dataset_plan: DatasetPlan
) -> Projection:
    """Make an interrupted training that may be sent again wait for its new dataset."""
    lost = any(
        o.id is None and o.step is Step.TRAIN and o.dataset_id != dataset_plan.object_id
        for o in recorded.operations
    )
    if not lost:
        return projection
    changes = (
        replace(c, needs=(*c.needs, *dataset_plan.ready))
        if c.action is Action.RESUME and c.operation_id is None and c.after is not None
        else c
        for c in projection.changes
    )
    return replace(projection, changes=tuple(changes))


def _forget(address: Address, obj: RecordedObject) -> Change:
    return Change(address, Action.FORGET, reasons.GONE, object_id=obj.id)


def _forgotten(
    objects: Iterable[RecordedObject], address: Address, live: Mapping[str, LiveModel]
) -> list[Change]:
    return [_forget(address, o) for o in objects if o.id not in live and o.id != NOT_YET_CREATED]
