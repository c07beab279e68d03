"""AutoML v1's JSON → our words, and back. Lenient: what a newer service adds is kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from automl_plan.model.desired import DesiredDataset, DesiredModel
from automl_plan.model.evaluation import ConfusionMatrix, Evaluation
from automl_plan.model.json import Json
from automl_plan.model.live import LiveDataset, LiveModel, Operation, OperationKind
from automl_plan.model.model_types import ClassificationType, Problem
from automl_plan.providers.google.capabilities import DEFAULT_MODEL_TYPES, LIFESPAN, MODEL_TYPES
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

DATASET_METADATA = {
    Problem.IMAGE_CLASSIFICATION: "imageClassificationDatasetMetadata",
    Problem.IMAGE_OBJECT_DETECTION: "imageObjectDetectionDatasetMetadata",
}
MODEL_METADATA = {
    Problem.IMAGE_CLASSIFICATION: "imageClassificationModelMetadata",
    Problem.IMAGE_OBJECT_DETECTION: "imageObjectDetectionModelMetadata",
}
DEPLOYMENT_METADATA = {
    Problem.IMAGE_CLASSIFICATION: "imageClassificationModelDeploymentMetadata",
    Problem.IMAGE_OBJECT_DETECTION: "imageObjectDetectionModelDeploymentMetadata",
}
_CLASSIFICATION_TYPES = {
    "MULTICLASS": ClassificationType.MULTICLASS,
    "1": ClassificationType.MULTICLASS,
    "MULTILABEL": ClassificationType.MULTILABEL,
    "2": ClassificationType.MULTILABEL,
}
"""Enums come as names, or as numbers with enum-encoding=int (proto: ClassificationType)."""
_DEPLOYED = ("DEPLOYED", 1)
_KNOWN_STATES = (*_DEPLOYED, "UNDEPLOYED", 2, "DEPLOYMENT_STATE_UNSPECIFIED", 0, None)
"""proto: Model.DeploymentState."""
_DETAILS = {
    "createDatasetDetails": OperationKind.CREATE_DATASET,
    "importDataDetails": OperationKind.IMPORT_DATA,
    "exportDataDetails": OperationKind.EXPORT_DATA,
    "createModelDetails": OperationKind.CREATE_MODEL,
    "deployModelDetails": OperationKind.DEPLOY_MODEL,
    "undeployModelDetails": OperationKind.UNDEPLOY_MODEL,
    "exportModelDetails": OperationKind.EXPORT_MODEL,
    "batchPredictDetails": OperationKind.BATCH_PREDICT,
    "deleteDetails": OperationKind.DELETE,
}
"""The oneof of OperationMetadata: the key that is there is the kind, even when it is empty."""
_DATASET_FIELDS = frozenset(
    {"name", "displayName", "description", "exampleCount", "createTime", "etag", "labels"}
    | {*DATASET_METADATA.values()}
)
_MODEL_FIELDS = frozenset(
    {"name", "displayName", "datasetId", "createTime", "updateTime", "deploymentState", "etag"}
    | {"labels", *MODEL_METADATA.values()}
)
_MODEL_METADATA_FIELDS = frozenset(
    {"baseModelId", "modelType", "trainBudgetMilliNodeHours", "trainCostMilliNodeHours"}
    | {"trainBudget", "stopReason", "nodeQps", "nodeCount"}
)


def dataset(answer: Mapping[str, Any]) -> LiveDataset:
    """A Dataset."""
    problem = _kind(answer, DATASET_METADATA)
    metadata = mapping(answer.get(DATASET_METADATA[problem])) if problem else {}
    return LiveDataset(
        id=tail(answer.get("name")),
        display_name=text(answer.get("displayName")) or "",
        problem=problem,
        classification_type=_CLASSIFICATION_TYPES.get(str(metadata.get("classificationType"))),
        description=text(answer.get("description")) or "",
        labels=labels_of(answer),
        service_labels=service_labels_of(answer),
        example_count=integer(answer.get("exampleCount")) or 0,
        create_time=moment(answer.get("createTime")),
        update_time=moment(answer.get("updateTime")),
        etag=text(answer.get("etag")),
        extra=rest(answer, _DATASET_FIELDS),
    )


_SIMULATED = "SIMULATED_"
"""How the stop reason begins of what the embedded service's simulated trainer makes."""


def model(answer: Mapping[str, Any]) -> LiveModel:
    """A Model."""
    problem = _kind(answer, MODEL_METADATA)
    metadata = mapping(answer.get(MODEL_METADATA[problem])) if problem else {}
    stop_reason, state = text(metadata.get("stopReason")), answer.get("deploymentState")
    return LiveModel(
        id=tail(answer.get("name")),
        display_name=text(answer.get("displayName")) or "",
        dataset_id=tail(answer.get("datasetId")),
        problem=problem,
        deployed=state in _DEPLOYED,
        deployment_state=None if state in _KNOWN_STATES else str(state),
        node_count=integer(metadata.get("nodeCount")) or None,
        model_type=text(metadata.get("modelType")),
        base_model_id=tail(metadata.get("baseModelId")) or None,
        train_budget_milli_node_hours=_budget(metadata, problem),
        train_cost_milli_node_hours=integer(metadata.get("trainCostMilliNodeHours")),
        stop_reason=stop_reason,
        simulated=(stop_reason or "").startswith(_SIMULATED),
        node_qps=number(metadata.get("nodeQps")) or None,
        labels=labels_of(answer),
        service_labels=service_labels_of(answer),
        create_time=moment(answer.get("createTime")),
        expires=LIFESPAN.end_of(moment(answer.get("createTime"))),
        update_time=moment(answer.get("updateTime")),
        etag=text(answer.get("etag")),
        extra={**rest(answer, _MODEL_FIELDS), **rest(metadata, _MODEL_METADATA_FIELDS)},
    )


def operation(answer: Mapping[str, Any]) -> Operation:
    """An Operation (google.longrunning); while it runs `done` is absent."""
    metadata = mapping(answer.get("metadata"))
    kinds = [kind for key, kind in _DETAILS.items() if key in metadata]
    error = answer.get("error")
    return Operation(
        id=tail(answer.get("name")),
        kind=kinds[0] if kinds else OperationKind.UNKNOWN,
        done=answer.get("done") is True,
        create_time=moment(metadata.get("createTime")),
        update_time=moment(metadata.get("updateTime")),
        progress_percent=integer(metadata.get("progressPercent")),
        error=operation_error(error) if isinstance(error, dict) else None,
        result_id=tail(mapping(answer.get("response")).get("name")) or None,
        partial_failures=tuple(
            str(mapping(failure).get("message", ""))
            for failure in items(metadata.get("partialFailures"))
        ),
    )


def _budget(metadata: Mapping[str, Any], problem: Problem | None) -> int | None:
    """Milli node hours; Google's own pages also show hours, as `trainBudget`.

    Hours are not in v1's proto. Taken as wall time of all nodes they fit its least budgets (one
    hour is 8,000 for `cloud`), which no page says: this is shown, and never compared.
    """
    milli = integer(metadata.get("trainBudgetMilliNodeHours"))
    hours = integer(metadata.get("trainBudget"))
    if milli is not None or hours is None or problem is None:
        return milli
    name = text(metadata.get("modelType")) or DEFAULT_MODEL_TYPES[problem]
    known = MODEL_TYPES[problem].get(name)
    return None if known is None else hours * known.nodes * 1000


def _kind(answer: Mapping[str, Any], keys: Mapping[Problem, str]) -> Problem | None:
    """Return the kind of the oneof; None for kinds such as text, which we don't manage."""
    return next((problem for problem, key in keys.items() if key in answer), None)


def dataset_body(dataset: DesiredDataset, ownership_labels: Mapping[str, str]) -> dict[str, Json]:
    """For datasets.create."""
    metadata: dict[str, Json] = {}
    if dataset.classification_type is not None:
        metadata["classificationType"] = str(dataset.classification_type)
    body: dict[str, Json] = {
        "displayName": dataset.display_name,
        "labels": {**dataset.labels, **ownership_labels},
        DATASET_METADATA[dataset.problem]: metadata,
    }
    if dataset.description:
        body["description"] = dataset.description
    return body


def model_body(
    model: DesiredModel, dataset_id: str, ownership_labels: Mapping[str, str]
) -> dict[str, Json]:
    """For models.create. The budget goes as `trainBudgetMilliNodeHours`, an int64, so as text."""
    metadata: dict[str, Json] = {
        "modelType": model.model_type,
        "trainBudgetMilliNodeHours": str(model.train_budget_milli_node_hours),
    }
    if model.base_model_id is not None:
        metadata["baseModelId"] = model.base_model_id
    return {
        "displayName": model.display_name,
        "datasetId": dataset_id,
        "labels": {**model.labels, **ownership_labels},
        MODEL_METADATA[model.problem]: metadata,
    }


def import_body(uris: Sequence[str]) -> dict[str, Json]:
    """For datasets.importData."""
    return {"inputConfig": {"gcsSource": {"inputUris": list(uris)}}}


def deploy_body(problem: Problem, node_count: int) -> dict[str, Json]:
    """For models.deploy."""
    return {DEPLOYMENT_METADATA[problem]: {"nodeCount": str(node_count)}}


def evaluations(answers: Iterable[Mapping[str, Any]]) -> tuple[Evaluation, ...]:
    """ModelEvaluations: overall first, then by label.

    The examples of a label that are not told are a row of the overall confusion matrix.
    """
    told = [*answers]
    matrices = [each.confusion for each in map(evaluation, told) if each.confusion is not None]
    matrix = matrices[0] if len(matrices) == 1 else None
    found = [evaluation(answer, matrix) for answer in told]
    return tuple(sorted(found, key=lambda e: (e.label is not None, e.label or "", e.id)))


def evaluation(answer: Mapping[str, Any], matrix: ConfusionMatrix | None = None) -> Evaluation:
    """A ModelEvaluation; one without an annotation spec is the overall one.

    `matrix` is the confusion matrix of the model.
    """
    label = text(answer.get("displayName"))
    if label is None and answer.get("annotationSpecId"):
        label = str(answer["annotationSpecId"])
    classification = answer.get("classificationEvaluationMetrics")
    detection = answer.get("imageObjectDetectionEvaluationMetrics")
    metrics = Evaluation(
        id=tail(answer.get("name")),
        label=label,
        example_count=integer(answer.get("evaluatedExampleCount")),
        create_time=moment(answer.get("createTime")),
    )
    if isinstance(classification, dict):
        return _of_labels(metrics, classification, matrix)
    if isinstance(detection, dict):
        entries = box_thresholds(
            detection.get("boundingBoxMetricsEntries"), "confidenceMetricsEntries"
        )
        any_found = found_any(entries)
        boxes = unless_denied(integer(detection.get("evaluatedBoundingBoxCount")), any_found)
        mean = number(detection.get("boundingBoxMeanAveragePrecision"))
        return replace(
            metrics,
            example_count=unless_denied(metrics.example_count, any_found),
            mean_average_precision=unless_denied(mean, any_found),
            thresholds=completed(entries, boxes),
            positives=boxes,
        )
    return metrics


def _of_labels(
    found: Evaluation, metrics: Mapping[str, Any], matrix: ConfusionMatrix | None
) -> Evaluation:
    own = _confusion(metrics.get("confusionMatrix"))
    entries = label_thresholds(metrics.get("confidenceMetricsEntry"), "positionThreshold")
    known = own if found.label is None else matrix
    counted = fitting(None if known is None else known.examples(found.label), entries)
    told = unless_denied(found.example_count, found_any(entries))
    examples = counted if told is None else told
    positives = told_positives(entries)
    if positives is None:
        # Overall, images may have several labels, or none; only a matrix counts each once.
        positives = counted if found.label is None else fitting(examples, entries)
    return of_labels(
        replace(found, example_count=examples, confusion=own), metrics, entries, positives
    )


def _confusion(matrix: object) -> ConfusionMatrix | None:
    if not isinstance(matrix, dict):
        return None
    labels = tuple(str(name) for name in items(matrix.get("displayName")))
    return confusion(labels, [row.get("exampleCount") for row in objects(matrix.get("row"))])
