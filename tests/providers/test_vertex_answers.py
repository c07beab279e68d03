"""Vertex AI v1's JSON, whatever it may be: what is told of it, and what is asked once more."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automl_plan.errors import AutomlPlanError, UsageError
from automl_plan.model.address import ResourceKind
from automl_plan.model.live import TOKEN_LABEL, OperationKind
from automl_plan.model.model_types import Problem
from automl_plan.model.ownership_labels import ADDRESS
from automl_plan.providers.google.capabilities import LIFESPAN
from automl_plan.providers.google.vertex import wire
from automl_plan.providers.google.vertex.vocabulary import IMAGE_DATASET
from automl_plan.providers.protocol import Provider
from automl_plan.providers.registry import open_provider
from automl_plan.recovery.running_operations import running_imports_and_trainings
from tests.providers.service import Received, Reply, Service, answer, failure

HOME = "projects/p/locations/us-central1"
CLASSIFIES = (
    "gs://google-cloud-aiplatform/schema/trainingjob/definition/"
    "automl_image_classification_1.0.0.yaml"
)


@pytest.fixture(scope="module")
def shared() -> Iterator[Service]:
    with Service() as running:
        yield running


@pytest.fixture(scope="module")
def provider(shared: Service) -> Iterator[Provider]:
    opened = open_provider("vertex", {"project": "p", "endpoint": shared.url}, Path(), {})
    yield opened
    opened.close()


KEYS = st.sampled_from(
    [
        *("name", "displayName", "labels", "dataItemCount", "metadataSchemaUri", "savedQueries"),
        *("versionId", "modelVersionId", "versionAliases"),
        *("problemType", "trainingPipeline", "inputDataConfig", "datasetId", "modelToUpload"),
        *("trainingTaskDefinition", "trainingTaskInputs", "trainingTaskMetadata", "modelType"),
        *("budgetMilliNodeHours", "state", "error", "code", "message", "deployedModels", "model"),
        *("trafficSplit", "automaticResources", "minReplicaCount", "endpoint", "id", "metadata"),
        *("genericMetadata", "partialFailures", "response", "done", "metrics", "slice", "auPrc"),
        *("dimension", "value", "confidenceMetrics", "confusionMatrix", "rows", "unheardOf"),
        *("annotationSpecs", "boundingBoxMetrics", "automl-plan-kind", "automl-plan-token"),
    ]
)
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-3, 9)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["", "7", "a/b", f"{HOME}/models/7@1", "2", "multiclass_cloud_1"])
    | st.sampled_from([CLASSIFIES, IMAGE_DATASET])
    | st.text(max_size=3)
)
ANY = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=6)
)
OBJECTS = st.lists(
    st.fixed_dictionaries({}, optional={"trainingTaskDefinition": st.just(CLASSIFIES)}).flatmap(
        lambda told: st.dictionaries(KEYS, ANY, max_size=8).map(lambda more: {**more, **told})
    ),
    max_size=3,
)
LISTS = (
    *("datasets", "models", "endpoints", "trainingPipelines", "operations"),
    *("modelEvaluations", "modelEvaluationSlices"),
)
READS: tuple[Callable[[Provider], object], ...] = (
    lambda p: p.live(),
    lambda p: p.datasets(),
    lambda p: p.operations(),
    lambda p: p.operations(done=False, works_on=(ResourceKind.DATASET, "7")),
    lambda p: p.operations(works_on=(ResourceKind.MODEL, "7")),
    lambda p: p.find_trainings("0-1"),
    lambda p: p.evaluations("7"),
    lambda p: p.dataset("7"),
    lambda p: p.model("7"),
)


@settings(max_examples=40)
@given(OBJECTS)
def test_any_answer_can_be_read(
    shared: Service, provider: Provider, objects: list[dict[str, Any]]
) -> None:
    """It is told as far as it goes, or refused as no answer of this service."""
    one = objects[0] if objects else {}
    shared.default = lambda _: answer({**one, **dict.fromkeys(LISTS, objects)})
    for read in READS:
        with contextlib.suppress(AutomlPlanError):
            read(provider)
    shared.received.clear()


@pytest.mark.parametrize("by_label", [answer({}), failure(400, "INVALID_ARGUMENT")])
def test_what_a_filter_does_not_find_is_looked_for_without_one(
    shared: Service, provider: Provider, by_label: Reply
) -> None:
    """Or else a training would be taken for one that was never received, and paid for again."""
    names = (("theirs", "2-1"), ("ours", "0-1"), ("nobodys", None))
    pipelines = [
        {"name": f"{HOME}/trainingPipelines/{name}", "labels": {TOKEN_LABEL: token} if token else 0}
        for name, token in names
    ]

    def reply(request: Received) -> Reply:
        return by_label if "filter" in request.query else answer({"trainingPipelines": pipelines})

    shared.default = reply
    found = provider.find_trainings("0-1")
    assert found is not None
    assert [each.id for each in found] == ["trainingPipelines/ours"]
    asked = [request.query.get("filter") for request in shared.received]
    assert asked == [f'labels.{TOKEN_LABEL}="0-1"', None]
    shared.received.clear()


@pytest.mark.parametrize(
    ("kind", "trained_with"),
    [
        ("multiclass_cloud_8000", (Problem.IMAGE_CLASSIFICATION, "cloud", 8000)),
        (
            "object-detection_cloud-high-accuracy-1_20000",
            (Problem.IMAGE_OBJECT_DETECTION, "cloud-high-accuracy-1", 20000),
        ),
        ("multilabel", (Problem.IMAGE_CLASSIFICATION, None, None)),
        ("unheard-of_cloud_8000", (None, None, None)),
    ],
)
def test_models_that_version_0_1_migrated_are_known_by_their_labels(
    shared: Service,
    provider: Provider,
    kind: str,
    trained_with: tuple[Problem | None, str | None, int | None],
) -> None:
    """No pipeline trained them here; a plan that didn't know this would train them again."""
    labels = {
        "automl-plan-kind": kind,
        "automl-plan-dataset": "31",
        "team": "vision",
        "goog-x": "1",
    }
    there = {"models": [{"name": f"{HOME}/models/8", "labels": labels}]}
    shared.default = lambda r: answer(there if r.path.endswith("/models") else {})
    (model,) = provider.models()
    told = (model.problem, model.model_type, model.train_budget_milli_node_hours)
    assert (told, model.dataset_id, model.labels) == (trained_with, "31", {"team": "vision"})
    shared.received.clear()


def test_what_no_label_can_bear_is_not_looked_for(shared: Service, provider: Provider) -> None:
    shared.received.clear()
    assert provider.find_trainings("rebuilt-trainingPipelines/7") is None
    assert shared.received == []


def begun(home: str, number: int, kind: str) -> dict[str, Any]:
    told = {"@type": f"type.googleapis.com/google.cloud.aiplatform.v1.{kind}OperationMetadata"}
    return {"name": f"{HOME}/{home}/operations/{number}", "metadata": told}


def test_operations_below_objects_are_found_though_the_location_lists_none(
    shared: Service, provider: Provider
) -> None:
    """Nothing says that it does; a state is made anew of them, and what is known is followed."""
    lists = {
        "datasets": [
            {"name": f"{HOME}/datasets/7", "metadataSchemaUri": IMAGE_DATASET},
            {"name": f"{HOME}/datasets/8", "metadataSchemaUri": "gs://schema/of/tables.yaml"},
        ],
        "endpoints": [
            {"name": f"{HOME}/endpoints/ours-1", "labels": {ADDRESS: "0-1"}},
            {"name": f"{HOME}/endpoints/theirs"},
        ],
        "datasets/7/operations": [begun("datasets/7", 1, "ImportData")],
        "endpoints/ours-1/operations": [begun("endpoints/ours-1", 2, "DeployModel")],
    }

    def reply(request: Received) -> Reply:
        place = request.path.partition(f"{HOME}/")[2]
        return answer({place.rpartition("/")[2]: lists.get(place, [])})

    shared.default = reply
    shared.received.clear()
    found = {each.id: each.kind for each in provider.operations(done=False)}
    assert found == {
        "datasets/7/operations/1": OperationKind.IMPORT_DATA,
        "endpoints/ours-1/operations/2": OperationKind.DEPLOY_MODEL,
    }
    assert len(shared.received) == len({request.path for request in shared.received}) == 6
    assert running_imports_and_trainings(provider) == {"datasets/7/operations/1"}
    shared.received.clear()


@pytest.mark.parametrize(
    ("name", "version", "expected"),
    [
        (f"{HOME}/models/7", None, "7"),
        (f"{HOME}/models/7", "1", "7"),
        (f"{HOME}/models/7@1", None, "7"),
        (f"{HOME}/models/7@1", "1", "7"),
        (f"{HOME}/models/7", "2", "7@2"),
        (f"{HOME}/models/7@2", None, "7@2"),
        (f"{HOME}/models/7@golden", "2", "7@2"),
        (f"{HOME}/models/my-model@12", "12", "my-model@12"),
        ("", "2", ""),
    ],
)
def test_answers_name_versions_in_any_form(name: str, version: str | None, expected: str) -> None:
    beside = {} if version is None else {"versionId": version}
    assert wire.model({"name": name, **beside}, None, ()).id == expected
    deployed = {"id": "1", "model": name, "modelVersionId": version}
    [found] = wire.endpoint({"name": "e", "deployedModels": [deployed]}).deployed
    assert found.model_id == expected
    done = {"state": "PIPELINE_STATE_SUCCEEDED", "modelToUpload": {"name": name, **beside}}
    assert wire.pipeline(done, HOME).result_id == (expected or None)


@pytest.mark.parametrize("model_id", ["7@", "7@x", "7@1@2", "7/8", "../7", "@2", ""])
def test_what_is_no_id_of_a_version_leads_nowhere(
    shared: Service, provider: Provider, model_id: str
) -> None:
    shared.received.clear()
    for call in (provider.model, provider.evaluations):
        with pytest.raises(UsageError):
            call(model_id)
    with pytest.raises(UsageError):
        provider.delete(ResourceKind.MODEL, model_id)
    assert shared.received == []


@pytest.mark.parametrize("training", ["2026-01-30T10:00:00Z", "2026-02-03T10:00:00Z", None])
def test_the_life_of_a_model_ends_on_the_safe_side(training: str | None) -> None:
    """A createTime may be the start or the end of the training, from which its life is counted."""
    told = {"name": f"{HOME}/models/7", "createTime": "2026-02-01T10:00:00Z"}
    trained = {} if training is None else {"createTime": training}
    earliest = min(told["createTime"], training or told["createTime"])
    assert wire.model(told, trained, ()).expires == LIFESPAN.end_of(earliest)


@pytest.mark.parametrize(
    ("state", "ended", "told"),
    [
        ("PIPELINE_STATE_ARCHIVED", True, "ARCHIVED"),
        (99, True, "99"),
        ("PIPELINE_STATE_PROVISIONING", False, None),
        ("PIPELINE_STATE_SUCCEEDED", True, None),
        ("PIPELINE_STATE_PAUSED", False, None),
        (8, False, None),
        (None, False, None),
    ],
)
def test_a_state_that_is_not_known_is_told(state: object, ended: bool, told: str | None) -> None:
    answer = {"state": state} | ({"endTime": "2026-02-01T10:00:00Z"} if ended else {})
    found = wire.pipeline(answer, HOME)
    assert found.ended_as == told
    assert found.done == (ended and told is None)


@pytest.mark.parametrize(
    ("response", "kind", "goes_on"),
    [
        ("Dataset", OperationKind.CREATE_DATASET, False),
        ("ImportDataResponse", OperationKind.IMPORT_DATA, False),
        ("Endpoint", OperationKind.CREATE_ENDPOINT, True),
        ("DeployModelResponse", OperationKind.DEPLOY_MODEL, True),
        ("UndeployModelResponse", OperationKind.UNDEPLOY_MODEL, True),
    ],
)
def test_an_operation_without_metadata_is_told_by_its_response(
    response: str, kind: OperationKind, *, goes_on: bool
) -> None:
    """Else the deployment after the creation of its endpoint would be left out."""
    told = {
        "name": f"{HOME}/endpoints/1/operations/2",
        "done": True,
        "response": {"@type": f"type.googleapis.com/google.cloud.aiplatform.v1.{response}"},
    }
    found = wire.operation(told, HOME)
    assert (found.kind, found.has_next_step) == (kind, goes_on)
