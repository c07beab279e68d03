"""AutoML v1's JSON in our words: published samples, and whatever else may come."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from automl_plan.model.address import dataset_address, model_address
from automl_plan.model.desired import DesiredDataset, DesiredModel
from automl_plan.model.live import LiveModel, Operation, OperationError, OperationKind
from automl_plan.model.model_types import ClassificationType, Problem
from automl_plan.model.ownership_labels import VERSION, version_in
from automl_plan.providers.google.automl.wire import (
    dataset,
    dataset_body,
    deploy_body,
    evaluations,
    import_body,
    model,
    model_body,
    operation,
)
from automl_plan.providers.google.json_fields import integer
from automl_plan.providers.google.vertex.vocabulary import trained_with

SAMPLES = Path(__file__).parent / "samples"
IC, OD = Problem.IMAGE_CLASSIFICATION, Problem.IMAGE_OBJECT_DETECTION


def sample(name: str) -> Any:
    return json.loads((SAMPLES / f"{name}.json").read_text())


OPERATIONS = {
    "01-operation-import-done": Operation(
        id="operation-id",
        kind=OperationKind.IMPORT_DATA,
        done=True,
        create_time="2018-10-29T15:56:29.176485Z",
        update_time="2018-10-29T16:10:41.326614Z",
    ),
    "02-operation-create-model-done": Operation(
        id="operation-id",
        kind=OperationKind.CREATE_MODEL,
        done=True,
        create_time="2019-07-22T18:35:06.881193Z",
        update_time="2019-07-22T19:58:44.972235Z",
        result_id="model-id",
    ),
    "08-operation-create-model-running": Operation(
        id="ICN3074819451447672458",
        kind=OperationKind.CREATE_MODEL,
        done=False,
        create_time="2019-07-26T21:10:18.338846Z",
        update_time="2019-07-26T21:10:18.338846Z",
    ),
    "12-operation-undeploy-running": Operation(
        id="operation-id",
        kind=OperationKind.UNKNOWN,  # the excerpt ends before its details
        done=False,
        create_time="2019-08-07T22:19:50.828033Z",
    ),
    "13-operation-import-running-v1beta1": Operation(
        id="ICN4381834005401348320",
        kind=OperationKind.IMPORT_DATA,
        done=False,
        create_time="2019-03-03T16:14:37.524989Z",
        update_time="2019-03-03T16:14:37.525009Z",
    ),
    "15-operation-import-done-od-v1beta1": Operation(
        id="IOD1555149246326374411", kind=OperationKind.IMPORT_DATA, done=True
    ),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_sample_operations(name: str) -> None:
    assert operation(sample(name)) == OPERATIONS[name]


def test_a_sample_model() -> None:
    """Its budget is in wall hours, on the 8 nodes that a cloud model is trained on."""
    assert model(sample("03-model-get-ic")) == LiveModel(
        id="model-id",
        display_name="display-name",
        dataset_id="dataset-id",
        problem=IC,
        model_type="cloud",
        train_budget_milli_node_hours=8000,
        node_qps=3.2,
        create_time="2019-10-29T19:06:38.048492Z",
        expires=datetime(2021, 4, 29, 19, 6, 38, 48492, UTC),
        update_time="2019-10-29T19:35:19.104716Z",
    )


def test_a_sample_list_of_models() -> None:
    found = [model(m) for m in sample("09-models-list-ic")["model"]]
    assert [(m.id, m.display_name, m.model_type, m.deployed) for m in found] == [
        ("model-id-1", "display-name-1", "mobile-low-latency-1", False)
    ]
    assert found[0].train_budget_milli_node_hours == 1000


@pytest.mark.parametrize(
    ("metadata", "milli_node_hours"),
    [
        ({"trainBudget": "2"}, 16_000),
        ({"trainBudget": 2, "modelType": "mobile-versatile-1"}, 2_000),
        ({"trainBudget": "2", "trainBudgetMilliNodeHours": "9000"}, 9_000),
        ({"trainBudget": "2", "modelType": "of-tomorrow-1"}, None),
        ({}, None),
    ],
)
def test_a_budget_in_hours(metadata: dict[str, Any], milli_node_hours: int | None) -> None:
    found = model({"imageClassificationModelMetadata": metadata})
    assert found.train_budget_milli_node_hours == milli_node_hours


def test_a_sample_evaluation() -> None:
    (found,) = evaluations([sample("25-model-evaluation-overall-tables")])
    assert (found.id, found.label, found.example_count) == ("18011", None, 1013)
    assert (found.au_prc, found.au_roc, found.log_loss) == (0.99498594, 0.99749845, 0.01784837)
    assert found.thresholds == (), "these entries count the best prediction only"
    assert found.confusion is not None
    assert found.confusion.labels == ("RED", "BLUE", "GREEN")
    assert found.confusion.rows == ((519, 2, 0), (3, 75, 0), (0, 0, 414))


def test_sample_evaluations_of_other_kinds() -> None:
    found = evaluations(sample("27-model-evaluations-list-tables")["modelEvaluation"])
    assert [(e.id, e.example_count, e.au_prc) for e in found] == [
        ("68066093", 418, None),
        ("852167724", 418, None),
    ]


def test_sample_texts_of_failures() -> None:
    texts = sample("36-operation-failed-import")
    failed = operation(
        {"name": "a/operations/1", "done": True, "error": texts["createModel LRO error"]}
    )
    assert failed.error == OperationError(13, "INTERNAL")
    rows = [
        {"code": 3, "message": m}
        for m in sample("21-import-partial-failure-text")["partialFailureMessages"]
    ]
    warned = operation({"metadata": {"importDataDetails": {}, "partialFailures": rows}})
    assert len(warned.partial_failures) == 1
    assert warned.partial_failures[0].endswith("line 4023: The label is already a ground truth.")


ELSEWHERE = {OperationKind.CREATE_ENDPOINT}
"""Kinds that AutoML v1 has not."""


@pytest.mark.parametrize("kind", sorted(set(OperationKind) - ELSEWHERE))
def test_operation_kinds_by_the_key_that_is_there(kind: OperationKind) -> None:
    words = str(kind).split("-")
    key = words[0] + "".join(w.capitalize() for w in words[1:]) + "Details"
    assert operation({"metadata": {key: {}}}).kind is kind


def test_a_dataset() -> None:
    answer = {
        "name": "projects/1042742261124/locations/us-central1/datasets/ICN7",
        "displayName": "flowers",
        "description": "d",
        "exampleCount": 3667,
        "createTime": "2020-01-01T00:00:00.000001Z",
        "etag": "AB3BwF",
        "labels": {"team": "vision", "empty": "", "goog-managed": "1"},
        "imageClassificationDatasetMetadata": {"classificationType": "MULTILABEL"},
        "newField": {"a": [1]},
    }
    found = dataset(answer)
    assert (found.id, found.problem, found.example_count) == ("ICN7", IC, 3667)
    assert found.classification_type is ClassificationType.MULTILABEL
    assert found.labels == {"team": "vision", "empty": ""}
    assert found.extra == {"newField": {"a": [1]}}


@pytest.mark.parametrize("value", ["MULTICLASS", 1])
def test_enums_are_names_or_numbers(value: object) -> None:
    found = dataset({"imageClassificationDatasetMetadata": {"classificationType": value}})
    assert found.classification_type is ClassificationType.MULTICLASS
    assert model({"deploymentState": "DEPLOYED"}).deployed
    assert model({"deploymentState": 1}).deployed
    assert not model({"deploymentState": 2}).deployed
    assert not model({}).deployed


def test_an_empty_object_tells_the_kind() -> None:
    assert dataset({"imageObjectDetectionDatasetMetadata": {}}).problem is OD
    assert model({"imageObjectDetectionModelMetadata": {}}).problem is OD


@pytest.mark.parametrize("key", ["textClassificationDatasetMetadata", "tablesDatasetMetadata"])
def test_kinds_that_are_not_ours(key: str) -> None:
    found = dataset({"name": "a/datasets/TCN1", key: {"x": 1}})
    assert found.problem is None
    assert found.extra == {key: {"x": 1}}


@pytest.mark.parametrize("encode", [str, int])
def test_an_int64_is_text_or_a_number(encode: Any) -> None:
    metadata = {
        "trainBudgetMilliNodeHours": encode(8000),
        "trainCostMilliNodeHours": encode(7000),
        "nodeCount": encode(2),
    }
    found = model({"imageClassificationModelMetadata": metadata})
    assert found.train_budget_milli_node_hours == 8000
    assert found.train_cost_milli_node_hours == 7000
    assert found.node_count == 2


@pytest.mark.parametrize(
    "value",
    ["1_0", " 5", "٣", "9" * 5_000, "9" * 19, 10**19, -(10**30), "", "1e3", "0x10", 1e30, 0.5],
)
def test_what_is_no_int64_is_not_taken_for_one(value: object) -> None:
    assert integer(value) is None


@given(st.integers(-(2**63), 2**63 - 1))
def test_an_int64_is_read_exactly(value: int) -> None:
    assert integer(value) == integer(str(value)) == value
    assert trained_with(f"multilabel_cloud_{value}")[2] == (value if value >= 0 else None)


@given(st.text())
@example("multilabel_cloud_" + "9" * 5_000)
@example("multilabel_cloud_٣")
def test_any_label_of_a_training_can_be_read(value: str) -> None:
    _, _, budget = trained_with(value)
    assert budget is None or 0 <= budget < 2**63


def test_an_evaluation_of_classification() -> None:
    entry = {"confidenceThreshold": 0.5, "positionThreshold": 2147483647, "precision": 1.0}
    top_one = {"confidenceThreshold": 0.5, "positionThreshold": 1, "precision": 0.2}
    counts = {"truePositiveCount": "7", "falseNegativeCount": 3, "recall": 0.7, "f1Score": 0.8}
    metrics = {
        "auPrc": 0.9,
        "confidenceMetricsEntry": [entry | counts, top_one, {"positionThreshold": 2147483647}],
    }
    answers: list[dict[str, Any]] = [
        {"name": "m/modelEvaluations/3", "annotationSpecId": "9", "displayName": "rose"},
        {"name": "m/modelEvaluations/2", "annotationSpecId": "8"},
        {"name": "m/modelEvaluations/1", "classificationEvaluationMetrics": metrics},
    ]
    overall, by_id, rose = evaluations(answers)
    assert (overall.label, by_id.label, rose.label) == (None, "8", "rose")
    half, untold = overall.thresholds
    assert (untold.threshold, untold.precision, untold.true_positives) == (None, None, None)
    assert (half.precision, half.recall, half.true_positives, half.false_negatives) == (
        1,
        0.7,
        7,
        3,
    )


def test_an_evaluation_of_detection() -> None:
    def at(iou: float) -> dict[str, Any]:
        entries = [{"confidenceThreshold": 0.9, "recall": iou}, {"recall": 1.0}]
        return {"iouThreshold": iou, "confidenceMetricsEntries": entries}

    metrics = {
        "boundingBoxMeanAveragePrecision": 0.3,
        "boundingBoxMetricsEntries": [at(0.05), at(0.5), at(0.95)],
    }
    (found,) = evaluations([{"imageObjectDetectionEvaluationMetrics": metrics}])
    assert (found.au_prc, found.mean_average_precision) == (None, 0.3)
    assert [(t.threshold, t.recall) for t in found.thresholds] == [(0.9, 0.5), (None, 1.0)]


def test_a_confusion_matrix_that_is_not_square_is_not_shown() -> None:
    matrix = {"displayName": ["a", "b"], "row": [{"exampleCount": [1, 2]}, {"exampleCount": [3]}]}
    (found,) = evaluations([{"classificationEvaluationMetrics": {"confusionMatrix": matrix}}])
    assert found.confusion is None


KEYS = st.sampled_from(
    [
        *("name", "displayName", "labels", "exampleCount", "etag", "datasetId", "nodeQps"),
        *("imageClassificationDatasetMetadata", "imageClassificationModelMetadata"),
        *("classificationType", "deploymentState", "nodeCount", "trainBudgetMilliNodeHours"),
        *("metadata", "error", "done", "response", "code", "message", "importDataDetails"),
        *("partialFailures", "classificationEvaluationMetrics", "confidenceMetricsEntry"),
        *("confidenceThreshold", "positionThreshold", "confusionMatrix", "row", "auPrc"),
        *("imageObjectDetectionEvaluationMetrics", "boundingBoxMetricsEntries", "unheardOf"),
        *("iouThreshold", "confidenceMetricsEntries"),
    ]
)
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.just(10**400)
    | st.floats()
    | st.sampled_from(["", "a/b", "7", "NaN"])
    | st.text(max_size=3)
)
ANY = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=6)
)


@given(st.dictionaries(KEYS, ANY, max_size=10))
def test_any_object_can_be_read(answer: dict[str, Any]) -> None:
    found = dataset(answer)
    assert set(found.extra) <= set(answer)
    assert isinstance(found.id, str)
    assert model(answer).id == operation(answer).id == found.id
    evaluations([answer])


def desired_dataset(**changed: Any) -> DesiredDataset:
    values: dict[str, Any] = {
        "address": dataset_address("d"),
        "display_name": "flowers",
        "problem": IC,
        "classification_type": ClassificationType.MULTICLASS,
    }
    return DesiredDataset(**{**values, **changed})


def test_the_body_of_a_dataset() -> None:
    body = dataset_body(desired_dataset(labels={"team": "v"}), {"automl-plan-token": "t"})
    assert body == {
        "displayName": "flowers",
        "labels": {"team": "v", "automl-plan-token": "t"},
        "imageClassificationDatasetMetadata": {"classificationType": "MULTICLASS"},
    }
    detection = desired_dataset(problem=OD, classification_type=None, description="boxes")
    assert dataset_body(detection, {}) == {
        "displayName": "flowers",
        "description": "boxes",
        "labels": {},
        "imageObjectDetectionDatasetMetadata": {},
    }


def test_the_body_of_a_model() -> None:
    desired = DesiredModel(
        address=model_address("m"),
        display_name="flowers",
        dataset=dataset_address("d"),
        problem=IC,
        model_type="cloud",
        train_budget_milli_node_hours=8000,
        base_model_id="ICN1",
        labels={"team": "v"},
    )
    assert model_body(desired, "ICN2", {"automl-plan-token": "t"}) == {
        "displayName": "flowers",
        "datasetId": "ICN2",
        "labels": {"team": "v", "automl-plan-token": "t"},
        "imageClassificationModelMetadata": {
            "modelType": "cloud",
            "trainBudgetMilliNodeHours": "8000",
            "baseModelId": "ICN1",
        },
    }


def test_other_bodies() -> None:
    uris = ["gs://bucket/path/file.csv"]
    assert import_body(uris) == {"inputConfig": {"gcsSource": {"inputUris": uris}}}
    assert deploy_body(IC, 2) == {"imageClassificationModelDeploymentMetadata": {"nodeCount": "2"}}
    assert deploy_body(OD, 1) == {"imageObjectDetectionModelDeploymentMetadata": {"nodeCount": "1"}}


@given(st.text() | st.from_regex(r"[0-9_+\- ]{1,70}", fullmatch=True) | st.just("9" * 5_000))
@example("1")
@example("007")
@example("٣")
def test_the_number_of_a_version_is_one_that_a_state_may_hold(text: str) -> None:
    """Labels are edited by anybody; what is taken from them is written to the state."""
    number = version_in({VERSION: text})
    assert number is None or (str(number) == text and 0 < number < 2**31)
    assert version_in({}) is None
