"""The judge made of the discovery document: it lets pass what is sound, and finds what is not."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest

from tests.contract_vertex.conftest import IMAGES, PARENT, SCHEMATA, TASKS, Judge
from tests.contract_vertex.discovery import DiscoveryJudge, Exchange
from tests.contract_vertex.recorder import PREFIX

TYPES = "type.googleapis.com/google.cloud.aiplatform.v1."
NOW = "2026-11-24T01:02:03.000004Z"
INT_ENUMS = ("$alt", "json;enum-encoding=int")
DATASET = {"displayName": "x", "metadataSchemaUri": IMAGES, "metadata": {}}
PIPELINE = {
    "displayName": "x",
    "inputDataConfig": {"datasetId": "1", "fractionSplit": {"trainingFraction": 0.8}},
    "trainingTaskDefinition": TASKS["single"],
    "trainingTaskInputs": {"modelType": "CLOUD", "budgetMilliNodeHours": "8000"},
    "modelToUpload": {"displayName": "x", "labels": {"a": "b"}},
}
WITH_A_NUMBER = {"modelType": "CLOUD", "budgetMilliNodeHours": 8000.0}
METADATA = {"genericMetadata": {"createTime": NOW, "updateTime": NOW}}
OPERATION = {
    "name": "o",
    "metadata": {"@type": f"{TYPES}CreateDatasetOperationMetadata", **METADATA},
    "done": True,
    "response": {"@type": f"{TYPES}Dataset", "name": "d", "dataItemCount": "12"},
}
EVALUATION = {
    "metricsSchemaUri": f"{SCHEMATA}/modelevaluation/classification_metrics_1.0.0.yaml",
    "metrics": {"auPrc": 1, "confidenceMetrics": [{"maxPredictions": 5, "recall": 0.5}]},
}
LABELS = {"ids": ["1"], "displayNames": ["a"], "confidences": [0.5]}
BOXES = {**LABELS, "bboxes": [[0, 1, 0, 1]]}
FAILURE = {"error": {"code": 404, "message": "m", "status": "NOT_FOUND", "details": []}}


def said(
    call: str,
    body: object = None,
    answer: object = None,
    query: Sequence[tuple[str, str]] = (),
    status: int = 200,
) -> Exchange:
    """An exchange; the call is a verb and a path below the location."""
    verb, _, path = call.partition(" ")
    return Exchange(
        verb,
        f"/v1/{PARENT}/{path}",
        query,
        b"" if body is None else json.dumps(body).encode(),
        status,
        json.dumps({} if answer is None else answer).encode(),
    )


SOUND = [
    said("POST datasets", DATASET, OPERATION),
    said("POST datasets", DATASET, {"name": "o", "metadata": OPERATION["metadata"]}, [INT_ENUMS]),
    said("GET datasets", None, {"datasets": [DATASET]}, [("pageSize", "5"), ("filter", "x")]),
    said("GET datasets/1", None, DATASET, [("readMask", "displayName,labels")]),
    said("PATCH datasets/1", {"labels": {}}, DATASET, [("updateMask", "labels")]),
    said("DELETE datasets/1", None, {"name": "o", "response": {"@type": f"{TYPES}Dataset"}}),
    said("GET datasets/1/operations/2", None, OPERATION),
    said("POST operations/2:wait", None, OPERATION, [("timeout", "1.5s")]),
    said("POST operations/2:cancel", {}),
    said("POST trainingPipelines", PIPELINE, {**PIPELINE, "state": "PIPELINE_STATE_RUNNING"}),
    said("POST trainingPipelines", {**PIPELINE, "trainingTaskInputs": WITH_A_NUMBER}, PIPELINE),
    said("GET trainingPipelines/1", None, {**PIPELINE, "state": 3}, [INT_ENUMS]),
    said("GET models/1@2/evaluations/2", None, EVALUATION),
    said("GET models/1/evaluations/2/slices", None, {"modelEvaluationSlices": [EVALUATION]}),
    said(
        "POST endpoints/1:predict",
        {"instances": [{"content": "AAAA"}], "parameters": {"maxPredictions": 5.0}},
        {"predictions": [LABELS, BOXES], "deployedModelId": "1"},
    ),
    said("GET datasets/1", None, FAILURE, status=404),
    said("POST datasets", {}, {"error": {**FAILURE["error"], "code": 400}}, status=400),
]


@pytest.mark.parametrize("exchange", SOUND, ids=lambda each: each.path.rpartition(PARENT)[2])
def test_what_is_sound_passes(document: DiscoveryJudge, exchange: Exchange) -> None:
    assert document.findings(exchange) == []


def changed(message: Any, path: str, value: object) -> Any:
    """The message with another value at a path, such as `a.0.b`."""
    copy = json.loads(json.dumps(message))
    *way, last = path.split(".")
    at = copy
    for each in way:
        at = at[int(each)] if isinstance(at, list) else at[each]
    at[int(last) if isinstance(at, list) else last] = value
    return copy


@pytest.mark.parametrize(
    ("path", "value", "finds"),
    [
        ("colour", "red", "request.colour: TrainingPipeline has no such field"),
        ("display_name", "x", "request.display_name: TrainingPipeline has no such field"),
        ("displayName", 5, "request.displayName: 5 is no string"),
        ("displayName", None, "request.displayName: null is no string"),
        ("displayName", "", "request.displayName: it is required"),
        ("name", "x", "request.name: it is read-only and may not be sent"),
        ("state", 3, "request.state: it is read-only and may not be sent"),
        ("labels", {"a": 1}, "request.labels.a: 1 is no string"),
        ("labels", ["a"], 'request.labels: ["a"] is no object'),
        ("inputDataConfig.datasetId", 1, "request.inputDataConfig.datasetId: 1 is no string"),
        ("inputDataConfig.colour", "red", "colour: InputDataConfig has no such field"),
        ("inputDataConfig.fractionSplit.trainingFraction", "all", '"all" is no double'),
        ("inputDataConfig.fractionSplit.trainingFraction", True, "true is no double"),
        ("modelToUpload.createTime", NOW, "createTime: it is read-only and may not be sent"),
        ("modelToUpload", "x", 'request.modelToUpload: "x" is no object'),
        ("trainingTaskInputs.budgetMilliNodeHours", 8000.5, "8000.5 is no int64"),
        ("trainingTaskInputs.budgetMilliNodeHours", str(2**63), f'"{2**63}" is no int64'),
        ("trainingTaskInputs.modelType", "HUGE", '"HUGE" is none of its values'),
        ("trainingTaskInputs.modelType", 1.5, "1.5 is none of its values"),
        ("trainingTaskInputs.multiLabel", "true", '"true" is no boolean'),
        ("trainingTaskInputs.colour", "red", "ImageClassificationInputs has no such field"),
        ("trainingTaskDefinition", "gs://x", "names no schema for trainingTaskInputs"),
    ],
)
def test_requests_in_which_something_is_found(
    document: DiscoveryJudge, path: str, value: object, finds: str
) -> None:
    body = changed(PIPELINE, path, value)
    found = document.findings(said("POST trainingPipelines", body, PIPELINE, [INT_ENUMS]))
    assert any(each.startswith("trainingPipelines.create: request") for each in found)
    assert any(each.endswith(finds) for each in found), found


@pytest.mark.parametrize(
    ("call", "message", "path", "value", "finds"),
    [
        ("GET datasets/1", DATASET, "colour", "red", "colour: Dataset has no such field"),
        ("GET datasets/1", DATASET, "dataItemCount", 12, "dataItemCount: 12 is no int64"),
        ("GET datasets/1", DATASET, "createTime", "now", '"now" is no google-datetime'),
        ("GET datasets/1", DATASET, "metadata", {"a": 1}, "ImageDatasetMetadata has no such field"),
        ("GET datasets", {"datasets": {}}, "datasets", {}, "answer.datasets: {} is no list"),
        (
            "GET datasets",
            {"datasets": [DATASET]},
            "datasets.0.etag",
            1,
            "datasets[0].etag: 1 is no",
        ),
        ("GET operations/1", OPERATION, "done", "yes", 'answer.done: "yes" is no boolean'),
        ("GET operations/1", OPERATION, "metadata.@type", "x", '"x" is no type of the document\'s'),
        (
            "GET operations/1",
            OPERATION,
            "metadata.colour",
            1,
            "OperationMetadata has no such field",
        ),
        ("GET operations/1", OPERATION, "response", {}, "null is no type of the document's"),
        ("GET operations/1", OPERATION, "response.colour", 1, "Dataset has no such field"),
        ("GET trainingPipelines/1", PIPELINE, "state", 3, "answer.state: 3 is none of its values"),
        (
            "GET trainingPipelines/1",
            PIPELINE,
            "state",
            "RUNNING",
            '"RUNNING" is none of its values',
        ),
        (
            "GET trainingPipelines/1",
            PIPELINE,
            "trainingTaskInputs.budgetMilliNodeHours",
            8000,
            "answer.trainingTaskInputs.budgetMilliNodeHours: 8000 is no int64",
        ),
        ("GET models/1/evaluations/2", EVALUATION, "metrics.auPrc", "x", 'auPrc: "x" is no float'),
        ("GET models/1/evaluations/2", EVALUATION, "metrics.auROC", 1, "Metrics has no such field"),
        ("GET models/1/evaluations/2", EVALUATION, "metricsSchemaUri", "", "no schema for metrics"),
        (
            "POST endpoints/1:predict",
            {"predictions": [LABELS]},
            "predictions.0.ids",
            1,
            "is no list",
        ),
        (
            "POST endpoints/1:predict",
            {"predictions": [BOXES]},
            "predictions.0.masks",
            [],
            "ImageObjectDetectionPredictionResult has no such field",
        ),
    ],
)
def test_answers_in_which_something_is_found(
    document: DiscoveryJudge, call: str, message: Any, path: str, value: object, finds: str
) -> None:
    body = {"instances": [{"content": "AAAA"}]} if call.startswith("POST") else None
    [found] = document.findings(said(call, body, changed(message, path, value)))
    assert found.partition(": ")[2].startswith("answer")
    assert finds in found


@pytest.mark.parametrize(
    ("exchange", "finds"),
    [
        (said("GET flowers"), "there is no such method"),
        (said("PUT datasets/1"), "there is no such method"),
        (said("POST datasets/1:colour"), "there is no such method"),
        (said("GET datasets", query=[("colour", "red")]), "?colour: there is no such parameter"),
        (said("GET datasets", query=[("page_size", "1")]), "?page_size: there is no such"),
        (said("GET datasets", query=[("pageSize", "many")]), "?pageSize: no JSON is no int32"),
        (said("GET datasets", query=[("filter", "")] * 2), "?filter: it is given twice"),
        (said("GET datasets/1", query=[("readMask", "colour")]), "there is no field colour"),
        (said("PATCH datasets/1", {}, query=[("updateMask", "display_name")]), "no google-fieldma"),
        (said("PATCH datasets/1", {}, query=[("updateMask", "createTime")]), "createTime is read"),
        (said("POST operations/1:wait", query=[("timeout", "5")]), '"5" is no google-duration'),
        (said("GET datasets", {"pageSize": 1}), "request: the method takes no body"),
        (said("POST endpoints/1:predict", {"instances": [{"image": "x"}]}), "has no such field"),
        (said("POST endpoints/1:predict", {}), "request.instances: it is required"),
        (said("GET datasets", answer=[]), "answer: [] is no object"),
        (said("GET datasets", status=202), "the status 202 is none of Google's APIs"),
        (said("GET datasets", status=404), "it is no error's envelope"),
        (said("GET datasets", answer=FAILURE, status=400), "is not how Google's APIs write"),
        (
            said("GET datasets", answer=changed(FAILURE, "error.status", "LOST"), status=404),
            '"LOST" is none of its values',
        ),
        (
            said("GET datasets", answer=changed(FAILURE, "error.colour", "red"), status=404),
            "is not how Google's APIs write an error",
        ),
    ],
    ids=lambda each: each.path.rpartition(PARENT)[2] if isinstance(each, Exchange) else "",
)
def test_calls_in_which_something_is_found(
    document: DiscoveryJudge, exchange: Exchange, finds: str
) -> None:
    [found] = document.findings(exchange)
    assert finds in found


def test_an_answer_that_is_no_json(document: DiscoveryJudge) -> None:
    for content in (b"", b"<html>", b'{"datasets": [}', b'{"nextPageToken": NaN}'):
        exchange = Exchange("GET", f"/v1/{PARENT}/datasets", (), b"", 200, content)
        assert document.findings(exchange) == ["datasets.list: answer: no JSON is no object"]


def test_what_passes_the_recorder_is_judged(judge: Judge, document: DiscoveryJudge) -> None:
    url = f"{judge.recorder.url}{PREFIX}/v1/{PARENT}/datasets"
    body = {"displayName": "x", "metadataSchemaUri": IMAGES, "name": "d", "colour": "red"}
    answer = judge.http.post(url, json=body, timeout=30)
    assert answer.status_code == 400
    [exchange] = judge.recorder.take()
    assert (exchange.status, exchange.answer) == (400, answer.content)
    assert document.findings(exchange) == [
        "datasets.create: request.name: it is read-only and may not be sent",
        "datasets.create: request.colour: Dataset has no such field",
    ]


def test_the_recorder_changes_nothing(judge: Judge) -> None:
    path = f"{PREFIX}/v1/{PARENT}/datasets?pageSize=1&filter=display_name%3D%22a+b%22"
    direct = judge.http.get(judge.emulator.url + path, timeout=30)
    recorded = judge.http.get(judge.recorder.url + path, timeout=30)
    assert (recorded.status_code, recorded.content) == (direct.status_code, direct.content)
    assert recorded.headers["Content-Type"] == direct.headers["Content-Type"]
    [exchange] = judge.recorder.take()
    assert exchange.query == [("pageSize", "1"), ("filter", 'display_name="a b"')]
