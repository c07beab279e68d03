"""datasets.* and annotationSpecs.get, driven by Google's own client."""

import pytest
from google.api_core import exceptions
from google.cloud import automl_v1
from google.protobuf import field_mask_pb2

from tests.contract.conftest import NAMED, PARENT, Judge, png


def test_create_answers_a_name_and_get_the_rest(judge: Judge) -> None:
    operation = judge.automl.create_dataset(
        parent=PARENT,
        dataset={
            "display_name": "flowers",
            "description": "of the garden",
            "labels": {"team": "vision"},
            "image_classification_dataset_metadata": {"classification_type": "MULTILABEL"},
        },
    )
    made = judge.result(operation)
    assert "create_dataset_details" in operation.metadata
    assert made == automl_v1.Dataset(name=made.name)

    dataset = judge.automl.get_dataset(name=made.name)
    assert dataset.name.startswith(f"{NAMED}/datasets/ICN")
    assert len(dataset.name.rpartition("/ICN")[2]) == 19
    assert (dataset.display_name, dataset.description) == ("flowers", "of the garden")
    assert dict(dataset.labels) == {"team": "vision"}
    kind = dataset.image_classification_dataset_metadata.classification_type
    assert kind == automl_v1.ClassificationType.MULTILABEL
    assert dataset.example_count == 0
    assert dataset.create_time == operation.metadata.create_time
    assert dataset.etag.startswith("AB3BwF")


def test_the_empty_metadata_of_object_detection_stays(judge: Judge) -> None:
    dataset = judge.dataset("cars", detection=True, images=False)
    assert dataset.name.startswith(f"{NAMED}/datasets/IOD")
    assert "image_object_detection_dataset_metadata" in dataset
    raw = judge.get(dataset.name).json()
    assert raw["imageObjectDetectionDatasetMetadata"] == {}


def test_enums_are_names_unless_numbers_are_asked_for(judge: Judge) -> None:
    name = judge.dataset(images=False).name
    key = "imageClassificationDatasetMetadata"
    assert judge.get(name).json()[key] == {"classificationType": "MULTICLASS"}
    parameters = {"$alt": "json;enum-encoding=int"}
    assert judge.get(name, **parameters).json()[key] == {"classificationType": 1}


def test_list_goes_through_all_pages_newest_first(judge: Judge) -> None:
    names = [judge.dataset(f"page{number}", images=False).name for number in range(5)]
    request = {"parent": PARENT, "page_size": 2}
    pager = judge.automl.list_datasets(request=request)
    pages = [[dataset.name for dataset in page.datasets] for page in pager.pages]
    assert all(len(page) == 2 for page in pages[:-1])
    listed = [name for page in pages for name in page]
    assert len(listed) == len(set(listed))
    assert [name for name in listed if name in names] == names[::-1]


def test_a_page_token_belongs_to_its_filter(judge: Judge) -> None:
    judge.dataset(images=False)
    judge.dataset(images=False)
    token = judge.get(f"{PARENT}/datasets", pageSize="1").json()["nextPageToken"]
    other = {"pageToken": token, "filter": "image_classification_dataset_metadata:*"}
    answer = judge.get(f"{PARENT}/datasets", **other)
    assert (answer.status_code, answer.json()["error"]["status"]) == (400, "INVALID_ARGUMENT")


OTHER_KINDS = ("translation", "text_classification", "text_extraction", "text_sentiment", "tables")
"""Google's samples for Node.js filter by them."""


@pytest.mark.parametrize(
    ("query", "finds"),
    [
        ("image_classification_dataset_metadata:*", {"ICN"}),
        ("imageObjectDetectionDatasetMetadata:*", {"IOD"}),
        ("NOT image-object-detection-dataset-metadata:*", {"ICN"}),
        ("", {"ICN", "IOD"}),
        *((f"{kind}_dataset_metadata:*", set()) for kind in OTHER_KINDS),
        ("NOT translation_dataset_metadata:*", {"ICN", "IOD"}),
        ("image_classification_dataset_metadata:* AND NOT tables_dataset_metadata:*", {"ICN"}),
        ("imageClassificationDatasetMetadata:* AND translationDatasetMetadata:*", set()),
    ],
)
def test_list_filters_by_kind(judge: Judge, query: str, finds: set[str]) -> None:
    judge.dataset(images=False)
    judge.dataset(detection=True, images=False)
    found = judge.automl.list_datasets(request={"parent": PARENT, "filter": query})
    assert {dataset.name.rpartition("/")[2][:3] for dataset in found} == finds


@pytest.mark.parametrize("query", ["display_name=x", "nonsense", "image_x:*", "done=true"])
def test_a_filter_that_is_not_understood_is_refused(judge: Judge, query: str) -> None:
    with pytest.raises(exceptions.BadRequest):
        judge.automl.list_datasets(request={"parent": PARENT, "filter": query})


def test_update_writes_what_the_mask_names(judge: Judge) -> None:
    old = judge.dataset(images=False)
    new = judge.automl.update_dataset(
        dataset={"name": old.name, "display_name": "f2", "description": "d", "labels": {"a": "b"}},
        update_mask=field_mask_pb2.FieldMask(paths=["display_name", "labels"]),
    )
    assert (new.display_name, new.description, dict(new.labels)) == ("f2", "", {"a": "b"})
    assert new.etag != old.etag
    assert judge.automl.get_dataset(name=old.name) == new


def test_update_without_a_mask_writes_what_is_given(judge: Judge) -> None:
    old = judge.dataset(images=False)
    judge.automl.update_dataset(dataset={"name": old.name, "labels": {"a": "b"}})
    new = judge.automl.update_dataset(dataset={"name": old.name, "description": "d"})
    assert (new.display_name, new.description, dict(new.labels)) == ("flowers", "d", {"a": "b"})


def test_update_with_a_mask_clears_what_is_not_given(judge: Judge) -> None:
    name = judge.dataset(images=False).name
    judge.automl.update_dataset(dataset={"name": name, "labels": {"a": "b"}})
    mask = field_mask_pb2.FieldMask(paths=["labels"])
    assert not judge.automl.update_dataset(dataset={"name": name}, update_mask=mask).labels


def test_update_with_an_old_etag_is_aborted(judge: Judge) -> None:
    old = judge.dataset(images=False)
    fresh = {"name": old.name, "etag": old.etag, "description": "one"}
    judge.automl.update_dataset(dataset=fresh)
    with pytest.raises(exceptions.Conflict) as caught:
        judge.automl.update_dataset(dataset={**fresh, "description": "two"})
    assert caught.value.response.json()["error"]["status"] == "ABORTED"
    assert judge.automl.get_dataset(name=old.name).description == "one"


def test_update_of_what_cannot_change_is_refused(judge: Judge) -> None:
    name = judge.dataset(images=False).name
    mask = field_mask_pb2.FieldMask(paths=["image_classification_dataset_metadata"])
    with pytest.raises(exceptions.BadRequest, match="can't be updated"):
        judge.automl.update_dataset(dataset={"name": name}, update_mask=mask)


def test_import_counts_examples_and_labels(judge: Judge) -> None:
    dataset = judge.dataset(images=False)
    operation = judge.import_data(dataset.name, "flowers.csv")
    assert "import_data_details" in operation.metadata
    assert not operation.metadata.partial_failures
    assert judge.automl.get_dataset(name=dataset.name).example_count == 12

    evaluation = judge.automl.list_model_evaluations(
        parent=judge.model(dataset).name, filter="annotation_spec_id:*"
    )
    spec_id = next(iter(evaluation)).annotation_spec_id
    spec = judge.automl.get_annotation_spec(name=f"{dataset.name}/annotationSpecs/{spec_id}")
    assert (spec.display_name, spec.example_count) == ("daisy", 4)
    assert spec.name == f"{dataset.name}/annotationSpecs/{spec_id}"


def test_importing_again_adds_nothing_and_says_so(judge: Judge) -> None:
    dataset = judge.dataset()
    operation = judge.import_data(dataset.name, "flowers.csv")
    texts = [failure.message for failure in operation.metadata.partial_failures]
    assert len(texts) == 12
    assert all(text.endswith("The label is already a ground truth.") for text in texts)
    assert judge.automl.get_dataset(name=dataset.name).example_count == 12


def test_importing_more_adds(judge: Judge) -> None:
    dataset = judge.dataset()
    bucket = judge.emulator.bucket_root / "bucket"
    (bucket / "more.png").write_bytes(png(99))
    (bucket / "more.csv").write_text("TRAIN,gs://bucket/more.png,lily\n")
    judge.import_data(dataset.name, "more.csv")
    assert judge.automl.get_dataset(name=dataset.name).example_count == 13


def test_an_import_of_a_missing_file_fails(judge: Judge) -> None:
    dataset = judge.dataset(images=False)
    with pytest.raises(exceptions.InvalidArgument):
        judge.import_data(dataset.name, "missing.csv")
    assert judge.automl.get_dataset(name=dataset.name).example_count == 0


def test_what_was_exported_can_be_imported(judge: Judge) -> None:
    for detection in (False, True):
        dataset = judge.dataset("exported", detection=detection)
        config = {"gcs_destination": {"output_uri_prefix": "gs://bucket/out/"}}
        operation = judge.automl.export_data(name=dataset.name, output_config=config)
        judge.result(operation)
        folder = operation.metadata.export_data_details.output_info.gcs_output_directory
        assert folder.startswith("gs://bucket/out/export_data-exported-")
        [file] = (judge.emulator.bucket_root / folder.removeprefix("gs://")).iterdir()
        again = judge.dataset("again", detection=detection, images=False)
        path = folder.removeprefix("gs://bucket/") + file.name
        done = judge.import_data(again.name, path)
        assert not done.metadata.partial_failures
        assert judge.automl.get_dataset(name=again.name).example_count == 12


def test_delete(judge: Judge) -> None:
    dataset = judge.dataset()
    operation = judge.automl.delete_dataset(name=dataset.name)
    judge.result(operation)
    assert "delete_details" in operation.metadata
    for call in (judge.automl.get_dataset, judge.automl.delete_dataset):
        with pytest.raises(exceptions.NotFound):
            call(name=dataset.name)
    names = [each.name for each in judge.automl.list_datasets(parent=PARENT)]
    assert dataset.name not in names


def test_a_dataset_that_is_trained_on_cannot_be_deleted(slow_judge: Judge) -> None:
    dataset = slow_judge.dataset()
    training = slow_judge.train(dataset)
    with pytest.raises(exceptions.BadRequest, match="operation is running") as caught:
        slow_judge.automl.delete_dataset(name=dataset.name)
    assert caught.value.response.json()["error"]["status"] == "FAILED_PRECONDITION"
    training.cancel()


@pytest.mark.parametrize(
    ("dataset", "field"),
    [
        ({"display_name": "with space"}, "dataset.display_name"),
        ({"display_name": "x" * 33}, "dataset.display_name"),
        ({"display_name": ""}, "dataset.display_name"),
        ({"labels": {"Upper": "x"}}, "dataset.labels"),
        ({"labels": {"1digit": "x"}}, "dataset.labels"),
        ({"labels": {"a": "with space"}}, "dataset.labels"),
        ({"description": "x" * 25_001}, "dataset.description"),
        (
            {"image_classification_dataset_metadata": {}},
            "dataset.image_classification_dataset_metadata.classification_type",
        ),
    ],
)
def test_what_create_refuses(judge: Judge, dataset: dict[str, object], field: str) -> None:
    sound = {
        "display_name": "x",
        "image_classification_dataset_metadata": {"classification_type": 1},
    }
    with pytest.raises(exceptions.BadRequest) as caught:
        judge.automl.create_dataset(parent=PARENT, dataset={**sound, **dataset})
    assert f"List of found errors:\t1.Field: {field}; Message: " in str(caught.value)


def test_a_dataset_without_a_kind_is_refused(judge: Judge) -> None:
    with pytest.raises(exceptions.BadRequest, match="metadata"):
        judge.automl.create_dataset(parent=PARENT, dataset={"display_name": "x"})
    with pytest.raises(exceptions.MethodNotImplemented, match="images only"):
        judge.automl.create_dataset(
            parent=PARENT, dataset={"display_name": "x", "text_extraction_dataset_metadata": {}}
        )


def test_unknown_fields_are_refused_by_name(judge: Judge) -> None:
    body = {"displayName": "x", "imageObjectDetectionDatasetMetadata": {}, "colour": "red"}
    answer = judge.post(f"{PARENT}/datasets", body)
    text = "Unknown name \"colour\" at 'dataset': Cannot find field."
    assert answer.json()["error"] == {
        "code": 400,
        "message": f"Invalid JSON payload received. {text}",
        "status": "INVALID_ARGUMENT",
        "details": [
            {
                "@type": "type.googleapis.com/google.rpc.BadRequest",
                "fieldViolations": [{"field": "dataset.colour", "description": text}],
            }
        ],
    }
