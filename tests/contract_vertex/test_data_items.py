"""datasets.dataItems, annotations, annotationSpecs and searchDataItems, by Google's client."""

from __future__ import annotations

from typing import Any

import pytest
from google.api_core import exceptions
from google.protobuf import field_mask_pb2

from tests.contract.conftest import LABELS, png
from tests.contract_vertex.conftest import PARENT, Judge, number

USES = ("training", "training", "validation", "test")
ML_USE = "aiplatform.googleapis.com/ml_use"


@pytest.fixture(scope="module")
def dataset(judges: Any) -> Any:
    """Twelve images of three labels."""
    return judges(1_000_000.0).dataset()


@pytest.fixture(scope="module")
def boxes(judges: Any) -> Any:
    """The same, with a box on each."""
    return judges(1_000_000.0).dataset("boxes")


def search(judge: Judge, dataset: Any, **request: Any) -> list[Any]:
    """All views that a search answers."""
    return list(judge.datasets.search_data_items(request={"dataset": dataset.name, **request}))


def spec_ids(judge: Judge, dataset: Any) -> dict[str, str]:
    """The ids of annotation specs by label."""
    views = search(judge, dataset)
    payloads = [a.payload for view in views for a in view.annotations]
    return {each["displayName"]: each["annotationSpecId"] for each in payloads}


def uris(views: list[Any]) -> list[int]:
    """The numbers of the images."""
    return [_image(view.data_item) for view in views]


def _image(item: Any) -> int:
    name = item.payload["gcsUri"].removeprefix("gs://bucket/")
    return int(name.removesuffix(".png"))


def test_items_have_their_image_and_set(judge: Judge, dataset: Any) -> None:
    items = list(judge.datasets.list_data_items(parent=dataset.name))
    assert [_image(item) for item in items] == list(range(12))
    for place, item in enumerate(items):
        assert item.name.startswith(f"{dataset.name}/dataItems/")
        assert item.payload["mimeType"] == "image/png"
        assert dict(item.labels) == {ML_USE: USES[place % 4]}
        assert item.create_time == item.update_time > dataset.create_time
        assert item.etag


def test_items_are_paged_and_filtered_by_their_set(judge: Judge, dataset: Any) -> None:
    request = {"parent": dataset.name, "page_size": 2, "filter": f"labels.{ML_USE}=training"}
    pager = judge.datasets.list_data_items(request=request)
    pages = [[_image(item) for item in page.data_items] for page in pager.pages]
    assert pages == [[0, 1], [4, 5], [8, 9]]
    request = {"parent": dataset.name, "order_by": "name desc", "read_mask": {"paths": ["name"]}}
    listed = list(judge.datasets.list_data_items(request=request))
    assert [int(number(item)) for item in listed] == sorted(
        (int(number(item)) for item in listed), reverse=True
    )
    assert not any(item.etag for item in listed)


def test_annotations_of_an_item(judge: Judge, dataset: Any) -> None:
    item = next(iter(judge.datasets.list_data_items(parent=dataset.name)))
    [annotation] = judge.datasets.list_annotations(parent=item.name)
    assert annotation.name.startswith(f"{item.name}/annotations/")
    assert annotation.payload_schema_uri.endswith("/image_classification_1.0.0.yaml")
    assert annotation.payload["displayName"] == LABELS[0]
    assert annotation.annotation_source.method.endswith("DatasetService.ImportData")
    with pytest.raises(exceptions.NotFound):
        list(judge.datasets.list_annotations(parent=f"{dataset.name}/dataItems/0"))


def test_annotations_have_boxes(judge: Judge, boxes: Any) -> None:
    view, *_ = search(judge, boxes)
    [annotation] = view.annotations
    payload = dict(annotation.payload)
    assert payload.pop("annotationSpecId").isdigit()
    assert payload == {"displayName": LABELS[0], "xMin": 0.1, "yMin": 0.1, "xMax": 0.6, "yMax": 0.7}
    assert [each.payload for each in judge.datasets.list_annotations(parent=view.data_item.name)]


def test_a_label_is_got_by_the_id_in_annotations(judge: Judge, dataset: Any) -> None:
    for label, spec_id in spec_ids(judge, dataset).items():
        spec = judge.datasets.get_annotation_spec(name=f"{dataset.name}/annotationSpecs/{spec_id}")
        assert (spec.display_name, number(spec)) == (label, spec_id)
    with pytest.raises(exceptions.NotFound):
        judge.datasets.get_annotation_spec(name=f"{dataset.name}/annotationSpecs/1")


def test_a_search_has_items_with_annotations(judge: Judge, dataset: Any) -> None:
    pager = judge.datasets.search_data_items(request={"dataset": dataset.name, "page_size": 5})
    pages = [page.data_item_views for page in pager.pages]
    assert [len(page) for page in pages] == [5, 5, 2]
    views = [view for page in pages for view in page]
    assert uris(views) == list(range(12))
    assert [view.annotations[0].payload["displayName"] for view in views] == [
        LABELS[place // 4] for place in range(12)
    ]
    assert not any(view.has_truncated_annotations for view in views)


SEARCHES = [
    ("data_item_filter", "has_annotation({rose})", [4, 5, 6, 7]),
    ("data_item_filter", "NOT has_annotation({rose})", [0, 1, 2, 3, 8, 9, 10, 11]),
    ("data_item_filter", "has_annotation({rose}) OR has_annotation({daisy})", list(range(8))),
    ("data_item_filter", "has_annotation(7)", []),
    ("data_item_filter", "labeled=true", list(range(12))),
    ("data_item_filter", "labeled!=true", []),
    ("data_item_filter", "labeled = false", []),
    ("order_by_data_item", "create_time, data_item_id desc", list(range(11, -1, -1))),
    ("order_by", "name desc", list(range(11, -1, -1))),
]


@pytest.mark.parametrize(("parameter", "value", "found"), SEARCHES, ids=lambda each: str(each)[:40])
def test_searches(judge: Judge, dataset: Any, parameter: str, value: str, found: list[int]) -> None:
    asked = value.format(**spec_ids(judge, dataset))
    assert uris(search(judge, dataset, **{parameter: asked}, page_size=5)) == found


def test_a_search_for_one_item(judge: Judge, dataset: Any) -> None:
    first = number(search(judge, dataset)[0].data_item)
    for field in ("data_item_id", "data_item"):
        assert uris(search(judge, dataset, data_item_filter=f"{field}={first}")) == [0]
        rest = search(judge, dataset, data_item_filter=f'{field}!="{first}"')
        assert uris(rest) == list(range(1, 12))


def test_annotations_are_chosen_and_limited(judge: Judge, dataset: Any) -> None:
    ids = spec_ids(judge, dataset)
    rose, daisy = ids["rose"], ids["daisy"]
    for filters, labels in (
        ({"annotations_filter": f"annotation_spec_id={rose}"}, {"rose"}),
        ({"annotations_filter": f"annotation_spec_id!={rose}"}, {"daisy", "tulip"}),
        (
            {"annotation_filters": [f"annotation_spec_id={rose}", f"annotation_spec_id={daisy}"]},
            {"rose", "daisy"},
        ),
        ({"annotation_filters": [f"annotation_spec_id={rose} AND saved_query_id=1"]}, set()),
    ):
        views = search(judge, dataset, **filters)
        assert len(views) == 12, "items are not chosen by it"
        assert {a.payload["displayName"] for view in views for a in view.annotations} == labels


def test_truncated_annotations_are_told(judge: Judge) -> None:
    bucket = judge.emulator.bucket_root / "bucket"
    (bucket / "both.csv").write_text("gs://bucket/0.png,a,b\ngs://bucket/1.png\n")
    made = judge.dataset(None)
    judge.import_data(made.name, "multi", "both.csv")
    both, none = search(judge, made, annotations_limit=1)
    assert [a.payload["displayName"] for a in both.annotations] == ["a"]
    assert both.has_truncated_annotations
    assert not none.annotations
    assert not none.data_item.labels
    assert uris(search(judge, made, data_item_filter="labeled=false")) == [1]
    mask = field_mask_pb2.FieldMask(paths=["data_item"])
    alone, _ = search(judge, made, annotations_limit=1, field_mask=mask)
    assert not alone.annotations
    assert not alone.has_truncated_annotations


@pytest.mark.parametrize(
    "request_fields",
    [
        {"data_item_filter": "nonsense"},
        {"data_item_filter": "has_annotation"},
        {"data_item_filter": "has_annotation("},
        {"data_item_filter": "has_annotation=5"},
        {"data_item_filter": "labeled(true)"},
        {"data_item_filter": "labeled=perhaps"},
        {"annotations_filter": "annotation_spec_id>1"},
        {"annotations_limit": 1001},
        {"order_by_data_item": "colour"},
        {"order_by_data_item": "name", "order_by": "name"},
        {"page_token": "x"},
    ],
    ids=str,
)
def test_what_a_search_refuses(
    judge: Judge, dataset: Any, request_fields: dict[str, object]
) -> None:
    with pytest.raises(exceptions.BadRequest):
        search(judge, dataset, **request_fields)


def test_a_search_in_the_context_of_a_labeling_job_is_not_there(judge: Judge, dataset: Any) -> None:
    with pytest.raises(exceptions.MethodNotImplemented, match="embedded service has no"):
        search(judge, dataset, data_labeling_job=f"{PARENT}/dataLabelingJobs/1")


def test_a_search_in_the_context_of_an_annotation_set(judge: Judge) -> None:
    """Each import makes one: an image that two imports annotated has the label in both."""
    made = judge.dataset()
    bucket = judge.emulator.bucket_root / "bucket"
    (bucket / "extra.png").write_bytes(png(77))
    (bucket / "two.csv").write_text(
        "TRAIN,gs://bucket/extra.png,lily\nTEST,gs://bucket/0.png,daisy\n"
    )
    judge.import_data(made.name, "single", "two.csv")
    first, second = judge.datasets.list_saved_queries(parent=made.name)
    views = search(judge, made)
    assert [len(view.annotations) for view in views] == [2, *[1] * 12]
    names = [
        a.labels["aiplatform.googleapis.com/annotation_set_name"] for a in views[0].annotations
    ]
    assert names == [number(first), number(second)]

    counts = [len(view.annotations) for view in search(judge, made, saved_query=second.name)]
    assert counts == [1, *[0] * 11, 1]
    lily = views[-1].annotations[0].payload["annotationSpecId"]
    for request, found in (
        ({"data_item_filter": "labeled=true"}, 2),
        ({"data_item_filter": "labeled=false"}, 11),
        ({"data_item_filter": f"has_annotation({lily})"}, 1),
    ):
        assert len(search(judge, made, saved_query=second.name, **request)) == found
    assert not search(
        judge, made, saved_query=first.name, data_item_filter=f"has_annotation({lily})"
    )
    alone = search(judge, made, annotation_filters=[f"saved_query_id={number(second)}"])
    assert [len(view.annotations) for view in alone] == counts
    with pytest.raises(exceptions.NotFound):
        search(judge, made, saved_query=f"{made.name}/savedQueries/1")


def test_a_page_token_belongs_to_its_search(judge: Judge, dataset: Any) -> None:
    path = f"{dataset.name}:searchDataItems"
    token = judge.get(path, pageSize="1").json()["nextPageToken"]
    assert judge.get(path, pageToken=token).ok
    for other in ({"dataItemFilter": "labeled=true"}, {"orderByDataItem": "name"}):
        assert judge.get(path, pageToken=token, **other).status_code == 400


def test_other_datasets_have_no_items(judge: Judge, dataset: Any) -> None:
    assert search(judge, judge.dataset(None)) == []
    assert list(judge.datasets.list_data_items(parent=judge.dataset(None).name)) == []
    gone = dataset.name.rpartition("/")[0] + "/1"
    for path in ("dataItems", "dataItems/1/annotations", "annotationSpecs/1"):
        assert judge.get(f"{gone}/{path}").status_code == 404
    assert judge.get(f"{gone}:searchDataItems").status_code == 404


def test_an_image_is_changed_and_removed_by_hand(judge: Judge) -> None:
    """As people do in Google Cloud's console: there is no method for it."""
    made = judge.dataset()
    before = search(judge, made)
    url = f"{judge.emulator.url}/emulator/v1/datasets/{number(made)}/dataItems"
    first, second = (f"{url}/{number(view.data_item)}" for view in before[:2])
    body = {"labels": ["rose"], "set": "test"}
    assert judge.http.patch(first, json=body, timeout=30).ok
    assert judge.http.delete(second, timeout=30).ok
    changed, *rest = search(judge, made)
    assert changed.annotations[0].payload["displayName"] == "rose"
    assert dict(changed.data_item.labels) == {ML_USE: "test"}
    assert changed.data_item.update_time > changed.data_item.create_time
    assert rest[0] == before[2]
    assert judge.datasets.get_dataset(name=made.name).data_item_count == 11
    assert judge.http.get(url, timeout=30).json()["items"][0]["uri"] == "gs://bucket/0.png"
    for refused in (
        judge.http.delete(second, timeout=30),
        judge.http.get(f"{url[:-11]}1", timeout=30),
    ):
        assert refused.status_code == 404
