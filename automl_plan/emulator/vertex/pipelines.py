"""Vertex AI v1: trainings, as pipelines. Messages: training_pipeline.proto and the schemata of
AutoML's image trainings (gs://google-cloud-aiplatform/schema/trainingjob/definition/)."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, cast

from automl_plan.emulator.call_readings import PIPELINES_BY_LABEL
from automl_plan.emulator.data_items import of_item
from automl_plan.emulator.engine import Engine
from automl_plan.emulator.errors import Code, ServiceError, invalid, not_found
from automl_plan.emulator.http import Reply, Request
from automl_plan.emulator.limits import MODEL_TYPES as ENGINE_TYPES
from automl_plan.emulator.limits import budget_fault
from automl_plan.emulator.objects import Model, Operation, OperationKind, Scope
from automl_plan.emulator.readings import Readings
from automl_plan.emulator.sql_filters import Term, compare
from automl_plan.emulator.training.types import Problem
from automl_plan.emulator.trainings import NewModel
from automl_plan.emulator.versions import check_aliases, check_family
from automl_plan.emulator.vertex import filters
from automl_plan.emulator.vertex.data_items import label_term
from automl_plan.emulator.vertex.names import (
    check_named,
    last_segment,
    model_name,
    scope_of,
)
from automl_plan.emulator.vertex.operations import JobMethods, operation_reply
from automl_plan.emulator.vertex.schemas import (
    MODEL_TYPE_NUMBERS,
    MODEL_TYPES,
    TRAINING_TASKS,
)
from automl_plan.emulator.vertex.states import SUCCEEDED, state_of, state_term, state_value
from automl_plan.emulator.wire.messages import Fields, body_fields
from automl_plan.emulator.wire.names import NO_ID, parent, read_number
from automl_plan.emulator.wire.requests import (
    check_query,
    enums_as_numbers,
    omit_empty,
    timestamp,
)
from automl_plan.emulator.wire.surface import unimplemented

_STATE = "PIPELINE_STATE_"
_NO_PIPELINE = "The TrainingPipeline does not exist."
_USES = ("training", "validation", "test")
_SHARES = [0.8, 0.1, 0.1]
"""The shares when the request has no split (proto: FractionSplit)."""


def render(
    operation: Operation, model: Model | None, readings: Readings, *, enums: bool
) -> dict[str, object]:
    """Return a TrainingPipeline message; `model` is its result, while that exists."""
    spec, scope = operation.spec, operation.scope
    request = cast("Mapping[str, object]", spec["asked"])
    state = state_of(operation)
    upload = dict(cast("Mapping[str, object]", request["model"]))
    if state == SUCCEEDED:
        family = str(spec.get("family", spec["model_id"]))
        number = 1 if model is None else model.number
        upload["name"] = model_name(readings, scope, family, number)
        upload["versionId"] = str(number)
    metadata = None
    if model is not None and state == SUCCEEDED:
        metadata = {
            "costMilliNodeHours": str(model.cost_milli_node_hours),
            # An enum without a value for simulated trainings.
            "successfulStopReason": model.stop_reason.removeprefix("SIMULATED_"),
        }
    error = None
    if operation.error is not None:
        error = {"code": operation.error.code, "message": operation.error.message}
    return omit_empty(
        {
            "name": f"{parent(scope)}/trainingPipelines/{operation.id}",
            "displayName": request["display_name"],
            "inputDataConfig": request["input"],
            "trainingTaskDefinition": request["definition"],
            "trainingTaskInputs": request["inputs"],
            "trainingTaskMetadata": metadata,
            "modelToUpload": upload,
            **cast("Mapping[str, object]", request.get("ids", {})),
            "state": state_value(_STATE, state, enums=enums),
            "error": error,
            "createTime": timestamp(operation.created),
            "startTime": timestamp(operation.started) if operation.started else None,
            "endTime": timestamp(operation.updated) if operation.done else None,
            "updateTime": timestamp(operation.updated),
            "labels": request["labels"] or None,
        }
    )


class VertexPipelines(JobMethods):
    """The methods under `…/trainingPipelines`."""

    list_field = "trainingPipelines"
    kind = OperationKind.CREATE_MODEL

    def create(self, request: Request) -> Reply:
        """Start a training; reply with its pipeline."""
        check_query(request)
        scope = scope_of(request.params)
        new = _new_model(self._engine, scope, body_fields(request, "training_pipeline"))
        return self.reply(request, self._engine.trainings.create(scope, new))

    def terms(self, request: Request) -> Sequence[Term]:
        return filters.read_filter(
            request,
            {
                "display_name": filters.text(
                    "json_extract(spec, '$.asked.display_name')", wildcard=True
                ),
                "training_task_definition": filters.text(
                    "json_extract(spec, '$.asked.definition')", wildcard=True
                ),
                "state": state_term(_STATE),
                "create_time": filters.created,
                "labels": self._labels_term,
            },
        )

    def _labels_term(self, comparison: filters.Comparison) -> Term:
        match self._engine.readings[PIPELINES_BY_LABEL]:
            case "refused":
                raise filters.bad_comparison(comparison)
            case "ignored":
                return compare("id", ">=", 0)
        return filters.labels("json_extract(spec, '$.asked.labels')")(comparison)

    def delete(self, request: Request) -> Reply:
        """Delete the record of a finished training."""
        check_query(request)
        pipeline = self.job(request)
        return operation_reply(self._engine.trainings.delete(pipeline.scope, pipeline.id))

    def job(self, request: Request) -> Operation:
        scope = scope_of(request.params)
        number = read_number(request.params["pipeline"])
        found = self._engine.operations.get(scope, number, _NO_PIPELINE)
        if found.kind is not OperationKind.CREATE_MODEL:
            raise not_found(_NO_PIPELINE)
        return found

    def render(
        self, request: Request, scope: Scope, operations: Sequence[Operation]
    ) -> Sequence[Mapping[str, object]]:
        results = {each.id: each.result.id for each in operations if each.result is not None}
        models = self._engine.models.some(scope, results.values())
        enums = enums_as_numbers(request)
        return [
            render(
                each, models.get(results.get(each.id, NO_ID)), self._engine.readings, enums=enums
            )
            for each in operations
        ]


def _new_model(engine: Engine, scope: Scope, fields: Fields) -> NewModel:
    readings = engine.readings
    chosen_id, of = fields.text("modelId"), fields.text("parentModel")
    display_name, labels = fields.text("displayName"), fields.mapping("labels")
    definition = fields.text("trainingTaskDefinition")
    inputs, upload = fields.message("trainingTaskInputs"), fields.message("modelToUpload")
    data = fields.message("inputDataConfig")
    fields.finish()
    given = (("training_task_inputs", inputs), ("model_to_upload", upload))
    for name, message in (*given, ("input_data_config", data)):
        if message is None:
            raise invalid((f"training_pipeline.{name}", "Required field not set."))
    assert inputs is not None and upload is not None and data is not None  # noqa: PT018, S101
    problem = TRAINING_TASKS.get(definition)
    if problem is None:
        raise ServiceError(
            Code.UNIMPLEMENTED, f"The emulator trains image models of AutoML, not {definition}."
        )
    check_named(readings, "training_pipeline", display_name, labels)
    model_name = upload.text("displayName")
    model_labels = upload.mapping("labels")
    aliases = upload.texts("versionAliases")
    description = upload.text("description")
    version_description = upload.text("versionDescription")
    upload.finish()
    check_aliases("training_pipeline.model_to_upload.version_aliases", aliases)
    if chosen_id and of:
        raise invalid(("training_pipeline.model_id", "A version has the id of its parent model."))
    family = last_segment(scope, of.partition("@")[0], "models") if of else chosen_id
    if chosen_id:
        check_family("training_pipeline.model_id", chosen_id)
    if family is None:
        raise invalid(("training_pipeline.parent_model", "It must be the full name of a model."))
    uploaded = "training_pipeline.model_to_upload"
    check_named(readings, uploaded, model_name, model_labels, description)
    shown_inputs = dict(inputs.raw)
    model_type, budget, multilabel, base = _inputs(inputs, problem)
    base_key = engine.versions.find(scope, base) if base else None
    if "modelType" in shown_inputs:  # it may be a number
        shown_inputs["modelType"] = inputs.named_enum("modelType", MODEL_TYPE_NUMBERS[problem])
    if "budgetMilliNodeHours" in shown_inputs:
        shown_inputs["budgetMilliNodeHours"] = str(budget)  # an int64, however it was written
    chosen = _data(data)
    return NewModel(
        problem=problem,
        dataset_id=read_number(chosen.dataset_id),
        model_type=model_type,
        budget_milli_node_hours=budget,
        base_model_id=base_key,
        display_name=model_name,
        labels=model_labels,
        description=description,
        version_description=version_description,
        family=family,
        of_parent=bool(of),
        version_aliases=aliases,
        multilabel=multilabel,
        split=chosen.shares,
        filters=chosen.filters,
        saved_query=chosen.saved_query,
        request={
            "display_name": display_name,
            "labels": labels,
            "definition": definition,
            "inputs": shown_inputs,
            "input": chosen.message,
            "model": omit_empty(
                {
                    "displayName": model_name,
                    "description": description,
                    "versionDescription": version_description,
                    "labels": model_labels or None,
                    "versionAliases": aliases,
                }
            ),
            "ids": omit_empty({"modelId": chosen_id, "parentModel": of}),
        },
    )


def _inputs(inputs: Fields, problem: Problem) -> tuple[str, int, bool | None, str]:
    """The engine's model type, milli node hours, whether multi-label, and the base model."""
    written = inputs.named_enum("modelType", MODEL_TYPE_NUMBERS[problem])
    budget = inputs.integer("budgetMilliNodeHours")
    inputs.flag("disableEarlyStopping")
    classifies = problem is Problem.IMAGE_CLASSIFICATION
    multilabel = inputs.flag("multiLabel") if classifies else None
    base = inputs.text("baseModelId") if classifies else ""
    tuned = inputs.message("tunableParameter")
    if (tuned and tuned.raw) or inputs.text("uptrainBaseModelId"):
        raise unimplemented("Model Garden, so no tunableParameter and no uptrainBaseModelId")
    # Unknown inputs are accepted, as by the service: their schema is open.
    known = MODEL_TYPES[problem]
    unspecified = written in ("", "MODEL_TYPE_UNSPECIFIED")
    model_type = known.get(next(iter(known)) if unspecified else written)
    if model_type is None:
        types = ", ".join(known)
        raise invalid((inputs.path("modelType"), f"{written} is none of {types}."))
    chosen = ENGINE_TYPES[problem][model_type].default if budget is None else budget
    fault = budget_fault(problem, model_type, chosen)
    if fault:
        raise invalid((inputs.path("budgetMilliNodeHours"), fault))
    return model_type, chosen, multilabel, base


class _Data(NamedTuple):
    """The data of a training.

    `shares` are those of the sets; None keeps the assigned sets. `filters` choose the images of
    each set. `saved_query` is the annotation set that it names. `message` is what the
    service returns.
    """

    dataset_id: str
    shares: list[float] | None
    filters: tuple[Term, ...]
    message: Mapping[str, object]
    saved_query: int | None = None


def _data(data: Fields) -> _Data:
    dataset_id, saved_query = data.text("datasetId"), data.text("savedQueryId")
    fractions, by_filter = data.message("fractionSplit"), data.message("filterSplit")
    data.finish()
    if not dataset_id:
        raise invalid((data.path("datasetId"), "Required field not set."))
    if fractions is not None and by_filter is not None:
        raise invalid((data.path("split"), "Only one of the oneof may be set."))
    named = omit_empty({"datasetId": dataset_id, "savedQueryId": saved_query})
    chosen = read_number(saved_query) if saved_query else None
    if by_filter is not None:
        written = {f"{use}Filter": by_filter.text(f"{use}Filter") for use in _USES}
        terms = tuple(_item_filter(by_filter.path(name), text) for name, text in written.items())
        by_filter.finish()
        return _Data(dataset_id, None, terms, {**named, "filterSplit": written}, chosen)
    if fractions is None:
        return _Data(dataset_id, _SHARES, (), named, chosen)
    given = {f"{use}Fraction": fractions.number(f"{use}Fraction") or 0.0 for use in _USES}
    fractions.finish()
    if any(share < 0 for share in given.values()) or sum(given.values()) > 1 + 1e-9:
        raise invalid((data.path("fractionSplit"), "The fractions add up to at most 1."))
    shares = [*given.values()] if any(given.values()) else _SHARES
    return _Data(dataset_id, shares, (), {**named, "fractionSplit": omit_empty(given)}, chosen)


def _item_filter(path: str, text: str) -> Term:
    """The filter of images of a set; `-` is that of none (proto: FilterSplit)."""
    if not text:
        raise invalid((path, "Required field not set."))
    if text == "-":
        return of_item(NO_ID)
    [term] = filters.parse_filter(text, {"labels": label_term})
    return term
