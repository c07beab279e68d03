"""AutoML v1: models. Messages: model.proto, image.proto, io.proto, prediction_service.proto."""

from collections.abc import Mapping, Sequence
from functools import lru_cache

from automl_plan.emulator.automl.datasets import output_prefix
from automl_plan.emulator.automl.filters import (
    Comparison,
    bad_comparison,
    metadata_terms,
    read_filter,
)
from automl_plan.emulator.automl.names import number_of, scope_of, wire_id
from automl_plan.emulator.automl.operations import operation_reply
from automl_plan.emulator.call_readings import TRAIN_BUDGET
from automl_plan.emulator.engine import Engine
from automl_plan.emulator.errors import Code, ServiceError, invalid
from automl_plan.emulator.http import Reply, Request
from automl_plan.emulator.limits import (
    MAX_NODE_COUNT,
    MODEL_TYPES,
    budget_fault,
    default_model_type,
    label_faults,
    model_name_fault,
)
from automl_plan.emulator.objects import CACHED_ROWS, Change, Model
from automl_plan.emulator.sql_filters import Term, equals
from automl_plan.emulator.training.types import Problem
from automl_plan.emulator.trainings import NewModel
from automl_plan.emulator.wire.messages import Fields, body_fields
from automl_plan.emulator.wire.names import parent
from automl_plan.emulator.wire.requests import (
    check_query,
    enums_as_numbers,
    omit_empty,
    timestamp,
)
from automl_plan.emulator.wire.resources import ResourceMethods

_METADATA = {
    Problem.IMAGE_CLASSIFICATION: "imageClassificationModelMetadata",
    Problem.IMAGE_OBJECT_DETECTION: "imageObjectDetectionModelMetadata",
}
_DEPLOYMENT = {
    Problem.IMAGE_CLASSIFICATION: "imageClassificationModelDeploymentMetadata",
    Problem.IMAGE_OBJECT_DETECTION: "imageObjectDetectionModelDeploymentMetadata",
}
_OTHER_KINDS = (
    "translationModelMetadata",
    "textClassificationModelMetadata",
    "textExtractionModelMetadata",
    "textSentimentModelMetadata",
)
_DEPLOYED, _UNDEPLOYED = (1, "DEPLOYED"), (2, "UNDEPLOYED")
_OUTPUT_FIELDS = ("trainCostMilliNodeHours", "trainCost", "stopReason", "nodeQps", "nodeCount")


@lru_cache(CACHED_ROWS)
def _render(model: Model, *, enums: bool) -> Mapping[str, object]:
    """A Model message; with `enums`, enums are numbers."""
    number, name = _DEPLOYED if model.deployed else _UNDEPLOYED
    base = model.base_model_id
    metadata = {
        "baseModelId": None if base is None else wire_id(model.problem, base),
        "modelType": model.model_type,
        "trainBudgetMilliNodeHours": str(model.budget_milli_node_hours),
        "trainCostMilliNodeHours": _int64(model.cost_milli_node_hours),
        "stopReason": model.stop_reason,
        "nodeQps": model.node_qps,
        "nodeCount": _int64(model.node_count),
    }
    return omit_empty(
        {
            "name": f"{parent(model.scope)}/models/{wire_id(model.problem, model.id)}",
            "displayName": model.display_name,
            "datasetId": wire_id(model.problem, model.dataset_id),
            "createTime": timestamp(model.created),
            "updateTime": timestamp(model.updated),
            "deploymentState": number if enums else name,
            "etag": model.etag,
            "labels": dict(model.labels) or None,
            _METADATA[model.problem]: omit_empty(metadata),
        }
    )


def _in_hours(message: Mapping[str, object]) -> Mapping[str, object]:
    """A Model whose budget is in hours of the clock, if it is for classification."""
    problem = Problem.IMAGE_CLASSIFICATION
    found = message.get(_METADATA[problem])
    if not isinstance(found, dict):
        return message
    metadata = dict(found)
    milli = int(metadata.pop("trainBudgetMilliNodeHours"))
    nodes = MODEL_TYPES[problem][metadata["modelType"]].nodes
    metadata["trainBudget"] = str(round(milli / 1000 / nodes))
    return {**message, _METADATA[problem]: metadata}


def _int64(number: int) -> str | None:
    return str(number) if number else None


class AutomlModels(ResourceMethods[Model, int]):
    """The methods under `…/models`; the filters are dataset_id and the kinds of metadata."""

    message = "model"
    list_field = "model"
    mutable = ("displayName", "labels")
    ignored = (
        *("name", "datasetId", "createTime", "updateTime", "deploymentState"),
        *_METADATA.values(),
    )

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine.models, scope_of, operation_reply)
        self._engine = engine

    def object_id(self, request: Request) -> int:
        return number_of(request.params["model"])

    def terms(self, request: Request) -> Sequence[Term]:
        return read_filter(request, {"dataset_id": _dataset_term, **metadata_terms("model")})

    def check(self, change: Change) -> None:
        faults = _faults(change)
        if faults:
            raise invalid(*faults)

    def render(self, request: Request, items: Sequence[Model]) -> Sequence[Mapping[str, object]]:
        enums = enums_as_numbers(request)
        messages = [_render(model, enums=enums) for model in items]
        if self._engine.readings[TRAIN_BUDGET] == "hours":
            return [_in_hours(each) for each in messages]
        return messages

    def create(self, request: Request) -> Reply:
        check_query(request)
        scope = scope_of(request.params)
        new = _new_model(body_fields(request, "model"))
        return operation_reply(self._engine.trainings.create(scope, new))

    def deploy(self, request: Request) -> Reply:
        """Deploy a model; on one node when no number is given."""
        check_query(request)
        scope, number = self.named(request)
        body = body_fields(request, "")
        given = {problem: body.message(name) for problem, name in _DEPLOYMENT.items()}
        counts = {
            problem: _node_count(metadata)
            for problem, metadata in given.items()
            if metadata is not None
        }
        body.finish()
        if len(counts) > 1:
            raise invalid(("model_deployment_metadata", "Only one of the oneof may be set."))
        model = self._engine.models.get(scope, number)
        if counts and model.problem not in counts:
            kind = model.problem.replace("_", " ")
            raise invalid(("model_deployment_metadata", f"The model is for {kind}."))
        return operation_reply(
            self._engine.models.deploy(scope, number, counts.get(model.problem, 1))
        )

    def undeploy(self, request: Request) -> Reply:
        check_query(request)
        body_fields(request, "").finish()
        return operation_reply(self._engine.models.undeploy(*self.named(request)))

    def export(self, request: Request) -> Reply:
        """Export a model whose type can be exported (proto: ModelExportOutputConfig)."""
        check_query(request)
        scope, number = self.named(request)
        body = body_fields(request, "")
        config = body.message("outputConfig")
        uri = output_prefix(config)
        wanted = ""
        if config is not None:
            wanted = config.text("modelFormat")
            config.mapping("params")
            config.finish()
        body.finish()
        model = self._engine.models.get(scope, number)
        formats = MODEL_TYPES[model.problem][model.model_type].formats
        if not formats:
            raise invalid(
                ("name", f"A model of type {model.model_type} can't be exported: only mobile ones.")
            )
        if wanted and wanted not in formats:
            raise invalid(
                (
                    "output_config.model_format",
                    f"{model.model_type} can be exported as {', '.join(formats)}.",
                )
            )
        return operation_reply(self._engine.models.export(scope, number, wanted or formats[0], uri))


def _new_model(fields: Fields) -> NewModel:
    fields.ignore("name", "createTime", "updateTime", "deploymentState", "etag")
    given = {problem: fields.message(name) for problem, name in _METADATA.items()}
    others = [name for name in _OTHER_KINDS if fields.has(name)]
    if others:
        raise ServiceError(Code.UNIMPLEMENTED, f"The emulator has images only, not {others[0]}.")
    kinds = [(problem, metadata) for problem, metadata in given.items() if metadata is not None]
    display_name, labels = fields.text("displayName"), fields.mapping("labels")
    dataset_id = fields.text("datasetId")
    fields.finish()
    if len(kinds) != 1:
        raise invalid(("model.model_metadata", "Exactly one kind of metadata must be set."))
    [(problem, metadata)] = kinds
    model_type = metadata.text("modelType") or default_model_type(problem)
    base = metadata.text("baseModelId") if problem is Problem.IMAGE_CLASSIFICATION else ""
    metadata.ignore(*_OUTPUT_FIELDS)
    milli_node_hours = metadata.integer("trainBudgetMilliNodeHours")
    hours = metadata.integer("trainBudget") if problem is Problem.IMAGE_CLASSIFICATION else None
    metadata.finish()
    faults = _faults(Change(display_name, labels=labels))
    if not dataset_id:
        faults.append(("model.dataset_id", "Required field not set."))
    known = MODEL_TYPES[problem].get(model_type)
    if known is None:
        types = ", ".join(MODEL_TYPES[problem])
        faults.append(
            (metadata.path("modelType"), f"{model_type} is not a model type. There are {types}.")
        )
        raise invalid(*faults)
    if hours is not None:
        converted = hours * known.nodes * 1000
        if milli_node_hours not in (None, converted):
            faults.append(
                (
                    metadata.path("trainBudget"),
                    f"It is {converted} milli node hours, but the other field says otherwise.",
                )
            )
        milli_node_hours = converted
    budget = known.default if milli_node_hours is None else milli_node_hours
    fault = budget_fault(problem, model_type, budget)
    if fault:
        faults.append((metadata.path("trainBudgetMilliNodeHours"), fault))
    if faults:
        raise invalid(*faults)
    return NewModel(
        problem=problem,
        dataset_id=number_of(dataset_id),
        model_type=model_type,
        budget_milli_node_hours=budget,
        base_model_id=number_of(base) if base else None,
        display_name=display_name,
        labels=labels,
    )


def _node_count(metadata: Fields) -> int:
    count = metadata.integer("nodeCount")
    metadata.finish()
    if count is None:
        return 1
    if not 1 <= count <= MAX_NODE_COUNT:
        raise invalid((metadata.path("nodeCount"), f"It must be between 1 and {MAX_NODE_COUNT}."))
    return count


def _faults(change: Change) -> list[tuple[str, str]]:
    faults = []
    if change.display_name is not None:
        fault = model_name_fault(change.display_name)
        if fault:
            faults.append(("model.display_name", fault))
    return faults + [("model.labels", fault) for fault in label_faults(change.labels or {})]


def _dataset_term(comparison: Comparison) -> Term:
    if comparison.value is None:
        raise bad_comparison(comparison)
    return equals("dataset_id", number_of(comparison.value), negated=comparison.negated)
