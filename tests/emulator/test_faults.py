"""Faults of calls: each goes wrong as it says, when it says, and nothing else does."""

import time

import pytest
import requests

from automl_plan.emulator.methods import METHODS
from tests.conftest import RunningEmulator, StartEmulator
from tests.emulator.faulty import (
    BODY,
    BROKEN,
    DATASETS,
    MODELS,
    OPERATIONS,
    fault,
    fired,
    names,
    settled,
    status,
)
from tests.emulator.test_process import PARENT, call

VERTEX = "vertex/v1/projects/p/locations/us-central1"
VERTEX_CALLS = [
    *(("POST", f"{VERTEX}/datasets/1:import"), ("POST", f"{VERTEX}/datasets/1:export")),
    *(("GET", f"{VERTEX}/datasets/1/dataItems"), ("GET", f"{VERTEX}/datasets/1:searchDataItems")),
    ("GET", f"{VERTEX}/datasets/1/dataItems/1/annotations"),
    *(
        ("GET", f"{VERTEX}/datasets/1/savedQueries"),
        ("DELETE", f"{VERTEX}/datasets/1/savedQueries/1"),
    ),
    *(("POST", f"{VERTEX}/trainingPipelines"), ("GET", f"{VERTEX}/trainingPipelines")),
    *(("GET", f"{VERTEX}/trainingPipelines/1"), ("DELETE", f"{VERTEX}/trainingPipelines/1")),
    ("POST", f"{VERTEX}/trainingPipelines/1:cancel"),
    *(("POST", f"{VERTEX}/batchPredictionJobs"), ("GET", f"{VERTEX}/batchPredictionJobs")),
    *(("GET", f"{VERTEX}/batchPredictionJobs/1"), ("DELETE", f"{VERTEX}/batchPredictionJobs/1")),
    ("POST", f"{VERTEX}/batchPredictionJobs/1:cancel"),
    ("GET", f"{VERTEX}/models/1:listVersions"),
    ("DELETE", f"{VERTEX}/models/1:deleteVersion"),
    ("POST", f"{VERTEX}/models/1:mergeVersionAliases"),
    *(("GET", f"{VERTEX}/models/1/evaluations"), ("GET", f"{VERTEX}/models/1/evaluations/1")),
    ("GET", f"{VERTEX}/models/1/evaluations/1/slices"),
    ("GET", f"{VERTEX}/models/1/evaluations/1/slices/1"),
    *(("POST", f"{VERTEX}/endpoints"), ("GET", f"{VERTEX}/endpoints")),
    *(("GET", f"{VERTEX}/endpoints/e"), ("PATCH", f"{VERTEX}/endpoints/e")),
    *(("DELETE", f"{VERTEX}/endpoints/e"), ("POST", f"{VERTEX}/endpoints/e:deployModel")),
    *(("POST", f"{VERTEX}/endpoints/e:undeployModel"), ("POST", f"{VERTEX}/endpoints/e:predict")),
    ("POST", f"{VERTEX}/endpoints/e:mutateDeployedModel"),
    *(("POST", f"{VERTEX}/endpoints/e:rawPredict"), ("POST", f"{VERTEX}/endpoints/e:explain")),
]
"""One call of each method that AutoML v1 has not."""


def test_what_is_dropped_before_it_acts_did_nothing(emulator: RunningEmulator) -> None:
    before = names(emulator)
    fault(emulator, "datasets.create:drop-before")
    with pytest.raises(BROKEN):
        requests.post(f"{emulator.url}/{DATASETS}", json=BODY, timeout=20)
    settled(emulator)
    assert names(emulator) == before


@pytest.mark.parametrize("effect", ["drop-after", "truncate"])
def test_what_is_cut_off_after_it_acted_was_done(emulator: RunningEmulator, effect: str) -> None:
    before = names(emulator)
    fault(emulator, f"datasets.create:{effect}")
    with pytest.raises((BROKEN, requests.exceptions.ChunkedEncodingError)):
        requests.post(f"{emulator.url}/{DATASETS}", json=BODY, timeout=20)
    settled(emulator)
    assert len(names(emulator) - before) == 1


def test_half_of_the_body_arrives_under_the_whole_one_s_length(emulator: RunningEmulator) -> None:
    url = f"{emulator.url}/{PARENT}"
    whole = requests.get(url, timeout=20).content
    fault(emulator, "locations.get:truncate")
    with requests.get(url, timeout=20, stream=True) as answer:
        assert int(answer.headers["Content-Length"]) == len(whole)
        assert answer.status_code == 200
        assert answer.raw.read(len(whole) // 2) == whole[: len(whole) // 2]
        with pytest.raises(requests.exceptions.ChunkedEncodingError):
            list(answer.iter_content())


@pytest.mark.parametrize(
    ("effect", "code", "text", "retry_after"),
    [
        ("401", 401, "UNAUTHENTICATED", None),
        ("429", 429, "RESOURCE_EXHAUSTED", None),
        ("429=2", 429, "RESOURCE_EXHAUSTED", "2"),
        ("500", 500, "INTERNAL", None),
        ("503", 503, "UNAVAILABLE", None),
        ("503=0", 503, "UNAVAILABLE", "0"),
    ],
)
def test_errors_instead_of_acting(
    emulator: RunningEmulator, effect: str, code: int, text: str, retry_after: str | None
) -> None:
    before = names(emulator)
    fault(emulator, f"datasets.create:{effect}")
    answer = requests.post(f"{emulator.url}/{DATASETS}", json=BODY, timeout=20)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["status"]) == (code, code, text)
    assert answer.headers.get("Retry-After") == retry_after
    settled(emulator)
    assert names(emulator) == before


@pytest.mark.parametrize(("effect", "code"), [("500-after", 500), ("503-after", 503)])
def test_errors_after_acting(emulator: RunningEmulator, effect: str, code: int) -> None:
    before = names(emulator)
    fault(emulator, f"datasets.create:{effect}")
    answer = requests.post(f"{emulator.url}/{DATASETS}", json=BODY, timeout=20)
    assert (answer.status_code, answer.json()["error"]["code"]) == (code, code)
    settled(emulator)
    assert len(names(emulator) - before) == 1


@pytest.mark.parametrize("effect", ["delay-before", "delay-after"])
def test_an_answer_is_delayed(emulator: RunningEmulator, effect: str) -> None:
    fault(emulator, f"models.list:{effect}=0.2")
    fault(emulator, f"models.list:{effect}=0.1")
    started = time.monotonic()
    assert status(emulator) == 200
    assert time.monotonic() - started >= 0.3


def test_what_is_delayed_before_it_acts_has_not_acted(emulator: RunningEmulator) -> None:
    before = names(emulator, OPERATIONS)
    fault(emulator, "datasets.create:delay-before=3600")
    with pytest.raises(requests.exceptions.ReadTimeout):
        requests.post(f"{emulator.url}/{DATASETS}", json=BODY, timeout=0.3)
    assert names(emulator, OPERATIONS) == before


def test_what_is_delayed_after_it_acted_was_done(emulator: RunningEmulator) -> None:
    before = names(emulator)
    fault(emulator, "datasets.create:delay-after=3600")
    with pytest.raises(requests.exceptions.ReadTimeout):
        requests.post(f"{emulator.url}/{DATASETS}", json=BODY, timeout=0.3)
    while names(emulator) == before:
        time.sleep(0.01)


def test_a_delay_ends_when_the_service_does(start_emulator: StartEmulator) -> None:
    emulator = start_emulator(faults=["models.list:delay-before=3600"])
    with pytest.raises(requests.exceptions.ReadTimeout):
        requests.get(f"{emulator.url}/{MODELS}", timeout=0.2)
    assert emulator.stop() == 0


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ("", [503] * 5),
        (":2", [200, 503, 200, 200, 200]),
        (":2-3", [200, 503, 503, 200, 200]),
        (":4+", [200, 200, 200, 503, 503]),
        (":p1@7", [503] * 5),
        (":p0@7", [200] * 5),
    ],
)
def test_when(emulator: RunningEmulator, when: str, expected: list[int]) -> None:
    spec = f"models.list:503{when}"
    fault(emulator, spec)
    assert [status(emulator) for _ in range(5)] == expected
    assert fired(emulator) == {spec: (5, expected.count(503))}


def test_a_seed_decides_by_the_number_of_the_call(emulator: RunningEmulator) -> None:
    runs = []
    for spec in ("models.list:503:p0.5@1", "models.list:500:p0.5@1", "models.list:503:p0.5@2"):
        call(emulator, "DELETE", "emulator/v1/faults")
        fault(emulator, spec)
        runs.append([status(emulator) == 200 for _ in range(24)])
    assert runs[0] == runs[1] != runs[2]
    assert set(runs[0]) == {True, False}


def test_a_fault_concerns_its_method_only(emulator: RunningEmulator) -> None:
    fault(emulator, "models.list:503")
    assert status(emulator) == 503
    assert status(emulator, DATASETS) == status(emulator, OPERATIONS) == 200
    call(emulator, "DELETE", "emulator/v1/faults")
    assert status(emulator) == 200
    assert fired(emulator) == {}


def test_all_methods_but_the_emulator_s_own(emulator: RunningEmulator) -> None:
    fault(emulator, "*:500:1-3")
    assert [status(emulator, path) for path in (MODELS, DATASETS, "storage/v1/b/x/o")] == [500] * 3
    assert status(emulator) == 200
    fault(emulator, "*:drop-before")
    assert status(emulator) == 0
    assert status(emulator, "nothing") == 404
    for path in ("billing", "calls", "clock", "faults"):
        call(emulator, "GET", f"emulator/v1/{path}")


def test_of_two_that_exclude_each_other_the_first_fires(emulator: RunningEmulator) -> None:
    for spec in ("models.list:500:2+", "models.list:429", "models.list:drop-after"):
        fault(emulator, spec)
    assert [status(emulator) for _ in range(3)] == [429, 500, 500]
    assert fired(emulator) == {
        "models.list:500:2+": (3, 2),
        "models.list:429": (3, 1),
        "models.list:drop-after": (3, 0),
    }


def test_every_method_can_have_a_fault(emulator: RunningEmulator) -> None:
    for name in METHODS:
        fault(emulator, f"{name}:429=1:2")
    model, operation = f"{MODELS}/ICN1", f"{OPERATIONS}/ICN1"
    calls: list[tuple[str, str]] = [
        *(("POST", DATASETS), ("GET", DATASETS), ("GET", f"{DATASETS}/ICN1")),
        *(("PATCH", f"{DATASETS}/ICN1"), ("DELETE", f"{DATASETS}/ICN1")),
        *(("POST", f"{DATASETS}/ICN1:importData"), ("POST", f"{DATASETS}/ICN1:exportData")),
        *(("GET", f"{DATASETS}/ICN1/annotationSpecs/1"), ("POST", MODELS), ("GET", MODELS)),
        *(("GET", model), ("PATCH", model), ("DELETE", model), ("POST", f"{model}:deploy")),
        *(("POST", f"{model}:undeploy"), ("POST", f"{model}:export"), ("POST", f"{model}:predict")),
        *(("POST", f"{model}:batchPredict"), ("GET", f"{model}/modelEvaluations")),
        *(("GET", f"{model}/modelEvaluations/1"), ("GET", OPERATIONS), ("GET", operation)),
        *(("DELETE", operation), ("POST", f"{operation}:cancel"), ("POST", f"{operation}:wait")),
        *(("GET", "v1/projects/p/locations"), ("GET", PARENT)),
        *(("GET", "storage/v1/b/x/o"), ("GET", "storage/v1/b/x/o/y")),
        ("POST", "upload/storage/v1/b/x/o"),
        *VERTEX_CALLS,
    ]
    assert len(calls) == len(METHODS)
    for method, path in calls:
        url = f"{emulator.url}/{path}"
        answers = [requests.request(method, url, timeout=20) for _ in range(2)]
        assert [each.status_code == 429 for each in answers] == [False, True], path
        assert answers[1].json()["error"]["message"]
    assert set(fired(emulator).values()) == {(2, 1)}


def test_faults_of_the_start_are_listed(start_emulator: StartEmulator) -> None:
    specs = ["models.list:503:1", "*:delay-before=0"]
    emulator = start_emulator(faults=specs)
    assert list(fired(emulator)) == specs
    assert fired(emulator)[specs[0]] == (0, 0)
    assert [status(emulator), status(emulator)] == [503, 200]
