"""models.*, their evaluations and slices, driven by Google's generated client."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from google.api_core import exceptions
from google.cloud import aiplatform_v1
from google.protobuf import field_mask_pb2

from tests.contract.conftest import LABELS
from tests.contract_vertex.conftest import AS_ASSIGNED, NAMED, PARENT, SCHEMATA, Judge, number

THRESHOLDS = [*(count / 100 for count in range(0, 100, 5)), 0.96, 0.97, 0.98, 0.99]
SINGLE = f"{SCHEMATA}/modelevaluation/classification_metrics_1.0.0.yaml"
BOXES = f"{SCHEMATA}/modelevaluation/image_object_detection_metrics_1.0.0.yaml"


def test_get(judge: Judge) -> None:
    model = judge.model(judge.dataset())
    assert model.name.startswith(f"{NAMED}/models/")
    assert number(model).isdigit()
    assert model.display_name == "flowers"
    assert (model.version_id, list(model.version_aliases)) == ("1", ["default"])
    assert model.create_time <= model.update_time
    assert model.training_pipeline.startswith(f"{NAMED}/trainingPipelines/")
    resources = aiplatform_v1.Model.DeploymentResourcesType
    assert list(model.supported_deployment_resources_types) == [resources.AUTOMATIC_RESOURCES]
    source = aiplatform_v1.ModelSourceInfo.ModelSourceType
    assert model.model_source_info.source_type == source.AUTOML
    assert not model.deployed_models
    assert model.etag
    assert judge.get(model.name).json()["metadata"] == {"simulated": True}
    for version in ("@1", "@default"):
        assert judge.models.get_model(name=model.name + version) == model
    with pytest.raises(exceptions.NotFound):
        judge.models.get_model(name=f"{model.name}@2")


def test_enums_are_names_unless_numbers_are_asked_for(judge: Judge) -> None:
    name = judge.model(judge.dataset()).name
    assert judge.get(name).json()["modelSourceInfo"] == {"sourceType": "AUTOML"}
    parameters = {"$alt": "json;enum-encoding=int"}
    assert judge.get(name, **parameters).json()["modelSourceInfo"] == {"sourceType": 1}


@pytest.mark.parametrize(
    ("query", "finds"),
    [
        ('display_name="red"', {"red"}),
        ("displayName!=red", {"white"}),
        ("labels.colour=red", {"red"}),
        ("labels.colour:*", {"red", "white"}),
        ("labels:scent", {"white"}),
        ("display_name=red OR labels:scent", {"red", "white"}),
        ("NOT labels.scent:*", {"red"}),
        ("model={red}", {"red"}),
        ("model!={red}", {"white"}),
        ("model=nothing", set()),
        ('baseModelName="text-bison"', set()),
        ("NOT base_model_name=x", {"red", "white"}),
    ],
)
def test_list_filters(judge: Judge, models: dict[str, str], query: str, finds: set[str]) -> None:
    [red] = [name for name, colour in models.items() if colour == "red"]
    text = query.format(red=red.rpartition("/")[2])
    request = {"parent": PARENT, "filter": text, "page_size": 1}
    found = judge.models.list_models(request=request)
    assert {models[each.name] for each in found if each.name in models} == finds


@pytest.fixture(scope="module")
def models(judges: Callable[[float], Judge]) -> dict[str, str]:
    """The names of two models, and their colours."""
    judge = judges(1_000_000.0)
    dataset = judge.dataset()
    labels = {"red": {"colour": "red"}, "white": {"colour": "white", "scent": "sweet"}}
    return {
        judge.model(
            dataset, name=colour, model_to_upload={"display_name": colour, "labels": each}
        ).name: colour
        for colour, each in labels.items()
    }


@pytest.mark.parametrize("query", ["colour=red", "display_name", "base", "labels>x"])
def test_a_filter_that_is_not_understood_is_refused(judge: Judge, query: str) -> None:
    with pytest.raises(exceptions.BadRequest, match="filter"):
        judge.models.list_models(request={"parent": PARENT, "filter": query})


def test_update(judge: Judge) -> None:
    old = judge.model(judge.dataset())
    new = judge.models.update_model(
        model={"name": old.name, "display_name": "renamed", "labels": {"a": "b"}},
        update_mask=field_mask_pb2.FieldMask(paths=["labels"]),
    )
    assert (new.display_name, dict(new.labels)) == ("flowers", {"a": "b"})
    assert new.update_time > old.update_time
    assert judge.models.get_model(name=old.name) == new
    again = {"name": old.name, "labels": {"a": "b"}, "metadata": {"simulated": True}}
    mask = field_mask_pb2.FieldMask(paths=["labels"])
    assert judge.models.update_model(model=again, update_mask=mask).metadata == old.metadata
    mask = field_mask_pb2.FieldMask(paths=["display_name"])
    stale = {"name": old.name, "etag": old.etag, "display_name": "x"}
    with pytest.raises(exceptions.Conflict):
        judge.models.update_model(model=stale, update_mask=mask)
    mask = field_mask_pb2.FieldMask(paths=["artifact_uri"])
    with pytest.raises(exceptions.BadRequest, match="can't be updated"):
        judge.models.update_model(model={"name": old.name}, update_mask=mask)


def test_delete_needs_a_model_that_no_endpoint_serves(judge: Judge) -> None:
    model, endpoint = judge.model(judge.dataset()), judge.endpoint()
    deployed = judge.deploy(endpoint, model)
    with pytest.raises(exceptions.BadRequest) as caught:
        judge.models.delete_model(name=model.name)
    assert caught.value.response.json()["error"]["status"] == "FAILED_PRECONDITION"
    judge.result(
        judge.endpoints.undeploy_model(endpoint=endpoint.name, deployed_model_id=deployed.id)
    )
    operation = judge.models.delete_model(name=model.name)
    assert operation.operation.name.startswith(f"{model.name}/operations/")
    judge.result(operation)


def test_a_deleted_model_is_gone_for_all_methods(judge: Judge) -> None:
    name = judge.model(judge.dataset()).name
    endpoint = judge.endpoint()
    [evaluation] = judge.models.list_model_evaluations(parent=name)
    judge.result(judge.models.delete_model(name=name))
    mask = field_mask_pb2.FieldMask(paths=["display_name"])
    deployed = {"model": name, "automatic_resources": {"min_replica_count": 1}}
    export = {
        "export_format_id": "tflite",
        "artifact_destination": {"output_uri_prefix": "gs://bucket/o/"},
    }
    calls: list[Callable[[], object]] = [
        lambda: judge.models.get_model(name=name),
        lambda: judge.models.delete_model(name=name),
        lambda: judge.models.update_model(
            model={"name": name, "display_name": "x"}, update_mask=mask
        ),
        lambda: judge.models.export_model(name=name, output_config=export),
        lambda: judge.models.list_model_evaluations(parent=name),
        lambda: judge.models.get_model_evaluation(name=evaluation.name),
        lambda: judge.models.list_model_evaluation_slices(parent=evaluation.name),
        lambda: judge.endpoints.deploy_model(endpoint=endpoint.name, deployed_model=deployed),
    ]
    for call in calls:
        with pytest.raises(exceptions.NotFound):
            call()


def test_a_model_outlives_its_dataset(judge: Judge) -> None:
    dataset = judge.dataset()
    model = judge.model(dataset)
    judge.result(judge.datasets.delete_dataset(name=dataset.name))
    assert judge.models.get_model(name=model.name) == model


def test_export_of_a_mobile_model_says_what_it_is(judge: Judge) -> None:
    inputs = {"modelType": "MOBILE_TF_VERSATILE_1", "budgetMilliNodeHours": "1000"}
    model = judge.model(judge.dataset(), inputs=inputs)
    formats = {each.id: list(each.exportable_contents) for each in model.supported_export_formats}
    content = aiplatform_v1.Model.ExportFormat.ExportableContent
    assert formats["tf-js"] == [content.ARTIFACT]
    config = {
        "export_format_id": "tf-js",
        "artifact_destination": {"output_uri_prefix": "gs://bucket/models/"},
    }
    operation = judge.models.export_model(name=model.name, output_config=config)
    judge.result(operation)
    folder = operation.metadata.output_info.artifact_output_uri
    number = model.name.rpartition("/")[2]
    assert folder.startswith(f"gs://bucket/models/model-{number}/tf-js/")
    written = judge.emulator.bucket_root / folder.removeprefix("gs://")
    manifest = json.loads((written / "manifest.json").read_text())
    assert "emulator" in manifest["note"]
    with pytest.raises(exceptions.BadRequest, match="can be exported as"):
        judge.models.export_model(
            name=model.name, output_config={**config, "export_format_id": "custom-trained"}
        )


def test_a_cloud_model_cannot_be_exported(judge: Judge) -> None:
    model = judge.model(judge.dataset())
    assert not model.supported_export_formats
    config = {"artifact_destination": {"output_uri_prefix": "gs://bucket/models/"}}
    with pytest.raises(exceptions.BadRequest, match="none"):
        judge.models.export_model(name=model.name, output_config=config)


def test_one_evaluation_and_a_slice_for_each_label(judge: Judge) -> None:
    dataset = judge.dataset()
    data = {"dataset_id": number(dataset), **AS_ASSIGNED}
    model = judge.model(dataset, input_data_config=data)
    [overall] = judge.models.list_model_evaluations(parent=model.name)
    assert overall.name.startswith(f"{model.name}/evaluations/")
    assert judge.get(overall.name).json()["metadata"] == {"simulated": True}
    assert list(overall.slice_dimensions) == ["annotationSpec"]
    request = {"parent": overall.name, "page_size": 2}
    slices = list(judge.models.list_model_evaluation_slices(request=request))
    assert [each.slice_.dimension for each in slices] == ["annotationSpec"] * len(LABELS)
    assert [each.slice_.value for each in slices] == list(LABELS)
    for each in (overall, *slices):
        assert each.metrics_schema_uri == SINGLE
        assert 0 < each.metrics["auPrc"] <= 1
        entries = each.metrics["confidenceMetrics"]
        thresholds = [entry.get("confidenceThreshold", 0) for entry in entries]
        assert thresholds == pytest.approx(THRESHOLDS)
    assert judge.models.get_model_evaluation(name=overall.name) == overall
    for each in slices:
        assert each.name.startswith(f"{overall.name}/slices/")
        assert judge.models.get_model_evaluation_slice(name=each.name) == each


def test_the_confusion_matrix_is_overall_only(judge: Judge) -> None:
    [overall] = judge.models.list_model_evaluations(parent=judge.model(judge.dataset()).name)
    matrix = overall.metrics["confusionMatrix"]
    assert [spec["displayName"] for spec in matrix["annotationSpecs"]] == list(LABELS)
    assert [len(row) for row in matrix["rows"]] == [len(LABELS)] * len(LABELS)
    for each in judge.models.list_model_evaluation_slices(parent=overall.name):
        assert "confusionMatrix" not in each.metrics


def test_slices_by_dimension(judge: Judge) -> None:
    [overall] = judge.models.list_model_evaluations(parent=judge.model(judge.dataset()).name)

    def count(query: str) -> int:
        request = {"parent": overall.name, "filter": query}
        return len(list(judge.models.list_model_evaluation_slices(request=request)))

    assert count("slice.dimension = annotationSpec") == len(LABELS)
    assert count('slice.dimension="annotationSpec"') == len(LABELS)
    assert count("slice.dimension=slice") == 0
    with pytest.raises(exceptions.BadRequest, match="filter"):
        count("slice.colour=red")


def test_evaluations_of_boxes(judge: Judge) -> None:
    model = judge.model(judge.dataset("boxes"), "boxes")
    [overall] = judge.models.list_model_evaluations(parent=model.name)
    assert overall.metrics_schema_uri == BOXES
    metrics = overall.metrics
    assert metrics["evaluatedBoundingBoxCount"] > 0
    assert 0 < metrics["boundingBoxMeanAveragePrecision"] <= 1
    assert metrics["boundingBoxMetrics"][0]["confidenceMetrics"]


def test_an_unknown_evaluation_and_an_unknown_slice(judge: Judge) -> None:
    model = judge.model(judge.dataset())
    [overall] = judge.models.list_model_evaluations(parent=model.name)
    one, *_ = judge.models.list_model_evaluation_slices(parent=overall.name)
    strangers = (f"{model.name}/evaluations/123", f"{model.name}/evaluations/{number(one)}")
    for name in strangers:
        with pytest.raises(exceptions.NotFound):
            judge.models.get_model_evaluation(name=name)
        with pytest.raises(exceptions.NotFound):
            judge.models.list_model_evaluation_slices(parent=name)
    for name in (f"{overall.name}/slices/123", f"{overall.name}/slices/{number(overall)}"):
        with pytest.raises(exceptions.NotFound):
            judge.models.get_model_evaluation_slice(name=name)


@pytest.mark.parametrize("kind", ["single", "boxes"])
def test_a_model_says_what_it_takes_and_answers(judge: Judge, kind: str) -> None:
    """As the page on training an image model shows it, with the schemata's public addresses."""
    model = judge.model(judge.dataset(kind), kind)
    schemata = model.predict_schemata
    uris = [schemata.instance_schema_uri, schemata.parameters_schema_uri]
    uris += [schemata.prediction_schema_uri, model.metadata_schema_uri]
    root = "https://storage.googleapis.com/google-cloud-aiplatform/schema/"
    problem = "image_object_detection" if kind == "boxes" else "image_classification"
    prediction = "image_object_detection" if kind == "boxes" else "classification"
    assert [uri.removeprefix(root) for uri in uris] == [
        f"predict/instance/{problem}_1.0.0.yaml",
        f"predict/params/{problem}_1.0.0.yaml",
        f"predict/prediction/{prediction}_1.0.0.yaml",
        f"model/metadata/automl_{problem}_1.0.0.yaml",
    ]
    assert list(model.supported_input_storage_formats) == ["jsonl"]
    assert list(model.supported_output_storage_formats) == ["jsonl"]


def test_descriptions_of_a_model_are_kept_and_changed(judge: Judge) -> None:
    upload = {"display_name": "x", "description": "of May", "version_description": "first"}
    pipeline = judge.ended(judge.train(judge.dataset(), model_to_upload=upload))
    assert pipeline.model_to_upload.description == "of May"
    assert pipeline.model_to_upload.version_description == "first"
    old = judge.models.get_model(name=pipeline.model_to_upload.name)
    assert (old.description, old.version_description) == ("of May", "first")
    for name, field, value in (
        (old.name, "description", "of June"),
        (f"{old.name}@1", "version_description", ""),
    ):
        mask = field_mask_pb2.FieldMask(paths=[field])
        new = judge.models.update_model(model={"name": name, field: value}, update_mask=mask)
    assert (new.description, new.version_description) == ("of June", "")
    assert judge.models.get_model(name=old.name) == new
