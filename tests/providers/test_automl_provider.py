"""The provider's calls as they arrive at a service, and its answers as they are read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from automl_plan.errors import (
    Aborted,
    FailedPrecondition,
    InvalidArgument,
    NotFound,
    ProviderError,
    TransportError,
    Unavailable,
    UsageError,
)
from automl_plan.model.address import ResourceKind, dataset_address, model_address
from automl_plan.model.desired import DesiredDataset, DesiredModel
from automl_plan.model.json import Attributes
from automl_plan.model.live import LiveModel, OperationKind
from automl_plan.model.model_types import ClassificationType, Problem
from automl_plan.model.source_data import SourceData
from automl_plan.providers.protocol import Provider
from automl_plan.providers.registry import open_provider
from tests.providers.service import NO_ANSWER, Received, Reply, Service, answer, failure

PARENT = "/v1/projects/my-project/locations/us-central1"
DATASET = DesiredDataset(
    address=dataset_address("d"),
    display_name="flowers",
    problem=Problem.IMAGE_CLASSIFICATION,
    classification_type=ClassificationType.MULTICLASS,
    labels={"team": "v"},
    sources=("gs://b/a.csv",),
)
MODEL = DesiredModel(
    address=model_address("m"),
    display_name="flowers",
    dataset=dataset_address("d"),
    problem=Problem.IMAGE_OBJECT_DETECTION,
    model_type="cloud-low-latency-1",
    train_budget_milli_node_hours=20_000,
)
DATA = SourceData("v1:0", 1, 1)
LIVE_MODEL = LiveModel("IOD1", "flowers", "IOD7", Problem.IMAGE_OBJECT_DETECTION)
OWN = {"automl-plan-token": "t0k3n"}
NUMBER = "projects/1042742261124/locations/us-central1"


def opened(kind: str, name: str = "ICN9") -> Reply:
    metadata = {"createTime": "2020-01-01T00:00:00Z", f"{kind}Details": {}}
    return answer({"name": f"{NUMBER}/operations/{name}", "metadata": metadata})


@pytest.fixture
def provider(service: Service, tmp_path: Path) -> Iterator[Provider]:
    settings = {"project": "my-project", "endpoint": service.url}
    made = open_provider("automl", settings, tmp_path, {})
    yield made
    made.close()


def test_identity(provider: Provider) -> None:
    assert provider.identity == "automl:projects/my-project/locations/us-central1"


def test_everything_that_lives_on_all_pages(service: Service, provider: Provider) -> None:
    def pages(request: Received) -> Reply:
        listed = {"datasets": "datasets", "models": "model", "operations": "operations"}
        key = listed[request.path.rpartition("/")[2]]
        if key == "operations":  # those that run: a training may be somebody else's
            return answer({})
        page = int(request.query.get("pageToken", "0"))
        items = [{"name": f"{NUMBER}/{key}/ICN{page}{i}", "displayName": "x"} for i in range(2)]
        more = {"nextPageToken": str(page + 1)} if page < 2 else {}
        return answer({key: items, **more})

    service.default = pages
    live = provider.live()
    ids = {f"ICN{page}{i}" for page in range(3) for i in range(2)}
    assert set(live.datasets) == set(live.models) == ids
    assert len(service.received) == 7, "lists, never one call for each object"


def test_one_of_each(service: Service, provider: Provider) -> None:
    service.default = lambda r: answer({"name": r.path.removeprefix("/v1/")})
    assert provider.dataset("ICN1").id == "ICN1"
    assert provider.model("ICN2").id == "ICN2"
    assert provider.operation("ICN3").id == "ICN3"
    assert [r.path for r in service.received] == [
        f"{PARENT}/datasets/ICN1",
        f"{PARENT}/models/ICN2",
        f"{PARENT}/operations/ICN3",
    ]


@pytest.mark.parametrize(
    ("asked", "sent"),
    [
        ({}, None),
        ({"done": True}, "done=true"),
        ({"done": False}, "done!=true"),
        (
            {"works_on": (ResourceKind.MODEL, "ICN1")},
            "worksOn=projects/my-project/locations/us-central1/models/ICN1",
        ),
        (
            {"works_on": (ResourceKind.DATASET, "ICN1"), "done": False},
            "worksOn=projects/my-project/locations/us-central1/datasets/ICN1",
        ),
    ],
)
def test_operations(service: Service, provider: Provider, asked: Any, sent: str | None) -> None:
    listed = [{"name": "a/operations/1", "done": True}, {"name": "a/operations/2"}]
    service.default = lambda _: answer({"operations": listed})
    found = {o.id for o in provider.operations(**asked)}
    assert service.received[0].query.get("filter") == sent
    assert found == {None: {"1", "2"}, True: {"1"}, False: {"2"}}[asked.get("done")]


def test_evaluations(service: Service, provider: Provider) -> None:
    items = [
        {"name": "a/modelEvaluations/2", "displayName": "rose"},
        {"name": "a/modelEvaluations/1", "classificationEvaluationMetrics": {"auPrc": 0.5}},
    ]
    service.replies = [
        answer({"modelEvaluation": items[:1], "nextPageToken": "x"}),
        answer({"modelEvaluation": items[1:]}),
    ]
    overall, rose = provider.evaluations("ICN1")
    assert (overall.label, overall.au_prc, rose.label) == (None, 0.5, "rose")
    assert service.received[0].path == f"{PARENT}/models/ICN1/modelEvaluations"
    assert service.received[0].query["filter"] == ""


def test_creating_a_dataset(service: Service, provider: Provider) -> None:
    service.replies = [opened("createDataset")]
    begun = provider.create_dataset(DATASET, OWN)
    assert (begun.id, begun.kind, begun.done) == ("ICN9", OperationKind.CREATE_DATASET, False)
    request = service.received[0]
    assert (request.method, request.path) == ("POST", f"{PARENT}/datasets")
    assert request.headers["content-type"] == "application/json; charset=UTF-8"
    assert request.json()["labels"] == {"team": "v", **OWN}


def test_importing_training_deploying(service: Service, provider: Provider) -> None:
    service.replies = [opened("importData"), opened("createModel"), opened("deployModel")]
    assert (
        provider.import_data(DATASET, "IOD7", DATASET.sources, DATA).kind
        is OperationKind.IMPORT_DATA
    )
    assert provider.train(MODEL, DATASET, "IOD7", OWN).kind is OperationKind.CREATE_MODEL
    operation = provider.deploy(LIVE_MODEL, 2)
    assert operation is not None
    assert operation.kind is OperationKind.DEPLOY_MODEL
    imported, trained, deployed = service.received
    assert imported.path == f"{PARENT}/datasets/IOD7:importData"
    assert imported.json() == {"inputConfig": {"gcsSource": {"inputUris": ["gs://b/a.csv"]}}}
    assert trained.path == f"{PARENT}/models"
    metadata = {"modelType": "cloud-low-latency-1", "trainBudgetMilliNodeHours": "20000"}
    assert trained.json()["imageObjectDetectionModelMetadata"] == metadata
    assert (trained.json()["datasetId"], trained.json()["labels"]) == ("IOD7", OWN)
    assert deployed.path == f"{PARENT}/models/IOD1:deploy"
    nodes = {"imageObjectDetectionModelDeploymentMetadata": {"nodeCount": "2"}}
    assert deployed.json() == nodes


PAID = {
    "create": lambda p: p.create_dataset(DATASET, OWN),
    "import": lambda p: p.import_data(DATASET, "IOD7", DATASET.sources, DATA),
    "train": lambda p: p.train(MODEL, DATASET, "IOD7", OWN),
    "deploy": lambda p: p.deploy(LIVE_MODEL, 1),
}


@pytest.mark.parametrize("call", PAID)
@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (NO_ANSWER, TransportError),
        (failure(503, "UNAVAILABLE"), Unavailable),
        (failure(429, "RESOURCE_EXHAUSTED", Retry_After="0"), ProviderError),
        (Reply(500, b"oops"), ProviderError),
        (failure(400, "FAILED_PRECONDITION"), FailedPrecondition),
        (Reply(200, b"<html>"), TransportError),
        (answer({}), TransportError),
        (answer({"name": ""}), TransportError),
    ],
)
def test_what_costs_money_is_sent_once(
    service: Service, provider: Provider, call: str, reply: Reply, error: type[ProviderError]
) -> None:
    service.replies = [reply, opened("createModel")]
    with pytest.raises(error) as caught:
        PAID[call](provider)
    assert len(service.received) == 1
    assert not isinstance(caught.value, TransportError) or caught.value.sent
    assert str(caught.value.where).startswith(f"POST {PARENT}/")


def test_undeploying_deleting_cancelling(service: Service, provider: Provider) -> None:
    broken = [NO_ANSWER, failure(503, "UNAVAILABLE")]
    service.replies = [*broken, opened("undeployModel")]
    undeployed = provider.undeploy("ICN1")
    assert undeployed is not None
    assert undeployed.kind is OperationKind.UNDEPLOY_MODEL
    service.replies = [*broken, opened("delete")]
    deleted = provider.delete(ResourceKind.DATASET, "ICN1")
    assert deleted is not None
    assert deleted.kind is OperationKind.DELETE
    service.replies = [*broken, Reply()]
    provider.cancel("ICN1")
    calls = [(r.method, r.path) for r in service.received]
    assert calls == (
        [("POST", f"{PARENT}/models/ICN1:undeploy")] * 3
        + [("DELETE", f"{PARENT}/datasets/ICN1")] * 3
        + [("POST", f"{PARENT}/operations/ICN1:cancel")] * 3
    )


def test_deleting_what_is_gone(service: Service, provider: Provider) -> None:
    service.replies = [failure(404, "NOT_FOUND")]
    assert provider.delete(ResourceKind.MODEL, "ICN1") is None
    service.replies = [failure(400, "FAILED_PRECONDITION", "The model is deployed.")]
    with pytest.raises(FailedPrecondition, match="is deployed"):
        provider.delete(ResourceKind.MODEL, "ICN1")


def there(**fields: Any) -> Reply:
    return answer({"name": f"{NUMBER}/datasets/ICN1", "displayName": "old", **fields})


def test_updating_keeps_labels_that_are_not_the_user_s(
    service: Service, provider: Provider
) -> None:
    labels = {"team": "a", "gone": "", "automl-plan-token": "t", "goog-x": "y"}
    service.replies = [there(labels=labels, etag="E1"), Reply()]
    changed: Attributes = {"labels": {"team": "b"}, "display_name": "new", "description": ""}
    provider.update(ResourceKind.DATASET, "ICN1", changed)
    read, patch = service.received
    assert (read.method, read.path) == ("GET", f"{PARENT}/datasets/ICN1")
    assert (patch.method, patch.path) == ("PATCH", f"{PARENT}/datasets/ICN1")
    assert patch.query["updateMask"] == "description,displayName,labels"
    assert patch.json() == {
        "displayName": "new",
        "description": "",
        "labels": {"team": "b", "automl-plan-token": "t", "goog-x": "y"},
        "etag": "E1",
    }


def test_updating_says_only_what_changed(service: Service, provider: Provider) -> None:
    service.replies = [there(labels={"team": "a"}), Reply()]
    provider.update(ResourceKind.MODEL, "ICN1", {"display_name": "new"})
    assert service.received[1].path == f"{PARENT}/models/ICN1"
    assert service.received[1].query["updateMask"] == "displayName"
    assert service.received[1].json() == {"displayName": "new"}


def test_updating_what_somebody_else_updates(service: Service, provider: Provider) -> None:
    service.replies = [
        there(etag="E1", labels={"automl-plan-a": "1"}),
        failure(409, "ABORTED"),
        there(etag="E2", labels={"automl-plan-a": "2"}),
        Reply(),
    ]
    provider.update(ResourceKind.DATASET, "ICN1", {"labels": {}})
    bodies = [r.json() for r in service.received if r.method == "PATCH"]
    assert bodies == [
        {"labels": {"automl-plan-a": "1"}, "etag": "E1"},
        {"labels": {"automl-plan-a": "2"}, "etag": "E2"},
    ]


def test_updating_gives_up(service: Service, provider: Provider) -> None:
    aborted = failure(409, "ABORTED")
    service.default = lambda r: aborted if r.method == "PATCH" else there(etag="E")
    with pytest.raises(Aborted):
        provider.update(ResourceKind.DATASET, "ICN1", {"labels": {}})
    assert len(service.received) == 6


def test_an_update_whose_answer_was_lost_converges(service: Service, provider: Provider) -> None:
    """The second one no longer fits the etag; the object is read again and written again."""
    service.replies = [
        there(etag="E1"),
        NO_ANSWER,
        failure(409, "ABORTED"),
        there(etag="E2", displayName="new"),
        Reply(),
    ]
    provider.update(ResourceKind.DATASET, "ICN1", {"display_name": "new"})
    assert service.received[-1].json() == {"displayName": "new", "etag": "E2"}


BAD_IDS = ["", "a/b", "..", "a?b", "a#b", "a b", "a:deploy", "ä", "a\n", "x" * 200]


@pytest.mark.parametrize("bad", BAD_IDS)
def test_what_can_t_be_an_id_is_not_sent(service: Service, provider: Provider, bad: str) -> None:
    calls: list[Callable[[], object]] = [
        lambda: provider.dataset(bad),
        lambda: provider.evaluations(bad),
        lambda: provider.train(MODEL, DATASET, bad, {}),
        lambda: provider.delete(ResourceKind.MODEL, bad),
        lambda: provider.operations(works_on=(ResourceKind.DATASET, bad)),
    ]
    for call in calls:
        with pytest.raises(UsageError):
            call()
    assert service.received == []


@pytest.mark.parametrize("bad", ["", "..", "a/b", "a?b", "a b", "a\n"])
def test_what_can_t_be_a_project(tmp_path: Path, bad: str) -> None:
    with pytest.raises(UsageError, match="can't be a project"):
        open_provider("automl", {"project": bad}, tmp_path, {})


@pytest.mark.parametrize(
    "bad",
    [
        "ftp://host",
        "https://",
        "http://host:port",
        "http://host:0",
        "https://user:hunter2@automl.googleapis.com",
        "https://evil.example\\@automl.googleapis.com",
        "https://[bad",
        "https://host?x=y",
        "https://host#x",
        "https://ho st",
    ],
)
@pytest.mark.parametrize("way", ["endpoint", "AUTOML_EMULATOR_HOST", "STORAGE_EMULATOR_HOST"])
def test_what_can_t_be_an_endpoint(tmp_path: Path, bad: str, way: str) -> None:
    settings = {"project": "p", **({"endpoint": bad} if way == "endpoint" else {})}
    environ = {} if way == "endpoint" else {way: bad}
    with pytest.raises(UsageError) as caught:
        open_provider("automl", settings, tmp_path, environ)
    assert way in str(caught.value)
    assert "hunter2" not in f"{caught.value} {caught.value.hint}"


def test_an_endpoint_may_have_a_path_and_wins(service: Service, tmp_path: Path) -> None:
    settings = {"project": "p", "endpoint": f"{service.url}/emul/"}
    made = open_provider("automl", settings, tmp_path, {"AUTOML_EMULATOR_HOST": "elsewhere:1"})
    made.datasets()
    made.close()
    assert service.received[0].path == "/emul/v1/projects/p/locations/us-central1/datasets"


def test_errors_pass_through(service: Service, provider: Provider) -> None:
    service.replies = [failure(404, "NOT_FOUND", "The model does not exist.")]
    with pytest.raises(NotFound, match=r"The model does not exist\.") as caught:
        provider.model("ICN1")
    assert caught.value.where == f"GET {PARENT}/models/ICN1"
    service.replies = [failure(400, "INVALID_ARGUMENT", "List of found errors:\t1.Field: x")]
    with pytest.raises(InvalidArgument, match="List of found errors: 1"):
        provider.train(MODEL, DATASET, "IOD7", OWN)


def test_an_unknown_provider(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no provider 'aws'") as caught:
        open_provider("aws", {}, tmp_path, {})
    assert caught.value.hint == "Write automl or local or vertex."
