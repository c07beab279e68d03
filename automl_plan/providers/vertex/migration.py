"""Taking over what lives at AutoML: search, batchMigrate, and what came of it.

Messages: migration_service.proto and migratable_resource.proto of Vertex AI v1.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from automl_plan.errors import (
    ApiError,
    InvalidArgument,
    NotFound,
    PermissionDenied,
    TransportError,
    Unimplemented,
)
from automl_plan.providers.transport import HttpTransport
from automl_plan.providers.values import items, mapping, operation_error, tail, text
from automl_plan.providers.vertex.operation_names import can_be_operation, operation_path
from automl_plan.providers.vertex.vocabulary import (
    DATASET_LABEL,
    KIND_LABEL,
    SETS_LABEL,
    kind_of,
    sets_of,
    trained_label,
)
from automl_plan.providers.vertex.wire import operation
from automl_plan.providers.writes import opened
from automl_plan.resources.address import ResourceKind
from automl_plan.resources.json import Attributes
from automl_plan.resources.live import OperationKind, SourceData
from automl_plan.resources.model_types import ClassificationType, Problem
from automl_plan.resources.takeover import Copied, Copying, Migratable, Wish

_MOST = 50
"""proto: BatchMigrateResourcesRequest.migrate_resource_requests, up to 50."""
_PAGE_SIZE = 100
"""proto: SearchMigratableResourcesRequest.page_size, at most 100."""
_NO_SUCH_LIST = (NotFound, InvalidArgument, Unimplemented, PermissionDenied)
"""What a service may answer that takes no `-` there, or has no such list."""
_KINDS = {ResourceKind.DATASET: "Dataset", ResourceKind.MODEL: "Model"}


class Migration:
    """Copies of AutoML's objects in one project and location of Vertex AI."""

    def __init__(self, transport: HttpTransport, parent: str) -> None:
        self._transport = transport
        self._parent = parent

    @property
    def most(self) -> int:
        """How many objects one call takes."""
        return _MOST

    def search(self) -> Sequence[Migratable]:
        """All of AutoML's datasets and models that can be copied here."""
        path = f"/v1/{self._parent}/migratableResources:search"
        found: list[Migratable] = []
        token, seen = "", set[str]()
        while token not in seen:
            seen.add(token)
            body = {"pageSize": _PAGE_SIZE, **({"pageToken": token} if token else {})}
            answer = self._transport.repeatable("POST", path, body)
            found += _migratable(items(answer.get("migratableResources")))
            token = text(answer.get("nextPageToken")) or ""
            if not token:
                break
        return found

    def begin(self, wishes: Sequence[Wish]) -> Copying:
        """Ask for copies. Each call makes new ones, so it is sent once."""
        path = f"/v1/{self._parent}/migratableResources:batchMigrate"
        body = {"migrateResourceRequests": [_request(wish) for wish in wishes]}
        answer = self._transport.once("POST", path, body)
        begun = opened(operation(answer, self._parent), f"POST {path}")
        if not can_be_operation(begun.id):
            raise TransportError(
                f"The service took the call, but no operation can be called {begun.id!r}.",
                sent=True,
                accepted=True,
                where=f"POST {path}",
            )
        return self._copying(answer)

    def copying(self, operation_id: str) -> Copying:
        """An operation that copies, as it stands. Raises UsageError for what can't be one."""
        return self._copying(self._transport.get(operation_path(self._parent, operation_id)))

    def all(self) -> Sequence[Copying]:
        """All operations that copy, as far as the service still lists them.

        Of the location, and of what it has to migrate: the discovery document knows
        projects.locations.migratableResources.operations too, and nothing says that the first
        list holds those.
        """
        answers = self._operations("operations", (NotFound,))
        answers += self._operations("migratableResources/-/operations", _NO_SUCH_LIST)
        found = {each.operation.id: each for each in map(self._copying, answers)}
        return [
            each
            for name, each in found.items()
            if each.operation.kind is OperationKind.MIGRATE and can_be_operation(name)
        ]

    def _operations(self, home: str, none: tuple[type[ApiError], ...]) -> list[dict[str, Any]]:
        """What is listed there; nothing where the service answers one of these errors."""
        path = f"/v1/{self._parent}/{home}"
        try:
            return list(self._transport.pages(path, "operations", {"pageSize": "100"}))
        except none:
            return []

    def own_labels(
        self,
        kind: ResourceKind,
        problem: Problem,
        classification_type: ClassificationType | None,
        *,
        inputs: Attributes | None = None,
        dataset_id: str | None = None,
        data: SourceData | None = None,
    ) -> dict[str, str]:
        """What this provider keeps on an object, as if it had made it itself.

        Of a model without a training pipeline only labels tell what it was trained with.
        """
        label = kind_of(problem, classification_type).label
        if kind is ResourceKind.MODEL:
            label = trained_label(label, inputs or {})
        labels = {KIND_LABEL: label}
        if kind is ResourceKind.MODEL and dataset_id is not None:
            labels[DATASET_LABEL] = dataset_id
        if kind is ResourceKind.DATASET and data is not None:
            labels[SETS_LABEL] = sets_of(data, None)
        return labels

    def _copying(self, answer: Mapping[str, Any]) -> Copying:
        found = operation(answer, self._parent)
        metadata = mapping(answer.get("metadata"))
        return Copying(found, tuple(_copied(items(metadata.get("partialResults")))))


def _migratable(answers: Sequence[Any]) -> Iterator[Migratable]:
    """Those of AutoML; AI Platform's and Data Labeling's are not managed."""
    for answer in map(mapping, answers):
        for kind, word in _KINDS.items():
            name = text(mapping(answer.get(f"automl{word}")).get(kind.value))
            if name is not None:
                when = text(answer.get("lastMigrateTime"))
                yield Migratable(kind, tail(name), name, when)


def _request(wish: Wish) -> dict[str, dict[str, str]]:
    key = f"migrateAutoml{_KINDS[wish.kind]}Config"
    return {key: {wish.kind.value: wish.name, f"{wish.kind}DisplayName": wish.display_name}}


def _copied(answers: Sequence[Any]) -> Iterator[Copied]:
    """proto: BatchMigrateResourcesOperationMetadata.PartialResult, which repeats its request."""
    for answer in map(mapping, answers):
        request = mapping(answer.get("request"))
        for kind, word in _KINDS.items():
            config = mapping(request.get(f"migrateAutoml{word}Config"))
            name = text(config.get(f"{kind}DisplayName"))
            if name is None:
                continue
            error = answer.get("error")
            made = tail(answer.get(kind.value)).partition("@")[0] or None
            failure = operation_error(error) if isinstance(error, dict) else None
            yield Copied(name, made, failure)
