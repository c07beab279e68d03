"""Whatever a client sends, the answer is a sound one: no method fails on its own."""

import json
import urllib.parse
from typing import Any

import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import RunningEmulator, StartEmulator
from tests.depth import times

SCOPE = "/v1/projects/p/locations/us-central1"
NAMES = (
    *("displayName", "display_name", "description", "labels", "etag", "name", "datasetId"),
    *("imageClassificationDatasetMetadata", "imageObjectDetectionDatasetMetadata"),
    *("imageClassificationModelMetadata", "imageObjectDetectionModelMetadata", "modelType"),
    *("trainBudget", "trainBudgetMilliNodeHours", "classificationType", "inputConfig"),
    *("gcsSource", "inputUris", "outputConfig", "gcsDestination", "outputUriPrefix", "payload"),
    *("image", "imageBytes", "params", "timeout", "nodeCount", "baseModelId"),
    "imageClassificationModelDeploymentMetadata",
)
VALUES = st.one_of(
    *(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=40)),
    st.sampled_from(["MULTICLASS", "8000", "-1", "gs://b/o", "cloud", "\ud800", "0s", "1e9s"]),
)
BODIES = st.recursive(
    VALUES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=5), inner, max_size=6)
    ),
    max_leaves=12,
)
SOUND = frozenset({200, 400, 404, 409, 501})


@pytest.fixture(scope="module")
def emulator(start_shared_emulator: StartEmulator) -> RunningEmulator:
    return start_shared_emulator(time_scale=1_000_000.0)


@pytest.fixture(scope="module")
def dataset(emulator: RunningEmulator) -> str:
    """An existing dataset, so that methods get beyond NOT_FOUND."""
    body = {"displayName": "d", "imageObjectDetectionDatasetMetadata": {}}
    made = requests.post(f"{emulator.url}{SCOPE}/datasets", json=body, timeout=20).json()
    url = f"{emulator.url}/v1/{made['name']}:wait"
    name: str = requests.post(url, json={}, timeout=20).json()["response"]["name"]
    return f"/v1/{name}"


@settings(max_examples=times(75, 450))
@given(
    call=st.sampled_from(
        [
            *(("POST", f"{SCOPE}/datasets"), ("POST", f"{SCOPE}/models")),
            *(("PATCH", "{dataset}"), ("POST", "{dataset}:importData")),
            *(("POST", "{dataset}:exportData"), ("POST", f"{SCOPE}/models/ICN1:deploy")),
            *(("POST", f"{SCOPE}/models/ICN1:predict"), ("POST", f"{SCOPE}/models/ICN1:export")),
            ("POST", f"{SCOPE}/operations/ICN1:wait"),
        ]
    ),
    body=BODIES,
)
def test_bodies(emulator: RunningEmulator, dataset: str, call: tuple[str, str], body: Any) -> None:
    method, path = call
    url = emulator.url + path.replace("{dataset}", dataset)
    answer = requests.request(method, url, data=json.dumps(body), timeout=20)
    assert answer.status_code in SOUND, answer.text
    content = answer.json()
    if answer.status_code != 200:
        assert content["error"]["code"] == answer.status_code
        assert content["error"]["message"]


@settings(max_examples=times(50, 300))
@given(
    collection=st.sampled_from(["datasets", "models", "operations", "models/-/modelEvaluations"]),
    query=st.dictionaries(
        st.sampled_from(["filter", "pageSize", "pageToken", "page_size", "updateMask"]),
        st.text(max_size=30)
        | st.sampled_from(["done=true", "NOT a:*", "worksOn=projects/p", "dataset_id=ICN9", "1"]),
        max_size=3,
    ),
    name=st.text(min_size=1, max_size=30),
)
def test_queries_and_names(
    emulator: RunningEmulator, collection: str, query: dict[str, str], name: str
) -> None:
    url = f"{emulator.url}{SCOPE}/{collection}"
    encodable = {key: value.encode(errors="replace") for key, value in query.items()}
    assert requests.get(url, params=encodable, timeout=20).status_code in SOUND
    quoted = urllib.parse.quote(name.encode(errors="replace"), safe="")
    assert requests.get(f"{url}/{quoted}", timeout=20).status_code in SOUND
