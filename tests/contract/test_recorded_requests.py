"""Every recorded or published request is accepted, with live objects in the placeholders' place."""

import base64
import json
import re
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.contract.conftest import PARENT, Judge, png

SAMPLES = Path(__file__).parent / "samples"
RECORDED = sorted((SAMPLES / "official-client").glob("*.json"))


class Stage:
    """Live objects for the placeholders of the samples."""

    def __init__(self, judge: Judge) -> None:
        self.judge = judge
        for bucket in ("b", "YOUR_BUCKET_ID"):
            (judge.emulator.bucket_root / bucket).mkdir(exist_ok=True)
        self.dataset = judge.dataset()
        self.cars = judge.dataset("cars", detection=True)
        self.operation = judge.train(self.dataset)
        self.model = judge.result(self.operation)
        self.mobile = judge.model(self.dataset, model_type="mobile-versatile-1")
        self.cars_model = judge.model(self.cars)
        evaluations = judge.automl.list_model_evaluations(parent=self.model.name, filter="")
        self.overall, self.label, *_ = evaluations

    def put(self, text: str, *, model: Any) -> str:
        """The text with live ids, put in at once: one may begin as another placeholder does."""
        names = {
            "ICN123": self.dataset.name,
            "ICN456": model.name,
            "ICN111": self.model.name,
            "ICN789": self.operation.operation.name,
        }
        return re.sub("|".join(names), lambda match: names[match[0]].rpartition("/")[2], text)


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
def test_requests_of_the_official_client(judge: Judge, path: Path) -> None:
    stage = Stage(judge)
    step = path.stem.partition("-")[2]
    model = {"export_model": stage.mobile, "deploy_model_od_nodes": stage.cars_model}.get(
        step, stage.model
    )
    if step == "predict":
        judge.result(judge.automl.deploy_model(name=model.name))
    request = json.loads(stage.put(path.read_text(), model=model))
    url, query, body = request["path"], request["query"], request["body"]
    url = url.replace("modelEvaluations/9", f"modelEvaluations/{stage.overall.name[-19:]}")
    url = url.replace("annotationSpecs/1", f"annotationSpecs/{stage.label.annotation_spec_id}")
    if step == "list_datasets_filter_page":  # a token is the server's own
        first = judge.http.get(
            f"{judge.emulator.url}{url}?{query.replace('&pageToken=tok%2F%2B%3D', '')}", timeout=30
        )
        query = query.replace("tok%2F%2B%3D", first.json().get("nextPageToken", ""))
    if step == "update_dataset":
        body["etag"] = stage.dataset.etag
    if step == "predict":
        body["payload"]["image"]["imageBytes"] = base64.b64encode(png(1)).decode()
    headers = {
        name: value for name, value in request["headers"].items() if name != "Content-Length"
    }
    answer = judge.http.request(
        request["method"],
        f"{judge.emulator.url}{url}?{query}",
        data=None if body is None else json.dumps(body, indent=2),
        headers=headers,
        timeout=30,
    )
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "application/json; charset=UTF-8"
    assert int(answer.headers["Content-Length"]) == len(answer.content)


def sample(number: str) -> Any:
    """A published body."""
    [path] = SAMPLES.glob(f"{number}-*.json")
    return json.loads(path.read_text())


def test_published_requests(judge: Judge) -> None:
    stage = Stage(judge)

    def accepted(path: str, body: object) -> requests.Response:
        answer = judge.post(path, body)
        assert answer.status_code == 200, (path, answer.text)
        return answer

    for number in ("06", "29"):
        accepted(f"{PARENT}/datasets", sample(number))
    for number, dataset in (("07", stage.dataset), ("30", stage.dataset), ("31", stage.cars)):
        body = sample(number) | {"datasetId": dataset.name.rpartition("/")[2]}
        name = accepted(f"{PARENT}/models", body).json()["name"]
        assert "response" in judge.post(f"{name}:wait", {"timeout": "20s"}).json()
    accepted(f"{stage.cars_model.name}:deploy", sample("11"))
    accepted(f"{stage.model.name}:deploy", sample("32"))
    accepted(f"{stage.dataset.name}:importData", sample("24"))
    accepted(f"{stage.dataset.name}:exportData", sample("33"))
    accepted(f"{stage.model.name}:batchPredict", sample("34"))
    prediction = sample("17")
    prediction["payload"]["image"]["imageBytes"] = base64.b64encode(png(1)).decode()
    accepted(f"{stage.model.name}:predict", prediction)
    url = sample("23")["url"].replace("https://automl.googleapis.com", judge.emulator.url)
    answer = judge.http.get(url.replace("project-id", "my-project"), timeout=30)
    assert answer.json()["operations"]
