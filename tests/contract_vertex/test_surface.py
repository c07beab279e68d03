"""What the embedded service lacks of Google's APIs, it names; what it lacks unset, it takes."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import requests

import automl_plan.emulator
from automl_plan.emulator.vertex.front import SURFACE
from tests.contract_vertex import surface
from tests.contract_vertex.conftest import IMAGES, IMPORTS, INPUTS, PARENT, TASKS, Judge, number

FOLDER = Path(automl_plan.emulator.__file__).parent


@pytest.mark.parametrize(
    ("api", "build"),
    [("vertex", surface.of_vertex), ("automl", surface.of_automl)],
    ids=["vertex", "automl"],
)
def test_a_surface_is_that_of_googles_sources(
    api: str, build: Callable[[], Mapping[str, Any]]
) -> None:
    path = FOLDER / api / "surface.json"
    text = json.dumps(build(), indent=1, sort_keys=True) + "\n"
    if os.environ.get("AUTOML_PLAN_UPDATE_GOLDEN"):
        path.write_text(text)
    assert path.read_text() == text


UNSET: Mapping[str, object] = {
    "string": "",
    "boolean": False,
    "enum": 0,
    "number": 0,
    "any": {},
    "map": {},
    "int32": 0,
    "int64": "0",
    "uint32": 0,
    "uint64": "0",
}
SET: Mapping[str, object] = {
    "string": "x",
    "boolean": True,
    "enum": 1,
    "number": 0.5,
    "any": "x",
    "int32": 1,
    "int64": "1",
    "uint32": 1,
    "uint64": "1",
    "map": {"a": "b"},
}
MESSAGES = surface.of_vertex()["messages"]
ONEOFS = {"filterSplit", "fractionSplit", "predefinedSplit", "stratifiedSplit", "timestampSplit"}
"""Fields of which an empty message is a choice."""


def valued(values: Mapping[str, object], kind: str) -> object:
    """A value of a type: of a message, one with a field of a simple type."""
    kind = kind.removeprefix("-")
    if kind.endswith("[]"):
        return [valued(values, kind.removesuffix("[]"))] if values is SET else []
    if kind not in MESSAGES:
        return values[kind]
    fields = MESSAGES[kind].items()
    return dict([(name, values[each]) for name, each in fields if each in values][:1])


class Call(NamedTuple):
    """A request that succeeds, and where in its body a message is."""

    verb: str
    path: str
    message: str
    at: Sequence[str | int]
    body: Mapping[str, Any]


@pytest.fixture(scope="module")
def calls(judges: Callable[[float], Judge]) -> Sequence[Call]:
    """Requests with every message that the service reads."""
    judge = judges(1_000_000.0)
    dataset = judge.dataset()
    model, endpoint = judge.model(dataset), judge.endpoint()
    source = {"gcsSource": {"uris": ["gs://bucket/flowers.csv"]}}
    config = {**source, "importSchemaUri": IMPORTS["single"]}
    output = {"outputUriPrefix": "gs://bucket/o/"}
    deployed = {"model": model.name, "automaticResources": {"minReplicaCount": 1}}
    pipeline = {
        "displayName": "x",
        "inputDataConfig": {"datasetId": number(dataset)},
        "trainingTaskDefinition": TASKS["single"],
        "trainingTaskInputs": INPUTS["single"],
        "modelToUpload": {"displayName": "x"},
    }
    made = {"displayName": "x", "metadataSchemaUri": IMAGES}
    job = {
        "displayName": "x",
        "model": model.name,
        "inputConfig": {"instancesFormat": "jsonl", "gcsSource": {"uris": ["gs://bucket/x"]}},
        "outputConfig": {"predictionsFormat": "jsonl", "gcsDestination": output},
    }
    imported, exported = f"{dataset.name}:import", f"{dataset.name}:export"
    trained, endpoints = f"{PARENT}/trainingPipelines", f"{PARENT}/endpoints"
    return [
        Call("POST", f"{PARENT}/datasets", "Dataset", (), made),
        Call("PATCH", dataset.name, "Dataset", (), {"displayName": "x"}),
        Call(
            "POST", imported, "ImportDataConfig", ("importConfigs", 0), {"importConfigs": [config]}
        ),
        Call(
            "POST",
            exported,
            "ExportDataConfig",
            ("exportConfig",),
            {"exportConfig": {"gcsDestination": output}},
        ),
        Call("POST", trained, "TrainingPipeline", (), pipeline),
        Call("POST", trained, "InputDataConfig", ("inputDataConfig",), pipeline),
        Call("POST", trained, "Model", ("modelToUpload",), pipeline),
        Call("PATCH", model.name, "Model", (), {"displayName": "x"}),
        Call("POST", endpoints, "Endpoint", (), {"displayName": "x"}),
        Call("POST", f"{PARENT}/batchPredictionJobs", "BatchPredictionJob", (), job),
        Call("PATCH", endpoint.name, "Endpoint", (), {"displayName": "x"}),
        Call(
            "POST",
            f"{endpoint.name}:deployModel",
            "DeployedModel",
            ("deployedModel",),
            {"deployedModel": deployed},
        ),
    ]


def sent(judge: Judge, call: Call, fields: Mapping[str, object]) -> requests.Response:
    """The answer to a call with further fields; those of the call win."""
    body = json.loads(json.dumps(call.body))
    at = body
    for step in call.at:
        at = at[step]
    for name, value in fields.items():
        at.setdefault(name, value)
    url = f"{judge.emulator.url}/vertex/v1/{call.path}"
    return judge.http.request(call.verb, url, json=body, timeout=30)


def test_fields_that_are_not_set_are_taken(judge: Judge, calls: Sequence[Call]) -> None:
    """Clients of some languages write empty fields."""
    for call in calls:
        fields = {k: t for k, t in MESSAGES[call.message].items() if k not in ONEOFS}
        answer = sent(judge, call, {k: valued(UNSET, t) for k, t in fields.items()})
        assert answer.status_code == 200, (call, answer.text)


def test_fields_that_the_service_lacks_are_named(judge: Judge, calls: Sequence[Call]) -> None:
    lacking = set()
    for call in calls:
        for name, kind in MESSAGES[call.message].items():
            answer = sent(judge, call, {name: valued(SET, kind)})
            assert answer.status_code in (200, 400, 409, 501), answer.text
            assert "Unknown name" not in answer.text, (call.message, name)
            if answer.status_code == 501 and f"no {call.message}.{name}" in answer.text:
                lacking.add(f"{call.message}.{name}")
    assert {"Endpoint.network", "DeployedModel.serviceAccount"} <= lacking


@pytest.mark.parametrize(
    ("body", "finds"),
    [
        ({"encryptionSpec": {"kmsKeyName": ""}}, ""),
        ({"encryptionSpec": {}}, ""),
        ({"encryptionSpec": None}, ""),
        ({"encryptionSpec": {"kmsKeyName": "k"}}, "EncryptionSpec.kmsKeyName (here 'endpoint.enc"),
        (
            {"encryptionSpec": {"colour": ""}},
            r"Unknown name \"colour\" at 'endpoint.encryption_spec'",
        ),
        ({"encryptionSpec": "k"}, "Endpoint.encryptionSpec"),
        ({"network": "n", "colour": "red"}, r"Unknown name \"colour\" at 'endpoint'"),
        ({"createTime": "2026-11-24T01:02:03Z"}, ""),
    ],
)
def test_what_is_said_of_a_field(judge: Judge, body: Mapping[str, object], finds: str) -> None:
    answer = judge.post(f"{PARENT}/endpoints", {"displayName": "x", **body})
    assert (answer.status_code == 200) == (not finds)
    assert finds in answer.text


def test_every_method_of_googles_is_there_or_named(judge: Judge) -> None:
    """Neither of them is answered as if there were no such object, or no such method."""
    asked = 0
    for verb, path, name in methods(surface.of_vertex()["methods"]):
        error = SURFACE.lacking(verb, f"/v1/{path}")
        assert error is not None
        assert error.message == f"The embedded service has no method {name} of Vertex AI v1."
        if re.match(
            r"projects/\*/locations/\*/(datasets|models|endpoints)\b(?!.*operations)", path
        ):
            url = f"{judge.emulator.url}/vertex/v1/{path.replace('*', 'us-central1')}"
            answer = judge.http.request(verb, url, data="{}", timeout=30)
            assert "Method not found" not in answer.text, (verb, path)
            asked += answer.status_code == 501
    assert asked


def methods(
    node: Mapping[str, Any], path: str = "", names: str = ""
) -> Iterator[tuple[str, str, str]]:
    """The verb, path and name of each method of a surface."""
    for key, inner in node.items():
        if isinstance(inner, str):
            verb, colon, custom = key.partition(":")
            yield verb, f"{path[1:]}{colon}{custom}", names + inner.partition(" ")[0]
        else:
            named = names if key in ("*", "projects", "locations") else f"{names}{key}."
            yield from methods(inner, f"{path}/{key}", named)


def test_an_earlier_version_of_the_api(judge: Judge) -> None:
    for root, title in (("/v1beta1", "AutoML v1"), ("/vertex/v1beta1", "Vertex AI v1")):
        answer = judge.http.get(f"{judge.emulator.url}{root}/{PARENT}/datasets", timeout=30)
        assert answer.json()["error"]["status"] == "UNIMPLEMENTED"
        assert f"no v1beta1 of the API. It has {title}." in answer.text


def test_of_a_whole_message_only_the_masked_fields_count(judge: Judge) -> None:
    """Clients send what they have read, with changes."""
    dataset = judge.get(judge.dataset(None).name).json()
    whole = {**dataset, "description": "d", "encryptionSpec": {"kmsKeyName": "k"}}
    url = f"{judge.emulator.url}/vertex/v1/{dataset['name']}"
    answer = judge.http.patch(url, json=whole, params={"updateMask": "description"}, timeout=30)
    assert answer.json()["description"] == "d"
    assert judge.http.patch(url, json=whole, timeout=30).status_code == 501


def test_a_method_of_the_other_api_is_told_where_it_is(judge: Judge) -> None:
    """AutoML has the root: clients that take no path in their endpoint end up there."""
    answer = judge.http.get(f"{judge.emulator.url}/v1/{PARENT}/endpoints", timeout=30)
    assert answer.status_code == 404
    assert "Vertex AI v1 is served below /vertex" in answer.text
    nothing = judge.http.get(f"{judge.emulator.url}/v1/{PARENT}/flowers", timeout=30)
    assert nothing.json()["error"]["message"] == "Method not found."
