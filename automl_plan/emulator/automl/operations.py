"""AutoML v1: long-running operations. Messages: google.longrunning, operations.proto.

The official client reads them strictly: an Operation has no field that isn't in the protos.
"""

import re

from automl_plan.emulator.automl.filters import Comparison, bad_comparison, read_filter
from automl_plan.emulator.automl.names import number_of, object_of, parent, scope_of, wire_id
from automl_plan.emulator.engine import Engine
from automl_plan.emulator.errors import Code, invalid
from automl_plan.emulator.faults import current_call
from automl_plan.emulator.http import Reply, Request, json_reply
from automl_plan.emulator.objects import ObjectKind, Operation, OperationKind, Scope
from automl_plan.emulator.sql_filters import Condition, Term, WorksOn
from automl_plan.emulator.wire.messages import body_fields
from automl_plan.emulator.wire.requests import (
    LIST_PARAMETERS,
    check_query,
    filled,
    paging,
    timestamp,
)

_TYPES = "type.googleapis.com/google.cloud.automl.v1."
_EMPTY = "type.googleapis.com/google.protobuf.Empty"
_DETAILS = {
    OperationKind.CREATE_DATASET: "createDatasetDetails",
    OperationKind.DELETE_DATASET: "deleteDetails",
    OperationKind.IMPORT_DATA: "importDataDetails",
    OperationKind.EXPORT_DATA: "exportDataDetails",
    OperationKind.CREATE_MODEL: "createModelDetails",
    OperationKind.DELETE_MODEL: "deleteDetails",
    OperationKind.DEPLOY_MODEL: "deployModelDetails",
    OperationKind.UNDEPLOY_MODEL: "undeployModelDetails",
    OperationKind.EXPORT_MODEL: "exportModelDetails",
}
_LONGEST_WAIT_SECONDS = 300.0
"""automl_v1.yaml: the deadline of WaitOperation; also what a wait without a timeout gets."""


def operation_reply(operation: Operation) -> Reply:
    """The answer of every method that begins an operation."""
    return json_reply(render(operation))


def render(operation: Operation) -> dict[str, object]:
    """A google.longrunning.Operation."""
    details: dict[str, object] = {}
    if operation.output:
        details["outputInfo"] = {"gcsOutputDirectory": operation.output}
    failures = [{"code": Code.INVALID_ARGUMENT, "message": text} for text in operation.failures]
    metadata = {
        "@type": f"{_TYPES}OperationMetadata",
        "createTime": timestamp(operation.created),
        "updateTime": timestamp(operation.updated),
        "partialFailures": failures,
        _DETAILS[operation.kind]: details,
    }
    fields: dict[str, object] = {
        "name": f"{parent(operation.scope)}/operations/{wire_id(operation.problem, operation.id)}",
        "metadata": filled(metadata),
    }
    if operation.done:
        fields["done"] = True
        if operation.error is not None:
            fields["error"] = {"code": operation.error.code, "message": operation.error.message}
        else:
            fields["response"] = _response(operation)
    return fields


def _response(operation: Operation) -> dict[str, object]:
    """The result's name only, as published answers have it: GET it for the rest."""
    if operation.result is None:
        return {"@type": _EMPTY}
    plural, message = (
        ("datasets", "Dataset")
        if operation.result.kind is ObjectKind.DATASET
        else ("models", "Model")
    )
    object_id = wire_id(operation.problem, operation.result.id)
    return {"@type": _TYPES + message, "name": f"{parent(operation.scope)}/{plural}/{object_id}"}


class OperationMethods:
    """The methods under `…/operations`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def list(self, request: Request) -> Reply:
        """operations.list; filters: operation_id, done, works_on."""
        check_query(request, LIST_PARAMETERS | {"returnPartialSuccess"})
        scope = scope_of(request.params)
        asked = paging(request)
        terms = read_filter(
            request,
            {
                "operation_id": _id_term,
                "done": _done_term,
                "works_on": lambda comparison: _works_on_term(scope, comparison),
            },
        )
        page = self._engine.operations.list(scope, terms, asked.window)
        found = [render(operation) for operation in page.items]
        return json_reply(filled({"operations": found}) | asked.token(page.next_before))

    def get(self, request: Request) -> Reply:
        """operations.get."""
        check_query(request)
        return operation_reply(self._engine.operations.get(*_named(request)))

    def cancel(self, request: Request) -> Reply:
        """operations.cancel: answers at once; poll to see what came of it."""
        check_query(request)
        body_fields(request.body, "").finish()
        self._engine.operations.cancel(*_named(request))
        return json_reply({})

    def delete(self, request: Request) -> Reply:
        """operations.delete: forgets the record, stops nothing."""
        check_query(request)
        self._engine.operations.delete(*_named(request))
        return json_reply({})

    def wait(self, request: Request) -> Reply:
        """operations.wait: the operation when it is done or the timeout has passed."""
        check_query(request)
        fields = body_fields(request.body, "")
        timeout = fields.text("timeout")
        fields.finish()
        seconds = _LONGEST_WAIT_SECONDS
        if timeout:
            if not re.fullmatch(r"\d{1,12}(\.\d{1,9})?s", timeout, re.ASCII):
                raise invalid(("timeout", 'It must be a duration such as "30s".'))
            seconds = min(float(timeout[:-1]), seconds)
        return operation_reply(self._engine.operations.wait(*_named(request), seconds))


def _named(request: Request) -> tuple[Scope, int]:
    return scope_of(request.params), number_of(request.params["operation"])


def _id_term(comparison: Comparison) -> Term:
    if comparison.value is None:
        raise bad_comparison(comparison)
    return Condition("id", number_of(comparison.value.rpartition("/")[2]), comparison.negated)


def _done_term(comparison: Comparison) -> Term:
    if comparison.value not in ("true", "false"):
        raise bad_comparison(comparison)
    return Condition("done", int(comparison.value == "true"), comparison.negated)


def _works_on_term(scope: Scope, comparison: Comparison) -> Term:
    if comparison.value is None:
        raise bad_comparison(comparison)
    if current_call().take("blind"):
        raise invalid(("filter", "Operations can't be filtered by works_on."))
    return WorksOn(object_of(scope, comparison.value), comparison.negated)
