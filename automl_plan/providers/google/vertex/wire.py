"""Vertex AI v1's JSON → our words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from automl_plan.errors import UsageError
from automl_plan.model.endpoints import Deployed, LiveEndpoint
from automl_plan.model.evaluation import ConfusionMatrix, Evaluation
from automl_plan.model.homes import seen_from, unrecorded_home
from automl_plan.model.live import (
    CANCELLED,
    UNKNOWN,
    LiveDataset,
    LiveModel,
    Operation,
    OperationError,
    OperationKind,
)
from automl_plan.model.model_types import ClassificationType, Problem
from automl_plan.providers.google.capabilities import LIFESPAN
from automl_plan.providers.google.json_fields import (
    integer,
    items,
    labels_of,
    mapping,
    moment,
    number,
    operation_error,
    rest,
    service_labels_of,
    tail,
    text,
)
from automl_plan.providers.google.metrics import (
    box_thresholds,
    completed,
    confusion,
    fitting,
    found_any,
    label_thresholds,
    objects,
    of_labels,
    told_positives,
    unless_denied,
)
from automl_plan.providers.google.vertex.saved_queries import (
    annotation_sets,
    dataset_kind,
    trained_items,
)
from automl_plan.providers.google.vertex.versions import id_in, id_made_by, live_id
from automl_plan.providers.google.vertex.vocabulary import (
    DATASET_LABEL,
    IMAGE_DATASET,
    KIND_LABEL,
    KINDS,
    MODEL_TYPES,
    OTHER_NAMES,
    PRIVATE_LABELS,
    TRAINING_TASKS,
    Kind,
    trained_with,
)

_NAME = re.compile(r"(?:[a-zA-Z]+/[A-Za-z0-9_-]{1,128}/)?operations/[A-Za-z0-9_-]{1,128}")


def can_be_operation(name: str) -> bool:
    """Whether this is an operation's name below its location."""
    return _NAME.fullmatch(name) is not None


def operation_path(parent: str, operation_id: str) -> str:
    """The path of an operation in a location: by its name below that, or by its last part.

    Ids come from users, answers and state files: none leads elsewhere. Raises UsageError.
    """
    name = operation_id if "/" in operation_id else f"operations/{operation_id}"
    if not can_be_operation(name):
        raise UsageError(f"{operation_id!r} can't be the id of an operation.")
    return f"/v1/{parent}/{name}"


BY_LABEL = "annotationSpec"
"""The dimension of slices that are labels (proto: ModelEvaluationSlice.Slice.dimension)."""


def overall(answers: Iterable[Mapping[str, Any]]) -> Evaluation | None:
    """The first evaluation that a model was given: later ones may be of other data.

    None also where one of several does not say when it was made.
    """
    found = sorted(answers, key=lambda answer: moment(answer.get("createTime")) or "")
    if not found or (len(found) > 1 and moment(found[0].get("createTime")) is None):
        return None
    metrics = mapping(found[0].get("metrics"))
    return _evaluation(found[0], None, _confusion(metrics.get("confusionMatrix")))


def by_label(
    answers: Iterable[Mapping[str, Any]], matrix: ConfusionMatrix | None
) -> list[Evaluation]:
    """The slices that are labels, by label; `matrix` is the confusion matrix of the model."""
    found = []
    for answer in answers:
        slice_ = mapping(answer.get("slice"))
        if slice_.get("dimension") == BY_LABEL:
            found.append(_evaluation(answer, text(slice_.get("value")) or "", matrix))
    return sorted(found, key=lambda each: (each.label or "", each.id))


def _evaluation(
    answer: Mapping[str, Any], label: str | None, matrix: ConfusionMatrix | None
) -> Evaluation:
    """Of labels, the service reports no number of images, and not always how many it judged: then
    they are a row of the confusion matrix, overall all rows."""
    metrics = mapping(answer.get("metrics"))
    found = Evaluation(
        id=tail(answer.get("name")),
        label=label,
        example_count=None,
        create_time=moment(answer.get("createTime")),
        simulated=mapping(answer.get("metadata")).get("simulated") is True,
    )
    if "boundingBoxMetrics" in metrics or "boundingBoxMeanAveragePrecision" in metrics:
        entries = box_thresholds(metrics.get("boundingBoxMetrics"), "confidenceMetrics")
        any_found = found_any(entries)
        boxes = unless_denied(integer(metrics.get("evaluatedBoundingBoxCount")), any_found)
        mean = number(metrics.get("boundingBoxMeanAveragePrecision"))
        return replace(
            found,
            example_count=boxes,
            mean_average_precision=unless_denied(mean, any_found),
            thresholds=completed(entries, boxes),
            positives=boxes,
        )
    entries = label_thresholds(metrics.get("confidenceMetrics"), "maxPredictions")
    examples = told_positives(entries)
    if examples is None and matrix is not None:
        examples = fitting(matrix.examples(label), entries)
    own = _confusion(metrics.get("confusionMatrix"))
    return of_labels(
        replace(found, example_count=examples, confusion=own), metrics, entries, examples
    )


def _confusion(matrix: object) -> ConfusionMatrix | None:
    content = mapping(matrix)
    specs = objects(content.get("annotationSpecs"))
    labels = tuple(str(spec.get("displayName", "")) for spec in specs)
    return confusion(labels, items(content.get("rows")))


_OPERATIONS = {
    "CreateDatasetOperationMetadata": OperationKind.CREATE_DATASET,
    "ImportDataOperationMetadata": OperationKind.IMPORT_DATA,
    "ExportDataOperationMetadata": OperationKind.EXPORT_DATA,
    "ExportModelOperationMetadata": OperationKind.EXPORT_MODEL,
    "CreateEndpointOperationMetadata": OperationKind.CREATE_ENDPOINT,
    "DeployModelOperationMetadata": OperationKind.DEPLOY_MODEL,
    "UndeployModelOperationMetadata": OperationKind.UNDEPLOY_MODEL,
    "DeleteOperationMetadata": OperationKind.DELETE,
}
"""By the type of an operation's metadata."""
_RESPONSES = {
    "Dataset": OperationKind.CREATE_DATASET,
    "ImportDataResponse": OperationKind.IMPORT_DATA,
    "ExportDataResponse": OperationKind.EXPORT_DATA,
    "ExportModelResponse": OperationKind.EXPORT_MODEL,
    "Endpoint": OperationKind.CREATE_ENDPOINT,
    "DeployModelResponse": OperationKind.DEPLOY_MODEL,
    "UndeployModelResponse": OperationKind.UNDEPLOY_MODEL,
}
"""By the type of its response, once it is done."""
_STEPS = frozenset(
    {OperationKind.CREATE_ENDPOINT, OperationKind.DEPLOY_MODEL, OperationKind.UNDEPLOY_MODEL}
)
"""What a deployment is made of: another call may follow each."""
_ENDED = ("SUCCEEDED", "FAILED", "CANCELLED")
_STATE = "PIPELINE_STATE_"
_NUMBERED = ("UNSPECIFIED", "QUEUED", "PENDING", "RUNNING", "SUCCEEDED", "FAILED", "CANCELLING")
_STATES = dict(enumerate((*_NUMBERED, "CANCELLED", "PAUSED")))
"""proto: PipelineState, for answers with numbers."""
_DATASET_FIELDS = frozenset(
    {"name", "displayName", "description", "metadataSchemaUri", "metadata", "dataItemCount"}
    | {"createTime", "updateTime", "labels", "etag", "savedQueries", "metadataArtifact"}
)
_MODEL_FIELDS = frozenset(
    {"name", "displayName", "createTime", "updateTime", "labels", "etag", "trainingPipeline"}
    | {"deployedModels", "versionId", "versionAliases", "versionCreateTime", "versionUpdateTime"}
    | {"supportedExportFormats", "supportedDeploymentResourcesTypes", "modelSourceInfo"}
    | {"metadata", "metadataSchemaUri", "artifactUri", "predictSchemata", "dataStats"}
    | {"supportedInputStorageFormats", "supportedOutputStorageFormats", "metadataArtifact"}
)


def dataset(
    answer: Mapping[str, Any],
    pipelines: Iterable[Mapping[str, Any]] = (),
    saved_queries: Iterable[object] | None = None,
) -> LiveDataset:
    """A Dataset; its kind by our label, an annotation set, or the pipelines that trained on it.

    `saved_queries` are its annotation sets where they were asked for; else as it says itself.
    """
    kind = dataset_kind(answer) or _kind_trained(answer, pipelines)
    told = items(answer.get("savedQueries")) if saved_queries is None else saved_queries
    return LiveDataset(
        id=tail(answer.get("name")),
        display_name=text(answer.get("displayName")) or "",
        problem=None if kind is None else kind.problem,
        classification_type=None if kind is None else kind.classification_type,
        description=text(answer.get("description")) or "",
        labels=visible_labels(answer),
        service_labels=service_labels_of(answer),
        example_count=integer(answer.get("dataItemCount")),
        create_time=moment(answer.get("createTime")),
        update_time=moment(answer.get("updateTime")),
        etag=text(answer.get("etag")),
        extra=rest(answer, _DATASET_FIELDS),
        annotation_sets=annotation_sets(told, kind, labels_of(answer)),
    )


def model(
    answer: Mapping[str, Any],
    pipeline: Mapping[str, Any] | None,
    endpoints: Iterable[LiveEndpoint],
) -> LiveModel:
    """A Model, with the pipeline that trained it (if that is kept) and where it is deployed."""
    model_id = id_in(answer)
    trained = pipeline or {}
    problem = _problem(trained)
    inputs = mapping(trained.get("trainingTaskInputs"))
    outcome = mapping(trained.get("trainingTaskMetadata"))
    model_type = _model_type(problem, text(inputs.get("modelType")))
    budget = integer(inputs.get("budgetMilliNodeHours"))
    labels = labels_of(answer)
    if problem is None:
        problem, model_type, budget = trained_with(labels.get(KIND_LABEL, ""))
    places = tuple(each for each in endpoints if each.nodes_of(model_id))
    found = LiveModel(
        id=model_id,
        display_name=text(answer.get("displayName")) or "",
        dataset_id=dataset_of(trained) or labels.get(DATASET_LABEL, ""),
        problem=problem,
        deployed=bool(items(answer.get("deployedModels"))),
        endpoints=places,
        model_type=model_type,
        base_model_id=tail(inputs.get("baseModelId")) or None,
        train_budget_milli_node_hours=budget,
        disable_early_stopping=inputs.get("disableEarlyStopping") is True,
        train_cost_milli_node_hours=integer(outcome.get("costMilliNodeHours")),
        stop_reason=text(outcome.get("successfulStopReason")),
        simulated=mapping(answer.get("metadata")).get("simulated") is True,
        labels=visible_labels(answer),
        service_labels=service_labels_of(answer),
        create_time=moment(answer.get("createTime")),
        expires=_expires(answer, trained),
        update_time=moment(answer.get("updateTime")),
        etag=text(answer.get("etag")),
        extra=rest(answer, _MODEL_FIELDS),
        trained_items=trained_items(answer),
    )
    return seen_from(unrecorded_home(model_id, places), found)


def _expires(answer: Mapping[str, Any], trained: Mapping[str, Any]) -> datetime | None:
    """The earliest time at which a Model may expire.

    Its createTime is when it was uploaded, after its training (proto: Model.create_time); no page
    says whether its life begins with the training.
    """
    times = (moment(each.get("createTime")) for each in (answer, trained))
    ends = (LIFESPAN.end_of(each) for each in times)
    return min((each for each in ends if each is not None), default=None)


def endpoint(answer: Mapping[str, Any]) -> LiveEndpoint:
    """An Endpoint."""
    deployed = [
        Deployed(
            id=str(each.get("id", "")),
            model_id=live_id(each.get("model"), each.get("modelVersionId")),
            replicas=_replicas(each),
        )
        for each in items(answer.get("deployedModels"))
        if isinstance(each, dict)
    ]
    traffic = mapping(answer.get("trafficSplit"))
    return LiveEndpoint(
        id=tail(answer.get("name")),
        deployed=tuple(deployed),
        traffic={str(key): integer(share) or 0 for key, share in traffic.items()},
        labels=labels_of(answer),
        etag=text(answer.get("etag")),
    )


def operation(answer: Mapping[str, Any], parent: str) -> Operation:
    """A google.longrunning.Operation; `parent` is what its name starts with, but for its project.

    While it runs `done` is absent. Metadata are optional (google.longrunning.Operation): without
    them its response tells what it was.
    """
    metadata = mapping(answer.get("metadata"))
    generic = mapping(metadata.get("genericMetadata"))
    response = mapping(answer.get("response"))
    kind = _OPERATIONS.get(_type(metadata)) or _RESPONSES.get(_type(response))
    error = answer.get("error")
    made = response.get("name")
    name = below(answer.get("name"), parent)
    return Operation(
        id=name,
        endpoint=name.split("/")[1] if name.startswith("endpoints/") else None,
        kind=kind or OperationKind.UNKNOWN,
        done=answer.get("done") is True,
        create_time=moment(generic.get("createTime")),
        update_time=moment(generic.get("updateTime")),
        error=operation_error(error) if isinstance(error, dict) else None,
        result_id=tail(made) or None,
        has_next_step=kind in _STEPS,
        partial_failures=tuple(
            str(mapping(failure).get("message", ""))
            for failure in items(generic.get("partialFailures"))
        ),
    )


def _type(message: Mapping[str, Any]) -> str:
    return str(message.get("@type", "")).rpartition(".")[2]


def pipeline(answer: Mapping[str, Any], parent: str) -> Operation:
    """A TrainingPipeline, as the operation that it is."""
    state = _state(answer)
    error = answer.get("error")
    failure = operation_error(error) if isinstance(error, dict) else None
    if state == "CANCELLED" and (failure is None or not failure.cancelled):
        failure = OperationError(CANCELLED, "The training was cancelled.")
    elif state == "FAILED" and failure is None:
        failure = OperationError(UNKNOWN, "The training failed; the service says no more.")
    outcome = mapping(answer.get("trainingTaskMetadata"))
    return Operation(
        id=below(answer.get("name"), parent),
        kind=OperationKind.CREATE_MODEL,
        done=state in _ENDED,
        ended_as=state if answer.get("endTime") and state not in (*_STATES.values(), "") else None,
        create_time=moment(answer.get("createTime")),
        update_time=moment(answer.get("updateTime")),
        error=failure if state in ("FAILED", "CANCELLED") else None,
        result_id=(id_made_by(answer) or None) if state == "SUCCEEDED" else None,
        labels=labels_of(answer),
        dataset_id=dataset_of(answer) or None,
        cost_milli_node_hours=integer(outcome.get("costMilliNodeHours")),
    )


def below(name: object, parent: str) -> str:
    """A name without what all names of the location start with.

    The project may be there by its number, where the request had its id.
    """
    parts = str(name or "").split("/")
    start = parent.split("/")
    if len(parts) > len(start) and parts[0] == start[0] and parts[2:4] == start[2:4]:
        return "/".join(parts[len(start) :])
    return "/".join(parts)


def visible_labels(answer: Mapping[str, Any]) -> dict[str, str]:
    """Return the labels of an object without those for what Vertex AI itself does not store.

    They say what the images are, not whose the object is: they stay when it is forgotten.
    """
    return {key: value for key, value in labels_of(answer).items() if key not in PRIVATE_LABELS}


def dataset_of(pipeline: Mapping[str, Any]) -> str:
    """Return the id of the dataset that a TrainingPipeline names; empty for none."""
    return tail(mapping(pipeline.get("inputDataConfig")).get("datasetId"))


def trains_images(answer: Mapping[str, Any]) -> bool:
    """Whether a TrainingPipeline is AutoML's of images."""
    return _problem(answer) is not None


def _kind_trained(answer: Mapping[str, Any], pipelines: Iterable[Mapping[str, Any]]) -> Kind | None:
    """What the models are for that were trained on a Dataset, where all are for the same."""
    if answer.get("metadataSchemaUri") != IMAGE_DATASET:
        return None
    found = set()
    for each in pipelines:
        problem = _problem(each)
        if problem is None or dataset_of(each) != tail(answer.get("name")):
            continue
        several = mapping(each.get("trainingTaskInputs")).get("multiLabel") is True
        found.add((problem, several and problem is Problem.IMAGE_CLASSIFICATION))
    if len(found) != 1:
        return None
    ((problem, several),) = found
    types = (None, ClassificationType.MULTILABEL if several else ClassificationType.MULTICLASS)
    return next(k for k in KINDS if k.problem is problem and k.classification_type in types)


def _problem(pipeline: Mapping[str, Any]) -> Problem | None:
    definition = pipeline.get("trainingTaskDefinition")
    return next((p for p, uri in TRAINING_TASKS.items() if uri == definition), None)


def _model_type(problem: Problem | None, name: str | None) -> str | None:
    if problem is None or name is None:
        return None
    known = {theirs: ours for ours, theirs in MODEL_TYPES[problem].items()}
    return {**known, **OTHER_NAMES[problem]}.get(name, name)


def _replicas(deployed: Mapping[str, Any]) -> int:
    for resources in ("automaticResources", "dedicatedResources"):
        found = integer(mapping(deployed.get(resources)).get("minReplicaCount"))
        if found is not None:
            return found
    return 1


def _state(answer: Mapping[str, Any]) -> str:
    state = answer.get("state")
    if isinstance(state, int):
        return _STATES.get(state, str(state))
    return str(state or "").removeprefix(_STATE)
