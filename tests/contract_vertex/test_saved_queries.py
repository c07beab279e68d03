"""datasets.savedQueries.*, and what trainings see of annotation sets, by Google's clients."""

from __future__ import annotations

from typing import Any

import pytest
from google.api_core import exceptions

from tests.contract_vertex.conftest import IMPORTS, PARENT, Judge, number

SINGLE = "IMAGE_CLASSIFICATION_SINGLE_LABEL"


@pytest.fixture
def half(judge: Judge) -> str:
    """An import file with half of the images of flowers.csv."""
    bucket = judge.emulator.bucket_root / "bucket"
    rows = (bucket / "flowers.csv").read_text().splitlines(keepends=True)
    (bucket / "half.csv").write_text("".join(rows[::2]))
    return "half.csv"


def told(judge: Judge, dataset: Any) -> list[Any]:
    """The annotation sets of a dataset: the same by its own field, and listed."""
    listed = list(judge.datasets.list_saved_queries(parent=dataset.name))
    assert list(judge.datasets.get_dataset(name=dataset.name).saved_queries) == listed
    (same,) = (
        each for each in judge.datasets.list_datasets(parent=PARENT) if each.name == dataset.name
    )
    assert list(same.saved_queries) == listed
    return listed


def test_each_import_makes_a_set_of_its_own_whatever_it_names(judge: Judge, half: str) -> None:
    dataset = judge.dataset(None, name="flowers")
    assert told(judge, dataset) == []
    for source in ("flowers.csv", half):
        config = {
            "gcs_source": {"uris": [f"gs://bucket/{source}"]},
            "import_schema_uri": IMPORTS["single"],
            "annotation_labels": {"aiplatform.googleapis.com/annotation_set_name": "mine"},
        }
        judge.result(judge.datasets.import_data(name=dataset.name, import_configs=[config]))
    first, second = told(judge, dataset)
    assert first.name.startswith(f"{dataset.name}/savedQueries/")
    assert first.display_name.startswith("flowers_image_classification_single_label_20")
    assert [each.problem_type for each in (first, second)] == [SINGLE, SINGLE]
    assert first.support_automl_training
    assert first.annotation_spec_count == 3
    assert first.create_time <= second.create_time
    (page,) = (
        judge.datasets.list_saved_queries(request={"parent": dataset.name, "page_size": 1})
        .pages.__next__()
        .saved_queries
    )
    assert page == first


def test_a_deleted_set_is_gone_and_its_images_stay(judge: Judge) -> None:
    dataset = judge.dataset()
    (only,) = told(judge, dataset)
    judge.result(judge.datasets.delete_saved_query(name=only.name))
    assert told(judge, dataset) == []
    assert judge.datasets.get_dataset(name=dataset.name).data_item_count == 12
    with pytest.raises(exceptions.NotFound):
        judge.datasets.delete_saved_query(name=only.name)


def test_a_training_sees_the_set_that_it_names(judge: Judge, half: str) -> None:
    dataset = judge.dataset()
    judge.import_data(dataset.name, "single", half)
    first, second = told(judge, dataset)
    counts = {}
    for query in (None, first, second):
        data: dict[str, Any] = {"dataset_id": number(dataset)}
        if query is not None:
            data["saved_query_id"] = number(query)
        pipeline = judge.ended(judge.train(dataset, input_data_config=data))
        assert pipeline.input_data_config.saved_query_id == data.get("saved_query_id", "")
        stats = judge.models.get_model(name=pipeline.model_to_upload.name).data_stats
        items = (
            stats.training_data_items_count
            + stats.validation_data_items_count
            + stats.test_data_items_count
        )
        annotations = (
            stats.training_annotations_count
            + stats.validation_annotations_count
            + stats.test_annotations_count
        )
        assert items == annotations
        counts[None if query is None else query.name] = items
    assert counts == {None: 12, first.name: 12, second.name: 6}


def test_a_training_on_a_set_that_is_not_there_is_refused(judge: Judge) -> None:
    dataset, other = judge.dataset(), judge.dataset()
    (theirs,) = told(judge, other)
    data = {"dataset_id": number(dataset), "saved_query_id": number(theirs)}
    with pytest.raises(exceptions.BadRequest, match="no SavedQuery"):
        judge.train(dataset, input_data_config=data)
