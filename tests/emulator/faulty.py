"""Setting faults, and seeing what they did, as tests of them need it."""

import requests

from tests.conftest import RunningEmulator
from tests.emulator.test_process import PARENT, call, wait

MODELS, DATASETS, OPERATIONS = (f"{PARENT}/{each}" for each in ("models", "datasets", "operations"))
BROKEN = requests.exceptions.ConnectionError
BODY = {"displayName": "d", "imageObjectDetectionDatasetMetadata": {}}


def fault(emulator: RunningEmulator, spec: str) -> None:
    added = call(emulator, "POST", "emulator/v1/faults", {"fault": spec})
    assert added == {"fault": spec, "calls": 0, "fired": 0}


def fired(emulator: RunningEmulator) -> dict[str, tuple[int, int]]:
    """How many calls counted for each fault, and how often it fired."""
    listed = call(emulator, "GET", "emulator/v1/faults")["faults"]
    return {each["fault"]: (each["calls"], each["fired"]) for each in listed}


def status(emulator: RunningEmulator, path: str = MODELS) -> int:
    """The status of a GET; 0 when the connection broke."""
    try:
        return requests.get(f"{emulator.url}/{path}", timeout=20).status_code
    except BROKEN:
        return 0


def names(emulator: RunningEmulator, path: str = DATASETS) -> set[str]:
    """The names of all that a list shows, over pages of two."""
    found: set[str] = set()
    token = ""
    while True:
        query = f"?pageSize=2&pageToken={token}"
        page = call(emulator, "GET", path + query)
        token = page.pop("nextPageToken", "")
        found |= {item["name"] for items in page.values() for item in items}
        if not token:
            return found


def settled(emulator: RunningEmulator) -> None:
    """Wait until no operation runs."""
    for each in call(emulator, "GET", f"{OPERATIONS}?filter=done=false").get("operations", []):
        wait(emulator, each)
