"""A clock that tests advance: hours of training pass at once."""

from datetime import UTC, datetime, timedelta
from typing import Any

import requests

from tests.conftest import RunningEmulator, StartEmulator
from tests.emulator.test_process import PARENT, call, dataset, train, wait

DAY = 86_400.0


def now(emulator: RunningEmulator) -> datetime:
    return datetime.fromisoformat(call(emulator, "GET", "emulator/v1/clock")["now"])


def advance(emulator: RunningEmulator, seconds: float) -> datetime:
    answer = call(emulator, "POST", "emulator/v1/clock:advance", {"seconds": seconds})
    return datetime.fromisoformat(answer["now"])


def created(operation: Any) -> datetime:
    return datetime.fromisoformat(operation["metadata"]["createTime"])


def test_advancing_moves_the_reported_time(start_emulator: StartEmulator) -> None:
    emulator = start_emulator()
    before = now(emulator)
    after = advance(emulator, DAY)
    assert after - before >= timedelta(days=1)
    assert now(emulator) >= after
    body = {"displayName": "d", "imageObjectDetectionDatasetMetadata": {}}
    assert created(call(emulator, "POST", f"{PARENT}/datasets", body)) >= after
    assert advance(emulator, 0) >= after


def test_those_who_wait_for_the_clock_are_woken(start_emulator: StartEmulator) -> None:
    emulator = start_emulator(time_scale=1.0)
    operations = [train(emulator, dataset(emulator)) for _ in range(2)]
    assert "done" not in call(emulator, "GET", f"v1/{operations[0]['name']}")
    advance(emulator, DAY)
    for operation in operations:
        done = wait(emulator, operation)
        assert "response" in done
        updated = datetime.fromisoformat(done["metadata"]["updateTime"])
        assert updated - created(done) >= timedelta(days=1)


def test_a_training_that_is_not_due_goes_on(start_emulator: StartEmulator) -> None:
    emulator = start_emulator(time_scale=1.0)
    operation = train(emulator, dataset(emulator))
    advance(emulator, 60.0)
    path = f"v1/{operation['name']}:wait"
    assert "done" not in call(emulator, "POST", path, {"timeout": "0.2s"})


def test_no_restart_turns_it_back(start_emulator: StartEmulator) -> None:
    emulator = start_emulator(time_scale=1.0)
    after = advance(emulator, DAY)
    emulator.kill()
    again = start_emulator(data_dir=emulator.data_dir)
    assert now(again) >= after
    assert advance(again, DAY) - after >= timedelta(days=1)


def test_what_it_refuses(start_emulator: StartEmulator) -> None:
    emulator = start_emulator()
    url = f"{emulator.url}/emulator/v1/clock:advance"
    for body in (
        *("", "{}", '{"seconds": -1}', '{"seconds": 1e11}', '{"seconds": "1"}', "[]"),
        *('{"seconds": true}', '{"seconds": NaN}', '{"seconds": 1, "x": 1}', '{"seconds": 1e999}'),
        '{"seconds": 1' + "0" * 400 + "}",
    ):
        answer = requests.post(url, data=body, timeout=20)
        assert answer.status_code == 400, body
        assert answer.json()["error"]["status"] == "INVALID_ARGUMENT"
    assert now(emulator) < datetime.now(UTC) + timedelta(hours=1)


def test_it_can_go_only_so_far(start_emulator: StartEmulator) -> None:
    emulator = start_emulator()
    advance(emulator, 9e9)
    url = f"{emulator.url}/emulator/v1/clock:advance"
    assert requests.post(url, json={"seconds": 2e9}, timeout=20).status_code == 400
    assert advance(emulator, 1e9).year > 2300
