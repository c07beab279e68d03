"""Our words → the bodies of Vertex AI v1's requests."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence

from automl_plan.errors import UsageError
from automl_plan.model.annotation_sets import AnnotationSet
from automl_plan.model.desired import DesiredDataset, DesiredModel
from automl_plan.model.endpoints import NOBODYS_ENDPOINT, endpoint_digest
from automl_plan.model.json import Json
from automl_plan.model.live import LiveModel
from automl_plan.model.model_types import ClassificationType, Problem
from automl_plan.model.ownership_labels import ADDRESS, owner
from automl_plan.providers.google.vertex.vocabulary import (
    ASSIGNED,
    DRAWN,
    IMAGE_DATASET,
    KIND_LABEL,
    ML_USE,
    ML_USES,
    MODEL_TYPES,
    SET_LABEL,
    TRAINING_TASKS,
    kind_of,
)

_LONGEST_ID = 63
"""Of an endpoint (proto: CreateEndpointRequest.endpoint_id)."""


def dataset_body(dataset: DesiredDataset, ownership_labels: Mapping[str, str]) -> dict[str, Json]:
    """For datasets.create. Google's own example has no `metadata`, which the proto requires."""
    kind = kind_of(dataset.problem, dataset.classification_type)
    body: dict[str, Json] = {
        "displayName": dataset.display_name,
        "metadataSchemaUri": IMAGE_DATASET,
        "labels": {**dataset.labels, **ownership_labels, KIND_LABEL: kind.label},
    }
    if dataset.description:
        body["description"] = dataset.description
    return body


def import_body(
    dataset: DesiredDataset, uris: Sequence[str], annotation_set: str
) -> dict[str, Json]:
    """For datasets.import; it names the annotation set that it is to make or to add to."""
    kind = kind_of(dataset.problem, dataset.classification_type)
    config: dict[str, Json] = {
        "gcsSource": {"uris": list(uris)},
        "importSchemaUri": kind.import_schema,
        "annotationLabels": {SET_LABEL: annotation_set},
    }
    return {"importConfigs": [config]}


def pipeline_body(
    model: DesiredModel,
    dataset: DesiredDataset,
    dataset_id: str,
    ownership_labels: Mapping[str, str],
    sets: str | None,
    annotation_set: AnnotationSet | None,
) -> dict[str, Json]:
    """For trainingPipelines.create. The labels are set on the pipeline and on its model.

    `sets` is whether the import files assign the images' sets (SETS_LABEL), `annotation_set` what
    is trained on; None where the service lists no annotation sets. Raises UsageError for what
    Vertex AI does not train.
    """
    types = MODEL_TYPES[model.problem]
    if model.model_type not in types:
        raise UsageError(
            f"Vertex AI has no model type for {model.model_type}.",
            where=str(model.address),
            hint=f"Write {', '.join(types)}.",
        )
    inputs: dict[str, Json] = {
        "modelType": types[model.model_type],
        "budgetMilliNodeHours": str(model.train_budget_milli_node_hours),
    }
    if model.problem is Problem.IMAGE_CLASSIFICATION:
        inputs["multiLabel"] = dataset.classification_type is ClassificationType.MULTILABEL
        if model.base_model_id is not None:
            inputs["baseModelId"] = model.base_model_id
    if model.training_options.get("disable_early_stopping"):
        inputs["disableEarlyStopping"] = True
    # Not with annotationSchemaUri, which is for custom trainings (InputDataConfig.savedQueryId).
    chosen: dict[str, Json] = {} if annotation_set is None else {"savedQueryId": annotation_set.id}
    labels: dict[str, Json] = {**model.labels, **ownership_labels}
    upload: dict[str, Json] = {"displayName": model.display_name, "labels": labels}
    return {
        "displayName": model.display_name,
        "labels": labels,
        "trainingTaskDefinition": TRAINING_TASKS[model.problem],
        "trainingTaskInputs": inputs,
        "inputDataConfig": {"datasetId": dataset_id, **chosen, **_split(model, sets)},
        "modelToUpload": upload,
    }


def _split(model: DesiredModel, sets: str | None) -> dict[str, Json]:
    """How images come into TRAIN, VALIDATION and TEST.

    AutoML v1 kept the sets of an import file and drew the rest. Vertex AI does one or the other:
    a filter leaves out images without a set, fractions draw all (proto: InputDataConfig.split).
    """
    wanted = model.training_options.get("split", sets)
    if isinstance(wanted, dict):
        return {"fractionSplit": {f"{name}Fraction": share for name, share in wanted.items()}}
    match wanted:
        case "assigned":
            return {"filterSplit": {f"{use}Filter": f"{ML_USE}={use}" for use in ML_USES.values()}}
        case "drawn" | None:
            return {}
    raise UsageError(
        "Some images have a set (TRAIN, VALIDATION, TEST) in the import files, and some have none: "
        "Vertex AI can't keep the one and draw the other.",
        where=str(model.address),
        hint=f"Give all images a set, or write vertex: {{split: {ASSIGNED}}} to leave out those "
        f"without one, or vertex: {{split: {DRAWN}}} to split all images randomly.",
    )


def endpoint_body(model: LiveModel) -> dict[str, Json]:
    """For endpoints.create: named as the model, marked as its address's."""
    mark = model.labels.get(ADDRESS)
    return {
        "displayName": model.display_name,
        "labels": {} if mark is None else {ADDRESS: mark},
    }


def endpoint_id(model: LiveModel, apart: bool = False) -> str:
    """The id of the endpoint that a model is deployed at: the same for all versions.

    It is chosen, so that asking for it again makes no second one: the name of the address, and a
    digest of it and of the state that it belongs to. `apart` gives another, for where the first
    one serves what had this address before.
    """
    whose = owner(model.labels)
    if whose is None:
        return f"{NOBODYS_ENDPOINT}{model.id.replace('@', '-')}"[:_LONGEST_ID]
    digest = endpoint_digest(whose.lineage, whose.address_digest, model.id if apart else "")
    name = re.sub(r"[^a-z0-9]+", "-", whose.name).strip("-")
    return f"{name[: _LONGEST_ID - len(digest) - 1]}-{digest}"


def deploy_body(
    name: str, model: LiveModel, node_count: int, *, all_traffic: bool
) -> dict[str, Json]:
    """For endpoints.deployModel: a replica for each node, and all of the traffic or none."""
    return {
        **({"trafficSplit": {"0": 100}} if all_traffic else {}),
        "deployedModel": {
            "id": deployment_id(model.id, node_count),
            "model": name,
            "displayName": model.display_name,
            "automaticResources": {"minReplicaCount": node_count, "maxReplicaCount": node_count},
        },
    }


def deployment_id(model_id: str, node_count: int) -> str:
    """The id of a deployment, of 10 digits: chosen, so that none is paid for twice."""
    digest = hashlib.sha256(f"{model_id} {node_count}".encode()).hexdigest()
    return str(10**9 + int(digest, 16) % (9 * 10**9))
