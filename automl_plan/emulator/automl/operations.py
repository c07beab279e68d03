"""AutoML v1: long-running operations. Messages: google.longrunning, operations.proto.

The official client reads them strictly: an Operation has no field that isn't in the protos.
"""

from collections.abc import Mapping, Sequence
from typing import cast

from automl_plan.emulator.automl.filters import Comparison, bad_comparison, read_filter
from automl_plan.emulator.automl.names import number_of, object_of, scope_of, wire_id
from automl_plan.emulator.engine import Engine
from automl_plan.emulator.errors import invalid
from automl_plan.emulator.faults import current_call
from automl_plan.emulator.http import Reply, Request, json_reply
from automl_plan.emulator.objects import ObjectKind, Operation, OperationKind, Scope
from automl_plan.emulator.sql_filters import Term, equals, works_on
from automl_plan.emulator.wire.names import parent
from automl_plan.emulator.wire.operations import (
    EMPTY,
    OperationMethods,
    generic_metadata,
    operation_message,
)

_TYPES = "type.googleapis.com/google.cloud.automl.v1."
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
    OperationKind.BATCH_PREDICT: "batchPredictDetails",
}


def operation_reply(operation: Operation) -> Reply:
    """Return the response of methods that start an operation."""
    return json_reply(render(operation))


def render(operation: Operation) -> dict[str, object]:
    """Return a google.longrunning.Operation message."""
    name = f"{parent(operation.scope)}/operations/{wire_id(operation.problem, operation.id)}"
    details: dict[str, object] = {}
    if operation.kind is OperationKind.BATCH_PREDICT:
        asked = cast("Mapping[str, object]", operation.spec["asked"])
        details["inputConfig"] = {"gcsSource": {"inputUris": asked["uris"]}}
    if operation.output:
        details["outputInfo"] = {"gcsOutputDirectory": operation.output}
    metadata = {
        "@type": f"{_TYPES}OperationMetadata",
        **generic_metadata(operation),
        _DETAILS[operation.kind]: details,
    }
    return operation_message(operation, name, metadata, _response)


def _response(operation: Operation) -> dict[str, object]:
    """The name of the result only, as in published responses: clients GET it for the rest."""
    if operation.kind is OperationKind.BATCH_PREDICT:
        said = {"metadata": {"simulated": "true"}} if operation.spec.get("simulated") else {}
        return {"@type": f"{_TYPES}BatchPredictResult", **said}
    if operation.result is None:
        return {"@type": EMPTY}
    plural, message = (
        ("datasets", "Dataset")
        if operation.result.kind is ObjectKind.DATASET
        else ("models", "Model")
    )
    object_id = wire_id(operation.problem, operation.result.id)
    return {"@type": _TYPES + message, "name": f"{parent(operation.scope)}/{plural}/{object_id}"}


class AutomlOperations(OperationMethods):
    """The methods under `…/operations`; the filters are operation_id, done and works_on."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine, scope_of, number_of, render)

    def terms(self, request: Request, scope: Scope) -> Sequence[Term]:
        return read_filter(
            request,
            {
                "operation_id": _id_term,
                "done": _done_term,
                "works_on": lambda comparison: _works_on_term(scope, comparison),
            },
        )


def _id_term(comparison: Comparison) -> Term:
    if comparison.value is None:
        raise bad_comparison(comparison)
    number = number_of(comparison.value.rpartition("/")[2])
    return equals("id", number, negated=comparison.negated)


def _done_term(comparison: Comparison) -> Term:
    if comparison.value not in ("true", "false"):
        raise bad_comparison(comparison)
    return equals("done", int(comparison.value == "true"), negated=comparison.negated)


def _works_on_term(scope: Scope, comparison: Comparison) -> Term:
    if comparison.value is None:
        raise bad_comparison(comparison)
    if current_call().take("blind"):
        raise invalid(("filter", "Operations can't be filtered by works_on."))
    return works_on(object_of(scope, comparison.value), negated=comparison.negated)
