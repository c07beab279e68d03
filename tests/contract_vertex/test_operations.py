"""operations.*, flat and below the objects they belong to, and locations.*, by the mixins."""

from __future__ import annotations

from typing import Any

import pytest
from google.api_core import exceptions
from google.longrunning import operations_pb2
from google.protobuf import duration_pb2

from tests.contract.conftest import HURRIED
from tests.contract_vertex.conftest import IMPORTS, NAMED, PARENT, Judge, number
from tests.contract_vertex.recorder import PREFIX


def flat(name: str) -> str:
    """The name of an operation directly below its location."""
    return f"{PARENT}/operations/{name.rpartition('/')[2]}"


def listed(judge: Judge, parent: str, query: str = "") -> list[str]:
    """The names of a parent's operations, over pages of two."""
    names: list[str] = []
    token = ""
    while True:
        request = operations_pb2.ListOperationsRequest(
            name=parent, filter=query, page_size=2, page_token=token
        )
        page = judge.datasets.list_operations(request)
        names += [operation.name for operation in page.operations]
        token = page.next_page_token
        if not token:
            return names


def long_import(judge: Judge) -> Any:
    """An import that runs for seconds unless it is cancelled: of one file, many times."""
    config = {
        "gcs_source": {"uris": ["gs://bucket/flowers.csv"] * 5_000},
        "import_schema_uri": IMPORTS["single"],
    }
    return judge.datasets.import_data(name=judge.dataset(None).name, import_configs=[config])


def test_both_names_are_of_one_operation(judge: Judge) -> None:
    operation = judge.datasets.delete_dataset(name=judge.dataset(None).name)
    judge.result(operation)
    name = operation.operation.name
    nested = judge.datasets.get_operation({"name": name})
    assert nested == operation.operation
    assert judge.datasets.get_operation({"name": flat(name)}) == nested
    stranger = name.replace("/datasets/", "/datasets/1")
    for wrong in (stranger, name.replace("/datasets/", "/models/"), f"{PARENT}/operations/1"):
        with pytest.raises(exceptions.NotFound):
            judge.datasets.get_operation({"name": wrong})


def test_each_object_lists_its_own(judge: Judge) -> None:
    dataset = judge.dataset()
    model, endpoint = judge.model(dataset), judge.endpoint()
    deployed = judge.deploy(endpoint, model)
    judge.result(
        judge.endpoints.undeploy_model(endpoint=endpoint.name, deployed_model_id=deployed.id)
    )
    deleted = judge.models.delete_model(name=model.name)
    judge.result(deleted)
    of_dataset, of_endpoint = listed(judge, dataset.name), listed(judge, endpoint.name)
    assert (len(of_dataset), len(of_endpoint)) == (2, 3)
    assert all(name.startswith(f"{dataset.name}/operations/") for name in of_dataset)
    assert all(name.startswith(f"{endpoint.name}/operations/") for name in of_endpoint)
    assert listed(judge, model.name) == [deleted.operation.name]
    everything = listed(judge, PARENT)
    assert {*of_dataset, *of_endpoint, deleted.operation.name} <= set(everything)
    assert len(everything) == len(set(everything))


def test_trainings_are_no_operations(judge: Judge) -> None:
    dataset = judge.dataset()
    before = listed(judge, PARENT)
    pipeline = judge.ended(judge.train(dataset))
    assert listed(judge, PARENT) == before
    with pytest.raises(exceptions.NotFound):
        judge.pipelines.get_operation({"name": f"{PARENT}/operations/{number(pipeline)}"})


def test_list_by_what_is_done(slow_judge: Judge) -> None:
    operation = long_import(slow_judge)
    name = operation.operation.name
    assert name in listed(slow_judge, PARENT, "done=false")
    assert name not in listed(slow_judge, PARENT, "done=true")
    slow_judge.datasets.cancel_operation({"name": name})
    with pytest.raises(exceptions.Cancelled):
        operation.result(polling=HURRIED)
    assert name in listed(slow_judge, PARENT, "done=true")
    with pytest.raises(exceptions.BadRequest, match="filter"):
        listed(slow_judge, PARENT, "colour=red")


def test_cancel(slow_judge: Judge) -> None:
    operation = long_import(slow_judge)
    slow_judge.datasets.cancel_operation({"name": flat(operation.operation.name)})
    with pytest.raises(exceptions.Cancelled):
        operation.result(polling=HURRIED)
    assert operation.cancelled()


def test_cancelling_what_is_done_changes_nothing(judge: Judge) -> None:
    operation = judge.endpoints.delete_endpoint(name=judge.endpoint().name)
    judge.result(operation)
    judge.endpoints.cancel_operation({"name": operation.operation.name})
    assert judge.endpoints.get_operation({"name": operation.operation.name}) == operation.operation


@pytest.mark.parametrize("nested", [True, False])
def test_delete_forgets(judge: Judge, nested: bool) -> None:
    operation = judge.datasets.delete_dataset(name=judge.dataset(None).name)
    judge.result(operation)
    name = operation.operation.name if nested else flat(operation.operation.name)
    judge.datasets.delete_operation({"name": name})
    for each in (name, operation.operation.name):
        with pytest.raises(exceptions.NotFound, match="operation does not exist"):
            judge.datasets.get_operation({"name": each})
    assert operation.operation.name not in listed(judge, PARENT)


@pytest.mark.parametrize("nested", [True, False])
def test_wait_answers_when_done(judge: Judge, nested: bool) -> None:
    begun = judge.datasets.delete_dataset(name=judge.dataset().name).operation.name
    request = operations_pb2.WaitOperationRequest(
        name=begun if nested else flat(begun), timeout=duration_pb2.Duration(seconds=30)
    )
    operation = judge.datasets.wait_operation(request)
    assert (operation.name, operation.done) == (begun, True)
    assert operation.response.type_url == "type.googleapis.com/google.protobuf.Empty"


def test_wait_answers_what_there_is_after_its_timeout(slow_judge: Judge) -> None:
    operation = long_import(slow_judge)
    name = operation.operation.name
    request = operations_pb2.WaitOperationRequest(
        name=name, timeout=duration_pb2.Duration(nanos=200_000_000)
    )
    assert not slow_judge.datasets.wait_operation(request).done
    slow_judge.datasets.cancel_operation({"name": name})
    assert slow_judge.post(f"{name}:wait?timeout=x", {}).status_code == 400


def test_a_failure_is_an_error_and_no_response(judge: Judge) -> None:
    config = {
        "gcs_source": {"uris": ["gs://bucket/none.csv"]},
        "import_schema_uri": IMPORTS["single"],
    }
    name = judge.dataset(None).name
    operation = judge.datasets.import_data(name=name, import_configs=[config])
    with pytest.raises(exceptions.InvalidArgument):
        judge.result(operation)
    found = judge.datasets.get_operation({"name": operation.operation.name})
    assert found.done
    assert found.error.code == 3
    assert not found.HasField("response")


def test_scopes_are_apart(judge: Judge) -> None:
    name = judge.dataset(None).name
    for other in ("projects/other/locations/us-central1", "projects/my-project/locations/eu"):
        assert judge.get(name.replace(NAMED, other)).status_code in (400, 404)
    assert judge.get("projects/other/locations/us-central1/datasets").json() == {}
    url = f"{judge.emulator.url}/v1/{PARENT}/datasets"
    assert judge.http.get(url, timeout=30).json() == {}


def test_locations(judge: Judge) -> None:
    found = judge.datasets.list_locations({"name": "projects/my-project"}).locations
    assert "us-central1" in [each.location_id for each in found]
    for each in found:
        assert judge.datasets.get_location({"name": each.name}) == each
    assert judge.get("projects/my-project/locations/mars").status_code == 404


@pytest.mark.parametrize(
    "query", [{"alt": "json"}, {"prettyPrint": "false"}, {"key": "k"}, {"$.xgafv": "2"}]
)
def test_system_parameters_are_tolerated(judge: Judge, query: dict[str, Any]) -> None:
    assert judge.get(f"{PARENT}/models", **query).status_code == 200


def test_other_parameters_are_not(judge: Judge) -> None:
    answer = judge.get(f"{PARENT}/models", colour="red")
    assert answer.status_code == 400
    assert "Cannot bind query parameter" in answer.json()["error"]["message"]
    assert judge.get("nothing").json()["error"]["status"] == "NOT_FOUND"


def test_what_was_read_can_be_sent_back(judge: Judge) -> None:
    """Fields that only the service sets are overlooked in requests (AIP-203)."""
    model, endpoint = judge.model(judge.dataset()), judge.endpoint()
    judge.deploy(endpoint, model)
    for name in (judge.dataset().name, model.name, endpoint.name):
        read = judge.get(name).json()
        url = f"{judge.emulator.url}{PREFIX}/v1/{name}"
        labels = {**read.get("labels", {}), "a": "b"}
        change = {**read, "displayName": "renamed", "labels": labels}
        for mask in ({"updateMask": "displayName,labels"}, {}):
            answer = judge.http.patch(url, json=change, params=mask, timeout=30)
            assert answer.status_code == 200, answer.text
            change = answer.json()
            assert (change["displayName"], change["labels"]) == ("renamed", labels)
