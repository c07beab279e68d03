"""Faults of operations and of what is listed: they end badly, stay, or can't be seen."""

import pytest
import requests

from tests.conftest import RunningEmulator, StartEmulator
from tests.emulator.faulty import BODY, DATASETS, MODELS, OPERATIONS, fault, fired, names, status
from tests.emulator.test_clock import DAY, advance
from tests.emulator.test_process import call, dataset, train, wait


@pytest.mark.parametrize(("code", "number"), [("INTERNAL", 13), ("8", 8), ("UNAUTHENTICATED", 16)])
def test_an_operation_fails(emulator: RunningEmulator, code: str, number: int) -> None:
    name = dataset(emulator)
    models = names(emulator, MODELS)
    fault(emulator, f"models.create:fail={code}:1")
    failed = wait(emulator, train(emulator, name))
    assert failed["error"]["code"] == number
    assert names(emulator, MODELS) == models
    row = call(emulator, "GET", "emulator/v1/billing")["trainings"][-1]
    assert failed["name"].endswith(row["operation"])
    assert (row["outcome"], row["usd"]) == ("failed", 0)
    assert "response" in wait(emulator, train(emulator, name))


def test_any_operation_fails(emulator: RunningEmulator) -> None:
    name = dataset(emulator)
    spec = "*:fail=UNAVAILABLE:2"
    fault(emulator, spec)
    status(emulator)  # begins nothing, and isn't counted
    assert "response" in wait(emulator, call(emulator, "POST", DATASETS, BODY))
    assert wait(emulator, call(emulator, "DELETE", f"v1/{name}"))["error"]["code"] == 14
    assert call(emulator, "GET", f"v1/{name}")["name"] == name
    assert fired(emulator) == {spec: (2, 1)}


def test_a_call_that_is_refused_begins_nothing_that_fails(emulator: RunningEmulator) -> None:
    spec = "models.create:fail=13"
    fault(emulator, spec)
    assert requests.post(f"{emulator.url}/{MODELS}", json={}, timeout=20).status_code == 400
    assert fired(emulator) == {spec: (1, 0)}


def test_a_failure_that_is_due_survives_a_crash(start_emulator: StartEmulator) -> None:
    emulator = start_emulator(time_scale=1.0, faults=["models.create:fail=INTERNAL:6"])
    name = dataset(emulator)
    first, *_, waiting = [train(emulator, name) for _ in range(6)]  # five train at once
    assert "done" not in call(emulator, "GET", f"v1/{waiting['name']}")
    emulator.kill()
    again = start_emulator(data_dir=emulator.data_dir, time_scale=1.0)
    assert "done" not in call(again, "GET", f"v1/{waiting['name']}")
    call(again, "POST", f"v1/{first['name']}:cancel")
    assert wait(again, waiting)["error"]["code"] == 13


def test_a_stubborn_operation_is_not_cancelled(start_emulator: StartEmulator) -> None:
    emulator = start_emulator(time_scale=1.0)
    name = dataset(emulator)
    fault(emulator, "models.create:stubborn:1")
    stubborn, other = train(emulator, name), train(emulator, name)
    for operation in (stubborn, other):
        assert call(emulator, "POST", f"v1/{operation['name']}:cancel") == {}
    assert wait(emulator, other)["error"]["code"] == 1
    assert "done" not in call(emulator, "GET", f"v1/{stubborn['name']}")
    advance(emulator, DAY)
    assert "response" in wait(emulator, stubborn)


def test_operations_are_listed_late(start_emulator: StartEmulator) -> None:
    emulator = start_emulator(faults=["operations.list:late=3600"])
    operation = call(emulator, "POST", DATASETS, BODY)
    assert names(emulator, OPERATIONS) == set()
    assert call(emulator, "GET", f"v1/{operation['name']}")["name"] == operation["name"]
    advance(emulator, 3600)
    assert names(emulator, OPERATIONS) == {operation["name"]}
    later = call(emulator, "POST", DATASETS, BODY)
    assert names(emulator, OPERATIONS) == {operation["name"]}
    call(emulator, "DELETE", "emulator/v1/faults")
    assert names(emulator, OPERATIONS) == {operation["name"], later["name"]}


def test_operations_cannot_be_found_by_what_they_work_on(emulator: RunningEmulator) -> None:
    name = dataset(emulator)
    fault(emulator, "operations.list:blind")
    query = {"filter": f"worksOn={name}"}
    answer = requests.get(f"{emulator.url}/{OPERATIONS}", params=query, timeout=20)
    assert answer.status_code == 400
    assert answer.json()["error"]["status"] == "INVALID_ARGUMENT"
    call(emulator, "GET", f"{OPERATIONS}?filter=done=true")
    assert fired(emulator) == {"operations.list:blind": (2, 1)}


def test_models_are_listed_while_they_train(start_emulator: StartEmulator) -> None:
    emulator = start_emulator(time_scale=1.0, faults=["models.list:early"])
    name = dataset(emulator)
    first = train(emulator, name)
    advance(emulator, DAY)
    trained = wait(emulator, first)["response"]["name"]
    body = {
        "displayName": "early",
        "labels": {"plan": "p1"},
        "datasetId": name.rpartition("/")[2],
        "imageClassificationModelMetadata": {"trainBudgetMilliNodeHours": "9000"},
    }
    running = [call(emulator, "POST", MODELS, body) for _ in range(3)]
    listed = names(emulator, MODELS)
    assert len(listed) == 4
    assert trained in listed
    newest = call(emulator, "GET", f"{MODELS}?pageSize=1")["model"][0]
    assert newest == call(emulator, "GET", f"v1/{newest['name']}")
    assert (newest["displayName"], newest["labels"]) == ("early", {"plan": "p1"})
    metadata = {"modelType": "cloud", "trainBudgetMilliNodeHours": "9000"}
    assert newest["imageClassificationModelMetadata"] == metadata
    assert newest["deploymentState"] == "UNDEPLOYED"
    assert call(emulator, "GET", f"v1/{newest['name']}/modelEvaluations") == {}
    by_dataset = f"{MODELS}?filter=datasetId={name.rpartition('/')[2]}"
    assert {each["name"] for each in call(emulator, "GET", by_dataset)["model"]} == listed
    assert call(emulator, "GET", f"{MODELS}?filter=datasetId=ICN1") == {}

    advance(emulator, DAY)
    names_then = {wait(emulator, each)["response"]["name"] for each in running}
    assert newest["name"] in names_then
    assert names(emulator, MODELS) == listed == names_then | {trained}


def test_early_models_go_when_their_training_fails(start_emulator: StartEmulator) -> None:
    emulator = start_emulator(time_scale=1.0, faults=["models.list:early"])
    operation = train(emulator, dataset(emulator))
    [name] = names(emulator, MODELS)
    call(emulator, "POST", f"v1/{operation['name']}:cancel")
    wait(emulator, operation)
    assert names(emulator, MODELS) == set()
    assert status(emulator, f"v1/{name}") == 404
