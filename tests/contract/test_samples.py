"""The calls of Google's samples for image models of AutoML v1 (python-docs-samples: automl).

One project's life: each message is made, and each answer read, as those programs do.
"""

from __future__ import annotations

from typing import Any

import pytest
from google.cloud import automl

from tests.contract.conftest import PARENT, Judge, png

PROJECT = "my-project"
LOCATION = "us-central1"


def last_part(made: Any) -> str:
    """What the samples take for an id."""
    return str(made.name.split("/")[-1])


@pytest.mark.parametrize("boxes", [False, True], ids=["classification", "detection"])
def test_the_samples_of_a_project(judge: Judge, *, boxes: bool) -> None:
    client: Any = judge.automl
    kind: dict[str, Any] = (
        {"image_object_detection_dataset_metadata": automl.ImageObjectDetectionDatasetMetadata()}
        if boxes
        else {
            "image_classification_dataset_metadata": automl.ImageClassificationDatasetMetadata(
                classification_type=automl.ClassificationType.MULTICLASS
            )
        }
    )
    asked = automl.Dataset(display_name="sample", **kind)
    dataset_id = last_part(judge.result(client.create_dataset(parent=PARENT, dataset=asked)))
    dataset = client.dataset_path(PROJECT, LOCATION, dataset_id)

    source = automl.GcsSource(
        input_uris=f"gs://bucket/{'boxes' if boxes else 'flowers'}.csv".split(",")
    )
    imported = client.import_data(name=dataset, input_config=automl.InputConfig(gcs_source=source))
    judge.result(imported)
    listed = client.list_datasets(request=automl.ListDatasetsRequest(parent=PARENT, filter=""))
    (found,) = [each for each in listed if last_part(each) == dataset_id]
    assert found.create_time
    assert found.example_count == 12
    assert not found.translation_dataset_metadata.source_language_code
    assert client.get_dataset(name=dataset).display_name == "sample"

    metadata: dict[str, Any] = (
        {
            "image_object_detection_model_metadata": automl.ImageObjectDetectionModelMetadata(
                train_budget_milli_node_hours=24_000
            )
        }
        if boxes
        else {
            "image_classification_model_metadata": automl.ImageClassificationModelMetadata(
                train_budget_milli_node_hours=24_000
            )
        }
    )
    wanted = automl.Model(display_name="sample", dataset_id=dataset_id, **metadata)
    training = client.create_model(parent=PARENT, model=wanted)
    operations = judge.operations
    assert operations.get_operation(training.operation.name).name == training.operation.name
    model_id = last_part(judge.result(training))
    model = client.model_path(PROJECT, LOCATION, model_id)
    names = [each.name for each in operations.list_operations(name=PARENT, filter_="", timeout=5)]
    assert {training.operation.name, imported.operation.name} <= set(names)

    models = client.list_models(request=automl.ListModelsRequest(parent=PARENT, filter=""))
    assert model_id in [last_part(each) for each in models]
    state = automl.Model.DeploymentState
    assert client.get_model(name=model).deployment_state == state.UNDEPLOYED
    evaluations = list(client.list_model_evaluations(parent=model, filter=""))
    told = client.get_model_evaluation(name=f"{model}/modelEvaluations/{last_part(evaluations[0])}")
    assert told == evaluations[0]

    nodes: dict[str, Any] = (
        {
            "image_object_detection_model_deployment_metadata": (
                automl.ImageObjectDetectionModelDeploymentMetadata(node_count=2)
            )
        }
        if boxes
        else {
            "image_classification_model_deployment_metadata": (
                automl.ImageClassificationModelDeploymentMetadata(node_count=2)
            )
        }
    )
    judge.result(client.deploy_model(request=automl.DeployModelRequest(name=model, **nodes)))
    assert client.get_model(name=model).deployment_state == state.DEPLOYED
    payload = automl.ExamplePayload(image=automl.Image(image_bytes=png(0)))
    request = automl.PredictRequest(name=model, payload=payload, params={"score_threshold": "0"})
    for result in judge.prediction.predict(request=request).payload:
        assert result.display_name
        if boxes:
            box = result.image_object_detection.bounding_box
            assert all(0 <= vertex.x <= 1 for vertex in box.normalized_vertices)
        else:
            assert 0 <= result.classification.score <= 1

    judge.result(client.undeploy_model(name=model))
    judge.result(client.delete_model(name=model))
    judge.result(client.delete_dataset(name=dataset))
    assert dataset_id not in [last_part(each) for each in client.list_datasets(parent=PARENT)]
