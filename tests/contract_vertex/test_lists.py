"""What all lists take: orders, read masks, and parts of answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
from google.protobuf import field_mask_pb2

from tests.contract_vertex.conftest import PARENT, Judge
from tests.contract_vertex.test_datasets import RESERVED


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("display_name", ["a", "a", "b", "c"]),
        ("displayName desc", ["c", "b", "a", "a"]),
        ("create_time", ["c", "a", "b", "a"]),
        ("create_time desc", ["a", "b", "a", "c"]),
        ("display_name, create_time desc", ["a", "a", "b", "c"]),
        ("update_time asc", ["c", "a", "a", "b"]),
        ("update_time desc, display_name", ["b", "a", "a", "c"]),
    ],
)
def test_lists_in_an_order(
    judge: Judge, ordered: Mapping[str, Sequence[Any]], order: str, expected: Sequence[str]
) -> None:
    """As the discovery document describes it, over pages of one, three and ten."""
    lists = {
        "datasets": judge.datasets.list_datasets,
        "endpoints": judge.endpoints.list_endpoints,
    }
    for kind, objects in ordered.items():
        mine = {each.name: each for each in objects}
        for size in (1, 3, 10):
            request = {"parent": PARENT, "order_by": order, "page_size": size}
            found = [each for each in lists[kind](request=request) if each.name in mine]
            assert [each.display_name for each in found] == expected
        if order == "display_name, create_time desc":
            assert found[0].create_time > found[1].create_time


@pytest.fixture(scope="module")
def ordered(judges: Callable[[float], Judge]) -> Mapping[str, Sequence[Any]]:
    """Objects named c, a, b, a in the order of their creation; the first b was changed last."""
    judge = judges(1_000_000.0)
    names = ("c", "a", "b", "a")
    datasets = [judge.dataset(None, name) for name in names]
    endpoints = [judge.endpoint(name) for name in names]
    for update, changed in (
        (judge.datasets.update_dataset, {"dataset": {"name": datasets[2].name}}),
        (judge.endpoints.update_endpoint, {"endpoint": {"name": endpoints[2].name}}),
    ):
        update(**changed, update_mask=field_mask_pb2.FieldMask(paths=["description"]))
    return {"datasets": datasets, "endpoints": endpoints}


def test_models_in_an_order(judge: Judge) -> None:
    dataset = judge.dataset()
    names = [judge.model(dataset, name=name).name for name in ("y", "z", "x")]
    for order, places in (("display_name", [2, 0, 1]), ("create_time", [0, 1, 2])):
        request = {"parent": PARENT, "order_by": order, "page_size": 1}
        listed = [each.name for each in judge.models.list_models(request=request)]
        assert [each for each in listed if each in names] == [names[place] for place in places]


def test_a_page_token_belongs_to_its_order(judge: Judge) -> None:
    for _ in range(2):
        judge.dataset(None)
    page = judge.get(f"{PARENT}/datasets", pageSize="1", orderBy="create_time").json()
    query = {"pageToken": page["nextPageToken"]}
    assert judge.get(f"{PARENT}/datasets", orderBy="create_time", **query).status_code == 200
    for other in ({"orderBy": "create_time desc"}, {}):
        assert judge.get(f"{PARENT}/datasets", **query, **other).status_code == 400


@pytest.mark.parametrize("order", ["colour", "create_time up", "name", "create_time desc desc"])
def test_orders_that_are_refused(judge: Judge, order: str) -> None:
    answer = judge.get(f"{PARENT}/models", orderBy=order)
    assert answer.json()["error"]["status"] == "INVALID_ARGUMENT"
    assert "There are display_name, create_time, update_time." in answer.text


def test_lists_that_google_does_not_order(judge: Judge) -> None:
    for path in ("trainingPipelines", "models/1/evaluations"):
        answer = judge.get(f"{PARENT}/{path}", orderBy="create_time")
        assert answer.status_code == 400
        assert "Cannot bind query parameter" in answer.text


@pytest.mark.parametrize(
    ("mask", "finds"),
    [
        ("displayName", {"displayName": "masked"}),
        ("display_name", {"displayName": "masked"}),
        ("labels.a,displayName", {"displayName": "masked", "labels": {"a": "b"}}),
        ("labels,labels.a", {"labels": {"a": "b", "c": "d"}}),
        ("description", {}),
        ("nonsense", None),
        ("displayName.x", None),
        ("displayName,", None),
        ("encryptionSpec.colour", None),
        ("encryptionSpec.kmsKeyName", {}),
        ("savedQueries.name", None),
    ],
)
def test_read_masks(judge: Judge, mask: str, finds: Mapping[str, object] | None) -> None:
    """A path that the message lacks is refused (AIP-157)."""
    name = judge.dataset(None, "masked", labels={"a": "b", "c": "d"}).name
    one = judge.get(name, readMask=mask)
    listed = judge.get(f"{PARENT}/datasets", readMask=mask, filter='display_name="masked"')
    if finds is None:
        for answer in (one, listed, judge.get(f"{PARENT}/models", readMask=mask)):
            assert answer.json()["error"]["status"] == "INVALID_ARGUMENT"
            assert "read_mask" in answer.text
        return
    found = {**one.json()}
    if "labels" in found:
        found["labels"] = {k: v for k, v in found["labels"].items() if not k.startswith(RESERVED)}
    assert found == finds
    assert one.json() in listed.json()["datasets"]


@pytest.mark.parametrize(
    ("fields", "finds"),
    [
        ("datasets", ["datasets"]),
        ("datasets(name,displayName)", ["datasets", "name", "displayName"]),
        ("datasets/name", ["datasets", "name"]),
        ("nextPageToken, datasets( metadata/dataItemSchemaUri )", ["datasets", "metadata"]),
        ("*", ["datasets", "nextPageToken"]),
        ("datasets/*/dataItemSchemaUri", ["datasets", "metadata"]),
        ("colour", []),
    ],
)
def test_partial_answers(judge: Judge, fields: str, finds: Sequence[str]) -> None:
    for _ in range(2):
        judge.dataset(None)
    query = {"pageSize": "1"}
    for name in ("fields", "$fields"):
        found = judge.get(f"{PARENT}/datasets", **query, **{name: fields}).json()
        text = json.dumps(found)
        assert all(f'"{each}"' in text for each in finds)
        if "*" not in fields and fields != "datasets":
            assert len(text) < 400
        if not finds:
            assert found == {}


@pytest.mark.parametrize("fields", ["a,", "a(b", "a)b", "a/", "(", "a b", "a.b"])
def test_selections_that_are_refused(judge: Judge, fields: str) -> None:
    assert "Invalid field selection" in judge.get(f"{PARENT}/datasets", fields=fields).text


def test_answers_are_json_only(judge: Judge) -> None:
    for name in ("alt", "$alt"):
        answer = judge.get(f"{PARENT}/datasets", **{name: "proto"})
        assert answer.status_code == 501
        assert "The embedded service has no answers in the form proto" in answer.text
        assert judge.get(f"{PARENT}/datasets", **{name: "xml"}).status_code == 400
        assert judge.get(f"{PARENT}/datasets", **{name: "json"}).status_code == 200
