"""endpoints.* and predictions, driven by Google's generated clients."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from google.api_core import exceptions
from google.protobuf import field_mask_pb2

from tests.contract.conftest import LABELS, NAMED, png
from tests.contract_vertex.conftest import PARENT, Judge, number


def image(seed: int = 1) -> dict[str, str]:
    """An instance to predict."""
    return {"content": base64.b64encode(png(seed)).decode(), "mimeType": "image/png"}


def undeploy(judge: Judge, endpoint: Any, deployed: Any, split: dict[str, int]) -> None:
    """Undeploy a model from an endpoint."""
    judge.result(
        judge.endpoints.undeploy_model(
            endpoint=endpoint.name, deployed_model_id=deployed.id, traffic_split=split
        )
    )


def test_create_answers_a_name_and_get_the_rest(judge: Judge) -> None:
    operation = judge.endpoints.create_endpoint(
        parent=PARENT,
        endpoint={"display_name": "serving", "description": "d", "labels": {"team": "vision"}},
    )
    made = judge.result(operation)
    assert operation.operation.name.startswith(f"{made.name}/operations/")
    endpoint = judge.endpoints.get_endpoint(name=made.name)
    assert number(endpoint).isdigit()
    assert (endpoint.display_name, endpoint.description) == ("serving", "d")
    assert dict(endpoint.labels) == {"team": "vision"}
    assert endpoint.create_time == operation.metadata.generic_metadata.create_time
    assert endpoint.etag
    assert not endpoint.deployed_models
    assert not endpoint.traffic_split


@pytest.mark.parametrize("chosen", ["a", "my-endpoint-1", "x" * 63, "123456789"])
def test_an_id_can_be_chosen_and_belongs_to_one(judge: Judge, chosen: str) -> None:
    request = {"parent": PARENT, "endpoint": {"display_name": "x"}, "endpoint_id": chosen}
    made = judge.result(judge.endpoints.create_endpoint(request=request))
    assert made.name == f"{NAMED}/endpoints/{chosen}"
    assert judge.endpoints.get_endpoint(name=made.name).display_name == "x"
    with pytest.raises(exceptions.Conflict):
        judge.endpoints.create_endpoint(request=request)


@pytest.mark.parametrize("chosen", ["A", "a_b", "a-", "-a", "x" * 64, "0123", "1234567890", "1a"])
def test_ids_that_are_refused(judge: Judge, chosen: str) -> None:
    request = {"parent": PARENT, "endpoint": {"display_name": "x"}, "endpoint_id": chosen}
    with pytest.raises(exceptions.BadRequest, match="endpoint_id"):
        judge.endpoints.create_endpoint(request=request)


@pytest.mark.parametrize(
    ("query", "finds"),
    [
        ('display_name="red roses"', {"rose"}),
        ("displayName!=lily", {"rose"}),
        ("endpoint={rose}", {"rose"}),
        ("endpoint!={rose}", {"lily"}),
        ("labels.colour=white", {"lily"}),
        ("labels.colour:*", {"rose", "lily"}),
        ("labels:colour", {"rose", "lily"}),
        ("labels.colour=red OR display_name=lily", {"rose", "lily"}),
        ("labels.colour=red AND NOT endpoint={rose}", set()),
    ],
)
def test_list_filters(judge: Judge, query: str, finds: set[str]) -> None:
    rose = judge.endpoint("red roses", labels={"colour": "red"})
    lily = judge.endpoint("lily", labels={"colour": "white"})
    mine = {rose.name: "rose", lily.name: "lily"}
    text = query.format(rose=number(rose))
    request = {"parent": PARENT, "filter": text, "page_size": 3}
    found = judge.endpoints.list_endpoints(request=request)
    assert {mine[each.name] for each in found if each.name in mine} == finds


def test_update(judge: Judge) -> None:
    old = judge.endpoint()
    new = judge.endpoints.update_endpoint(
        endpoint={"name": old.name, "display_name": "e2", "labels": {"a": "b"}},
        update_mask=field_mask_pb2.FieldMask(paths=["display_name", "labels"]),
    )
    assert (new.display_name, dict(new.labels)) == ("e2", {"a": "b"})
    assert (new.etag != old.etag, new.update_time > old.update_time) == (True, True)
    assert judge.endpoints.get_endpoint(name=old.name) == new
    stale = {"name": old.name, "etag": old.etag, "description": "x"}
    mask = field_mask_pb2.FieldMask(paths=["description"])
    with pytest.raises(exceptions.Conflict):
        judge.endpoints.update_endpoint(endpoint=stale, update_mask=mask)


def test_deploy_and_undeploy(judge: Judge) -> None:
    model, endpoint = judge.model(judge.dataset()), judge.endpoint()
    resources = {"min_replica_count": 2, "max_replica_count": 3}
    deployed = judge.deploy(endpoint, model, automatic_resources=resources)

    endpoint = judge.endpoints.get_endpoint(name=endpoint.name)
    [found] = endpoint.deployed_models
    assert (found.id, found.model, found.display_name) == (deployed.id, model.name, "flowers")
    assert found.automatic_resources.min_replica_count == 2
    assert found.automatic_resources.max_replica_count == 3
    assert found.create_time
    assert dict(endpoint.traffic_split) == {deployed.id: 100}
    [served] = judge.models.get_model(name=model.name).deployed_models
    assert (served.endpoint, served.deployed_model_id) == (endpoint.name, deployed.id)
    request = {"parent": PARENT, "filter": f"model={number(model)}"}
    [listed] = judge.models.list_models(request=request)
    assert list(listed.deployed_models) == [served]

    undeploy(judge, endpoint, deployed, {})
    endpoint = judge.endpoints.get_endpoint(name=endpoint.name)
    assert (list(endpoint.deployed_models), dict(endpoint.traffic_split)) == ([], {})
    assert not judge.models.get_model(name=model.name).deployed_models
    with pytest.raises(exceptions.NotFound):
        undeploy(judge, endpoint, deployed, {})


def test_traffic_is_split_among_deployments(judge: Judge) -> None:
    model, endpoint = judge.model(judge.dataset()), judge.endpoint()
    first = judge.deploy(endpoint, model, display_name="first")
    second = judge.deploy(endpoint, model, {"0": 25, first.id: 75}, display_name="second")
    endpoint = judge.endpoints.get_endpoint(name=endpoint.name)
    assert [each.display_name for each in endpoint.deployed_models] == ["first", "second"]
    assert dict(endpoint.traffic_split) == {first.id: 75, second.id: 25}

    mask = field_mask_pb2.FieldMask(paths=["traffic_split"])

    def put(split: dict[str, int]) -> Any:
        change = {"name": endpoint.name, "traffic_split": split}
        return judge.endpoints.update_endpoint(endpoint=change, update_mask=mask)

    assert dict(put({second.id: 100}).traffic_split) == {second.id: 100}
    for wrong in ({first.id: 50}, {first.id: 101, second.id: -1}, {"12345": 100}):
        with pytest.raises(exceptions.BadRequest, match="traffic_split"):
            put(wrong)

    with pytest.raises(exceptions.BadRequest):
        undeploy(judge, endpoint, second, {})
    undeploy(judge, endpoint, second, {first.id: 100})
    assert dict(judge.endpoints.get_endpoint(name=endpoint.name).traffic_split) == {first.id: 100}


def test_the_id_of_a_deployment_can_be_chosen_and_belongs_to_one(judge: Judge) -> None:
    model, endpoint = judge.model(judge.dataset()), judge.endpoint()
    deployed = judge.deploy(endpoint, model, id="1234567890")
    assert deployed.id == "1234567890"
    with pytest.raises(exceptions.Conflict):
        judge.deploy(endpoint, model, {}, id="1234567890")
    other = judge.endpoint("other")
    assert judge.deploy(other, model, id="1234567890").id == "1234567890"
    undeploy(judge, other, deployed, {})
    [left] = judge.endpoints.get_endpoint(name=endpoint.name).deployed_models
    assert left.id == "1234567890"
    for chosen in ("12345678901", "a", "-1"):
        with pytest.raises(exceptions.BadRequest):
            judge.deploy(endpoint, model, {}, id=chosen)


def test_without_a_split_the_traffic_stays_as_it_is(judge: Judge) -> None:
    model, endpoint = judge.model(judge.dataset()), judge.endpoint()
    first = judge.deploy(endpoint, model)
    second = judge.deploy(endpoint, model, {})
    assert dict(judge.endpoints.get_endpoint(name=endpoint.name).traffic_split) == {first.id: 100}
    undeploy(judge, endpoint, second, {})
    assert dict(judge.endpoints.get_endpoint(name=endpoint.name).traffic_split) == {first.id: 100}


def test_what_deploy_refuses(judge: Judge) -> None:
    model, endpoint = judge.model(judge.dataset()), judge.endpoint()
    sound = {"model": model.name, "automaticResources": {"minReplicaCount": 1}}
    bodies: list[dict[str, object]] = [
        {},
        {"deployedModel": {**sound, "automaticResources": {"minReplicaCount": 101}}},
        {
            "deployedModel": {
                **sound,
                "automaticResources": {"minReplicaCount": 2, "maxReplicaCount": 1},
            }
        },
        {"deployedModel": {**sound, "colour": "red"}},
        {"deployedModel": sound, "trafficSplit": {"0": 99}},
        {"deployedModel": sound, "trafficSplit": {"1": 100}},
        {"deployedModel": sound, "trafficSplit": {"0": "all"}},
    ]
    for body in bodies:
        assert judge.post(f"{endpoint.name}:deployModel", body).status_code == 400, body
    machine = {"machineSpec": {"machineType": "n1-standard-2"}, "minReplicaCount": 1}
    body = {"deployedModel": {"model": model.name, "dedicatedResources": machine}}
    assert judge.post(f"{endpoint.name}:deployModel", body).status_code in (400, 501)


def test_delete_needs_an_empty_endpoint(judge: Judge) -> None:
    model, endpoint = judge.model(judge.dataset()), judge.endpoint()
    deployed = judge.deploy(endpoint, model)
    with pytest.raises(exceptions.BadRequest) as caught:
        judge.endpoints.delete_endpoint(name=endpoint.name)
    assert caught.value.response.json()["error"]["status"] == "FAILED_PRECONDITION"
    undeploy(judge, endpoint, deployed, {})
    judge.result(judge.endpoints.delete_endpoint(name=endpoint.name))
    for call in (judge.endpoints.get_endpoint, judge.endpoints.delete_endpoint):
        with pytest.raises(exceptions.NotFound):
            call(name=endpoint.name)


def test_predict(judge: Judge) -> None:
    model, endpoint = judge.model(judge.dataset()), judge.endpoint()

    def predict(**parameters: object) -> Any:
        return judge.predictions.predict(
            endpoint=endpoint.name, instances=[image(1), image(2)], parameters=parameters or None
        )

    with pytest.raises(exceptions.BadRequest):
        predict()
    deployed = judge.deploy(endpoint, model)
    answer = predict()
    assert (answer.deployed_model_id, answer.model) == (deployed.id, model.name)
    assert (answer.model_display_name, answer.model_version_id) == ("flowers", "1")
    assert len(answer.predictions) == 2
    [overall] = judge.models.list_model_evaluations(parent=model.name)
    specs = overall.metrics["confusionMatrix"]["annotationSpecs"]
    ids = {spec["displayName"]: spec["id"] for spec in specs}
    for prediction in answer.predictions:
        assert set(prediction["displayNames"]) == set(LABELS)
        assert list(prediction["ids"]) == [ids[name] for name in prediction["displayNames"]]
        scores = list(prediction["confidences"])
        assert scores == sorted(scores, reverse=True)

    for prediction in predict(maxPredictions=1).predictions:
        assert len(prediction["ids"]) == 1
    for prediction in predict(confidenceThreshold=0.5).predictions:
        assert all(score >= 0.5 for score in prediction["confidences"])


def test_raw_predict_answers_as_predict(judge: Judge) -> None:
    model, endpoint = judge.model(judge.dataset()), judge.endpoint()
    deployed = judge.deploy(endpoint, model)
    body = {"instances": [image(1)], "parameters": {"maxPredictions": 2}}
    expected = judge.post(f"{endpoint.name}:predict", body).json()
    raw = judge.post(f"{endpoint.name}:rawPredict", body)
    assert raw.json() == expected
    headers = {"Endpoint-Id": number(endpoint), "Deployed-Model-Id": deployed.id}
    headers |= {"Model": model.name, "Model-Version-Id": "1"}
    assert {name: raw.headers[f"X-Vertex-AI-{name}"] for name in headers} == headers

    http_body = {"content_type": "application/json", "data": json.dumps(body).encode()}
    answer = judge.predictions.raw_predict(endpoint=endpoint.name, http_body=http_body)
    assert answer.content_type == "application/json"
    assert json.loads(answer.data) == expected

    bodies: list[dict[str, object]] = [{"instances": []}, {"colour": 1}, {"httpBody": {}}]
    for wrong in bodies:
        assert judge.post(f"{endpoint.name}:rawPredict", wrong).status_code == 400, wrong


def test_there_are_no_explanations(judge: Judge) -> None:
    endpoint = judge.endpoint()
    with pytest.raises(exceptions.MethodNotImplemented, match="service has no explanations"):
        judge.predictions.explain(endpoint=endpoint.name, instances=[image()])
    with pytest.raises(exceptions.NotFound):
        judge.predictions.explain(endpoint=f"{PARENT}/endpoints/1", instances=[image()])


def test_the_replicas_of_a_deployment_change(judge: Judge) -> None:
    model, endpoint = judge.model(judge.dataset(), name="mutated"), judge.endpoint()
    deployed = judge.deploy(endpoint, model)

    def mutate(low: int, high: int, *paths: str) -> Any:
        resources = {"min_replica_count": low, "max_replica_count": high}
        operation = judge.endpoints.mutate_deployed_model(
            endpoint=endpoint.name,
            deployed_model={"id": deployed.id, "automatic_resources": resources},
            update_mask={"paths": [f"automatic_resources.{path}" for path in paths]},
        )
        changed = judge.result(operation).deployed_model
        [found] = judge.endpoints.get_endpoint(name=endpoint.name).deployed_models
        assert found.automatic_resources == changed.automatic_resources
        assert (found.id, found.model) == (deployed.id, model.name)
        return (
            found.automatic_resources.min_replica_count,
            found.automatic_resources.max_replica_count,
        )

    assert mutate(2, 5, "max_replica_count") == (1, 5)
    assert mutate(2, 9, "min_replica_count") == (2, 5)
    assert mutate(3, 4, "min_replica_count", "max_replica_count") == (3, 4)
    billing = judge.http.get(f"{judge.emulator.url}/emulator/v1/billing", timeout=30).json()
    rows = [row for row in billing["deployments"] if row["display_name"] == "mutated"]
    assert [row["nodes"] for row in rows] == [1, 2, 3]
    for low, high in ((5, 4), (0, 1), (1, 101)):
        with pytest.raises(exceptions.BadRequest):
            mutate(low, high, "min_replica_count", "max_replica_count")
    resources = {"minReplicaCount": 1}
    bodies: list[dict[str, object]] = [
        {},
        {"deployedModel": {"id": deployed.id, "automaticResources": resources}},
        {"deployedModel": {"id": deployed.id}, "updateMask": "displayName"},
        {"deployedModel": {}, "updateMask": "automaticResources.minReplicaCount"},
    ]
    for body in bodies:
        answer = judge.post(f"{endpoint.name}:mutateDeployedModel", body)
        assert answer.status_code == 400, body
    body = {"deployedModel": {"id": "1"}, "updateMask": "automaticResources.minReplicaCount"}
    assert judge.post(f"{endpoint.name}:mutateDeployedModel", body).status_code == 404


def test_predict_boxes(judge: Judge) -> None:
    model, endpoint = judge.model(judge.dataset("boxes"), "boxes"), judge.endpoint()
    judge.deploy(endpoint, model)
    answer = judge.predictions.predict(endpoint=endpoint.name, instances=[image()])
    [prediction] = answer.predictions
    assert answer.metadata == {"simulated": True}
    count = len(prediction["ids"])
    assert count == len(prediction["bboxes"]) == len(prediction["confidences"]) > 0
    for x_min, x_max, y_min, y_max in prediction["bboxes"]:
        assert 0 <= x_min < x_max <= 1
        assert 0 <= y_min < y_max <= 1


def test_what_predict_refuses(judge: Judge) -> None:
    model, endpoint = judge.model(judge.dataset()), judge.endpoint()
    judge.deploy(endpoint, model)
    bodies: list[dict[str, object]] = [
        {},
        {"instances": []},
        {"instances": [{}]},
        {"instances": [{"content": "a"}]},
        {"instances": [{**image(), "colour": "red"}]},
        {"instances": [image()], "parameters": {"confidenceThreshold": 2}},
        {"instances": [image()], "parameters": {"maxPredictions": 0}},
    ]
    for body in bodies:
        answer = judge.post(f"{endpoint.name}:predict", body)
        assert (answer.status_code, answer.json()["error"]["status"]) == (400, "INVALID_ARGUMENT")


def test_an_unknown_endpoint(judge: Judge) -> None:
    name = f"{PARENT}/endpoints/unknown"
    resources = {"min_replica_count": 1}
    deployed = {"model": judge.model(judge.dataset()).name, "automatic_resources": resources}
    with pytest.raises(exceptions.NotFound):
        judge.endpoints.deploy_model(endpoint=name, deployed_model=deployed)
    with pytest.raises(exceptions.NotFound):
        judge.endpoints.undeploy_model(endpoint=name, deployed_model_id="1")
    with pytest.raises(exceptions.NotFound):
        judge.predictions.predict(endpoint=name, instances=[image()])


@pytest.mark.parametrize("split", [{"0": 100}, {}])
def test_the_update_time_moves_with_deployments(judge: Judge, split: dict[str, int]) -> None:
    model, made = judge.model(judge.dataset()), judge.endpoint()
    deployed = judge.deploy(made, model, split)
    serving = judge.endpoints.get_endpoint(name=made.name)
    assert serving.update_time > made.update_time
    undeploy(judge, made, deployed, {})
    assert judge.endpoints.get_endpoint(name=made.name).update_time > serving.update_time
