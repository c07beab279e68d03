"""Whatever the discovery document describes may be sent: the answer is one that it describes."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.contract.conftest import png
from tests.contract_vertex.conftest import (
    IMAGES,
    IMPORTS,
    INPUTS,
    ML_USE,
    PARENT,
    TASKS,
    Judge,
    number,
)
from tests.contract_vertex.discovery import DiscoveryJudge
from tests.contract_vertex.recorder import PREFIX
from tests.depth import times

V1 = "GoogleCloudAiplatformV1"
SOUND = frozenset({200, 400, 404, 409, 501})
TEXTS = st.text(max_size=8) | st.sampled_from(
    [
        *("x", "1", "tflite", "gs://bucket/flowers.csv", "gs://bucket/o/"),
        *(IMAGES, *IMPORTS.values(), *TASKS.values(), f"{ML_USE}=training"),
    ]
)
FORMATS: Mapping[str, st.SearchStrategy[Any]] = {
    "string": TEXTS,
    "boolean": st.booleans(),
    "int32": st.integers(-(2**31), 2**31 - 1) | st.integers(0, 101),
    "int64": st.integers(-(2**63), 2**63 - 1).map(str) | st.sampled_from(["8000", "20000"]),
    "float": st.floats(allow_nan=False, allow_infinity=False, width=32),
    "double": st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from([0.5, 0.25]),
    "byte": st.binary(max_size=8).map(lambda octets: base64.b64encode(octets).decode()),
    "google-datetime": st.just("2026-11-24T01:02:03Z"),
    "google-duration": st.integers(0, 5).map("{}s".format),
    "any": st.none() | st.booleans() | TEXTS | st.dictionaries(st.text(max_size=5), TEXTS),
}
SCHEMATA_OF = {
    "trainingTaskInputs": "TrainingjobDefinitionAutoMlImageClassificationInputs",
    "parameters": "PredictParamsImageClassificationPredictionParams",
}
"""Of fields of any type."""
DEEPEST = 3
MOST_FIELDS = 3
"""Of a message; so that not every one has a field that the emulator refuses."""


def bodies(document: DiscoveryJudge, schema: str, depth: int = 0) -> st.SearchStrategy[Any]:
    """Messages of a schema with a few of its fields; none that are read-only."""
    described = document.schema(schema)["properties"]
    writable = [key for key, each in described.items() if not each.get("readOnly")]
    if not writable or depth == DEEPEST:
        return st.just({})
    return st.lists(st.sampled_from(writable), max_size=MOST_FIELDS, unique=True).flatmap(
        lambda keys: st.fixed_dictionaries(
            {
                key: bodies(document, f"{V1}Schema{SCHEMATA_OF[key]}", depth + 1)
                if key in SCHEMATA_OF
                else values(document, described[key], depth)
                for key in keys
            }
        )
    )


def values(
    document: DiscoveryJudge, described: Mapping[str, Any], depth: int
) -> st.SearchStrategy[Any]:
    """Values of a described type."""
    if "$ref" in described:
        return bodies(document, described["$ref"], depth + 1)
    kind = described["type"]
    if kind == "array":
        return st.lists(values(document, described["items"], depth), max_size=2)
    if kind == "object":
        inner = values(document, described["additionalProperties"], depth)
        return st.dictionaries(st.sampled_from("ab0") | st.text(max_size=5), inner, max_size=2)
    if "enum" in described:
        return st.sampled_from(described["enum"])
    return FORMATS[described.get("format", kind)]


def mixed(sound: Any, other: Any) -> Any:
    """A sound message in which some fields are as in another one."""
    if not isinstance(sound, dict) or not isinstance(other, dict):
        return other
    return {**sound, **{key: mixed(sound.get(key), value) for key, value in other.items()}}


class Stage:
    """Sound calls on live objects: a verb and a path, and a body."""

    def __init__(self, judge: Judge, calls: Mapping[tuple[str, str], dict[str, Any]]) -> None:
        self.judge = judge
        self.calls = calls


@pytest.fixture(scope="module")
def stage(judges: Callable[[float], Judge]) -> Stage:
    """One object of each kind, and the requests that it takes."""
    judge = judges(1_000_000.0)
    dataset = judge.dataset()
    model, endpoint = judge.model(dataset), judge.endpoint()
    deployed = {"model": model.name, "automaticResources": {"minReplicaCount": 1}}
    judge.deploy(endpoint, model)
    output = {"outputUriPrefix": "gs://bucket/o/"}
    source = {"gcsSource": {"uris": ["gs://bucket/flowers.csv"]}}
    calls: dict[tuple[str, str], dict[str, Any]] = {
        ("POST", f"{PARENT}/datasets"): {"displayName": "x", "metadataSchemaUri": IMAGES},
        ("PATCH", dataset.name): {"displayName": "x", "labels": {"a": "b"}},
        ("POST", f"{dataset.name}:import"): {
            "importConfigs": [{**source, "importSchemaUri": IMPORTS["single"]}]
        },
        ("POST", f"{dataset.name}:export"): {"exportConfig": {"gcsDestination": output}},
        ("POST", f"{PARENT}/trainingPipelines"): {
            "displayName": "x",
            "inputDataConfig": {"datasetId": number(dataset)},
            "trainingTaskDefinition": TASKS["single"],
            "trainingTaskInputs": INPUTS["single"],
            "modelToUpload": {"displayName": "x"},
        },
        ("PATCH", model.name): {"displayName": "x", "labels": {"a": "b"}},
        ("POST", f"{model.name}:export"): {
            "outputConfig": {"exportFormatId": "tflite", "artifactDestination": output}
        },
        ("POST", f"{PARENT}/endpoints"): {"displayName": "x"},
        ("PATCH", endpoint.name): {"displayName": "x"},
        ("POST", f"{endpoint.name}:deployModel"): {"deployedModel": deployed},
        ("POST", f"{endpoint.name}:undeployModel"): {"deployedModelId": "1"},
        ("POST", f"{endpoint.name}:predict"): {
            "instances": [{"content": base64.b64encode(png(1)).decode()}]
        },
    }
    return Stage(judge, calls)


@settings(max_examples=times(125, 750))
@given(data=st.data())
def test_answers_are_as_described(
    stage: Stage, document: DiscoveryJudge, data: st.DataObject
) -> None:
    verb, path = data.draw(st.sampled_from(list(stage.calls)))
    method = document.method(verb, f"/v1/{path}")
    assert method is not None
    other = data.draw(bodies(document, method["request"]["$ref"]))
    body = mixed(stage.calls[verb, path], other)
    recorder = stage.judge.recorder
    url = f"{recorder.url}{PREFIX}/v1/{path}"
    answer = stage.judge.http.request(verb, url, data=json.dumps(body), timeout=30)
    assert answer.status_code in SOUND, answer.text
    *_, exchange = recorder.take()
    found = document.findings(exchange)
    assert [each for each in found if ": answer" in each or each.endswith("is required")] == []


QUERIES = (
    *("filter", "orderBy", "pageSize", "pageToken", "readMask", "updateMask", "endpointId"),
    *("dataItemFilter", "annotationsFilter", "annotationFilters", "orderByDataItem", "fieldMask"),
)
FILTERS = st.text(max_size=30) | st.lists(
    st.sampled_from(
        [
            *("display_name", "labels", "labels.a", 'labels."a"', "state", "model", "done"),
            *("=", "!=", ":", "<", '"a"', "*", "a", "AND", "OR", "NOT", "(", ")", "-", " ", '"'),
        ]
    ),
    max_size=9,
).map("".join)


@settings(max_examples=times(50, 300))
@given(
    path=st.sampled_from(
        [
            *("datasets", "trainingPipelines", "models", "endpoints", "operations"),
            *("models/1/evaluations", "models/1/evaluations/2/slices", "datasets/1/operations"),
            *("datasets/1/dataItems", "datasets/1/dataItems/1/annotations"),
            "datasets/1:searchDataItems",
        ]
    ),
    query=st.dictionaries(st.sampled_from(QUERIES), FILTERS, max_size=2),
    name=st.text(min_size=1, max_size=20).filter(lambda text: text not in (".", "..")),
)
def test_queries_and_names(
    stage: Stage, document: DiscoveryJudge, path: str, query: dict[str, str], name: str
) -> None:
    recorder = stage.judge.recorder
    url = f"{recorder.url}{PREFIX}/v1/{PARENT}/{path}"
    encodable = {key: value.encode(errors="replace") for key, value in query.items()}
    quoted = quote(name.encode(errors="replace"), safe="")
    for target in (url, f"{url}/{quoted}"):
        answer = stage.judge.http.get(target, params=encodable, timeout=30)
        assert answer.status_code in SOUND, answer.text
    listed, *_ = recorder.take()
    assert [each for each in document.findings(listed) if ": answer" in each] == []
