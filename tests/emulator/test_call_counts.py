"""How often each method was called."""

from typing import Any

import pytest
import requests

from tests.conftest import RunningEmulator, StartEmulator

SCOPE = "v1/projects/p/locations/us-central1"


@pytest.fixture
def emulator(start_emulator: StartEmulator) -> RunningEmulator:
    return start_emulator()


def calls(emulator: RunningEmulator) -> Any:
    return requests.get(f"{emulator.url}/emulator/v1/calls", timeout=20).json()


def test_calls_are_counted_by_method(emulator: RunningEmulator) -> None:
    assert calls(emulator) == {"calls": {}}
    for path in (
        f"{SCOPE}/models",
        f"{SCOPE}/models",
        f"{SCOPE}/operations/ICN1",
        "storage/v1/b/x/o",
    ):
        requests.get(f"{emulator.url}/{path}", timeout=20)
    assert requests.post(f"{emulator.url}/{SCOPE}/datasets", json={}, timeout=20).status_code == 400
    counted = {"datasets.create": 1, "models.list": 2, "objects.list": 1, "operations.get": 1}
    assert calls(emulator) == {"calls": counted}


def test_what_calls_no_method_is_not_counted(emulator: RunningEmulator) -> None:
    requests.get(f"{emulator.url}/nothing", timeout=20)
    refused = requests.get(
        f"{emulator.url}/{SCOPE}/models", headers={"Origin": "https://evil.example"}, timeout=20
    )
    assert refused.status_code == 403
    assert calls(emulator) == calls(emulator) == {"calls": {}}


def test_the_emulator_s_own_api_refuses_web_pages_too(emulator: RunningEmulator) -> None:
    headers = {"Origin": "https://evil.example"}
    answer = requests.get(f"{emulator.url}/emulator/v1/calls", headers=headers, timeout=20)
    assert answer.status_code == 403
