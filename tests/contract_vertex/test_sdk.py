"""Google's SDK, as notebooks use it: it sends more than the lines that people write."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud import aiplatform

from tests.contract.conftest import LABELS, png
from tests.contract_vertex.conftest import IMPORTS, Judge
from tests.contract_vertex.recorder import PREFIX
from tests.contract_vertex.test_batch_predictions import (
    PREDICTIONS,
    ended,
    image,
    instances,
    lines,
)


@pytest.fixture
def sdk(judge: Judge) -> Any:
    """The SDK, pointed at the emulator."""
    aiplatform.init(
        project="notebook",
        location="us-central1",
        credentials=AnonymousCredentials(),  # type: ignore[no-untyped-call] # google-auth's gap
        api_endpoint=f"{judge.recorder.url}{PREFIX}",
        api_transport="rest",
    )
    return aiplatform


def test_a_notebook(sdk: Any) -> None:
    dataset = sdk.ImageDataset.create(
        display_name="flowers",
        gcs_source="gs://bucket/flowers.csv",
        import_schema_uri=IMPORTS["single"],
        labels={"team": "vision"},
    )
    job = sdk.AutoMLImageTrainingJob(display_name="flowers", model_type="CLOUD")
    model = job.run(
        dataset=dataset,
        model_display_name="flowers_m",
        budget_milli_node_hours=8000,
        training_fraction_split=0.6,
        validation_fraction_split=0.2,
        test_fraction_split=0.2,
    )
    assert job.state == sdk.gapic.PipelineState.PIPELINE_STATE_SUCCEEDED
    [evaluation] = model.list_model_evaluations()
    assert 0 < evaluation.metrics["auPrc"] <= 1

    endpoint = model.deploy(min_replica_count=1, max_replica_count=2)
    instance = {"content": base64.b64encode(png(1)).decode()}
    parameters = {"confidenceThreshold": 0.0, "maxPredictions": 2}
    answer = endpoint.predict([instance], parameters=parameters)
    [prediction] = answer.predictions
    assert set(prediction["displayNames"]) < set(LABELS)
    assert answer.model_resource_name == model.resource_name

    [listed] = sdk.Model.list(filter='display_name="flowers_m"', order_by="create_time desc")
    assert listed.resource_name == model.resource_name
    endpoint.undeploy_all()
    endpoint.delete()
    model.delete()
    dataset.delete()
    kinds = (sdk.ImageDataset, sdk.Model, sdk.Endpoint)
    assert [kind.list() for kind in kinds] == [[], [], []]


def test_a_batch_prediction(sdk: Any, judge: Judge) -> None:
    """What `Model.batch_predict` sends, without its pauses of seconds."""
    model = sdk.Model(judge.model(judge.dataset(name="batch"), name="batch").name)
    source = instances(judge, "sdk.jsonl", image(0), image(1))
    job = sdk.BatchPredictionJob.submit(
        job_display_name="night",
        model_name=model,
        gcs_source=source,
        gcs_destination_prefix="gs://bucket/sdk",
        model_parameters={"maxPredictions": 1},
        labels={"team": "vision"},
        project="my-project",
    )
    found = ended(judge, job.gca_resource)
    assert job.state == sdk.gapic.JobState.JOB_STATE_SUCCEEDED
    assert job.completion_stats.successful_count == 2
    assert job.output_info.gcs_output_directory == found.output_info.gcs_output_directory
    assert found.model.partition("@")[0] == model.resource_name
    query = {"filter": 'display_name="night" AND labels.team=vision', "project": "my-project"}
    [listed] = sdk.BatchPredictionJob.list(**query)
    assert listed.resource_name == job.resource_name
    assert [len(each["prediction"]["ids"]) for each in lines(judge, found, PREDICTIONS)] == [1, 1]
    job.delete()
    assert sdk.BatchPredictionJob.list(**query) == []


def test_the_model_registry(sdk: Any, judge: Judge) -> None:
    dataset = judge.dataset(name="registry")
    first = judge.model(dataset, name="registry")
    upload = {"display_name": "registry", "version_aliases": ["next"]}
    judge.ended(judge.train(dataset, parent_model=first.name, model_to_upload=upload))

    registry = sdk.models.ModelRegistry(first.name)
    listed = {each.version_id: each.version_aliases for each in registry.list_versions()}
    assert listed == {"1": ["default"], "2": ["next"]}
    found = registry.get_version_info("next")
    assert (found.version_id, found.model_display_name) == ("2", "registry")
    registry.add_version_aliases(["default", "best"], "2")
    assert sdk.Model(first.name).version_id == "2"
    registry.remove_version_aliases(["best"], "2")
    judge.recorder.take()
    registry.update_version("1", version_description="the first one", labels={"old": "yes"})
    old = registry.get_model("1")
    assert (old.version_description, old.labels) == ("the first one", {"old": "yes"})
    assert old.list_model_evaluations()[0].name != sdk.Model(first.name).get_model_evaluation().name
    old.update(display_name="renamed")
    assert judge.recorder.take()  # of updates the SDK sends whole messages, read-only fields too
    assert sdk.Model(first.name).display_name == "renamed"
    registry.delete_version("1")
    assert [each.version_id for each in registry.list_versions()] == ["2"]
