"""Our words → the bodies of AutoML v1's requests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from automl_plan.providers.automl.wire import (
    DATASET_METADATA,
    DEPLOYMENT_METADATA,
    MODEL_METADATA,
)
from automl_plan.resources.desired import DesiredDataset, DesiredModel
from automl_plan.resources.json import Json
from automl_plan.resources.model_types import Problem


def dataset_body(dataset: DesiredDataset, own_labels: Mapping[str, str]) -> dict[str, Json]:
    """For datasets.create."""
    metadata: dict[str, Json] = {}
    if dataset.classification_type is not None:
        metadata["classificationType"] = str(dataset.classification_type)
    body: dict[str, Json] = {
        "displayName": dataset.display_name,
        "labels": {**dataset.labels, **own_labels},
        DATASET_METADATA[dataset.problem]: metadata,
    }
    if dataset.description:
        body["description"] = dataset.description
    return body


def model_body(
    model: DesiredModel, dataset_id: str, own_labels: Mapping[str, str]
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
        "labels": {**model.labels, **own_labels},
        MODEL_METADATA[model.problem]: metadata,
    }


def import_body(uris: Sequence[str]) -> dict[str, Json]:
    """For datasets.importData."""
    return {"inputConfig": {"gcsSource": {"inputUris": list(uris)}}}


def deploy_body(problem: Problem, node_count: int) -> dict[str, Json]:
    """For models.deploy."""
    return {DEPLOYMENT_METADATA[problem]: {"nodeCount": str(node_count)}}
