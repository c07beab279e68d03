"""Vertex AI v1: long-running operations. Messages: google.longrunning, operation.proto.

Trainings are pipelines here and batch predictions are jobs, not operations.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import cast

from automl_plan.emulator.engine import Engine
from automl_plan.emulator.errors import not_found
from automl_plan.emulator.http import Reply, Request, json_reply
from automl_plan.emulator.objects import ObjectKind, ObjectRef, Operation, OperationKind, Scope
from automl_plan.emulator.sql_filters import Term, any_of, equals, works_on
from automl_plan.emulator.vertex.filters import (
    Comparison,
    bad_comparison,
    is_negated,
    read_filter,
)
from automl_plan.emulator.vertex.names import LISTS, scope_of
from automl_plan.emulator.wire.messages import body_fields
from automl_plan.emulator.wire.names import parent, read_number
from automl_plan.emulator.wire.operations import (
    EMPTY,
    OperationMethods,
    generic_metadata,
    operation_message,
)
from automl_plan.emulator.wire.requests import check_list, check_query, list_reply, paging

_TYPES = "type.googleapis.com/google.cloud.aiplatform.v1."
_METADATA = {
    OperationKind.CREATE_DATASET: "CreateDatasetOperationMetadata",
    OperationKind.DELETE_DATASET: "DeleteOperationMetadata",
    OperationKind.IMPORT_DATA: "ImportDataOperationMetadata",
    OperationKind.EXPORT_DATA: "ExportDataOperationMetadata",
    OperationKind.DELETE_MODEL: "DeleteOperationMetadata",
    OperationKind.EXPORT_MODEL: "ExportModelOperationMetadata",
    OperationKind.CREATE_ENDPOINT: "CreateEndpointOperationMetadata",
    OperationKind.DELETE_ENDPOINT: "DeleteOperationMetadata",
    OperationKind.DEPLOY_TO_ENDPOINT: "DeployModelOperationMetadata",
    OperationKind.UNDEPLOY_FROM_ENDPOINT: "UndeployModelOperationMetadata",
    OperationKind.MUTATE_DEPLOYMENT: "MutateDeployedModelOperationMetadata",
    OperationKind.DELETE_TRAINING: "DeleteOperationMetadata",
    OperationKind.DELETE_BATCH: "DeleteOperationMetadata",
    OperationKind.DELETE_SET: "DeleteOperationMetadata",
}
_OWNERS = {
    "dataset_id": "datasets",
    "pipeline_id": "trainingPipelines",
    "endpoint_id": "endpoints",
    "family": "models",
    "model_id": "models",
}
"""The collection in an operation's name, by the field of its request: the first that it has.

Jobs have none: the discovery document has no operations below `batchPredictionJobs`.
"""


_NO_OPERATIONS = (OperationKind.CREATE_MODEL, OperationKind.BATCH_PREDICT)
"""What is shown as a pipeline or a job instead."""


def operation_reply(operation: Operation) -> Reply:
    """Return the response of methods that start an operation."""
    return json_reply(render(operation))


def render(operation: Operation) -> dict[str, object]:
    """Return a google.longrunning.Operation message."""
    metadata: dict[str, object] = {
        "@type": _TYPES + _METADATA[operation.kind],
        "genericMetadata": generic_metadata(operation),
    }
    if operation.kind is OperationKind.EXPORT_DATA and operation.output:
        metadata["gcsOutputDirectory"] = operation.output
    elif operation.kind is OperationKind.EXPORT_MODEL and operation.output:
        metadata["outputInfo"] = {"artifactOutputUri": operation.output}
    return operation_message(operation, _name(operation), metadata, _response)


def _name(operation: Operation) -> str:
    spec = operation.spec
    owners = [f"{plural}/{spec[key]}/" for key, plural in _OWNERS.items() if key in spec]
    return f"{parent(operation.scope)}/{owners[0] if owners else ''}operations/{operation.id}"


def _response(operation: Operation) -> dict[str, object]:
    scope, spec = operation.scope, operation.spec
    match operation.kind:
        case OperationKind.CREATE_DATASET:
            name = f"{parent(scope)}/datasets/{spec['dataset_id']}"
            shown = {"name": name, "displayName": spec["display_name"]}
            more = cast("Mapping[str, object]", spec.get("answer", {}))
            return {"@type": f"{_TYPES}Dataset", **shown, **more}
        case OperationKind.CREATE_ENDPOINT:
            name = f"{parent(scope)}/endpoints/{spec['endpoint_id']}"
            shown = {"name": name, "displayName": spec["display_name"]}
            return {"@type": f"{_TYPES}Endpoint", **shown}
        case OperationKind.DEPLOY_TO_ENDPOINT | OperationKind.MUTATE_DEPLOYMENT:
            deployed = {
                "id": spec["deployment_id"],
                "model": f"{parent(scope)}/models/{spec.get('family', spec['model_id'])}",
                "displayName": spec["display_name"],
            }
            if operation.kind is OperationKind.DEPLOY_TO_ENDPOINT:
                return {"@type": f"{_TYPES}DeployModelResponse", "deployedModel": deployed}
            deployed["automaticResources"] = {
                "minReplicaCount": spec["replicas"],
                "maxReplicaCount": spec["max_replicas"],
            }
            return {"@type": f"{_TYPES}MutateDeployedModelResponse", "deployedModel": deployed}
    names = {
        OperationKind.IMPORT_DATA: "ImportDataResponse",
        OperationKind.EXPORT_DATA: "ExportDataResponse",
        OperationKind.EXPORT_MODEL: "ExportModelResponse",
        OperationKind.UNDEPLOY_FROM_ENDPOINT: "UndeployModelResponse",
    }
    name = names.get(operation.kind, "")
    files = {"exportedFiles": list(operation.files)} if operation.files else {}
    return {"@type": _TYPES + name if name else EMPTY, **files}


class VertexOperations(OperationMethods):
    """The methods under `…/operations`, of a location and of objects; the filter is done."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine, scope_of, read_number, render)

    def terms(self, request: Request, scope: Scope) -> Sequence[Term]:
        return [
            *read_filter(request, {"done": _done_term}),
            *(equals("kind", each, negated=True) for each in _NO_OPERATIONS),
            *self._owner_terms(scope, request.params),
        ]

    def operation(self, request: Request) -> Operation:
        operation = super().operation(request)
        owner = _owner(request.params)
        part = f"/{owner[0]}/{owner[1]}/" if owner else ""
        if operation.kind in _NO_OPERATIONS or part not in _name(operation):
            raise not_found("The operation does not exist.")
        return operation

    def _owner_terms(self, scope: Scope, params: Mapping[str, str]) -> Sequence[Term]:
        owner = _owner(params)
        if owner is None:
            return []
        plural, object_id = owner
        if plural == "datasets":
            return [works_on(ObjectRef(ObjectKind.DATASET, read_number(object_id)))]
        if plural == "models":
            kinds = (OperationKind.DELETE_MODEL, OperationKind.EXPORT_MODEL)
            others = [equals("kind", k, negated=True) for k in OperationKind if k not in kinds]
            keys = self._engine.versions.keys(scope, object_id) or [read_number(object_id)]
            versions = [works_on(ObjectRef(ObjectKind.MODEL, key)) for key in keys]
            return [any_of(versions), *others]
        if plural == "endpoints":
            number = self._engine.endpoints.get(scope, object_id).number
            return [works_on(ObjectRef(ObjectKind.ENDPOINT, number))]
        return [equals("id", None)]  # pipelines: only their deletion, which is done at once


def _owner(params: Mapping[str, str]) -> tuple[str, str] | None:
    """The object that the path of an operation names: its collection and its id."""
    for key in ("dataset", "model", "endpoint", "pipeline"):
        if key in params:
            return ("trainingPipelines" if key == "pipeline" else f"{key}s"), params[key]
    return None


def _done_term(comparison: Comparison) -> Term:
    negated = is_negated(comparison)
    if comparison.value not in ("true", "false"):
        raise bad_comparison(comparison)
    return equals("done", int(comparison.value == "true"), negated=negated)


class JobMethods(ABC):
    """What the methods of trainings and of batch predictions do alike: a job is an operation."""

    list_field: str
    kind: OperationKind

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @abstractmethod
    def terms(self, request: Request) -> Sequence[Term]:
        """Return the terms that a list is filtered by."""

    @abstractmethod
    def job(self, request: Request) -> Operation:
        """Return the job that the path names."""

    @abstractmethod
    def render(
        self, request: Request, scope: Scope, jobs: Sequence[Operation]
    ) -> Sequence[Mapping[str, object]]:
        """Return the messages of jobs."""

    def reply(self, request: Request, job: Operation) -> Reply:
        """Return the response with one job."""
        [message] = self.render(request, job.scope, [job])
        return json_reply(message)

    def get(self, request: Request) -> Reply:
        check_query(request)
        return self.reply(request, self.job(request))

    def list(self, request: Request) -> Reply:
        """List jobs; the filters are those of the discovery document."""
        check_list(request, LISTS)
        scope, page = scope_of(request.params), paging(request)
        terms = [*self.terms(request), equals("kind", self.kind)]
        found = self._engine.operations.list(scope, terms, page.window)
        messages = self.render(request, scope, found.items)
        return list_reply(request, self.list_field, messages, page.token(found.next_before))

    def cancel(self, request: Request) -> Reply:
        """Request cancellation; poll the job to see whether it succeeds."""
        check_query(request)
        body_fields(request, "").finish()
        job = self.job(request)
        self._engine.operations.cancel(job.scope, job.id)
        return json_reply({})
