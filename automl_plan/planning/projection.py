"""Projects a record to the end of its open operations. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType

from msgspec import Struct

from automl_plan.model.live import LiveDataset, LiveModel, Operation
from automl_plan.model.recorded import MAKING, RecordedOperation, RecordedResource, Step
from automl_plan.model.transitions import after_operation, without_operation
from automl_plan.planning import reasons
from automl_plan.planning.plan import Action, Change

Operations = Mapping[str, Operation]
"""Operations of the provider, by id."""

MAKES = frozenset({Step.CREATE, Step.IMPORT_DATA, Step.TRAIN, Step.DEPLOY})
"""Steps that are planned again after they failed; steps that end something always are."""
NOT_YET_CREATED = "(not made yet)"
"""In place of the id of an object that an open operation will create."""


class Projection(Struct, frozen=True):
    """A record as it will be, with the changes that bring it there."""

    resource: RecordedResource
    changes: tuple[Change, ...] = ()

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys of those changes."""
        return tuple(change.key for change in self.changes)


def project_open_operations(
    resource: RecordedResource,
    *,
    wanted: bool = True,
    made: Mapping[str, str] = MappingProxyType({}),
    gone: Mapping[str, str] = MappingProxyType({}),
    operations: Operations = MappingProxyType({}),
) -> Projection:
    """Resume every open operation, and take it as succeeded unless it is known to have failed.

    `made` are the ids of live objects by the ended operations that created them: the same plan can
    retire them. `gone` are those deleted since: they are recorded and forgotten.
    """
    changes: list[Change] = []
    for operation in resource.operations:
        if operation.id is not None and operation.id in gone:
            resource = without_operation(resource, operation)
            recorded = resume(resource, operation, wanted=False)
            forget = Change(
                resource.address,
                Action.FORGET,
                reasons.GONE,
                object_id=gone[operation.id],
                needs=(recorded.key,),
            )
            changes += [recorded, forget]
            continue
        if failed_without_effect(operation, operations):
            resource = without_operation(resource, operation)
            changes.append(resume(resource, operation, wanted=False))
            continue
        resource = after_operation(
            resource, operation, made=made.get(operation.id or "", NOT_YET_CREATED)
        )
        changes.append(resume(resource, operation, wanted=wanted))
    return Projection(resource, tuple(changes))


def failed_without_effect(operation: RecordedOperation, operations: Operations) -> bool:
    """Whether an operation is known to have ended without effect: it failed, or was cancelled."""
    answer = operations.get(operation.id or "")
    failed = answer is not None and answer.done and answer.error is not None
    return failed and operation.step in MAKES


def finished_results(
    operations: Iterable[RecordedOperation],
    live: Mapping[str, LiveModel] | Mapping[str, LiveDataset],
    ended: Operations,
) -> dict[str, str]:
    """The live objects that operations have made which have ended, by the operations' ids."""
    return {key: made for key, made in _results(operations, ended) if made in live}


def deleted_results(
    operations: Iterable[RecordedOperation], live: Mapping[str, LiveDataset], ended: Operations
) -> dict[str, str]:
    """The datasets that operations have made and that are not live any more, by these.

    Of datasets only: one that is missing in a list for a moment costs nothing to make once more,
    and is named as unrecorded when it shows. A model would be paid for twice.
    """
    return {key: made for key, made in _results(operations, ended) if made not in live}


def _results(
    operations: Iterable[RecordedOperation], ended: Operations
) -> Iterator[tuple[str, str]]:
    for operation in operations:
        answer = ended.get(operation.id or "")
        if operation.id is None or operation.step not in MAKING or answer is None:
            continue
        if answer.done and answer.error is None and answer.result_id is not None:
            yield operation.id, answer.result_id


def resume(
    resource: RecordedResource, operation: RecordedOperation, *, wanted: bool = True
) -> Change:
    """Wait for an operation and record its result.

    What is not wanted is not sent again when it turns out that it was never received.
    """
    reason = reasons.INTERRUPTED if operation.id is None else reasons.STILL_RUNNING
    return Change(
        resource.address,
        Action.RESUME,
        f"{operation.step}: {reason}",
        object_id=operation.object_id,
        operation_id=operation.id,
        after=(operation.attributes or None) if wanted else None,
    )


def cancel(resource: RecordedResource, operation: RecordedOperation, reason: str) -> Change:
    """Cancel an operation that is no longer declared; one without an id is resumed first."""
    if operation.id is None:
        return resume(resource, operation, wanted=False)
    return Change(
        resource.address,
        Action.CANCEL,
        f"{operation.step}: {reason}",
        object_id=operation.object_id,
        operation_id=operation.id,
    )
