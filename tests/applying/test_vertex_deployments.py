"""Endpoints of Vertex AI that are not as a plan left them: renamed, shared, without traffic."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from automl_plan.planning.plan import Action, NoteKind
from automl_plan.resources.recorded import DecisionKind
from tests.applying.fronts import Front
from tests.conftest import StartEmulator

DATASET = {"image_classification": {"classification_type": "MULTICLASS"}, "sources": ["d.csv"]}


class Shared(Front):
    """A project whose endpoints somebody else works with, too."""

    def declare(self, *names: str, nodes: int = 1, budget: int = 8000, **blocks: Any) -> None:
        models = {
            name: {
                "dataset": "digits",
                "display_name": "m",
                "image_classification": {"train_budget_milli_node_hours": budget},
                "deploy": {"node_count": nodes},
            }
            for name in names
        }
        self.write({"digits": DATASET}, models)
        text = json.dumps(blocks)
        (self.directory / "blocks.yaml").write_text(text, encoding="utf-8")

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

    def deploy_elsewhere(self, model_id: str) -> str:
        """A colleague deploys a model at an endpoint of their own; its id."""
        self.ask("endpoints?endpointId=theirs", {"displayName": "theirs"})
        self.wait_for("theirs", there=0)
        name = f"projects/vertex/locations/us-central1/models/{model_id}"
        resources = {"minReplicaCount": 1, "maxReplicaCount": 1}
        deployed = {"model": name, "displayName": "x", "automaticResources": resources}
        body = {"deployedModel": deployed, "trafficSplit": {"0": 100}}
        self.ask("endpoints/theirs:deployModel", body)
        self.wait_for("theirs", there=1)
        return "theirs"

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


def test_the_only_deployment_counts_whoever_made_it(shared: Shared) -> None:
    shared.declare("digits")
    shared.settled()
    ((theirs, _),) = shared.serving().items()
    shared.ask(f"endpoints/{theirs}?updateMask=labels", {"labels": {}}, "PATCH")
    assert shared.endpoint() == theirs
    assert shared.actions() == []  # as after the import of a model that is deployed already
    shared.declare("digits", nodes=2)
    shared.settled()
    serving = shared.serving()
    assert serving.pop(theirs) == {shared.current(): 100}
    assert list(serving.values()) == [{shared.current(): 100}]
    assert [note.kind for note in shared.plan().plan.notes] == [NoteKind.ELSEWHERE]


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
