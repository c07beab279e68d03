"""operations.* and locations.*: by Google's own client, and plain REST where it has no method."""

import time
from typing import Any

import pytest
from google.api_core import exceptions

from tests.contract.conftest import HURRIED, NAMED, PARENT, Judge


def names(judge: Judge, query: str) -> list[str]:
    """Names of the operations that a filter finds, over pages of two."""
    pager = judge.operations.list_operations(name=PARENT, filter_=query)
    return [operation.name for operation in pager]


def test_a_running_training_and_its_cancellation(slow_judge: Judge) -> None:
    operation = slow_judge.train(slow_judge.dataset())
    raw = slow_judge.get(operation.operation.name).json()
    assert set(raw) == {"name", "metadata"}
    assert set(raw["metadata"]) == {"@type", "createTime", "updateTime", "createModelDetails"}
    assert raw["metadata"]["createTime"] == raw["metadata"]["updateTime"]
    assert not operation.done()

    assert operation.cancel()
    with pytest.raises(exceptions.Cancelled):
        operation.result(polling=HURRIED)
    assert operation.cancelled()
    raw = slow_judge.get(operation.operation.name).json()
    assert raw["done"] is True
    assert raw["error"] == {"code": 1, "message": "The operation was cancelled."}
    assert operation.operation.name in names(slow_judge, "done=true")


def test_at_most_five_trainings_run_and_a_waiting_one_can_be_cancelled(slow_judge: Judge) -> None:
    dataset = slow_judge.dataset()
    operations = [slow_judge.train(dataset, f"m{number}") for number in range(7)]
    waiting = operations[-1]
    waiting.cancel()
    with pytest.raises(exceptions.Cancelled):
        waiting.result(polling=HURRIED)
    for operation in operations[:-1]:
        operation.cancel()
        with pytest.raises(exceptions.Cancelled):
            operation.result(polling=HURRIED)


def test_cancelling_what_is_done_changes_nothing(judge: Judge) -> None:
    operation = judge.train(judge.dataset())
    judge.result(operation)
    before = judge.get(operation.operation.name).json()
    judge.operations.cancel_operation(name=operation.operation.name)
    assert judge.get(operation.operation.name).json() == before


def test_filters_in_all_spellings(judge: Judge) -> None:
    dataset = judge.dataset()
    operation = judge.train(dataset)
    model = judge.result(operation)
    name = operation.operation.name
    operation_id = name.rpartition("/")[2]
    for field in ("operation_id", "operationId", "operation-id"):
        assert names(judge, f"{field}={operation_id}") == [name]
        assert name not in names(judge, f"{field}!={operation_id}")
    for field in ("works_on", "worksOn", "works-on"):
        found = names(judge, f"{field}={dataset.name}")
        assert found[0] == name
        assert len(found) == 3
        assert not set(found) & set(names(judge, f"{field}!={dataset.name}"))
    assert names(judge, f"worksOn={model.name}") == [name]
    assert names(judge, f'"operationId={operation_id}"') == [name]
    assert names(judge, f'operationId="{operation_id}"') == [name]
    assert names(judge, "worksOn=nothing") == []
    for each in (
        f"operationId={operation_id} AND done=true",
        f'"worksOn={model.name} AND done=true"',
    ):
        assert names(judge, each) == [name]
    assert names(judge, f"operationId={operation_id} AND done=false") == []
    assert names(judge, f"NOT done=false AND operation_id={operation_id}") == [name]


def test_operations_on_all_models_or_datasets(judge: Judge) -> None:
    """Google's sample for Node.js lists operations by `worksOn=…/models/*`."""
    dataset = judge.dataset()
    operation = judge.train(dataset)
    judge.result(operation)
    trained, made = operation.operation.name, dataset.name
    on_models, on_datasets = (f"worksOn={PARENT}/{each}/*" for each in ("models", "datasets"))
    assert names(judge, on_models)[0] == trained
    assert set(names(judge, f"worksOn={made}")) <= set(names(judge, on_datasets))
    assert len(names(judge, on_models)) < len(names(judge, on_datasets))
    every = set(names(judge, ""))
    assert set(names(judge, on_models.replace("=", "!=", 1))) == every - set(
        names(judge, on_models)
    )
    assert names(judge, "worksOn=projects/*/locations/*/models/*") == names(judge, on_models)
    assert names(judge, "worksOn=projects/other/locations/us-central1/models/*") == []


def test_done_and_not_done(slow_judge: Judge) -> None:
    dataset = slow_judge.dataset()
    training = slow_judge.train(dataset)
    name = training.operation.name
    for running in ("done=false", "done!=true", '"done!=true"', "NOT done=true"):
        assert name in names(slow_judge, running)
    for finished in ("done=true", "done!=false", '"done=true"'):
        assert name not in names(slow_judge, finished)
    training.cancel()


@pytest.mark.parametrize(
    "query",
    [
        "colour=red",
        "done",
        "done=maybe",
        "done:*",
        "done=true AND colour=red",
        "done=true OR done=false",
        "done=true AND",
        "=",
    ],
)
def test_filters_that_are_not_understood(judge: Judge, query: str) -> None:
    with pytest.raises(exceptions.BadRequest, match="filter"):
        names(judge, query)


def test_every_item_of_a_list_is_strict_and_pages_join(judge: Judge) -> None:
    judge.model(judge.dataset())
    every = names(judge, "")
    paged, token = [], ""
    while True:
        query = {"pageSize": "2"} | ({"pageToken": token} if token else {})
        page = judge.get(f"{PARENT}/operations", **query).json()
        paged += [operation["name"] for operation in page["operations"]]
        token = page.get("nextPageToken", "")
        if not token:
            break
    assert paged == every


@pytest.mark.parametrize("query", [{"pageSize": "-1"}, {"pageToken": "x"}, {"pageSize": "many"}])
def test_pages_that_cannot_be(judge: Judge, query: dict[str, str]) -> None:
    answer = judge.get(f"{PARENT}/operations", **query)
    assert answer.json()["error"]["status"] == "INVALID_ARGUMENT"


def test_delete_forgets_and_does_not_stop(slow_judge: Judge) -> None:
    dataset = slow_judge.dataset()
    operation = slow_judge.train(dataset)
    name = operation.operation.name
    slow_judge.operations.delete_operation(name=name)
    with pytest.raises(exceptions.NotFound, match="operation does not exist"):
        slow_judge.operations.get_operation(name=name)
    assert name not in names(slow_judge, "")
    with pytest.raises(exceptions.BadRequest, match="operation is running"):
        slow_judge.automl.delete_dataset(name=dataset.name)


def test_wait_answers_when_done(judge: Judge) -> None:
    name = judge.train(judge.dataset()).operation.name
    answer = judge.post(f"{name}:wait", {"timeout": "30s"}).json()
    assert answer["done"] is True
    assert answer["response"]["@type"] == "type.googleapis.com/google.cloud.automl.v1.Model"
    assert set(answer["response"]) == {"@type", "name"}


def test_wait_answers_what_there_is_after_its_timeout(slow_judge: Judge) -> None:
    operation = slow_judge.train(slow_judge.dataset())
    started = time.monotonic()
    answer = slow_judge.post(f"{operation.operation.name}:wait?timeout=0s", {}).json()
    assert "done" not in answer
    answer = slow_judge.post(f"{operation.operation.name}:wait", {"timeout": "0.2s"}).json()
    assert "done" not in answer
    assert time.monotonic() - started >= 0.2
    operation.cancel()
    assert slow_judge.post(f"{operation.operation.name}:wait", {"timeout": "x"}).status_code == 400


def test_an_unknown_operation(judge: Judge) -> None:
    for last in ("ICN1234567890123456789", "nothing", "ICN" + "9" * 40):
        name = f"{PARENT}/operations/{last}"
        with pytest.raises(exceptions.NotFound):
            judge.operations.get_operation(name=name)
        with pytest.raises(exceptions.NotFound):
            judge.operations.cancel_operation(name=name)


def test_scopes_are_apart(judge: Judge) -> None:
    name = judge.dataset(images=False).name
    for other in ("projects/other/locations/us-central1", "projects/my-project/locations/eu"):
        assert judge.get(name.replace(NAMED, other)).status_code == 404
        assert judge.get(f"{other}/datasets").json() == {}
    answer = judge.get("projects/my-project/locations/mars/datasets")
    assert answer.json()["error"]["status"] == "INVALID_ARGUMENT"


def test_locations(judge: Judge) -> None:
    found = judge.get("projects/my-project/locations").json()["locations"]
    assert [each["locationId"] for each in found] == ["us-central1", "eu"]
    for each in found:
        assert judge.get(each["name"]).json() == each
    assert judge.get("projects/my-project/locations/mars").status_code == 404


@pytest.mark.parametrize(
    "query",
    [
        {"alt": "json"},
        {"prettyPrint": "false"},
        {"fields": "name"},
        {"key": "k"},
        {"quotaUser": "me"},
        {"$.xgafv": "2"},
        {"access_token": "x"},
    ],
)
def test_system_parameters_are_tolerated(judge: Judge, query: dict[str, Any]) -> None:
    assert judge.get(f"{PARENT}/models", **query).status_code == 200


def test_other_parameters_are_not(judge: Judge) -> None:
    answer = judge.get(f"{PARENT}/models", orderBy="name")
    assert answer.status_code == 400
    assert "Cannot bind query parameter" in answer.json()["error"]["message"]
    assert judge.get("nothing").json()["error"]["status"] == "NOT_FOUND"
