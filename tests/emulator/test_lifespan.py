"""The end of a model's life: it serves for 18 months, and costs nothing afterwards."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
import requests

from automl_plan.emulator.lifespan import expired, expires
from tests.conftest import RunningEmulator, StartEmulator
from tests.emulator.test_billing import bill, deploy, trained
from tests.emulator.test_clock import DAY, advance, now
from tests.emulator.test_process import PARENT, call, wait

HOUR_PER_HOUR = 1.0
SECOND = timedelta(seconds=1)


def get(emulator: RunningEmulator, model: str) -> Any:
    return call(emulator, "GET", f"v1/{model}")


def end_of(emulator: RunningEmulator, model: str) -> datetime:
    return expires(datetime.fromisoformat(get(emulator, model)["createTime"]))


def go_to(emulator: RunningEmulator, instant: datetime) -> None:
    advance(emulator, (instant - now(emulator)).total_seconds())


def refused(emulator: RunningEmulator, path: str, body: object) -> str:
    """The message of a call that the model's state forbids."""
    answer = requests.post(f"{emulator.url}/v1/{path}", json=body, timeout=30)
    error = answer.json()["error"]
    assert (answer.status_code, error["status"]) == (400, "FAILED_PRECONDITION")
    message: str = error["message"]
    return message


def predict(emulator: RunningEmulator) -> dict[str, object]:
    image = (emulator.files_root / "0.png").read_bytes()
    return {"payload": {"image": {"imageBytes": base64.b64encode(image).decode()}}}


@pytest.mark.parametrize(
    ("created", "end"),
    [
        ("2020-01-01T00:00:00", "2021-07-01T00:00:00"),
        ("2020-07-15T10:11:12.000013", "2022-01-15T10:11:12.000013"),
        ("2020-08-31T12:00:00", "2022-02-28T12:00:00"),
        ("2022-08-30T12:00:00", "2024-02-29T12:00:00"),
        ("2020-12-31T23:59:59", "2022-06-30T23:59:59"),
    ],
)
def test_eighteen_calendar_months(created: str, end: str) -> None:
    made, over = (datetime.fromisoformat(each).replace(tzinfo=UTC) for each in (created, end))
    assert expires(made) == over
    assert not expired(made, over - SECOND)
    assert expired(made, over)


def test_answers_are_dated_by_its_clock(start_emulator: StartEmulator) -> None:
    emulator = start_emulator()
    there = advance(emulator, 600 * DAY)
    for path in (f"{PARENT}/models", "nowhere"):
        answer = requests.get(f"{emulator.url}/{path}", timeout=20)
        dated = parsedate_to_datetime(answer.headers["Date"])
        assert there - SECOND <= dated <= now(emulator)


def test_it_serves_to_the_end_and_not_beyond(start_emulator: StartEmulator) -> None:
    emulator = start_emulator(time_scale=HOUR_PER_HOUR)
    model = trained(emulator)
    deploy(emulator, model, 2)
    end = end_of(emulator, model)
    go_to(emulator, end - timedelta(hours=1))
    assert get(emulator, model)["deploymentState"] == "DEPLOYED"
    assert call(emulator, "POST", f"v1/{model}:predict", predict(emulator))["payload"]

    advance(emulator, 3600.0)
    shown = get(emulator, model)
    assert shown["deploymentState"] == "UNDEPLOYED"
    assert "nodeCount" not in shown["imageClassificationModelMetadata"]
    assert datetime.fromisoformat(shown["updateTime"]) == end
    assert call(emulator, "GET", f"{PARENT}/models")["model"] == [shown]
    for path, body in ((f"{model}:predict", predict(emulator)), (f"{model}:deploy", {})):
        assert "expired 18 months after its creation" in refused(emulator, path, body)


def test_its_nodes_are_billed_to_the_end(start_emulator: StartEmulator) -> None:
    emulator = start_emulator(time_scale=HOUR_PER_HOUR)
    model = trained(emulator)
    deploy(emulator, model, 2)
    end = end_of(emulator, model)
    advance(emulator, 2000 * DAY)
    [row] = bill(emulator)["deployments"]  # before the model is read
    began, ended = (datetime.fromisoformat(row[name]) for name in ("began", "ended"))
    assert ended == end
    assert row["milli_node_hours"] == int((ended - began) / timedelta(hours=1) * 2000)
    emulator.kill()
    again = start_emulator(data_dir=emulator.data_dir, time_scale=HOUR_PER_HOUR)
    advance(again, 10 * DAY)
    assert bill(again)["deployments"] == [row]


def test_it_can_be_changed_and_deleted_afterwards(start_emulator: StartEmulator) -> None:
    emulator = start_emulator(time_scale=HOUR_PER_HOUR)
    model = trained(emulator)
    deploy(emulator, model, 1)
    advance(emulator, 600 * DAY)
    renamed = call(emulator, "PATCH", f"v1/{model}?updateMask=displayName", {"displayName": "old"})
    assert (renamed["displayName"], renamed["deploymentState"]) == ("old", "UNDEPLOYED")
    assert "response" in wait(emulator, call(emulator, "POST", f"v1/{model}:undeploy", {}))
    assert "response" in wait(emulator, call(emulator, "DELETE", f"v1/{model}"))
    assert call(emulator, "GET", f"{PARENT}/models") == {}
    before = bill(emulator)
    advance(emulator, 10 * DAY)
    assert bill(emulator) == before


def test_what_is_deleted_at_once_costs_no_more(start_emulator: StartEmulator) -> None:
    emulator = start_emulator(time_scale=HOUR_PER_HOUR)
    model = trained(emulator)
    deploy(emulator, model, 1)
    end = end_of(emulator, model)
    advance(emulator, 600 * DAY)
    assert "response" in wait(emulator, call(emulator, "DELETE", f"v1/{model}"))
    [row] = bill(emulator)["deployments"]
    assert datetime.fromisoformat(row["ended"]) == end


def test_the_end_of_one_is_not_the_end_of_others(start_emulator: StartEmulator) -> None:
    emulator = start_emulator(time_scale=HOUR_PER_HOUR)
    old = trained(emulator)
    advance(emulator, 300 * DAY)
    young = trained(emulator)
    for model in (old, young):
        deploy(emulator, model, 1)
    go_to(emulator, end_of(emulator, old))
    states = {each["name"]: each["deploymentState"] for each in _listed(emulator)}
    assert states == {old: "UNDEPLOYED", young: "DEPLOYED"}
    assert call(emulator, "POST", f"v1/{young}:predict", predict(emulator))["payload"]


def _listed(emulator: RunningEmulator) -> Any:
    return call(emulator, "GET", f"{PARENT}/models")["model"]
