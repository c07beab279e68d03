"""trainingPipelines.*, driven by Google's generated client."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from google.api_core import exceptions
from google.cloud.aiplatform.v1.schema.trainingjob import definition_v1

from tests.contract_vertex.conftest import (
    AS_ASSIGNED,
    IMPORTS,
    INPUTS,
    ML_USE,
    NAMED,
    PARENT,
    TASKS,
    Judge,
    State,
    number,
)


@pytest.fixture(scope="module")
def runs(judges: Callable[[float], Judge]) -> dict[str, str]:
    """Two trainings, of May and of June: the first has succeeded, the other one runs."""
    judge = judges(1.0)
    dataset = judge.dataset()
    may = judge.train(dataset, name="run of may", labels={"month": "may"})
    url = f"{judge.emulator.url}/emulator/v1/clock:advance"
    assert judge.http.post(url, json={"seconds": 1_000_000}, timeout=30).status_code == 200
    judge.ended(may)
    june = judge.train(dataset, name="run of june", labels={"month": "june", "last": ""})
    return {may.name: "may", june.name: "june"}


def test_create_answers_a_pipeline_and_its_end_names_the_model(judge: Judge) -> None:
    dataset = judge.dataset()
    begun = judge.train(
        dataset,
        name="flowers of May",
        labels={"run": "may"},
        model_to_upload={"display_name": "may", "labels": {"team": "vision"}},
    )
    assert begun.name.startswith(f"{NAMED}/trainingPipelines/")
    assert number(begun).isdigit()
    assert begun.display_name == "flowers of May"

    ended = judge.ended(begun)
    assert ended.state == State.PIPELINE_STATE_SUCCEEDED
    assert ended.input_data_config.dataset_id == number(dataset)
    assert ended.training_task_definition == TASKS["single"]
    assert dict(ended.training_task_inputs) == INPUTS["single"]
    assert dict(ended.labels) == {"run": "may"}
    assert ended.create_time <= ended.start_time <= ended.end_time <= ended.update_time
    metadata = dict(ended.training_task_metadata)
    assert 0 < int(metadata["costMilliNodeHours"]) <= 8_000
    assert metadata["successfulStopReason"] in ("BUDGET_REACHED", "MODEL_CONVERGED")
    assert not ended.error.code

    model = judge.models.get_model(name=ended.model_to_upload.name)
    assert (model.display_name, dict(model.labels)) == ("may", {"team": "vision"})
    assert model.training_pipeline == ended.name
    [listed] = judge.pipelines.list_training_pipelines(
        request={"parent": PARENT, "filter": 'display_name="flowers of May"'}
    )
    assert listed == ended


def test_a_model_appears_only_when_it_is_trained(slow_judge: Judge) -> None:
    pipeline = slow_judge.train(slow_judge.dataset(), name="slow")
    assert pipeline.state in (State.PIPELINE_STATE_PENDING, State.PIPELINE_STATE_RUNNING)
    assert pipeline.model_to_upload.name == ""
    request = {"parent": PARENT, "filter": 'display_name="slow"'}
    assert list(slow_judge.models.list_models(request=request)) == []
    slow_judge.pipelines.cancel_training_pipeline(name=pipeline.name)


def test_the_sixth_training_waits(slow_judge: Judge) -> None:
    dataset = slow_judge.dataset()
    pipelines = [slow_judge.train(dataset, name=f"m{count}") for count in range(6)]
    states = [pipeline.state for pipeline in pipelines]
    assert states == [State.PIPELINE_STATE_RUNNING] * 5 + [State.PIPELINE_STATE_PENDING]
    assert "start_time" not in pipelines[-1]
    for pipeline in reversed(pipelines):
        slow_judge.pipelines.cancel_training_pipeline(name=pipeline.name)
        assert slow_judge.ended(pipeline).state == State.PIPELINE_STATE_CANCELLED


def test_cancel_keeps_the_pipeline_and_says_why_it_ended(slow_judge: Judge) -> None:
    pipeline = slow_judge.train(slow_judge.dataset())
    slow_judge.pipelines.cancel_training_pipeline(name=pipeline.name)
    ended = slow_judge.ended(pipeline)
    assert ended.state == State.PIPELINE_STATE_CANCELLED
    assert ended.error.code == 1
    assert ended.end_time >= ended.start_time
    assert ended.model_to_upload.name == ""
    assert "training_task_metadata" not in ended


def test_cancelling_what_has_ended_changes_nothing(judge: Judge) -> None:
    ended = judge.ended(judge.train(judge.dataset()))
    judge.pipelines.cancel_training_pipeline(name=ended.name)
    assert judge.pipelines.get_training_pipeline(name=ended.name) == ended


def test_a_training_that_fails_says_so(judge: Judge) -> None:
    dataset = judge.dataset()
    fault = {"fault": "trainingPipelines.create:fail=INTERNAL"}
    url = f"{judge.emulator.url}/emulator/v1/faults"
    assert judge.http.post(url, json=fault, timeout=30).status_code == 200
    ended = judge.ended(judge.train(dataset))
    judge.http.delete(url, timeout=30)
    assert (ended.state, ended.error.code) == (State.PIPELINE_STATE_FAILED, 13)
    request = {"parent": PARENT, "filter": "state=PIPELINE_STATE_FAILED"}
    assert list(judge.pipelines.list_training_pipelines(request=request)) == [ended]


@pytest.mark.parametrize(
    ("query", "finds"),
    [
        ('state="PIPELINE_STATE_SUCCEEDED"', {"may"}),
        ("state=PIPELINE_STATE_RUNNING", {"june"}),
        ('state!="PIPELINE_STATE_SUCCEEDED"', {"june"}),
        ('state="PIPELINE_STATE_CANCELLED"', set()),
        ('display_name="run of may"', {"may"}),
        ('displayName:"run of *"', {"may", "june"}),
        ('display_name:"*june"', {"june"}),
        ("labels.month=may", {"may"}),
        ("labels.month:*", {"may", "june"}),
        ("labels.last:*", {"june"}),
        ('training_task_definition:"*automl_image_classification*"', {"may", "june"}),
        ('training_task_definition:"*automl_text_classification*"', set()),
        (f'training_task_definition!="{TASKS["single"]}"', set()),
        ('create_time>"2021-05-18T00:00:00Z"', {"may", "june"}),
        ('create_time<="2021-05-18T00:00:00Z"', set()),
        ('state="PIPELINE_STATE_SUCCEEDED" AND display_name:"run*"', {"may"}),
        ('state!="PIPELINE_STATE_FAILED" OR display_name="run of may"', {"may", "june"}),
        ('NOT display_name="run of may"', {"june"}),
        ('NOT (labels.month=may OR labels.month=june) AND labels.month:"*"', set()),
        ("labels.month=may labels.month=june", set()),
    ],
)
def test_list_filters(slow_judge: Judge, runs: dict[str, str], query: str, finds: set[str]) -> None:
    request = {"parent": PARENT, "filter": query, "page_size": 1}
    found = slow_judge.pipelines.list_training_pipelines(request=request)
    assert {runs[each.name] for each in found if each.name in runs} == finds


@pytest.mark.parametrize(
    "query",
    [
        "colour=red",
        "state=FINISHED",
        "state>PIPELINE_STATE_FAILED",
        'create_time>"yesterday"',
        "display_name>x",
        'state="PIPELINE_STATE_FAILED" AND',
        "OR",
    ],
)
def test_a_filter_that_is_not_understood_is_refused(judge: Judge, query: str) -> None:
    with pytest.raises(exceptions.BadRequest, match="filter"):
        judge.pipelines.list_training_pipelines(request={"parent": PARENT, "filter": query})


def test_delete_forgets_what_has_ended_and_leaves_the_model(judge: Judge) -> None:
    ended = judge.ended(judge.train(judge.dataset()))
    operation = judge.pipelines.delete_training_pipeline(name=ended.name)
    assert operation.operation.name.startswith(f"{ended.name}/operations/")
    judge.result(operation)
    for call in (
        judge.pipelines.get_training_pipeline,
        judge.pipelines.cancel_training_pipeline,
        judge.pipelines.delete_training_pipeline,
    ):
        with pytest.raises(exceptions.NotFound):
            call(name=ended.name)
    assert judge.models.get_model(name=ended.model_to_upload.name).display_name == "flowers"


def test_delete_of_what_goes_on_is_refused(slow_judge: Judge) -> None:
    pipeline = slow_judge.train(slow_judge.dataset())
    with pytest.raises(exceptions.BadRequest) as caught:
        slow_judge.pipelines.delete_training_pipeline(name=pipeline.name)
    assert caught.value.response.json()["error"]["status"] == "FAILED_PRECONDITION"
    slow_judge.pipelines.cancel_training_pipeline(name=pipeline.name)


@pytest.mark.parametrize("kind", ["single", "multi", "boxes"])
def test_each_kind_is_trained(judge: Judge, kind: str) -> None:
    ended = judge.ended(judge.train(judge.dataset(kind), kind))
    assert ended.state == State.PIPELINE_STATE_SUCCEEDED
    assert dict(ended.training_task_inputs) == INPUTS[kind]


def test_the_kinds_of_task_and_dataset_must_agree(judge: Judge) -> None:
    with pytest.raises(exceptions.BadRequest):
        judge.train(judge.dataset("single"), "boxes")


@pytest.mark.parametrize(
    "split",
    [
        {"fraction_split": {"training_fraction": 0.5, "test_fraction": 0.5}},
        {"fraction_split": {}},
        AS_ASSIGNED,
    ],
)
def test_splits(judge: Judge, split: dict[str, Any]) -> None:
    dataset = judge.dataset()
    data = {"dataset_id": number(dataset), **split}
    ended = judge.ended(judge.train(dataset, input_data_config=data))
    assert ended.state == State.PIPELINE_STATE_SUCCEEDED


def test_splits_that_cannot_be(judge: Judge) -> None:
    dataset = judge.dataset()
    fractions = {"training_fraction": 0.8, "validation_fraction": 0.3}
    data = {"dataset_id": number(dataset), "fraction_split": fractions}
    with pytest.raises(exceptions.BadRequest, match="fraction_split"):
        judge.train(dataset, input_data_config=data)


@pytest.mark.parametrize(
    ("inputs", "field"),
    [
        ({"budgetMilliNodeHours": "7999"}, "budget_milli_node_hours"),
        ({"budgetMilliNodeHours": "800001"}, "budget_milli_node_hours"),
        ({"modelType": "MOBILE_TF_VERSATILE_1", "budgetMilliNodeHours": "999"}, "budget_milli"),
        ({"modelType": "MOBILE_TF_VERSATILE_1", "budgetMilliNodeHours": "100001"}, "budget_milli"),
        ({"modelType": "CLOUD_HIGH_ACCURACY_1"}, "model_type"),
    ],
)
def test_inputs_that_are_refused(judge: Judge, inputs: dict[str, object], field: str) -> None:
    body = _body(judge) | {"trainingTaskInputs": INPUTS["single"] | inputs}
    answer = judge.post(f"{PARENT}/trainingPipelines", body)
    assert answer.status_code == 400
    assert f"training_task_inputs.{field}" in answer.json()["error"]["message"]


@pytest.mark.parametrize("budget", [8000, "8000", 8000.0])
def test_the_budget_is_a_number_or_a_text(judge: Judge, budget: object) -> None:
    """The schema says a text; published requests have numbers as well."""
    inputs = {"modelType": "CLOUD", "budgetMilliNodeHours": budget}
    body = _body(judge) | {"trainingTaskInputs": inputs}
    name = judge.post(f"{PARENT}/trainingPipelines", body).json()["name"]
    pipeline = judge.pipelines.get_training_pipeline(name=name)
    assert dict(pipeline.training_task_inputs) == INPUTS["single"]


def test_names_in_snake_case_are_understood_and_not_repeated(judge: Judge) -> None:
    data = {
        "dataset_id": number(judge.dataset()),
        "fraction_split": {"training_fraction": 0.5, "validation_fraction": 0.5},
    }
    body = {key: value for key, value in _body(judge).items() if key != "inputDataConfig"}
    answer = judge.post(f"{PARENT}/trainingPipelines", {**body, "input_data_config": data})
    split = {"trainingFraction": 0.5, "validationFraction": 0.5}
    assert answer.json()["inputDataConfig"]["fractionSplit"] == split


@pytest.mark.parametrize("below", ["inputDataConfig", "modelToUpload"])
def test_unknown_fields_below_are_refused_by_name(judge: Judge, below: str) -> None:
    body = _body(judge)
    body[below] = {**body[below], "colour": "red"}
    answer = judge.post(f"{PARENT}/trainingPipelines", body)
    assert answer.status_code == 400
    assert 'Unknown name "colour"' in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    "missing", ["displayName", "trainingTaskDefinition", "trainingTaskInputs", "inputDataConfig"]
)
def test_what_create_needs(judge: Judge, missing: str) -> None:
    body = {key: value for key, value in _body(judge).items() if key != missing}
    answer = judge.post(f"{PARENT}/trainingPipelines", body)
    assert answer.status_code in (400, 501)


def test_an_unknown_dataset_and_an_empty_one(judge: Judge) -> None:
    empty = judge.dataset(None)
    with pytest.raises(exceptions.BadRequest) as caught:
        judge.train(empty)
    assert caught.value.response.json()["error"]["status"] == "FAILED_PRECONDITION"
    judge.result(judge.datasets.delete_dataset(name=empty.name))
    with pytest.raises(exceptions.NotFound):
        judge.train(empty)


def test_a_base_model_must_exist_and_be_of_the_same_type(judge: Judge) -> None:
    dataset = judge.dataset()
    base = number(judge.model(dataset))
    ended = judge.ended(judge.train(dataset, inputs={"baseModelId": base}))
    assert ended.training_task_inputs["baseModelId"] == base
    mobile = {"modelType": "MOBILE_TF_VERSATILE_1", "baseModelId": base}
    with pytest.raises(exceptions.BadRequest, match="same model type"):
        judge.train(dataset, inputs=mobile)
    with pytest.raises(exceptions.NotFound, match="base model"):
        judge.train(dataset, inputs={"baseModelId": "1234567890123456789"})


@pytest.mark.parametrize("name", ["", "x" * 129])
def test_display_names_that_are_refused(judge: Judge, name: str) -> None:
    with pytest.raises(exceptions.BadRequest, match=r"training_pipeline\.display_name"):
        judge.train(judge.dataset(), name=name)


def test_unknown_fields_are_refused_by_name(judge: Judge) -> None:
    answer = judge.post(f"{PARENT}/trainingPipelines", _body(judge) | {"colour": "red"})
    assert answer.status_code == 400
    assert 'Unknown name "colour"' in answer.json()["error"]["message"]


def _body(judge: Judge) -> dict[str, Any]:
    """A sound request, as JSON."""
    return {
        "displayName": "flowers",
        "inputDataConfig": {"datasetId": number(judge.dataset())},
        "trainingTaskDefinition": TASKS["single"],
        "trainingTaskInputs": INPUTS["single"],
        "modelToUpload": {"displayName": "flowers"},
    }


def test_an_absent_pipeline_is_named(judge: Judge) -> None:
    with pytest.raises(exceptions.NotFound, match=r"The TrainingPipeline does not exist\."):
        judge.pipelines.get_training_pipeline(name=f"{PARENT}/trainingPipelines/1")


@pytest.mark.parametrize(
    ("kind", "enum"),
    [
        ("single", definition_v1.AutoMlImageClassificationInputs.ModelType),
        ("boxes", definition_v1.AutoMlImageObjectDetectionInputs.ModelType),
    ],
)
def test_enums_of_inputs_may_be_numbers(judge: Judge, kind: str, enum: Any) -> None:
    """Clients of other languages write the inputs as numbers, and as floats where they can't else.

    The pipeline answers their names.
    """
    dataset = judge.dataset(kind)
    for member in enum:
        inputs = {"modelType": float(member), "budgetMilliNodeHours": 20_000}
        begun = judge.train(dataset, kind, inputs=inputs)
        assert begun.training_task_inputs["modelType"] == member.name
    unknown = {"modelType": 99, "budgetMilliNodeHours": 20_000}
    with pytest.raises(exceptions.BadRequest, match="TYPE_ENUM"):
        judge.train(dataset, kind, inputs=unknown)


def test_inputs_that_are_not_set_are_taken(judge: Judge) -> None:
    unset = {"tunableParameter": {}, "uptrainBaseModelId": "", "baseModelId": ""}
    dataset = judge.dataset()
    assert judge.train(dataset, inputs=unset).name
    with pytest.raises(exceptions.MethodNotImplemented, match="no Model Garden"):
        judge.train(dataset, inputs={"uptrainBaseModelId": "1"})


@pytest.mark.parametrize("multilabel", [True, False])
def test_a_training_on_other_labels_fails_in_its_pipeline(judge: Judge, multilabel: bool) -> None:
    """Samples create one and cancel it: what comes of it is not told when it is created."""
    dataset = judge.dataset("single" if multilabel else "multi")
    ended = judge.ended(judge.train(dataset, inputs={"multiLabel": multilabel}))
    assert ended.state == State.PIPELINE_STATE_FAILED
    assert "annotations are not of that kind" in ended.error.message


@pytest.fixture(scope="module")
def seasons(judges: Callable[[float], Judge]) -> Any:
    """A dataset whose first eight images were imported as of spring, the other four of autumn."""
    judge = judges(1_000_000.0)
    bucket = judge.emulator.bucket_root / "bucket"
    rows = (bucket / "flowers.csv").read_text().splitlines(keepends=True)
    dataset = judge.dataset(None, "seasons")
    configs = []
    for season, part in (("spring", rows[:8]), ("autumn", rows[8:])):
        (bucket / f"{season}.csv").write_text("".join(part))
        configs.append(
            {
                "gcs_source": {"uris": [f"gs://bucket/{season}.csv"]},
                "import_schema_uri": IMPORTS["single"],
                "data_item_labels": {"season": season, "of": "flowers"},
            }
        )
    judge.result(judge.datasets.import_data(name=dataset.name, import_configs=configs))
    return dataset


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("labels.season=spring", 8),
        ("labels.season!=spring", 4),
        ("labels.of:*", 12),
        ("labels:colour", 0),
        (f"labels.season=spring AND {ML_USE}=test", 2),
    ],
)
def test_imports_label_images(judge: Judge, seasons: Any, query: str, count: int) -> None:
    request = {"parent": seasons.name, "filter": query}
    found = list(judge.datasets.list_data_items(request=request))
    assert len(found) == count
    assert all(item.labels["of"] == "flowers" for item in found)


def test_importing_again_overwrites_labels_of_images(judge: Judge) -> None:
    dataset = judge.dataset()
    config = {
        "gcs_source": {"uris": ["gs://bucket/flowers.csv"]},
        "import_schema_uri": IMPORTS["single"],
    }
    for labels in ({"a": "1", "b": "1"}, {"b": "2", "c": "2"}):
        configs = [{**config, "data_item_labels": labels}]
        judge.result(judge.datasets.import_data(name=dataset.name, import_configs=configs))
    for item in judge.datasets.list_data_items(parent=dataset.name):
        own = {key: value for key, value in item.labels.items() if "/" not in key}
        assert own == {"a": "1", "b": "2", "c": "2"}


@pytest.mark.parametrize(
    ("training", "validation", "test", "counts"),
    [
        ("labels.season=spring", "-", "labels.season=autumn", (8, 0, 4)),
        (f"{ML_USE}=training", "labels.season=spring", "labels.of:*", (6, 4, 2)),
        ("labels.season=spring AND NOT labels.of=x", "labels:colour", "labels:season", (8, 0, 4)),
    ],
)
def test_images_are_split_by_filters(
    judge: Judge, seasons: Any, training: str, validation: str, test: str, counts: tuple[int, ...]
) -> None:
    """The first filter that an image matches decides, `-` matches none (proto: FilterSplit)."""
    split = {"training_filter": training, "validation_filter": validation, "test_filter": test}
    data = {"dataset_id": number(seasons), "filter_split": split}
    ended = judge.ended(judge.train(seasons, input_data_config=data))
    assert ended.input_data_config.filter_split.training_filter == training
    stats = judge.models.get_model(name=ended.model_to_upload.name).data_stats
    items = stats.training_data_items_count, stats.validation_data_items_count
    assert (*items, stats.test_data_items_count) == counts


@pytest.mark.parametrize("query", ["", "colour=red", "labels.a>b", "labels.a=b AND"])
def test_filters_of_splits_that_are_refused(judge: Judge, seasons: Any, query: str) -> None:
    split = {"training_filter": query, "validation_filter": "-", "test_filter": "-"}
    data = {"dataset_id": number(seasons), "filter_split": split}
    with pytest.raises(exceptions.BadRequest):
        judge.train(seasons, input_data_config=data)
