"""Vertex AI v1: long-running operations. Messages: google.longrunning, operation.proto.

Trainings are no operations here: they are pipelines.
"""

import re
from collections.abc import Mapping, Sequence

from automl_plan.emulator.engine import Engine
from automl_plan.emulator.errors import Code, invalid, not_found
from automl_plan.emulator.http import Reply, Request, json_reply
from automl_plan.emulator.objects import ObjectKind, ObjectRef, Operation, OperationKind, Scope
from automl_plan.emulator.sql_filters import AllOf, Condition, Term, WorksOn
from automl_plan.emulator.vertex.filters import Comparison, bad, read_filter
from automl_plan.emulator.vertex.names import number_of, parent, scope_of
from automl_plan.emulator.wire.messages import body_fields
from automl_plan.emulator.wire.requests import (
    LIST_PARAMETERS,
    check_query,
    filled,
    paging,
    parameter,
    timestamp,
)

_TYPES = "type.googleapis.com/google.cloud.aiplatform.v1."
_EMPTY = "type.googleapis.com/google.protobuf.Empty"
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
    OperationKind.DELETE_TRAINING: "DeleteOperationMetadata",
}
_OWNERS = {
    "dataset_id": "datasets",
    "pipeline_id": "trainingPipelines",
    "endpoint_id": "endpoints",
    "model_id": "models",
}
"""What an operation's name stands below, by what it was asked to work on."""
_LONGEST_WAIT_SECONDS = 300.0


def operation_reply(operation: Operation) -> Reply:
    """The answer of every method that begins an operation."""
    return json_reply(render(operation))


def render(operation: Operation) -> dict[str, object]:
    """A google.longrunning.Operation."""
    failures = [{"code": Code.INVALID_ARGUMENT, "message": text} for text in operation.failures]
    generic = {
        "createTime": timestamp(operation.created),
        "updateTime": timestamp(operation.updated),
        "partialFailures": failures,
    }
    metadata: dict[str, object] = {
        "@type": _TYPES + _METADATA[operation.kind],
        "genericMetadata": filled(generic),
    }
    if operation.kind is OperationKind.EXPORT_DATA and operation.output:
        metadata["gcsOutputDirectory"] = operation.output
    elif operation.kind is OperationKind.EXPORT_MODEL and operation.output:
        metadata["outputInfo"] = {"artifactOutputUri": operation.output}
    fields: dict[str, object] = {"name": _name(operation), "metadata": metadata}
    if operation.done:
        fields["done"] = True
        if operation.error is not None:
            fields["error"] = {"code": operation.error.code, "message": operation.error.message}
        else:
            fields["response"] = _response(operation)
    return fields


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
            return {"@type": f"{_TYPES}Dataset", **shown}
        case OperationKind.CREATE_ENDPOINT:
            name = f"{parent(scope)}/endpoints/{spec['endpoint_id']}"
            shown = {"name": name, "displayName": spec["display_name"]}
            return {"@type": f"{_TYPES}Endpoint", **shown}
        case OperationKind.DEPLOY_TO_ENDPOINT:
            deployed = {
                "id": spec["deployment_id"],
                "model": f"{parent(scope)}/models/{spec['model_id']}",
                "displayName": spec["display_name"],
            }
            return {"@type": f"{_TYPES}DeployModelResponse", "deployedModel": deployed}
    names = {
        OperationKind.IMPORT_DATA: "ImportDataResponse",
        OperationKind.EXPORT_DATA: "ExportDataResponse",
        OperationKind.EXPORT_MODEL: "ExportModelResponse",
        OperationKind.UNDEPLOY_FROM_ENDPOINT: "UndeployModelResponse",
    }
    name = names.get(operation.kind, "")
    return {"@type": _TYPES + name if name else _EMPTY}


class OperationMethods:
    """The methods under `…/operations`, of a location and of the objects in it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def list(self, request: Request) -> Reply:
        """operations.list, of all or of one object; filter: done."""
        check_query(request, LIST_PARAMETERS | {"returnPartialSuccess"})
        scope = scope_of(request.params)
        asked = paging(request)
        terms = [
            *read_filter(request, {"done": _done}),
            Condition("kind", OperationKind.CREATE_MODEL, negated=True),
            *self._owned(scope, request.params),
        ]
        page = self._engine.operations.list(scope, terms, asked.window)
        found = [render(operation) for operation in page.items]
        return json_reply(filled({"operations": found}) | asked.token(page.next_before))

    def get(self, request: Request) -> Reply:
        """operations.get."""
        check_query(request)
        return operation_reply(self._named(request))

    def cancel(self, request: Request) -> Reply:
        """operations.cancel: answers at once; poll to see what came of it."""
        check_query(request)
        body_fields(request.body, "").finish()
        operation = self._named(request)
        self._engine.operations.cancel(operation.scope, operation.id)
        return json_reply({})

    def delete(self, request: Request) -> Reply:
        """operations.delete: forgets the record, stops nothing."""
        check_query(request)
        operation = self._named(request)
        self._engine.operations.delete(operation.scope, operation.id)
        return json_reply({})

    def wait(self, request: Request) -> Reply:
        """operations.wait: the operation when it is done or the timeout has passed."""
        check_query(request, {"timeout"})
        fields = body_fields(request.body, "")
        timeout = fields.text("timeout") or parameter(request, "timeout") or ""
        fields.finish()
        seconds = _LONGEST_WAIT_SECONDS
        if timeout:
            if not re.fullmatch(r"\d{1,12}(\.\d{1,9})?s", timeout, re.ASCII):
                raise invalid(("timeout", 'It must be a duration such as "30s".'))
            seconds = min(float(timeout[:-1]), seconds)
        operation = self._named(request)
        waited = self._engine.operations.wait(operation.scope, operation.id, seconds)
        return operation_reply(waited)

    def _named(self, request: Request) -> Operation:
        """The operation of a flat name, or of one below the object that it belongs to."""
        scope = scope_of(request.params)
        operation = self._engine.operations.get(scope, number_of(request.params["operation"]))
        below = _owner(request.params)
        own = f"/{below[0]}/{below[1]}/" if below else ""
        if operation.kind is OperationKind.CREATE_MODEL or own not in _name(operation):
            raise not_found("The operation does not exist.")
        return operation

    def _owned(self, scope: Scope, params: Mapping[str, str]) -> Sequence[Term]:
        below = _owner(params)
        if below is None:
            return []
        plural, object_id = below
        if plural == "datasets":
            return [WorksOn(ObjectRef(ObjectKind.DATASET, number_of(object_id)))]
        if plural == "models":
            kinds = (OperationKind.DELETE_MODEL, OperationKind.EXPORT_MODEL)
            works_on = WorksOn(ObjectRef(ObjectKind.MODEL, number_of(object_id)))
            others = [Condition("kind", k, negated=True) for k in OperationKind if k not in kinds]
            return [AllOf([works_on, *others])]
        if plural == "endpoints":
            number = self._engine.endpoints.get(scope, object_id).number
            return [WorksOn(ObjectRef(ObjectKind.ENDPOINT, number))]
        return [Condition("id", None)]  # pipelines: nothing but their deletion, which ends at once


def _owner(params: Mapping[str, str]) -> tuple[str, str] | None:
    """The object that the path of an operation names: its collection and its id."""
    for key in ("dataset", "model", "endpoint", "pipeline"):
        if key in params:
            return ("trainingPipelines" if key == "pipeline" else f"{key}s"), params[key]
    return None


def _done(asked: Comparison) -> Term:
    if asked.operator not in ("=", "!=") or asked.value not in ("true", "false"):
        raise bad(asked)
    return Condition("done", int(asked.value == "true"), asked.operator == "!=")
