"""Endpoints of Vertex AI that are not as a plan left them: renamed, shared, without traffic."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from automl_plan.model.recorded import DecisionKind
from automl_plan.planning.plan import Action, NoteKind
from tests.conftest import StartEmulator
from tests.execution.fronts import Front

DATASET = {"image_classification": {"classification_type": "MULTICLASS"}, "sources": ["d.csv"]}


class Shared(Front):
    """A project whose endpoints somebody else works with, too."""

    def declare(
        self,
        *names: str,
        nodes: int | None = 1,
        budget: int = 8000,
        deployed: tuple[str, ...] = (),
        **blocks: Any,
    ) -> None:
        models = {
            name: {
                "dataset": "digits",
                "display_name": "m",
                "image_classification": {
                    "train_budget_milli_node_hours": 8000 if name == "other" else budget
                },
            }
            for name in names
        }
        for name in names if nodes else deployed:
            models[name]["deploy"] = {"node_count": nodes or 1}
        self.write({"digits": DATASET}, models)
        text = json.dumps(blocks)
        (self.directory / "blocks.automl.yaml").write_text(text, encoding="utf-8")

    def actions(self) -> list[str]:
        return [f"{c.address} {c.action}" for c in self.plan().plan.changes]

    def settled(self) -> None:
        """Apply; then nothing is left to do."""
        result = self.apply()
        assert not result.failed, result.failed
        assert self.actions() == []

    def ask(self, path: str, body: object = None, method: str = "POST") -> Any:
        url = f"{self.url}/v1/projects/vertex/locations/us-central1/{path}"
        data = None if method == "GET" else json.dumps(body or {}).encode()
        asked = urllib.request.Request(url, data, method=method)
        with urllib.request.urlopen(asked, timeout=30) as answer:
            return json.load(answer)

    def serving(self) -> dict[str, dict[str, int]]:
        """By endpoint: percent of the requests by the id of the model that answers them."""
        found = {}
        for endpoint in self.ask("endpoints", method="GET").get("endpoints", ()):
            there = {d["id"]: tail(d["model"]) for d in endpoint.get("deployedModels", ())}
            split = endpoint.get("trafficSplit", {})
            found[tail(endpoint["name"])] = {m: split.get(d, 0) for d, m in there.items()}
        return found

    def deploy_elsewhere(self, *model_ids: str) -> str:
        """A colleague deploys models at an endpoint of their own; its id."""
        self.ask("endpoints?endpointId=theirs", {"displayName": "theirs"})
        self.wait_for("theirs", there=0)
        for place, model_id in enumerate(model_ids):
            self.deploy_at("theirs", model_id, alone=place == 0)
        return "theirs"

    def deploy_at(self, endpoint: str, model_id: str, *, alone: bool) -> None:
        """A colleague deploys a model; with all the traffic where it is alone."""
        there = len(self.serving()[endpoint])
        name = f"projects/vertex/locations/us-central1/models/{model_id}"
        resources = {"minReplicaCount": 1, "maxReplicaCount": 1}
        deployed = {"model": name, "displayName": "x", "automaticResources": resources}
        body = {"deployedModel": deployed, "trafficSplit": {"0": 100} if alone else {}}
        self.ask(f"endpoints/{endpoint}:deployModel", body)
        self.wait_for(endpoint, there=there + 1)

    def undeploy(self, endpoint: str, model_id: str) -> None:
        """A colleague undeploys a model."""
        there = self.ask(f"endpoints/{endpoint}", method="GET")["deployedModels"]
        (deployed,) = (d["id"] for d in there if tail(d["model"]) == model_id)
        self.ask(f"endpoints/{endpoint}:undeployModel", {"deployedModelId": deployed})
        self.wait_for(endpoint, there=len(there) - 1)

    def shift(self, endpoint: str, shares: dict[str, int]) -> None:
        """A colleague gives models these percents of the traffic."""
        there = self.ask(f"endpoints/{endpoint}", method="GET")["deployedModels"]
        split = {d["id"]: shares.get(tail(d["model"]), 0) for d in there}
        self.ask(f"endpoints/{endpoint}?updateMask=trafficSplit", {"trafficSplit": split}, "PATCH")

    def end(self, endpoint: str) -> None:
        """A colleague undeploys all that is at an endpoint, and deletes it."""
        there = self.ask(f"endpoints/{endpoint}", method="GET").get("deployedModels", ())
        self.shift(endpoint, {tail(there[0]["model"]): 100})
        for left, deployed in reversed([*enumerate(there)]):
            self.ask(f"endpoints/{endpoint}:undeployModel", {"deployedModelId": deployed["id"]})
            self.wait_for(endpoint, there=left)
        self.ask(f"endpoints/{endpoint}", method="DELETE")
        while endpoint in self.serving():
            pass

    def adopted(self, share: int) -> tuple[str, str]:
        """Adopt a model that a colleague deployed beside another one; the ids of both."""
        self.declare("digits", "other", nodes=None)
        self.settled()
        model, other = self.current(), self.current("other")
        removed = [{"from": "model.digits", "action": "forget"}]
        self.declare("other", nodes=None, removed=removed)
        self.settled()
        self.deploy_elsewhere(model, *([] if share == 100 else [other]))
        self.shift("theirs", {model: share, other: 100 - share})
        imports = [{"to": "model.digits", "id": model}]
        self.declare("digits", "other", nodes=None, deployed=("digits",), imports=imports)
        (change,) = self.plan().plan.changes
        assert (change.action, change.endpoints) == (Action.IMPORT, ("theirs",))
        self.settled()
        return model, other

    def wait_for(self, endpoint: str, there: int) -> None:
        while len(self.serving().get(endpoint, "nothing yet")) != there:
            pass

    def endpoint(self) -> str | None:
        """Where the current model is told to answer."""
        with self.workspace() as workspace:
            return workspace.provider.model(self.current()).endpoint

    def current(self, name: str = "digits") -> str:
        record = next(r for a, r in self.state().resources.items() if str(a) == f"model.{name}")
        assert record.current is not None
        return record.current.id


def tail(name: str) -> str:
    return name.rpartition("/")[2]


@pytest.fixture
def shared(tmp_path: Path, start_emulator: StartEmulator) -> Shared:
    shared = Shared(tmp_path, "vertex", start_emulator(time_scale=36_000_000.0))
    images = tmp_path / "buckets" / "b"
    images.mkdir()
    rows = []
    for i in range(8):
        (images / f"{i}.png").write_bytes(f"image {i}".encode())
        rows.append(f"gs://b/{i}.png,{'cat' if i % 2 else 'dog'}\n")
    (images / "d.csv").write_text("".join(rows), encoding="utf-8")
    DATASET["sources"] = ["gs://b/d.csv"]
    return shared


def test_a_model_keeps_its_endpoint_under_another_address(shared: Shared) -> None:
    shared.declare("digits")
    shared.settled()
    ((home, _),) = shared.serving().items()
    moved = [{"from": "model.digits", "to": "model.numbers"}]
    shared.declare("numbers", nodes=2, moved=moved)
    shared.settled()
    assert shared.serving() == {home: {shared.current("numbers"): 100}}

    # what has the old address now gets an endpoint of its own
    shared.declare("numbers", "digits", nodes=2, moved=moved)
    shared.declare("numbers", "digits", nodes=2)
    shared.settled()
    serving = shared.serving()
    assert serving.pop(home) == {shared.current("numbers"): 100}
    assert list(serving.values()) == [{shared.current(): 100}]

    # a further version answers where the first one did, and nothing is left in the end
    shared.declare("numbers", nodes=2, budget=9000)
    shared.settled()
    assert shared.serving() == {home: {shared.current("numbers"): 100}}
    shared.declare()
    shared.settled()
    assert shared.serving() == {}


def test_what_others_deploy_is_told_and_left(shared: Shared) -> None:
    shared.declare("digits")
    shared.settled()
    ((home, _),) = shared.serving().items()
    assert shared.endpoint() == home
    theirs = shared.deploy_elsewhere(shared.current())
    assert shared.endpoint() == home
    planned = shared.plan().plan
    assert planned.changes == ()
    (note,) = (n for n in planned.notes if n.kind is NoteKind.ELSEWHERE)
    assert f"at the endpoint {theirs}" in note.text
    assert planned.costs is not None
    assert [round(idle.monthly) for idle in planned.costs.idle] == [1004]
    shared.declare("digits", nodes=2)
    shared.settled()
    assert shared.serving()[theirs] == {shared.current(): 100}


def test_an_endpoint_is_ours_by_its_id_without_labels(shared: Shared) -> None:
    shared.declare("digits")
    shared.settled()
    ((home, _),) = shared.serving().items()
    shared.ask(f"endpoints/{home}?updateMask=labels", {"labels": {}}, "PATCH")
    assert shared.endpoint() == home
    assert shared.actions() == []
    shared.declare("digits", nodes=2, budget=9000)
    shared.settled()
    assert shared.serving() == {home: {shared.current(): 100}}
    shared.declare()
    shared.settled()
    assert shared.serving() == {}


def test_copied_labels_make_no_endpoint_ours(shared: Shared) -> None:
    shared.declare("digits")
    shared.settled()
    ((home, _),) = shared.serving().items()
    theirs = shared.deploy_elsewhere(shared.current())
    labels = shared.ask(f"endpoints/{home}", method="GET")["labels"]
    shared.ask(f"endpoints/{theirs}?updateMask=labels", {"labels": labels}, "PATCH")
    assert shared.actions() == []
    shared.declare("digits", nodes=None)
    shared.settled()
    assert shared.serving() == {theirs: {shared.current(): 100}}
    assert [note.kind for note in shared.plan().plan.notes] == [NoteKind.ELSEWHERE]


def test_deletions_name_each_endpoint_and_count_its_money(shared: Shared) -> None:
    shared.declare("digits")
    shared.settled()
    ((home, _),) = shared.serving().items()
    theirs = shared.deploy_elsewhere(shared.current())
    shared.declare()
    plan = shared.plan().plan
    undeploy, delete = (c for c in plan.changes if str(c.address) == "model.digits")
    assert (undeploy.action, delete.action) == (Action.UNDEPLOY, Action.DELETE)
    assert set(undeploy.endpoints) == {home, theirs}
    assert plan.costs is not None
    assert [round(line.amounts.monthly_before) for line in plan.costs.lines] == [2008]
    assert [round(line.amounts.monthly_after) for line in plan.costs.lines] == [0]
    assert plan.costs.idle == ()
    shared.settled()
    assert shared.serving() == {theirs: {}}


def test_an_endpoint_that_is_gone_is_made_again_with_its_id(shared: Shared) -> None:
    shared.declare("digits")
    shared.settled()
    ((home, _),) = shared.serving().items()
    shared.end(home)
    (change,) = shared.plan().plan.changes
    assert (change.action, change.endpoints) == (Action.DEPLOY, (home,))
    assert f"endpoint {home} was deleted outside automl-plan" in change.reason
    shared.settled()
    assert shared.serving() == {home: {shared.current(): 100}}


def test_an_adopted_model_keeps_its_endpoint_and_its_share(shared: Shared) -> None:
    model, other = shared.adopted(share=30)
    assert shared.serving() == {"theirs": {model: 30, other: 70}}
    assert shared.actions() == []
    assert [str(note.address) for note in shared.plan().plan.notes] == ["model.other"]

    # a successor takes its place there, and its share
    shared.declare("digits", "other", nodes=None, budget=9000, deployed=("digits",))
    (deploy,) = (c for c in shared.plan().plan.changes if c.action is Action.DEPLOY)
    assert deploy.endpoints == ("theirs",)
    shared.settled()
    assert shared.current() != model
    assert shared.serving() == {"theirs": {shared.current(): 30, other: 70}}

    # it can't leave without giving its requests to others: that is not for a plan to decide
    shared.declare("digits", "other", nodes=None, budget=9000)
    (refusal,) = shared.plan().plan.refused
    assert refusal.rule == "others-traffic"
    shared.shift("theirs", {other: 100})
    shared.settled()
    assert shared.serving() == {"theirs": {other: 100}}


def test_clients_are_told_where_an_adopted_endpoint_is_gone(shared: Shared) -> None:
    model, other = shared.adopted(share=100)
    shared.end("theirs")
    (change,) = shared.plan().plan.changes
    assert change.action is Action.DEPLOY
    assert "clients of theirs must be updated" in change.reason
    assert [(d.path, d.before) for d in change.differences] == [
        ("deploy.node_count", None),
        ("deploy.endpoint", "theirs"),
    ]
    shared.settled()
    ((home, split),) = shared.serving().items()
    assert home != "theirs"
    assert split == {model: 100}
    assert other not in split


def test_who_has_no_traffic_gets_it(shared: Shared) -> None:
    shared.declare("digits")
    shared.settled()
    ((home, _),) = shared.serving().items()
    shared.ask(f"endpoints/{home}?updateMask=trafficSplit", {"trafficSplit": {}}, "PATCH")
    assert shared.actions() == [f"model.digits {Action.DEPLOY}"]
    shared.settled()
    assert shared.serving() == {home: {shared.current(): 100}}


def test_a_rollback_to_a_version_that_is_still_deployed(shared: Shared) -> None:
    shared.declare("digits")
    shared.settled()
    first = shared.current()
    shared.declare("digits", budget=9000)
    with urllib.request.urlopen(
        urllib.request.Request(
            shared.url.removesuffix("/vertex") + "/emulator/v1/faults",
            json.dumps({"fault": "endpoints.undeployModel:fail=INTERNAL:1"}).encode(),
        ),
        timeout=30,
    ):
        pass
    assert shared.apply().failed
    second = shared.current()
    ((home, split),) = shared.serving().items()
    assert split == {first: 0, second: 100}
    assert not shared.promote("digits", 1, DecisionKind.ROLLED_BACK).failed
    assert shared.serving() == {home: {first: 100}}
    assert shared.actions() == []
