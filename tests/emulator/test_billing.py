"""The meter: what is billed, how much, and that no deletion turns it back."""

import time
from typing import Any

import pytest

from tests.conftest import RunningEmulator, StartEmulator
from tests.emulator.test_clock import DAY, advance
from tests.emulator.test_process import HAS_PROC, PARENT, call, children, dataset, train, wait

FAST = 1_000_000.0
HOUR = 3600.0
NOTHING = {
    "trainings": [],
    "deployments": [],
    "batch_predictions": [],
    "training_usd": 0,
    "deployment_usd": 0,
    "batch_prediction_usd": 0,
    "total_usd": 0,
}


def bill(emulator: RunningEmulator) -> Any:
    return call(emulator, "GET", "emulator/v1/billing")


def last(name: str) -> str:
    return name.rpartition("/")[2]


def trained(emulator: RunningEmulator) -> str:
    """The name of a trained model, whatever the time scale."""
    operation = train(emulator, dataset(emulator))
    advance(emulator, DAY)
    name: str = wait(emulator, operation)["response"]["name"]
    return name


def deploy(emulator: RunningEmulator, model: str, nodes: int) -> Any:
    body = {"imageClassificationModelDeploymentMetadata": {"nodeCount": str(nodes)}}
    return wait(emulator, call(emulator, "POST", f"v1/{model}:deploy", body))


def test_nothing_costs_nothing(start_emulator: StartEmulator) -> None:
    emulator = start_emulator()
    dataset(emulator)
    assert bill(emulator) == NOTHING


@pytest.mark.parametrize(
    ("model_type", "budget", "rate"),
    [("cloud", 9_000, 3.465), ("mobile-versatile-1", 2_000, 18.0)],
)
def test_a_training_is_billed_for_what_it_used(
    start_emulator: StartEmulator, model_type: str, budget: int, rate: float
) -> None:
    emulator = start_emulator(time_scale=FAST)
    metadata = {"modelType": model_type, "trainBudgetMilliNodeHours": budget}
    body = {
        "displayName": "flowers",
        "datasetId": last(dataset(emulator)),
        "labels": {"plan": "p1"},
        "imageClassificationModelMetadata": metadata,
    }
    operation = call(emulator, "POST", f"{PARENT}/models", body)
    model = wait(emulator, operation)["response"]["name"]
    found = call(emulator, "GET", f"v1/{model}")["imageClassificationModelMetadata"]
    cost = int(found["trainCostMilliNodeHours"])
    usd = pytest.approx(cost / 1000 * rate)
    charged = bill(emulator)
    [row] = charged["trainings"]
    assert row.pop("began") < row.pop("ended")
    assert charged["trainings"] == [
        {
            "project": "p",
            "operation": last(operation["name"]),
            "model": last(model),
            "display_name": "flowers",
            "labels": {"plan": "p1"},
            "model_type": model_type,
            "outcome": "trained",
            "milli_node_hours": cost,
            "usd": usd,
        }
    ]
    assert charged["training_usd"] == charged["total_usd"] == usd
    assert charged["deployment_usd"] == 0


def test_a_running_training_is_not_billed_yet(start_emulator: StartEmulator) -> None:
    emulator = start_emulator(time_scale=1.0)
    operation = train(emulator, dataset(emulator))
    advance(emulator, HOUR / 4)
    [row] = bill(emulator)["trainings"]
    assert (row["operation"], row["outcome"]) == (last(operation["name"]), "running")
    assert (row["milli_node_hours"], row["usd"]) == (0, 0)


def test_a_cancelled_training_is_billed_by_the_clock(start_emulator: StartEmulator) -> None:
    emulator = start_emulator(time_scale=1.0)
    operation = train(emulator, dataset(emulator))
    advance(emulator, HOUR / 4)
    call(emulator, "POST", f"v1/{operation['name']}:cancel")
    assert wait(emulator, operation)["error"]["code"] == 1
    [row] = bill(emulator)["trainings"]
    assert row["outcome"] == "cancelled"
    assert 2_000 <= row["milli_node_hours"] < 4_000  # a quarter of an hour on eight nodes
    assert row["usd"] == pytest.approx(row["milli_node_hours"] * 0.003465)


def test_a_cancelled_training_costs_at_most_its_budget(start_emulator: StartEmulator) -> None:
    emulator = start_emulator(trainer="sklearn", time_scale=1e12)
    operation = train(emulator, dataset(emulator))
    while HAS_PROC and not children(emulator.process.pid):
        time.sleep(0.01)
    call(emulator, "POST", f"v1/{operation['name']}:cancel")
    assert wait(emulator, operation)["error"]["code"] == 1
    [row] = bill(emulator)["trainings"]
    assert (row["milli_node_hours"], row["usd"]) == (8_000, pytest.approx(27.72))


def test_a_training_that_waits_for_its_turn_uses_nothing(start_emulator: StartEmulator) -> None:
    emulator = start_emulator(time_scale=1.0)
    name = dataset(emulator)
    waiting = [train(emulator, name) for _ in range(6)][-1]
    advance(emulator, HOUR / 4)
    call(emulator, "POST", f"v1/{waiting['name']}:cancel")
    wait(emulator, waiting)
    row = bill(emulator)["trainings"][-1]
    assert (row["operation"], row["outcome"]) == (last(waiting["name"]), "cancelled")
    assert row["usd"] == 0


def test_a_training_that_fails_is_not_billed(start_emulator: StartEmulator) -> None:
    emulator = start_emulator(trainer="sklearn")
    body = {"displayName": "d", "imageClassificationDatasetMetadata": {"classificationType": 1}}
    name = wait(emulator, call(emulator, "POST", f"{PARENT}/datasets", body))["response"]["name"]
    rows = dataset_rows(emulator)
    (emulator.files_root / "one.csv").write_text(rows)
    source = {"inputConfig": {"gcsSource": {"inputUris": ["one.csv"]}}}
    wait(emulator, call(emulator, "POST", f"v1/{name}:importData", source))
    operation = train(emulator, name)
    assert wait(emulator, operation)["error"]["code"] == 9
    [row] = bill(emulator)["trainings"]
    assert (row["outcome"], row["milli_node_hours"], row["usd"]) == ("failed", 0, 0)


def dataset_rows(emulator: RunningEmulator) -> str:
    """Rows of an import that leaves nothing to test a model by."""
    dataset(emulator)
    return "".join(f"TRAIN,{number}.png,same\n" for number in range(10))


def test_a_deployed_model_is_billed_per_node_and_hour(start_emulator: StartEmulator) -> None:
    emulator = start_emulator(time_scale=1.0)
    model = trained(emulator)
    before = bill(emulator)
    deployment = deploy(emulator, model, 2)
    advance(emulator, 10 * HOUR)
    charged = bill(emulator)
    [row] = charged["deployments"]
    assert (row["operation"], row["model"]) == (last(deployment["name"]), last(model))
    assert (row["nodes"], row["ended"]) == (2, None)
    assert 20_000 <= row["milli_node_hours"] < 20_200
    assert row["usd"] == pytest.approx(row["milli_node_hours"] * 0.001375)
    assert charged["training_usd"] == before["training_usd"]
    assert charged["total_usd"] == pytest.approx(charged["training_usd"] + row["usd"])

    deploy(emulator, model, 2)  # as it was: no new interval
    deploy(emulator, model, 3)
    advance(emulator, HOUR)
    wait(emulator, call(emulator, "POST", f"v1/{model}:undeploy", {}))
    wait(emulator, call(emulator, "POST", f"v1/{model}:undeploy", {}))
    ended = bill(emulator)
    advance(emulator, 10 * HOUR)
    assert bill(emulator) == ended
    first, second = ended["deployments"]
    assert (first["nodes"], second["nodes"]) == (2, 3)
    assert first["ended"] == second["began"]
    assert 3_000 <= second["milli_node_hours"] < 3_300
    assert ended["deployment_usd"] == pytest.approx(first["usd"] + second["usd"])


def test_the_time_scale_applies_to_what_is_deployed(start_emulator: StartEmulator) -> None:
    emulator = start_emulator(time_scale=3600.0)
    model = trained(emulator)
    deploy(emulator, model, 1)
    advance(emulator, 100.0)  # the same number of hours
    [row] = bill(emulator)["deployments"]
    assert 100_000 <= row["milli_node_hours"] < 160_000


def test_detection_has_its_own_rates(start_emulator: StartEmulator) -> None:
    emulator = start_emulator(time_scale=1.0)
    dataset(emulator)
    body = {"displayName": "boxes", "imageObjectDetectionDatasetMetadata": {}}
    name = wait(emulator, call(emulator, "POST", f"{PARENT}/datasets", body))["response"]["name"]
    uses = ("TRAIN", "VALIDATION", "TEST")
    rows = [f"{uses[n % 3]},{n}.png,car,0.1,0.1,,,0.6,0.7,,\n" for n in range(9)]
    (emulator.files_root / "boxes.csv").write_text("".join(rows))
    source = {"inputConfig": {"gcsSource": {"inputUris": ["boxes.csv"]}}}
    wait(emulator, call(emulator, "POST", f"v1/{name}:importData", source))
    metadata = {"trainBudgetMilliNodeHours": 20_000}
    new = {
        "displayName": "m",
        "datasetId": last(name),
        "imageObjectDetectionModelMetadata": metadata,
    }
    operation = call(emulator, "POST", f"{PARENT}/models", new)
    advance(emulator, DAY)
    model = wait(emulator, operation)["response"]["name"]
    wait(emulator, call(emulator, "POST", f"v1/{model}:deploy", {}))
    advance(emulator, HOUR)
    charged = bill(emulator)
    [training], [deployment] = charged["trainings"], charged["deployments"]
    assert training["model"].startswith("IOD")
    assert training["operation"].startswith("IOD")
    assert training["usd"] == pytest.approx(training["milli_node_hours"] * 0.003465)
    assert deployment["usd"] == pytest.approx(deployment["milli_node_hours"] * 0.002002)


def test_deletions_and_crashes_turn_nothing_back(start_emulator: StartEmulator) -> None:
    emulator = start_emulator(time_scale=FAST)
    operation = train(emulator, dataset(emulator))
    model = wait(emulator, operation)["response"]["name"]
    deploy(emulator, model, 1)
    wait(emulator, call(emulator, "POST", f"v1/{model}:undeploy", {}))
    before = bill(emulator)
    assert before["training_usd"] > 0
    wait(emulator, call(emulator, "DELETE", f"v1/{model}"))
    call(emulator, "DELETE", f"v1/{operation['name']}")
    assert bill(emulator) == before
    emulator.kill()
    assert bill(start_emulator(data_dir=emulator.data_dir)) == before


def test_a_training_that_goes_on_after_a_crash_is_billed_once(
    start_emulator: StartEmulator,
) -> None:
    emulator = start_emulator(time_scale=1.0)
    operation = train(emulator, dataset(emulator))
    emulator.kill()
    again = start_emulator(data_dir=emulator.data_dir, time_scale=1.0)
    assert [row["outcome"] for row in bill(again)["trainings"]] == ["running"]
    advance(again, DAY)
    wait(again, operation)
    assert [row["outcome"] for row in bill(again)["trainings"]] == ["trained"]


def test_centuries_at_the_highest_time_scale_can_be_billed(start_emulator: StartEmulator) -> None:
    emulator = start_emulator(time_scale=1e12)
    model = trained(emulator)
    deploy(emulator, model, 100)
    advance(emulator, 9e9)
    done = wait(emulator, call(emulator, "POST", f"v1/{model}:undeploy", {}))
    assert "response" in done
    assert bill(emulator)["deployments"][0]["milli_node_hours"] == 2**63 - 1
