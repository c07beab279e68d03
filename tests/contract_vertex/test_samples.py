"""The calls of Google's samples for image models (python-aiplatform, samples/snippets).

They make messages with the library's own helpers, and send what those make of them.
"""

from __future__ import annotations

import base64
from typing import Any

import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud import aiplatform
from google.cloud.aiplatform.gapic.schema import predict, trainingjob
from google.protobuf import struct_pb2

from tests.contract.conftest import png
from tests.contract_vertex.conftest import IMAGES, IMPORTS, PARENT, TASKS, Judge, State, number
from tests.contract_vertex.discovery import DiscoveryJudge
from tests.contract_vertex.recorder import PREFIX


def inputs(kind: str, **more: Any) -> struct_pb2.Value:
    """The inputs of a training, made by the library: enums and int64 as it writes them."""
    if kind == "boxes":
        definition: Any = trainingjob.definition.AutoMlImageObjectDetectionInputs
        chosen = {"model_type": "CLOUD_HIGH_ACCURACY_1", "budget_milli_node_hours": 20_000}
    else:
        definition = trainingjob.definition.AutoMlImageClassificationInputs
        chosen = {"model_type": "CLOUD", "budget_milli_node_hours": 8_000}
    value: struct_pb2.Value = definition(**chosen, disable_early_stopping=False, **more).to_value()
    return value


@pytest.mark.parametrize(
    ("kind", "more"), [("single", {"multi_label": False}), ("multi", {"multi_label": True})]
)
def test_image_classification(judge: Judge, kind: str, more: dict[str, Any]) -> None:
    made = judge.datasets.create_dataset(
        parent=PARENT,
        dataset={"display_name": "flowers", "metadata_schema_uri": IMAGES, "metadata": {}},
    )
    dataset = judge.result(made)
    config = {
        "import_schema_uri": IMPORTS[kind],
        "gcs_source": {"uris": ["gs://bucket/flowers.csv"]},
    }
    judge.result(judge.datasets.import_data(name=dataset.name, import_configs=[config]))
    pipeline = {
        "display_name": "train",
        "training_task_definition": TASKS[kind],
        "training_task_inputs": inputs(kind, **more),
        "input_data_config": {"dataset_id": number(dataset)},
        "model_to_upload": {"display_name": "flowers"},
    }
    created = judge.pipelines.create_training_pipeline(parent=PARENT, training_pipeline=pipeline)
    ended = judge.ended(created)
    assert ended.state == State.PIPELINE_STATE_SUCCEEDED
    model = judge.models.get_model(name=ended.model_to_upload.name)
    [evaluation] = judge.models.list_model_evaluations(parent=model.name)
    assert dict(judge.models.get_model_evaluation(name=evaluation.name).metrics)["auPrc"] > 0

    endpoint = judge.result(
        judge.endpoints.create_endpoint(parent=PARENT, endpoint={"display_name": "serving"})
    )
    deployed = {
        "model": model.name,
        "display_name": "flowers",
        "automatic_resources": {"min_replica_count": 1, "max_replica_count": 1},
    }
    judge.result(
        judge.endpoints.deploy_model(
            endpoint=endpoint.name, deployed_model=deployed, traffic_split={"0": 100}
        )
    )
    instance = predict.instance.ImageClassificationPredictionInstance(
        content=base64.b64encode(png(1)).decode()
    )
    parameters = predict.params.ImageClassificationPredictionParams(
        confidence_threshold=0.0, max_predictions=2
    )
    answer = judge.predictions.predict(
        endpoint=endpoint.name, instances=[instance.to_value()], parameters=parameters.to_value()
    )
    [prediction] = map(dict, answer.predictions)
    assert len(prediction["displayNames"]) == 2


def test_object_detection(judge: Judge) -> None:
    dataset = judge.dataset("boxes")
    pipeline = judge.train(dataset, "boxes", training_task_inputs=inputs("boxes"))
    ended = judge.ended(pipeline)
    assert ended.state == State.PIPELINE_STATE_SUCCEEDED
    assert ended.training_task_inputs["modelType"] == "CLOUD_HIGH_ACCURACY_1"


def test_a_pipeline_that_is_cancelled_and_deleted(slow_judge: Judge) -> None:
    """On a dataset of single labels, for several labels, as the samples' own tests have it."""
    dataset = slow_judge.dataset("single")
    task = inputs("single", multi_label=True)
    pipeline = slow_judge.train(dataset, training_task_inputs=task)
    slow_judge.pipelines.cancel_training_pipeline(name=pipeline.name)
    ended = slow_judge.ended(pipeline)
    assert ended.state in (State.PIPELINE_STATE_CANCELLED, State.PIPELINE_STATE_FAILED)
    slow_judge.result(slow_judge.pipelines.delete_training_pipeline(name=pipeline.name))


def test_the_sdk_exports_lists_and_describes(judge: Judge, document: DiscoveryJudge) -> None:
    """Calls of the SDK's own system tests. Its updates of models send what it has read."""
    aiplatform.init(
        project="my-project",
        location="us-central1",
        credentials=AnonymousCredentials(),  # type: ignore[no-untyped-call] # google-auth's gap
        api_endpoint=f"{judge.recorder.url}{PREFIX}",
        api_transport="rest",
    )
    name = judge.dataset().name
    dataset = aiplatform.ImageDataset(name)
    assert len(dataset.export_data(output_dir="gs://bucket/exported")) == 1
    assert dataset.update(display_name="renamed", description="d", labels={"a": "b"})
    model = aiplatform.Model(judge.model(judge.datasets.get_dataset(name=name)).name)
    assert model.predict_schemata is not None
    assert model.predict_schemata.instance_schema_uri.endswith("image_classification_1.0.0.yaml")
    assert model.update(description="described").description == "described"
    listed = aiplatform.Model.list(filter='display_name="flowers"', order_by="create_time")
    assert model.resource_name in [each.resource_name for each in listed]
    newest, *_ = aiplatform.ImageDataset.list(order_by="update_time desc")
    assert newest.display_name == "renamed"
    found = [each for said in judge.recorder.take() for each in document.findings(said)]
    assert [each for each in found if not each.endswith("read-only and may not be sent")] == []
