"""What the beginning and the end of an operation make of a record: pure functions.

The applier records by them and the planner foresees by them, so both agree on what an open
operation will have changed once it is done.
"""

from __future__ import annotations

from msgspec.structs import replace

from automl_plan.model.endpoints import Home
from automl_plan.model.json import Json
from automl_plan.model.live import Operation
from automl_plan.model.recorded import (
    Decision,
    PartialImport,
    RecordedObject,
    RecordedOperation,
    RecordedResource,
    Status,
    Step,
)


def with_operation(resource: RecordedResource, operation: RecordedOperation) -> RecordedResource:
    """The record with an intent written, or with the same intent given its operation's id."""
    others = tuple(o for o in resource.operations if o.token != operation.token)
    versions = max(resource.versions, operation.version or 0)
    return replace(resource, operations=(*others, operation), versions=versions)


def without_operation(resource: RecordedResource, operation: RecordedOperation) -> RecordedResource:
    """The record after an operation that changed nothing: never received, failed, cancelled."""
    others = tuple(o for o in resource.operations if o.token != operation.token)
    return replace(resource, operations=others)


def after_operation(
    resource: RecordedResource,
    operation: RecordedOperation,
    *,
    made: str | None = None,
    when: str | None = None,
    partial: PartialImport | None = None,
    ended: str | None = None,
) -> RecordedResource:
    """The record after an operation that succeeded.

    `made` is the id of the object that a create or a training made, `when` the time at which
    its end was seen, `ended` that by the service's clock, `partial` what an import left out. What
    was current before becomes former.
    """
    resource = without_operation(resource, operation)
    match operation.step:
        case Step.CREATE | Step.TRAIN:
            if made is None:
                raise ValueError(f"{resource.address}: a finished {operation.step} made nothing")
            new = RecordedObject(
                id=made,
                attributes=operation.attributes,
                created=when,
                dataset_id=operation.dataset_id,
                version=operation.version,
                commit=operation.commit,
                labelled_examples=operation.labelled_examples,
            )
            if operation.gated:
                candidate = replace(new, status=Status.CANDIDATE)
                return replace(resource, others=(candidate, *resource.others))
            return replace(resource, current=new, others=_beside(resource))
        case Step.IMPORT_DATA:
            return _changed(
                resource,
                operation,
                {"data": operation.attributes.get("data")},
                examples=operation.examples,
                labelled_examples=operation.labelled_examples,
                partial=partial,
                ended=ended,
            )
        case Step.DEPLOY:
            resource = with_endpoint(resource, operation)
            return _changed(resource, operation, {"deploy": operation.attributes.get("deploy")})
        case Step.UNDEPLOY:
            return _changed(resource, operation, {"deploy": None})
        case Step.DELETE:
            return without_object(resource, operation.object_id)


def placed(operation: RecordedOperation, answer: Operation) -> RecordedOperation:
    """A deployment with the endpoint where the service makes it."""
    if operation.step is not Step.DEPLOY or answer.endpoint is None:
        return operation
    return replace(operation, endpoints=(answer.endpoint,))


def with_endpoint(resource: RecordedResource, operation: RecordedOperation) -> RecordedResource:
    """The record with the endpoint of a deployment, where that is known."""
    known = resource.endpoint
    deployed = operation.step is Step.DEPLOY and bool(operation.endpoints)
    if not deployed or (known is not None and known.id == operation.endpoints[0]):
        return resource
    return replace(resource, endpoint=Home(operation.endpoints[0]))


def with_current(
    resource: RecordedResource, object_id: str, decision: Decision | None = None
) -> RecordedResource:
    """The record with one of its other objects made the current one.

    When a person chose it, versions with a higher number are withdrawn, so that no plan puts
    them back by itself; else what was current is a former one.
    """
    chosen = next(obj for obj in resource.others if obj.id == object_id)
    by_hand = decision is not None and decision.by is not None

    def left(obj: RecordedObject) -> RecordedObject:
        later = (obj.version or 0) > (chosen.version or 0)
        return replace(obj, status=Status.WITHDRAWN) if by_hand and later else obj

    others = tuple(
        obj if obj.status is Status.REJECTED else left(obj)
        for obj in _beside(resource)
        if obj.id != object_id
    )
    decision = decision or chosen.decision
    return replace(resource, current=replace(chosen, status=None, decision=decision), others=others)


def with_status(
    resource: RecordedResource, object_id: str, status: Status, decision: Decision
) -> RecordedResource:
    """The record with a decision on one of its other objects."""
    others = tuple(
        replace(obj, status=status, decision=decision) if obj.id == object_id else obj
        for obj in resource.others
    )
    return replace(resource, others=others)


def _beside(resource: RecordedResource) -> tuple[RecordedObject, ...]:
    """The other objects, once the current one is a former one too."""
    if resource.current is None:
        return resource.others
    return (replace(resource.current, status=Status.FORMER), *resource.others)


def without_object(resource: RecordedResource, object_id: str | None) -> RecordedResource:
    """The record after an object is gone."""
    current = resource.current
    if current is not None and current.id == object_id:
        current = None
    others = tuple(o for o in resource.others if o.id != object_id)
    return replace(resource, current=current, others=others)


def with_attributes(obj: RecordedObject, changed: dict[str, Json]) -> RecordedObject:
    """The object with attributes set, or dropped where the value is None."""
    attributes = {**obj.attributes, **changed}
    return replace(obj, attributes={k: v for k, v in attributes.items() if v is not None})


def _changed(
    resource: RecordedResource,
    operation: RecordedOperation,
    changed: dict[str, Json],
    *,
    examples: int | None = None,
    labelled_examples: int | None = None,
    partial: PartialImport | None = None,
    ended: str | None = None,
) -> RecordedResource:
    def apply(obj: RecordedObject) -> RecordedObject:
        if obj.id != operation.object_id:
            return obj
        obj = with_attributes(obj, changed)
        if operation.step is Step.IMPORT_DATA:
            obj = replace(obj, partial=partial, updated=ended)
        if examples is not None:
            obj = replace(obj, examples=examples, labelled_examples=labelled_examples)
        return obj

    return replace(
        resource,
        current=apply(resource.current) if resource.current is not None else None,
        others=tuple(apply(o) for o in resource.others),
    )
