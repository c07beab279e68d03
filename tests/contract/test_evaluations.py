"""modelEvaluations.*, models.predict and models.batchPredict, driven by Google's own client."""

import json
from typing import Any

import pytest
from google.api_core import exceptions
from google.cloud import automl_v1

from tests.contract.conftest import LABELS, PARENT, Judge, png

THRESHOLDS = [*(number / 100 for number in range(0, 100, 5)), 0.96, 0.97, 0.98, 0.99]


def test_one_overall_and_one_for_each_label(judge: Judge) -> None:
    model = judge.model(judge.dataset())
    found = list(judge.automl.list_model_evaluations(parent=model.name, filter=""))
    assert [each.display_name for each in found] == ["", *LABELS]
    overall, *labelled = found
    assert overall.annotation_spec_id == ""
    assert len({each.annotation_spec_id for each in labelled}) == len(LABELS)
    for each in found:
        metrics = each.classification_evaluation_metrics
        assert 0 < metrics.au_prc <= 1
        thresholds = [entry.confidence_threshold for entry in metrics.confidence_metrics_entry]
        assert thresholds == pytest.approx(THRESHOLDS)
        assert not any(entry.true_positive_count for entry in metrics.confidence_metrics_entry)
        assert judge.automl.get_model_evaluation(name=each.name) == each


def test_the_confusion_matrix_is_overall_only(judge: Judge) -> None:
    model = judge.model(judge.dataset())
    overall, *labelled = judge.automl.list_model_evaluations(parent=model.name, filter="")
    matrix = overall.classification_evaluation_metrics.confusion_matrix
    assert list(matrix.display_name) == list(LABELS)
    assert [len(row.example_count) for row in matrix.row] == [len(LABELS)] * len(LABELS)
    ids = list(matrix.annotation_spec_id)
    assert ids == [each.annotation_spec_id for each in labelled]
    for each in labelled:
        metrics = each.classification_evaluation_metrics
        assert "confusion_matrix" not in metrics
        assert list(metrics.annotation_spec_id) == [each.annotation_spec_id]


def test_filters_and_pages(judge: Judge) -> None:
    model = judge.model(judge.dataset())

    def labels(query: str) -> list[str]:
        request = {"parent": model.name, "filter": query, "page_size": 2}
        return [each.display_name for each in judge.automl.list_model_evaluations(request=request)]

    every = list(judge.automl.list_model_evaluations(parent=model.name, filter=""))
    rose = next(each for each in every if each.display_name == "rose").annotation_spec_id
    assert labels("") == ["", *LABELS]
    assert labels("NOT annotation_spec_id:*") == [""]
    assert labels("annotation_spec_id:*") == list(LABELS)
    assert labels(f"annotation_spec_id={rose}") == ["rose"]
    assert labels(f"annotationSpecId!={rose}") == ["", "daisy", "tulip"]


def test_a_dash_lists_those_of_all_models(judge: Judge) -> None:
    dataset = judge.dataset()
    models = [judge.model(dataset, name).name for name in ("a", "b")]
    request = {"parent": f"{PARENT}/models/-", "filter": "NOT annotation_spec_id:*"}
    found = judge.automl.list_model_evaluations(request=request)
    owners = {each.name.partition("/modelEvaluations/")[0] for each in found}
    assert owners >= set(models)


def test_object_detection(judge: Judge) -> None:
    model = judge.model(judge.dataset("cars", detection=True))
    overall = next(iter(judge.automl.list_model_evaluations(parent=model.name, filter="")))
    metrics = overall.image_object_detection_evaluation_metrics
    assert metrics.evaluated_bounding_box_count > 0
    assert 0 < metrics.bounding_box_mean_average_precision <= 1
    assert metrics.bounding_box_metrics_entries
    assert metrics.bounding_box_metrics_entries[0].confidence_metrics_entries


def test_an_unknown_evaluation(judge: Judge) -> None:
    name = judge.model(judge.dataset()).name
    with pytest.raises(exceptions.NotFound, match="evaluation"):
        judge.automl.get_model_evaluation(name=f"{name}/modelEvaluations/123")


def test_predict(judge: Judge) -> None:
    model = judge.model(judge.dataset())
    payload = {"image": {"image_bytes": png(1)}}
    with pytest.raises(exceptions.BadRequest, match="not deployed"):
        judge.prediction.predict(name=model.name, payload=payload)
    judge.result(judge.automl.deploy_model(name=model.name))

    request = {"name": model.name, "payload": payload}
    every = judge.prediction.predict(request={**request, "params": {"score_threshold": "0"}})
    assert {each.display_name for each in every.payload} == set(LABELS)
    assert every.metadata == {"simulated": "true"}
    scores = [each.classification.score for each in every.payload]
    assert scores == sorted(scores, reverse=True)
    evaluations = judge.automl.list_model_evaluations(parent=model.name, filter="")
    ids = {each.display_name: each.annotation_spec_id for each in evaluations}
    assert all(ids[each.display_name] == each.annotation_spec_id for each in every.payload)

    default = judge.prediction.predict(request=request)
    assert all(each.classification.score >= 0.5 for each in default.payload)
    none = judge.prediction.predict(request={**request, "params": {"score_threshold": "1"}})
    assert [each for each in none.payload if each.classification.score < 1] == []


def test_predict_boxes(judge: Judge) -> None:
    model = judge.model(judge.dataset("cars", detection=True))
    judge.result(judge.automl.deploy_model(name=model.name))
    params = {"score_threshold": "0", "max_bounding_box_count": "1"}
    answer = judge.prediction.predict(
        name=model.name, payload={"image": {"image_bytes": png(1)}}, params=params
    )
    [found] = answer.payload
    assert len(found.image_object_detection.bounding_box.normalized_vertices) == 2


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({}, "List of found errors:\t1.Field: payload.payload; Message: Required field not set.\t"),
        ({"payload": {"image": {}}}, "image_bytes"),
        ({"payload": {"image": {"imageBytes": "a"}}}, "Base64"),
        (
            {"payload": {"image": {"imageBytes": "AAAA"}}, "params": {"score_threshold": "2"}},
            "score_threshold",
        ),
    ],
)
def test_what_predict_refuses(judge: Judge, body: dict[str, object], says: str) -> None:
    model = judge.model(judge.dataset())
    judge.result(judge.automl.deploy_model(name=model.name))
    answer = judge.post(f"{model.name}:predict", body)
    assert answer.status_code == 400
    assert says in answer.json()["error"]["message"]


BATCH = {
    "input_config": {"gcs_source": {"input_uris": ["gs://bucket/list.csv"]}},
    "output_config": {"gcs_destination": {"output_uri_prefix": "gs://bucket/answers/"}},
}


@pytest.mark.parametrize("name", ["list.csv", "list.jsonl"])
def test_a_list_of_images_is_predicted_by_a_model_that_is_not_deployed(
    judge: Judge, name: str
) -> None:
    model = judge.model(judge.dataset(), name="listed")
    uris = ["gs://bucket/0.png", "gs://bucket/11.png"]
    lines = uris if name.endswith("csv") else [json.dumps({"content": uri}) for uri in uris]
    (judge.emulator.bucket_root / "bucket" / name).write_text("\n".join(lines))
    source = {"gcs_source": {"input_uris": [f"gs://bucket/{name}"]}}
    operation = judge.prediction.batch_predict(
        name=model.name, params={"score_threshold": "0"}, **{**BATCH, "input_config": source}
    )
    result = judge.result(operation)
    assert isinstance(result, automl_v1.BatchPredictResult)
    assert result.metadata == {"simulated": "true"}
    details = operation.metadata.batch_predict_details
    assert list(details.input_config.gcs_source.input_uris) == [f"gs://bucket/{name}"]
    folder = details.output_info.gcs_output_directory
    assert folder.startswith("gs://bucket/answers/prediction-listed-")
    path = judge.emulator.bucket_root / folder.removeprefix("gs://")
    assert [each.name for each in path.iterdir()] == ["image_classification_1.jsonl"]
    found = [
        json.loads(line)
        for line in (path / "image_classification_1.jsonl").read_text().splitlines()
    ]
    assert [each["ID"] for each in found] == uris
    for each in found:
        payload = [
            automl_v1.AnnotationPayload.from_json(json.dumps(a)) for a in each["annotations"]
        ]
        assert {annotation.display_name for annotation in payload} == set(LABELS)
        assert sum(annotation.classification.score for annotation in payload) > 0.9


@pytest.mark.parametrize(
    "change",
    [
        {"input_config": {}},
        {"output_config": {}},
        {"input_config": {"gcs_source": {"input_uris": ["list.csv"]}}},
        {"output_config": {"gcs_destination": {"output_uri_prefix": "answers"}}},
        {"params": {"score_threshold": "2"}},
    ],
)
def test_lists_that_can_not_be_predicted_are_refused(judge: Judge, change: dict[str, Any]) -> None:
    model = judge.model(judge.dataset())
    with pytest.raises(exceptions.BadRequest):
        judge.prediction.batch_predict(name=model.name, **{**BATCH, **change})


def test_a_list_that_is_no_csv_fails(judge: Judge) -> None:
    model = judge.model(judge.dataset())
    (judge.emulator.bucket_root / "bucket/list.csv").write_bytes(b"\xff\xfe\x00")
    operation = judge.prediction.batch_predict(name=model.name, **BATCH)
    with pytest.raises(exceptions.InvalidArgument, match="no CSV"):
        judge.result(operation)
