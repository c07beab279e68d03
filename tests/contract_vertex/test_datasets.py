"""datasets.*, driven by Google's generated client."""

from __future__ import annotations

from typing import Any

import pytest
from google.api_core import exceptions
from google.protobuf import field_mask_pb2

from tests.contract.conftest import LABELS, NAMED, png
from tests.contract_vertex.conftest import IMAGES, IMPORTS, PARENT, Judge, number

RESERVED = "aiplatform.googleapis.com/"
OWN = {f"{RESERVED}dataset_metadata_schema": "IMAGE"}
"""The label that the service sets on each dataset."""


def test_create_answers_a_name_and_get_the_rest(judge: Judge) -> None:
    operation = judge.datasets.create_dataset(
        parent=PARENT,
        dataset={
            "display_name": "Flowers of my garden: all 🌷",
            "description": "with roses",
            "labels": {"team": "vision"},
            "metadata_schema_uri": IMAGES,
            "metadata": {"gcsBucket": "bucket"},
        },
    )
    made = judge.result(operation)
    assert made.name.startswith(f"{NAMED}/datasets/")
    assert number(made).isdigit()
    assert operation.operation.name.startswith(f"{made.name}/operations/")
    assert (made.metadata_schema_uri, dict(made.labels)) == (IMAGES, {**OWN, "team": "vision"})
    assert dict(made.metadata)["dataItemSchemaUri"].endswith("/image_1.0.0.yaml")

    dataset = judge.datasets.get_dataset(name=made.name)
    assert dataset.display_name == made.display_name == "Flowers of my garden: all 🌷"
    assert dataset.description == "with roses"
    assert dataset.labels == {"team": "vision", **OWN}
    assert dataset.metadata_schema_uri == IMAGES
    assert dataset.metadata["dataItemSchemaUri"].endswith("/dataset/dataitem/image_1.0.0.yaml")
    assert dataset.data_item_count == 0
    assert dataset.create_time == operation.metadata.generic_metadata.create_time
    assert dataset.etag


def test_labels_of_the_service_stay_whatever_a_request_says(judge: Judge) -> None:
    """Discovery document: keys below aiplatform.googleapis.com/ are reserved and immutable."""
    given = {"team": "v", f"{RESERVED}other": "Any value"}
    dataset = judge.dataset(None, labels=given)
    assert dataset.labels == {**given, **OWN}
    labels = {"team": "w", f"{RESERVED}other": "x", f"{RESERVED}new": "x"}
    for _ in range(2):
        changed = judge.datasets.update_dataset(
            dataset={"name": dataset.name, "labels": labels}, update_mask={"paths": ["labels"]}
        )
        assert changed.labels == {**OWN, f"{RESERVED}other": "Any value", "team": "w"}
        labels = {"team": "w"}  # left out, they stay too


def test_create_needs_no_metadata(judge: Judge) -> None:
    """Google's own SDK sends none for images, and neither does Terraform's provider."""
    body = {"display_name": "x", "metadata_schema_uri": IMAGES}
    name = judge.post(f"{PARENT}/datasets", body).json()["name"]
    assert "response" in judge.post(f"{name}:wait", {}).json()


def test_list_goes_through_all_pages_newest_first(judge: Judge) -> None:
    names = [judge.dataset(None, f"page {count}").name for count in range(5)]
    pager = judge.datasets.list_datasets(request={"parent": PARENT, "page_size": 2})
    pages = [[dataset.name for dataset in page.datasets] for page in pager.pages]
    assert all(len(page) == 2 for page in pages[:-1])
    listed = [name for page in pages for name in page]
    assert len(listed) == len(set(listed))
    assert [name for name in listed if name in names] == names[::-1]


def test_a_page_token_belongs_to_its_filter(judge: Judge) -> None:
    for _ in range(2):
        judge.dataset(None)
    token = judge.get(f"{PARENT}/datasets", pageSize="1").json()["nextPageToken"]
    answer = judge.get(f"{PARENT}/datasets", pageToken=token, filter='display_name="x"')
    assert (answer.status_code, answer.json()["error"]["status"]) == (400, "INVALID_ARGUMENT")


@pytest.mark.parametrize(
    ("query", "finds"),
    [
        ('display_name="red roses"', {"rose"}),
        ('displayName != "red roses"', {"lily"}),
        ("labels.colour=red", {"rose"}),
        ("labels.colour:*", {"rose", "lily"}),
        ("labels:scent", {"lily"}),
        (f'metadata_schema_uri="{IMAGES}"', {"rose", "lily"}),
        ('metadataSchemaUri!="gs://other"', {"rose", "lily"}),
        ('labels.colour=red AND display_name="lily"', set()),
        ('labels.colour=red OR display_name="lily"', {"rose", "lily"}),
        ('NOT display_name="red roses"', {"lily"}),
        ("NOT labels.scent:*", {"rose"}),
        ('(labels.colour=red OR labels:scent) AND NOT display_name="lily"', {"rose"}),
    ],
)
def test_list_filters(judge: Judge, query: str, finds: set[str]) -> None:
    rose = judge.dataset(None, "red roses", labels={"colour": "red"})
    lily = judge.dataset(None, "lily", labels={"colour": "white", "scent": ""})
    mine = {rose.name: "rose", lily.name: "lily"}
    found = judge.datasets.list_datasets(request={"parent": PARENT, "filter": query})
    assert {mine[dataset.name] for dataset in found if dataset.name in mine} == finds


@pytest.mark.parametrize(
    "query", ["colour=red", "nonsense", "display_name", "display_name>x", 'NOT "', "(labels:a", "="]
)
def test_a_filter_that_is_not_understood_is_refused(judge: Judge, query: str) -> None:
    with pytest.raises(exceptions.BadRequest, match="filter"):
        judge.datasets.list_datasets(request={"parent": PARENT, "filter": query})


def test_a_read_mask_leaves_out_the_rest(judge: Judge) -> None:
    name = judge.dataset(None, labels={"a": "b"}).name
    request = {"read_mask": {"paths": ["display_name", "labels"]}}
    dataset = judge.datasets.get_dataset(request={"name": name, **request})
    assert (dataset.display_name, dataset.name) == ("flowers", "")
    assert dataset.labels == {"a": "b", **OWN}
    listed = judge.datasets.list_datasets(request={"parent": PARENT, **request})
    assert {dataset.name for dataset in listed} == {""}


def test_update_writes_what_the_mask_names(judge: Judge) -> None:
    old = judge.dataset(None)
    new = judge.datasets.update_dataset(
        dataset={"name": old.name, "display_name": "f2", "description": "d", "labels": {"a": "b"}},
        update_mask=field_mask_pb2.FieldMask(paths=["display_name", "labels"]),
    )
    assert (new.display_name, new.description) == ("f2", "")
    assert new.labels == {"a": "b", **OWN}
    assert new.etag != old.etag
    assert judge.datasets.get_dataset(name=old.name) == new
    mask = field_mask_pb2.FieldMask(paths=["labels"])
    cleared = judge.datasets.update_dataset(dataset={"name": old.name}, update_mask=mask)
    assert cleared.labels == OWN


def test_update_with_an_old_etag_is_aborted(judge: Judge) -> None:
    old = judge.dataset(None)
    fresh = {"name": old.name, "etag": old.etag, "description": "one"}
    mask = field_mask_pb2.FieldMask(paths=["description"])
    judge.datasets.update_dataset(dataset=fresh, update_mask=mask)
    with pytest.raises(exceptions.Conflict) as caught:
        judge.datasets.update_dataset(dataset={**fresh, "description": "two"}, update_mask=mask)
    assert caught.value.response.json()["error"]["status"] == "ABORTED"
    assert judge.datasets.get_dataset(name=old.name).description == "one"


def test_update_of_what_cannot_change_is_refused(judge: Judge) -> None:
    mask = field_mask_pb2.FieldMask(paths=["metadata_schema_uri"])
    with pytest.raises(exceptions.BadRequest, match="can't be updated"):
        judge.datasets.update_dataset(dataset={"name": judge.dataset(None).name}, update_mask=mask)


@pytest.mark.parametrize(
    ("kind", "source"),
    [("single", "flowers.csv"), ("multi", "flowers.csv"), ("boxes", "boxes.csv")],
)
def test_import_says_what_images_are_labelled_for(judge: Judge, kind: str, source: str) -> None:
    dataset = judge.dataset(None)
    operation = judge.import_data(dataset.name, kind, source)
    assert operation.operation.name.startswith(f"{dataset.name}/operations/")
    assert not operation.metadata.generic_metadata.partial_failures
    assert judge.datasets.get_dataset(name=dataset.name).data_item_count == 12


def test_import_takes_the_words_of_its_own_pages(judge: Judge) -> None:
    """They write `training`, `validation` and `test` in small letters."""
    bucket = judge.emulator.bucket_root / "bucket"
    rows = (bucket / "flowers.csv").read_text().replace("TRAIN,", "TRAINING,").lower()
    (bucket / "small.csv").write_text(rows)
    dataset = judge.dataset(None)
    operation = judge.import_data(dataset.name, "single", "small.csv")
    assert not operation.metadata.generic_metadata.partial_failures
    assert judge.datasets.get_dataset(name=dataset.name).data_item_count == 12


def test_importing_again_adds_nothing_and_says_so(judge: Judge) -> None:
    dataset = judge.dataset()
    operation = judge.import_data(dataset.name, "single", "flowers.csv")
    failures = operation.metadata.generic_metadata.partial_failures
    assert len(failures) == 12
    assert all(each.message.endswith("The label is already a ground truth.") for each in failures)
    assert judge.datasets.get_dataset(name=dataset.name).data_item_count == 12


def test_importing_more_adds(judge: Judge) -> None:
    dataset = judge.dataset()
    bucket = judge.emulator.bucket_root / "bucket"
    (bucket / "more.png").write_bytes(png(99))
    (bucket / "more.csv").write_text("TRAIN,gs://bucket/more.png,lily\n")
    judge.import_data(dataset.name, "single", "more.csv")
    assert judge.datasets.get_dataset(name=dataset.name).data_item_count == 13


def test_all_configs_of_an_import_are_one_batch(judge: Judge) -> None:
    dataset = judge.dataset(None)
    bucket = judge.emulator.bucket_root / "bucket"
    rows = (bucket / "flowers.csv").read_text().splitlines(keepends=True)
    for name, part in (("first.csv", rows[:5]), ("second.csv", rows[5:])):
        (bucket / name).write_text("".join(part))
    configs = [
        {"gcs_source": {"uris": [f"gs://bucket/{name}"]}, "import_schema_uri": IMPORTS["single"]}
        for name in ("first.csv", "second.csv")
    ]
    judge.result(judge.datasets.import_data(name=dataset.name, import_configs=configs))
    assert judge.datasets.get_dataset(name=dataset.name).data_item_count == 12


def test_an_import_of_a_missing_file_fails(judge: Judge) -> None:
    dataset = judge.dataset(None)
    with pytest.raises(exceptions.InvalidArgument):
        judge.import_data(dataset.name, "single", "missing.csv")
    assert judge.datasets.get_dataset(name=dataset.name).data_item_count == 0


def test_what_import_refuses(judge: Judge) -> None:
    name = judge.dataset(None).name
    sound = {"gcsSource": {"uris": ["gs://bucket/flowers.csv"]}}
    bodies: list[dict[str, object]] = [
        {},
        {"importConfigs": []},
        {"importConfigs": [sound]},
        {"importConfigs": [{"importSchemaUri": IMPORTS["single"]}]},
        {"importConfigs": [{**sound, "importSchemaUri": IMAGES}]},
        {"importConfigs": [{**sound, "importSchemaUri": IMPORTS["single"], "colour": "red"}]},
    ]
    for body in bodies:
        answer = judge.post(f"{name}:import", body)
        assert (answer.status_code, answer.json()["error"]["status"]) == (400, "INVALID_ARGUMENT")


def test_what_was_exported_can_be_imported(judge: Judge) -> None:
    """As JSON Lines, in a folder of the schema's title."""
    titles = {"single": "ImageClassification", "boxes": "ImageBoundingBox"}
    for kind, title in titles.items():
        dataset = judge.dataset(kind, "exported")
        config = {"gcs_destination": {"output_uri_prefix": "gs://bucket/out/"}}
        operation = judge.datasets.export_data(name=dataset.name, export_config=config)
        judge.result(operation)
        folder = operation.metadata.gcs_output_directory
        [exported] = operation.result().exported_files
        assert exported.startswith(folder)
        assert (judge.emulator.bucket_root / exported.removeprefix("gs://")).is_file()
        assert folder.startswith("gs://bucket/out/")
        assert folder.endswith("/")
        written = judge.emulator.bucket_root / folder.removeprefix("gs://") / title
        assert {file.suffix for file in written.iterdir()} == {".jsonl", ".yaml"}
        again = judge.dataset(None, "again")
        path = f"{folder.removeprefix('gs://bucket/')}{title}/*.jsonl"
        done = judge.import_data(again.name, kind, path)
        assert not done.metadata.generic_metadata.partial_failures
        assert judge.datasets.get_dataset(name=again.name).data_item_count == 12


def test_delete(judge: Judge) -> None:
    dataset = judge.dataset()
    judge.result(judge.datasets.delete_dataset(name=dataset.name))
    for call in (judge.datasets.get_dataset, judge.datasets.delete_dataset):
        with pytest.raises(exceptions.NotFound):
            call(name=dataset.name)
    names = [each.name for each in judge.datasets.list_datasets(parent=PARENT)]
    assert dataset.name not in names


def test_a_dataset_that_is_trained_on_cannot_be_deleted(slow_judge: Judge) -> None:
    dataset = slow_judge.dataset()
    pipeline = slow_judge.train(dataset)
    with pytest.raises(exceptions.BadRequest, match="operation is running") as caught:
        slow_judge.datasets.delete_dataset(name=dataset.name)
    assert caught.value.response.json()["error"]["status"] == "FAILED_PRECONDITION"
    slow_judge.pipelines.cancel_training_pipeline(name=pipeline.name)


@pytest.mark.parametrize(
    ("dataset", "field"),
    [
        ({"display_name": ""}, "dataset.display_name"),
        ({"display_name": "x" * 129}, "dataset.display_name"),
        ({"labels": {"Upper": "x"}}, "dataset.labels"),
        ({"labels": {"a": "with space"}}, "dataset.labels"),
        ({"description": "x" * 25_001}, "dataset.description"),
        ({"metadata_schema_uri": ""}, "dataset.metadata_schema_uri"),
    ],
)
def test_what_create_refuses(judge: Judge, dataset: dict[str, Any], field: str) -> None:
    sound = {"display_name": "x", "metadata_schema_uri": IMAGES}
    with pytest.raises(exceptions.BadRequest) as caught:
        judge.datasets.create_dataset(parent=PARENT, dataset={**sound, **dataset})
    assert f"List of found errors:\t1.Field: {field}; Message: " in str(caught.value)


def test_other_data_than_images_is_not_there(judge: Judge) -> None:
    other = IMAGES.replace("image_", "tabular_")
    body = {"displayName": "x", "metadataSchemaUri": other}
    answer = judge.post(f"{PARENT}/datasets", body)
    assert (answer.status_code, answer.json()["error"]["status"]) == (501, "UNIMPLEMENTED")


def test_unknown_fields_are_refused_by_name(judge: Judge) -> None:
    body = {"displayName": "x", "metadataSchemaUri": IMAGES, "colour": "red"}
    answer = judge.post(f"{PARENT}/datasets", body)
    text = "Unknown name \"colour\" at 'dataset': Cannot find field."
    assert answer.status_code == 400
    assert text in answer.json()["error"]["message"]


def test_labels_of_a_training_are_those_of_the_dataset(judge: Judge) -> None:
    model = judge.model(judge.dataset())
    [evaluation] = judge.models.list_model_evaluations(parent=model.name)
    specs = evaluation.metrics["confusionMatrix"]["annotationSpecs"]
    assert [spec["displayName"] for spec in specs] == list(LABELS)


def test_the_update_time_moves_with_every_change(judge: Judge) -> None:
    made = judge.dataset(None)
    assert made.update_time == made.create_time
    mask = field_mask_pb2.FieldMask(paths=["description"])
    described = {"name": made.name, "description": "d"}
    patched = judge.datasets.update_dataset(dataset=described, update_mask=mask)
    assert patched.update_time > made.update_time
    judge.import_data(made.name, "single", "flowers.csv")
    imported = judge.datasets.get_dataset(name=made.name)
    assert imported.update_time > patched.update_time
    assert imported.create_time == made.create_time


def test_an_absent_dataset_is_named_as_vertex_ai_does(judge: Judge) -> None:
    with pytest.raises(exceptions.NotFound, match=r"404 .*The Dataset does not exist\."):
        judge.datasets.get_dataset(name=f"{PARENT}/datasets/1")
