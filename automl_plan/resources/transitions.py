"""What the beginning and the end of an operation make of a record: pure functions.

The applier records by them and the planner foresees by them, so both agree on what an open
operation will have changed once it is done.
"""

from __future__ import annotations

from dataclasses import replace

from automl_plan.resources.json import Json
from automl_plan.resources.recorded import (
    RecordedObject,
    RecordedOperation,
    RecordedResource,
    Step,
)


def with_operation(resource: RecordedResource, operation: RecordedOperation) -> RecordedResource:
    """The record with an intent written, or with the same intent given its operation's id."""
    others = tuple(o for o in resource.operations if o.token != operation.token)
    return replace(resource, operations=(*others, operation))


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
) -> RecordedResource:
    """The record after an operation that succeeded.

    `made` is the id of the object that a create or a training made, `when` the time at which
    its end was seen. What was current before becomes former.
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
            )
            return replace(resource, current=new, former=resource.objects)
        case Step.IMPORT_DATA:
            return _changed(
                resource,
                operation,
                {"data": operation.attributes.get("data")},
                examples=operation.examples,
                labelled_examples=operation.labelled_examples,
            )
        case Step.DEPLOY:
            return _changed(resource, operation, {"deploy": operation.attributes.get("deploy")})
        case Step.UNDEPLOY:
            return _changed(resource, operation, {"deploy": None})
        case Step.DELETE:
            return without_object(resource, operation.object_id)


def retired(resource: RecordedResource) -> RecordedResource:
    """The record with its current object made a former one."""
    return replace(resource, current=None, former=resource.objects)


def without_object(resource: RecordedResource, object_id: str | None) -> RecordedResource:
    """The record after an object is gone."""
    current = resource.current
    if current is not None and current.id == object_id:
        current = None
    former = tuple(o for o in resource.former if o.id != object_id)
    return replace(resource, current=current, former=former)


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
) -> RecordedResource:
    def apply(obj: RecordedObject) -> RecordedObject:
        if obj.id != operation.object_id:
            return obj
        obj = with_attributes(obj, changed)
        if examples is not None:
            obj = replace(obj, examples=examples, labelled_examples=labelled_examples)
        return obj

    return replace(
        resource,
        current=apply(resource.current) if resource.current is not None else None,
        former=tuple(apply(o) for o in resource.former),
    )
