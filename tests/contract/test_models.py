"""models.*, driven by Google's own client."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from google.api_core import exceptions
from google.cloud import automl_v1
from google.protobuf import field_mask_pb2

from tests.contract.conftest import NAMED, PARENT, Judge


def deployed(judge: Judge, model: Any, **metadata: Any) -> Any:
    """Deploy a model and get it."""
    judge.result(judge.automl.deploy_model(request={"name": model.name, **metadata}))
    return judge.automl.get_model(name=model.name)


def test_create_answers_a_name_and_get_the_rest(judge: Judge) -> None:
    dataset = judge.dataset()
    operation = judge.train(dataset, "flowers_m", train_budget_milli_node_hours=9_000)
    made = judge.result(operation)
    assert "create_model_details" in operation.metadata
    assert made == automl_v1.Model(name=made.name)

    model = judge.automl.get_model(name=made.name)
    assert model.name.startswith(f"{NAMED}/models/ICN")
    assert model.display_name == "flowers_m"
    assert model.dataset_id == dataset.name.rpartition("/")[2]
    assert model.deployment_state == automl_v1.Model.DeploymentState.UNDEPLOYED
    assert model.create_time <= model.update_time
    metadata = model.image_classification_model_metadata
    assert metadata.model_type == "cloud"
    assert metadata.train_budget_milli_node_hours == 9_000
    assert 0 < metadata.train_cost_milli_node_hours <= 9_000
    assert metadata.stop_reason.startswith("SIMULATED_")
    assert metadata.node_qps > 0
    assert metadata.node_count == 0


def test_int64_fields_are_strings(judge: Judge) -> None:
    metadata = judge.get(judge.model(judge.dataset()).name).json()[
        "imageClassificationModelMetadata"
    ]
    assert metadata["trainBudgetMilliNodeHours"] == "8000"
    assert isinstance(metadata["trainCostMilliNodeHours"], str)
    assert "nodeCount" not in metadata


def test_object_detection(judge: Judge) -> None:
    model = judge.model(judge.dataset("cars", detection=True), "cars")
    assert model.name.startswith(f"{NAMED}/models/IOD")
    metadata = model.image_object_detection_model_metadata
    assert metadata.model_type == "cloud-high-accuracy-1"
    assert metadata.train_budget_milli_node_hours == 20_000


def test_a_model_appears_only_when_it_is_trained(slow_judge: Judge) -> None:
    dataset = slow_judge.dataset()
    operation = slow_judge.train(dataset)
    assert not operation.done()
    dataset_id = dataset.name.rpartition("/")[2]
    query = {"parent": PARENT, "filter": f"dataset_id={dataset_id}"}
    assert list(slow_judge.automl.list_models(request=query)) == []
    operation.cancel()


@pytest.mark.parametrize(("model_type", "default"), [("", 192_000), ("mobile-versatile-1", 24_000)])
def test_the_budget_has_the_services_default(judge: Judge, model_type: str, default: int) -> None:
    dataset = judge.dataset()
    model = judge.model(dataset, model_type=model_type, train_budget_milli_node_hours=0)
    budget = model.image_classification_model_metadata.train_budget_milli_node_hours
    assert budget == default


@pytest.mark.parametrize(
    ("metadata", "budget"),
    [
        ({"trainBudget": "1", "modelType": "cloud"}, "8000"),
        ({"trainBudget": 2, "modelType": "mobile-versatile-1"}, "2000"),
        ({"train_budget": "1", "trainBudgetMilliNodeHours": 8000}, "8000"),
    ],
)
def test_the_old_budget_in_hours_is_converted(
    judge: Judge, metadata: dict[str, object], budget: str
) -> None:
    dataset_id = judge.dataset().name.rpartition("/")[2]
    body = {
        "displayName": "m",
        "datasetId": dataset_id,
        "imageClassificationModelMetadata": metadata,
    }
    name = judge.post(f"{PARENT}/models", body).json()["name"]
    done = judge.post(f"{name}:wait", {"timeout": "20s"})
    assert "trainBudget" not in done.text
    model = judge.get(done.json()["response"]["name"]).json()
    assert model["imageClassificationModelMetadata"]["trainBudgetMilliNodeHours"] == budget


@pytest.mark.parametrize(
    ("metadata", "field"),
    [
        ({"train_budget_milli_node_hours": 7_999}, "train_budget_milli_node_hours"),
        ({"train_budget_milli_node_hours": 800_001}, "train_budget_milli_node_hours"),
        (
            {"model_type": "mobile-versatile-1", "train_budget_milli_node_hours": 100_001},
            "train_budget_milli_node_hours",
        ),
        ({"model_type": "cloud-high-accuracy-1"}, "model_type"),
    ],
)
def test_what_create_refuses_in_metadata(
    judge: Judge, metadata: dict[str, Any], field: str
) -> None:
    with pytest.raises(exceptions.BadRequest) as caught:
        judge.train(judge.dataset(), **metadata)
    assert f"Field: model.image_classification_model_metadata.{field};" in str(caught.value)


def test_both_budgets_must_agree(judge: Judge) -> None:
    metadata = {"trainBudget": "1", "trainBudgetMilliNodeHours": "9000"}
    dataset_id = judge.dataset().name.rpartition("/")[2]
    body = {
        "displayName": "m",
        "datasetId": dataset_id,
        "imageClassificationModelMetadata": metadata,
    }
    answer = judge.post(f"{PARENT}/models", body)
    assert answer.status_code == 400
    assert "train_budget;" in answer.json()["error"]["message"]


@pytest.mark.parametrize("name", ["1first", "_first", "", "a b", "x" * 33])
def test_display_names_that_are_refused(judge: Judge, name: str) -> None:
    with pytest.raises(exceptions.BadRequest, match=r"1\.Field: model\.display_name"):
        judge.train(judge.dataset(images=False), name)


def test_an_unknown_dataset(judge: Judge) -> None:
    dataset = judge.dataset(images=False)
    judge.result(judge.automl.delete_dataset(name=dataset.name))
    with pytest.raises(exceptions.NotFound, match="Dataset does not exist"):
        judge.train(dataset)


def test_an_empty_dataset_cannot_be_trained_on(judge: Judge) -> None:
    with pytest.raises(exceptions.BadRequest, match="no examples") as caught:
        judge.train(judge.dataset(images=False))
    assert caught.value.response.json()["error"]["status"] == "FAILED_PRECONDITION"


def test_the_kinds_of_model_and_dataset_must_agree(judge: Judge) -> None:
    dataset_id = judge.dataset().name.rpartition("/")[2]
    model = {
        "display_name": "m",
        "dataset_id": dataset_id,
        "image_object_detection_model_metadata": {},
    }
    with pytest.raises(exceptions.BadRequest, match="image classification"):
        judge.automl.create_model(parent=PARENT, model=model)


def test_a_base_model_must_exist_and_be_of_the_same_type(judge: Judge) -> None:
    dataset = judge.dataset()
    base = judge.model(dataset).name.rpartition("/")[2]
    model = judge.model(dataset, base_model_id=base)
    assert model.image_classification_model_metadata.base_model_id == base
    with pytest.raises(exceptions.BadRequest, match="same model type"):
        judge.train(dataset, model_type="mobile-versatile-1", base_model_id=base)
    with pytest.raises(exceptions.NotFound, match="base model"):
        judge.train(dataset, base_model_id="ICN1234567890123456789")


def test_list_by_dataset_and_by_kind(judge: Judge) -> None:
    dataset, other = judge.dataset(), judge.dataset("cars", detection=True)
    first, second = judge.model(dataset, "a"), judge.model(dataset, "b")
    cars = judge.model(other, "cars")
    dataset_id = dataset.name.rpartition("/")[2]

    def names(query: str) -> list[str]:
        request = {"parent": PARENT, "filter": query, "page_size": 1}
        return [model.name for model in judge.automl.list_models(request=request)]

    assert names(f"dataset_id={dataset_id}") == [second.name, first.name]
    assert names(f'datasetId="{dataset_id}"') == [second.name, first.name]
    assert cars.name in names(f"dataset_id!={dataset_id}")
    assert first.name not in names(f"dataset_id!={dataset_id}")
    assert cars.name in names("image_object_detection_model_metadata:*")
    assert cars.name not in names("image_classification_model_metadata:*")
    assert names("dataset_id=nothing") == []
    assert names("translation_model_metadata:*") == []
    kind = "image_classification_model_metadata:*"
    assert names(f"dataset_id={dataset_id} AND {kind}") == [second.name, first.name]
    others = names(f"dataset_id!={dataset_id} AND {kind} AND NOT dataset_id=x")
    assert not {first.name, second.name, cars.name} & set(others)


def test_the_list_is_under_the_key_model(judge: Judge) -> None:
    judge.model(judge.dataset())
    answer = judge.get(f"{PARENT}/models", pageSize="1").json()
    assert next(iter(answer)) == "model"
    assert len(answer["model"]) == 1


def test_update(judge: Judge) -> None:
    old = judge.model(judge.dataset())
    new = judge.automl.update_model(
        model={"name": old.name, "display_name": "renamed", "labels": {"a": "b"}},
        update_mask=field_mask_pb2.FieldMask(paths=["labels"]),
    )
    assert (new.display_name, dict(new.labels)) == ("flowers", {"a": "b"})
    assert new.update_time > old.update_time
    with pytest.raises(exceptions.Conflict):
        judge.automl.update_model(model={"name": old.name, "etag": old.etag, "display_name": "x"})
    mask = field_mask_pb2.FieldMask(paths=["dataset_id"])
    with pytest.raises(exceptions.BadRequest, match="can't be updated"):
        judge.automl.update_model(model={"name": old.name}, update_mask=mask)


def test_deploy_redeploy_undeploy(judge: Judge) -> None:
    model = judge.model(judge.dataset())
    operation = judge.automl.deploy_model(name=model.name)
    judge.result(operation)
    assert "deploy_model_details" in operation.metadata
    state = automl_v1.Model.DeploymentState
    model = judge.automl.get_model(name=model.name)
    assert model.deployment_state == state.DEPLOYED
    assert model.image_classification_model_metadata.node_count == 1

    nodes = {"image_classification_model_deployment_metadata": {"node_count": 2}}
    model = deployed(judge, model, **nodes)
    assert model.image_classification_model_metadata.node_count == 2
    assert deployed(judge, model, **nodes).update_time == model.update_time

    for _ in range(2):
        operation = judge.automl.undeploy_model(name=model.name)
        judge.result(operation)
        assert "undeploy_model_details" in operation.metadata
        model = judge.automl.get_model(name=model.name)
        assert model.deployment_state == state.UNDEPLOYED
        assert model.image_classification_model_metadata.node_count == 0


def test_deployment_metadata_is_checked(judge: Judge) -> None:
    name = judge.model(judge.dataset()).name
    kind = "imageClassificationModelDeploymentMetadata"
    other = "imageObjectDetectionModelDeploymentMetadata"
    bodies: list[dict[str, object]] = [
        {kind: {"nodeCount": "101"}},
        {kind: {"nodeCount": 0}},
        {other: {"nodeCount": 1}},
        {kind: {}, other: {}},
        {"name": name},
    ]
    for body in bodies:
        assert judge.post(f"{name}:deploy", body).status_code == 400, body


def test_delete_needs_an_undeployed_model(judge: Judge) -> None:
    model = deployed(judge, judge.model(judge.dataset()))
    with pytest.raises(exceptions.BadRequest, match="Undeploy it first"):
        judge.automl.delete_model(name=model.name)
    judge.result(judge.automl.undeploy_model(name=model.name))
    operation = judge.automl.delete_model(name=model.name)
    judge.result(operation)
    assert "delete_details" in operation.metadata


def test_a_deleted_model_is_gone_for_all_methods(judge: Judge) -> None:
    name = judge.model(judge.dataset()).name
    judge.result(judge.automl.delete_model(name=name))
    export = {"gcs_destination": {"output_uri_prefix": "gs://bucket/o/"}}
    image = {"image": {"image_bytes": b"x"}}
    calls: list[Callable[[], object]] = [
        lambda: judge.automl.get_model(name=name),
        lambda: judge.automl.delete_model(name=name),
        lambda: judge.automl.deploy_model(name=name),
        lambda: judge.automl.undeploy_model(name=name),
        lambda: judge.automl.export_model(name=name, output_config=export),
        lambda: judge.automl.update_model(model={"name": name, "display_name": "x"}),
        lambda: judge.automl.list_model_evaluations(parent=name, filter=""),
        lambda: judge.automl.get_model_evaluation(name=f"{name}/modelEvaluations/1"),
        lambda: judge.prediction.predict(name=name, payload=image),
    ]
    for call in calls:
        with pytest.raises(exceptions.NotFound, match="The model does not exist"):
            call()


def test_a_model_outlives_its_dataset(judge: Judge) -> None:
    dataset = judge.dataset()
    model = judge.model(dataset)
    judge.result(judge.automl.delete_dataset(name=dataset.name))
    assert judge.automl.get_model(name=model.name) == model
    deployed(judge, model)


def test_export_of_a_mobile_model_says_what_it_is(judge: Judge) -> None:
    model = judge.model(judge.dataset(), model_type="mobile-versatile-1")
    destination = {"gcs_destination": {"output_uri_prefix": "gs://bucket/models/"}}
    operation = judge.automl.export_model(
        name=model.name, output_config={**destination, "model_format": "tf_js"}
    )
    judge.result(operation)
    folder = operation.metadata.export_model_details.output_info.gcs_output_directory
    assert folder.startswith("gs://bucket/models/model-export/icn/tf_js-flowers-")
    written = judge.emulator.bucket_root / folder.removeprefix("gs://")
    manifest = json.loads((written / "manifest.json").read_text())
    assert "emulator" in manifest["note"]
    assert manifest["format_asked_for"] == "tf_js"
    with pytest.raises(exceptions.BadRequest, match="can be exported as"):
        judge.automl.export_model(
            name=model.name, output_config={**destination, "model_format": "core_ml"}
        )


def test_a_cloud_model_cannot_be_exported(judge: Judge) -> None:
    destination = {"gcs_destination": {"output_uri_prefix": "gs://bucket/models/"}}
    name = judge.model(judge.dataset()).name
    with pytest.raises(exceptions.BadRequest, match="only mobile ones"):
        judge.automl.export_model(name=name, output_config=destination)
