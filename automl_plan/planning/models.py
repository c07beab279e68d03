"""What to do about one model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from automl_plan.planning import reasons
from automl_plan.planning.compare import differences, observed, of
from automl_plan.planning.datasets import DatasetOutlook
from automl_plan.planning.foresight import PENDING, Foreseen, cancel, foresee
from automl_plan.planning.plan import Action, Change, Difference
from automl_plan.resources.address import Address, ResourceKind
from automl_plan.resources.desired import DesiredDataset, DesiredModel
from automl_plan.resources.fields import Mutability
from automl_plan.resources.json import Attributes, Json
from automl_plan.resources.live import LiveModel
from automl_plan.resources.recorded import (
    RecordedObject,
    RecordedOperation,
    RecordedResource,
    Step,
)
from automl_plan.resources.transitions import without_operation


def plan_model(
    desired: DesiredModel,
    dataset: DesiredDataset,
    outlook: DatasetOutlook,
    recorded: RecordedResource,
    live: Mapping[str, LiveModel],
    *,
    replace_asked: bool,
) -> tuple[Change, ...]:
    """The changes that bring one declared model about and clear away what it replaces."""
    address = desired.address
    after = desired.attributes(dataset)
    foreseen = _cancel_outdated(recorded, after)
    if _outdated_and_cut_off(recorded, after):
        return foreseen.changes  # whether it runs must be known before another one is begun
    resource = foreseen.resource
    changes = [*foreseen.changes, *_forgotten(resource.former, address, live)]
    current = resource.current

    reason, found = _why_train(current, after, outlook, live, replace_asked=replace_asked)
    if reason is None:
        assert current is not None  # noqa: S101 (nothing current is a reason to train)
        changes += _bring_up_to_date(desired, after, current, live, foreseen.keys)
        former = resource.former
    else:
        needs = (*outlook.ready, *foreseen.keys)
        if current is not None and current.id not in live and current.id != PENDING:
            forget = Change(address, Action.FORGET, reasons.GONE, object_id=current.id)
            changes.append(forget)
            needs, current = (*needs, forget.key), None
        train = Change(
            address,
            Action.TRAIN if current is None else Action.RETRAIN,
            reason,
            field=found[0].path if found else None,
            differences=found,
            after=after,
            needs=needs,
        )
        changes.append(train)
        if desired.node_count is not None:
            changes.append(
                Change(
                    address,
                    Action.DEPLOY,
                    reasons.DEPLOY_NEW,
                    field="deploy",
                    differences=(Difference("deploy.node_count", None, desired.node_count),),
                    after=after,
                    needs=(train.key,),
                )
            )
        former = resource.former if current is None else (current, *resource.former)
    done = tuple(change.key for change in changes)
    for obj in former:
        changes += remove_model(address, obj.id, live, reasons.REPLACED, done)
    return tuple(changes)


def remove_model(
    address: Address,
    object_id: str,
    live: Mapping[str, LiveModel],
    reason: str,
    needs: tuple[str, ...],
) -> tuple[Change, ...]:
    """Undeploy a live model if need be, and delete it."""
    model = live.get(object_id)
    if model is None:
        return ()
    changes: list[Change] = []
    if model.deployed:
        undeploy = Change(address, Action.UNDEPLOY, reason, object_id=object_id, needs=needs)
        changes.append(undeploy)
        needs = (undeploy.key,)
    changes.append(Change(address, Action.DELETE, reason, object_id=object_id, needs=needs))
    return tuple(changes)


def remove_all_models(
    recorded: RecordedResource, live: Mapping[str, LiveModel], reason: str
) -> tuple[Change, ...]:
    """Everything that was recorded for an address that is not declared any more."""
    address = recorded.address
    resource = recorded
    changes: list[Change] = []
    for operation in recorded.operations:
        if operation.step is Step.TRAIN:
            changes.append(cancel(recorded, operation, reasons.NOT_WANTED))
            resource = without_operation(resource, operation)
    foreseen = foresee(resource, wanted=False)
    resource = foreseen.resource
    changes += foreseen.changes
    objects = resource.objects
    changes += _forgotten(objects, address, live)
    done = tuple(change.key for change in changes)
    for obj in objects:
        changes += remove_model(address, obj.id, live, reason, done)
    return tuple(changes)


def _cancel_outdated(recorded: RecordedResource, after: Attributes) -> Foreseen:
    """Foresee open operations; a training whose inputs are not the declared ones is ended."""
    wanted, cancels = recorded, []
    for operation in recorded.operations:
        if _outdated(operation, after):
            cancels.append(cancel(recorded, operation, reasons.OUTDATED))
            wanted = without_operation(wanted, operation)
    foreseen = foresee(wanted)
    return Foreseen(foreseen.resource, (*cancels, *foreseen.changes))


def _outdated(operation: RecordedOperation, after: Attributes) -> bool:
    return operation.step is Step.TRAIN and bool(_inputs(differences(operation.attributes, after)))


def _outdated_and_cut_off(recorded: RecordedResource, after: Attributes) -> bool:
    return any(o.id is None and _outdated(o, after) for o in recorded.operations)


def _why_train(
    current: RecordedObject | None,
    after: Attributes,
    outlook: DatasetOutlook,
    live: Mapping[str, LiveModel],
    *,
    replace_asked: bool,
) -> tuple[str | None, tuple[Difference, ...]]:
    """The reason to train, if there is one, with the differences that make it."""
    if current is None:
        return reasons.NOT_YET_TRAINED, ()
    if current.id != PENDING and current.id not in live:
        return reasons.GONE, ()
    found = _inputs(differences(current.attributes, after))
    if found:
        return reasons.retrained(found), found
    if _content_unknown(after) and current.dataset_id != outlook.object_id:
        return reasons.DATASET_REPLACED, ()
    if replace_asked:
        return reasons.ASKED_FOR, ()
    return None, ()


def _inputs(found: tuple[Difference, ...]) -> tuple[Difference, ...]:
    """The differences that take another training; data that is managed no more is none."""
    inputs = of(ResourceKind.MODEL, found, Mutability.IMMUTABLE)
    return tuple(d for d in inputs if (d.path, d.after) != ("trained_on.data", None))


def _content_unknown(after: Attributes) -> bool:
    trained_on = after["trained_on"]
    return isinstance(trained_on, dict) and "data" not in trained_on


def _bring_up_to_date(
    desired: DesiredModel,
    after: Attributes,
    current: RecordedObject,
    live: Mapping[str, LiveModel],
    needs: tuple[str, ...],
) -> list[Change]:
    """Patch, deploy and undeploy the model that stands."""
    pending = current.id == PENDING
    object_id = None if pending else current.id
    before: Attributes = current.attributes
    if not pending:
        before = observed(ResourceKind.MODEL, before, live[current.id].attributes())
    found = differences(before, after)
    changes: list[Change] = []
    mutable = of(ResourceKind.MODEL, found, Mutability.MUTABLE)
    if mutable:
        changes.append(
            Change(
                desired.address,
                Action.UPDATE,
                reasons.updated(mutable),
                field=mutable[0].path,
                object_id=object_id,
                differences=mutable,
                after=after,
                needs=needs,
            )
        )
    was, wanted = _node_count(before), _node_count(after)
    if was != wanted:
        action, reason = _deployment(current, was, wanted)
        changes.append(
            Change(
                desired.address,
                action,
                reason,
                field="deploy",
                object_id=object_id,
                differences=(Difference("deploy.node_count", was, wanted),),
                after=after,
                needs=needs,
            )
        )
    return changes


def _deployment(current: RecordedObject, was: Json, wanted: Json) -> tuple[Action, str]:
    if wanted is None:
        declared = "deploy" in current.attributes
        reason = reasons.DEPLOY_REMOVED if declared else reasons.DEPLOYED_OUTSIDE
        return Action.UNDEPLOY, reason
    if was is None:
        return Action.DEPLOY, reasons.DEPLOY_DECLARED
    return Action.DEPLOY, "deploy.node_count changed"


def _node_count(attributes: Attributes) -> Json:
    """None when it is not deployed; a word when the service does not tell on how many nodes."""
    deploy = attributes.get("deploy")
    if not isinstance(deploy, dict):
        return None
    count = deploy.get("node_count")
    return "not told" if count is None else count


def _forgotten(
    objects: Iterable[RecordedObject], address: Address, live: Mapping[str, LiveModel]
) -> list[Change]:
    return [
        Change(address, Action.FORGET, reasons.GONE, object_id=obj.id)
        for obj in objects
        if obj.id not in live and obj.id != PENDING
    ]
