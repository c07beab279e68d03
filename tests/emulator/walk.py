"""A fixed walk of requests through both APIs of a service in this process, and what it answers.

Ids, etags and times differ from service to service: they are told in the order in which they
appear, and in whole hours since the first request.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from automl_plan.emulator.http import Request, encoded
from automl_plan.emulator.server import Server
from tests.still_service import StillClock, still_service

HOUR = 3600.0
_SCHEMATA = "gs://google-cloud-aiplatform/schema"
IMAGES = f"{_SCHEMATA}/dataset/metadata/image_1.0.0.yaml"
IMPORT = f"{_SCHEMATA}/dataset/ioformat/image_classification_single_label_io_format_1.0.0.yaml"
TASK = f"{_SCHEMATA}/trainingjob/definition/automl_image_classification_1.0.0.yaml"

_SHIFTING = re.compile(
    r"(?P<time>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z)|(?P<etag>AB3BwF[A-Za-z0-9_=-]+)|"
    r"(?P<id>(?<!\d)\d{19}(?!\d))"
)
_TOKEN = re.compile(r'("nextPageToken":\s?")[^"]+')


Answer = tuple[str, int, str]
"""What was asked for, the status, and the answer as JSON, told alike by all services."""


class OtherAnswer(Exception):
    """The service answers otherwise than the walk expects."""

    def __init__(self, expected: Sequence[Answer], found: Answer) -> None:
        super().__init__(f"{found}, not {expected}")


class Walk:
    """Asks a service in this process, and keeps what it answers.

    With `expected` it ends at the first other answer, by raising OtherAnswer.
    """

    def __init__(
        self, clock: StillClock, server: Server, expected: Sequence[Answer] | None = None
    ) -> None:
        self.clock = clock
        self.answers: list[Answer] = []
        self._expected = expected
        self._server = server
        self._began = clock.now()
        self._seen: dict[str, str] = {}

    def ask(self, verb: str, url: str, body: object = None) -> Any:
        """Send a request, keep its answer, and return that."""
        status, content = self._send(verb, url, body)
        written = json.dumps(content, sort_keys=True)
        self._keep((f"{verb} {self._told(url)}", status, self._told(written)))
        return content if isinstance(content, dict) else {}

    def keep_names(self, url: str) -> None:
        """Send a list request, and keep only the names of the items."""
        items = self.quietly("GET", url).get("items", [])
        self._keep((f"GET {url}", 200, self._told(str([each["name"] for each in items]))))

    def quietly(self, verb: str, url: str, body: object = None) -> Any:
        """Send a request whose answer is not kept."""
        content = self._send(verb, url, body)[1]
        return content if isinstance(content, dict) else {}

    def until(self, url: str, ended: Callable[[Any], bool]) -> Any:
        """Ask for an object until it has ended; keep the last answer."""
        end = time.monotonic() + 20
        while not ended(self.quietly("GET", url)):
            assert time.monotonic() < end, f"{url} does not end"
            time.sleep(0.005)
        return self.ask("GET", url)

    def may_end(self, url: str) -> None:
        """Wait until an operation has ended, or waits for the clock that is held."""
        while not self.quietly("GET", url).get("done") and not self.clock.is_awaited:
            time.sleep(0.005)

    def _keep(self, answer: Answer) -> None:
        if self._expected is not None:
            expected = self._expected[len(self.answers) :][:1]
            if expected != [answer]:
                raise OtherAnswer(expected, answer)
        self.answers.append(answer)

    def _send(self, verb: str, url: str, body: object) -> tuple[int, object]:
        split = urlsplit(url)
        query = dict(parse_qsl(split.query, keep_blank_values=True))
        sent = b"" if body is None else json.dumps(body).encode()
        reply = encoded(self._server.answer(Request(verb, split.path, query, sent), None))
        return reply.status, json.loads(reply.body or b"null")

    def _told(self, text: str) -> str:
        def told(match: re.Match[str]) -> str:
            found, kind = match[0], str(match.lastgroup)
            if kind == "time":
                since = datetime.fromisoformat(found) - self._began
                return f"+{since.total_seconds() / HOUR:.1f}h"
            return self._seen.setdefault(found, f"{kind}-{len(self._seen)}")

        return _TOKEN.sub(r"\1token", _SHIFTING.sub(told, text))


def fill(bucket: Path) -> None:
    """Write images, import files with them, and the file of a batch prediction."""
    bucket.mkdir(parents=True)
    rows, others = [], []
    for number in range(12):
        (bucket / f"{number}.png").write_bytes(f"image {number}".encode())
        use = ("TRAIN", "TRAIN", "VALIDATION", "TEST")[number % 4]
        rows.append(f"{use},gs://bucket/{number}.png,{('cat', 'dog', 'eel')[number // 4]}\n")
        (bucket / f"other-{number}.png").write_bytes(f"other {number}".encode())
        others.append(f"TRAIN,gs://bucket/other-{number}.png,cat\n")
    (bucket / "all.csv").write_text("".join(rows))
    (bucket / "others.csv").write_text("".join(others))
    bad = [f"TRAIN,gs://bucket/{number}.png,{'a' * 129}\n" for number in range(2)]
    (bucket / "bad.csv").write_text("".join([*rows, *bad]))
    box = ".1,.1,,,.5,.5,,\n"
    salads = [f"TRAIN,gs://bucket/{number}.png,cat,{box}" for number in range(8)]
    salads += [f"TRAIN,gs://bucket/8.png,Baked Goods,{box}", f"gs://bucket/9.png,cat,{box}"]
    (bucket / "salads.csv").write_text("".join(salads))
    (bucket / "many.csv").write_text("".join(rows * 4))
    instances = [{"content": f"gs://bucket/{name}.png", "mimeType": "image/png"} for name in "0x"]
    (bucket / "batch.jsonl").write_text("".join(f"{json.dumps(each)}\n" for each in instances))


Answers = Mapping[str, list[Answer]]
"""What a service answers, by API."""


def take(
    folder: Path, values: Mapping[str, str], expected: Answers | None = None
) -> dict[str, list[Answer]]:
    """Walk through a new service with these readings; all that it answered.

    With `expected` the walk raises OtherAnswer at the first answer that differs from those.
    """
    fill(folder / "buckets" / "bucket")
    answers = {}
    with still_service(folder, values, datetime(2026, 1, 1, tzinfo=UTC)) as service:
        # What most readings are about comes first: a walk then ends early.
        for api in ("vertex", "automl"):
            known = None if expected is None else expected[api]
            walk = Walk(service.clock, service.server, known)
            part = _Vertex(walk) if api == "vertex" else _Automl(walk)
            part.go()
            answers[api] = walk.answers
    return answers


class _Automl:
    """AutoML v1."""

    def __init__(self, walk: Walk) -> None:
        self._walk = walk
        self._home = "/v1/projects/my-project/locations/us-central1"

    def go(self) -> None:
        ask, home = self._walk.ask, self._home
        dataset = self._dataset("flowers", "bad.csv")
        self._dataset("flowers", "many.csv")
        self._dataset("salads", "salads.csv", {"imageObjectDetectionDatasetMetadata": {}})
        ask("GET", f"{home}/datasets")
        ask("PATCH", dataset, {"description": "first", "labels": {"team": "a"}})
        ask("PATCH", dataset, {"displayName": "tulips"})
        ask("PATCH", dataset, {"displayName": "tulips", "etag": "AB3BwFx"})
        self._cancelled_import(dataset)
        self._walk.clock.hold(held=True)
        training = self._train(dataset, "first")
        ask("GET", f"{home}/models")
        ask("DELETE", dataset)
        self._walk.clock.hold(held=False)
        model = self._model(training)
        ask("GET", model)
        ask("GET", f"{model}/modelEvaluations")
        self._walk.clock.hold(held=True)
        deployment = ask("POST", f"{model}:deploy", {})
        self._walk.clock.hold(held=False)
        self._ended(deployment)
        ask("GET", model)
        ask("DELETE", model)
        ask("GET", f"{home}/models")
        more = self._dataset("more", "all.csv")
        self._walk.clock.hold(held=True)
        second = self._train(more, "second")
        ask("POST", f"{second}:cancel")
        self._walk.clock.hold(held=False)
        self._until_done(second)
        ask("POST", f"{training}:cancel")
        for query in ("", "?pageSize=1", "?pageSize=5000", "?pageSize=0"):
            ask("GET", f"{home}/datasets{query}")
        ask("GET", f"{home}/operations?filter=done%3Dtrue")
        self._walk.clock.advance(19 * 31 * 24 * HOUR)
        ask("GET", f"{home}/models")
        ask("POST", f"{model}:deploy", {})

    def _dataset(self, name: str, source: str, kind: object = None) -> str:
        classes = {"imageClassificationDatasetMetadata": {"classificationType": "MULTICLASS"}}
        asked = {"displayName": name, **(kind if isinstance(kind, dict) else classes)}
        made = self._ended(self._walk.ask("POST", f"{self._home}/datasets", asked))
        dataset = f"{self._home}/datasets/{_tail(made.get('response', {}).get('name'))}"
        config = {"gcsSource": {"inputUris": [f"gs://bucket/{source}"]}}
        self._ended(self._walk.ask("POST", f"{dataset}:importData", {"inputConfig": config}))
        self._walk.ask("GET", dataset)
        return dataset

    def _cancelled_import(self, dataset: str) -> None:
        """It may have ended before; by some readings it takes as long as the clock says."""
        config = {"gcsSource": {"inputUris": ["gs://bucket/others.csv"]}}
        self._walk.clock.hold(held=True)
        begun = self._walk.ask("POST", f"{dataset}:importData", {"inputConfig": config})
        url = f"{self._home}/operations/{_tail(begun.get('name'))}"
        self._walk.may_end(url)
        self._walk.ask("POST", f"{url}:cancel")
        self._walk.clock.hold(held=False)
        self._until_done(url)
        self._walk.ask("GET", dataset)

    def _train(self, dataset: str, name: str) -> str:
        metadata = {"imageClassificationModelMetadata": {"trainBudgetMilliNodeHours": 8000}}
        body = {"displayName": name, "datasetId": _tail(dataset), **metadata}
        begun = self._walk.ask("POST", f"{self._home}/models", body)
        return f"{self._home}/operations/{_tail(begun.get('name'))}"

    def _model(self, training: str) -> str:
        made = self._until_done(training)
        return f"{self._home}/models/{_tail(made.get('response', {}).get('name'))}"

    def _ended(self, begun: Any) -> Any:
        url = f"{self._home}/operations/{_tail(begun.get('name'))}"
        if not begun.get("name"):
            return begun
        return self._until_done(url)

    def _until_done(self, url: str) -> Any:
        return self._walk.until(url, lambda found: found.get("done") is True or "error" in found)


class _Vertex:
    """Vertex AI v1."""

    def __init__(self, walk: Walk) -> None:
        self._walk = walk
        self._home = "/vertex/v1/projects/my-project/locations/us-central1"

    def go(self) -> None:
        ask, home = self._walk.ask, self._home
        dataset = self._dataset("flowers")
        ask("PATCH", dataset, {"labels": {"team": "a", "aiplatform.googleapis.com/a": "b"}})
        self._walk.clock.hold(held=True)
        first = self._train(dataset, "first")
        ask("GET", f"{home}/trainingPipelines")
        ask("GET", f"{home}/trainingPipelines?filter=labels.run%3Dfirst")
        ask("GET", f"{home}/trainingPipelines?filter=labels.run%3Dsecond")
        ask("DELETE", dataset)
        self._walk.clock.hold(held=False)
        ended = self._trained(first)
        model = f"{home}/models/{_tail(ended.get('modelToUpload', {}).get('name'))}"
        ask("GET", model)
        ask("GET", f"{home}/models")
        evaluations = ask("GET", f"{model}/evaluations")
        for each in evaluations.get("modelEvaluations", []):
            ask("GET", f"{model}/evaluations/{_tail(each.get('name'))}/slices")
        self._walk.clock.advance(HOUR)
        self._deployed(model)
        self._items(dataset)
        destination = {"gcsDestination": {"outputUriPrefix": "gs://bucket/exported"}}
        self._ended(ask("POST", f"{dataset}:export", {"exportConfig": destination}))
        self._walk.keep_names("/storage/v1/b/bucket/o?prefix=exported")
        self._batch(model)
        more = self._dataset("more")
        self._walk.clock.hold(held=True)
        second = self._train(more, "second")
        ask("POST", f"{second}:cancel")
        self._walk.clock.hold(held=False)
        self._trained(second)
        ask("POST", f"{first}:cancel")
        self._trained(self._train(more, "third", multilabel=True))
        for query in ("", "?pageSize=1", "?pageSize=5000"):
            ask("GET", f"{home}/datasets{query}")
        ask("GET", f"{home}/trainingPipelines")
        self._sets()
        self._walk.clock.advance(19 * 31 * 24 * HOUR)
        ask("GET", f"{home}/models")

    def _sets(self) -> None:
        """Images of two imports, the second of which names another annotation set."""
        ask, dataset = self._walk.ask, self._dataset("sets")
        config = {
            "gcsSource": {"uris": ["gs://bucket/others.csv"]},
            "importSchemaUri": IMPORT,
            "annotationLabels": {"aiplatform.googleapis.com/annotation_set_name": "mine"},
        }
        self._walk.clock.advance(HOUR)
        self._ended(ask("POST", f"{dataset}:import", {"importConfigs": [config]}))
        ask("GET", dataset)
        ask("GET", f"{dataset}/savedQueries")
        ask("GET", f"{dataset}:searchDataItems")
        ended = self._trained(self._train(dataset, "sets", kind="MOBILE_TF_VERSATILE_1"))
        model = f"{self._home}/models/{_tail(ended.get('modelToUpload', {}).get('name'))}"
        ask("GET", model)
        place = {"artifactDestination": {"outputUriPrefix": "gs://bucket/models"}}
        asked = {"outputConfig": {"exportFormatId": "tflite", **place}}
        self._ended(ask("POST", f"{model}:export", asked))
        self._walk.keep_names("/storage/v1/b/bucket/o?prefix=models")

    def _dataset(self, name: str) -> str:
        asked = {"displayName": name, "metadataSchemaUri": IMAGES}
        made = self._ended(self._walk.ask("POST", f"{self._home}/datasets", asked))
        dataset = f"{self._home}/datasets/{_tail(made.get('response', {}).get('name'))}"
        source = {"gcsSource": {"uris": ["gs://bucket/all.csv"]}, "importSchemaUri": IMPORT}
        self._ended(self._walk.ask("POST", f"{dataset}:import", {"importConfigs": [source]}))
        self._walk.ask("GET", dataset)
        return dataset

    def _items(self, dataset: str) -> None:
        ask = self._walk.ask
        listed = ask("GET", f"{dataset}/dataItems")
        for each in listed.get("dataItems", [])[:1]:
            ask("GET", f"{dataset}/dataItems/{_tail(each.get('name'))}/annotations")
        ask("GET", f"{dataset}:searchDataItems")

    def _batch(self, model: str) -> None:
        """A batch prediction of an image, and of one that is not there."""
        ask = self._walk.ask
        asked = {
            "displayName": "night",
            "model": model.removeprefix("/vertex/v1/"),
            "inputConfig": {
                "instancesFormat": "jsonl",
                "gcsSource": {"uris": ["gs://bucket/batch*.jsonl"]},
            },
            "outputConfig": {
                "predictionsFormat": "jsonl",
                "gcsDestination": {"outputUriPrefix": "gs://bucket/answers"},
            },
        }
        begun = ask("POST", f"{self._home}/batchPredictionJobs", asked)
        job = f"{self._home}/batchPredictionJobs/{_tail(begun.get('name'))}"
        self._walk.until(job, lambda found: "endTime" in found or "error" in found)
        ask("GET", f"{self._home}/batchPredictionJobs")
        self._walk.keep_names("/storage/v1/b/bucket/o?prefix=answers")

    def _train(
        self, dataset: str, name: str, *, kind: str = "CLOUD", multilabel: bool = False
    ) -> str:
        inputs = {"modelType": kind, "budgetMilliNodeHours": 8000, "multiLabel": multilabel}
        body = {
            "displayName": name,
            "labels": {"run": name},
            "trainingTaskDefinition": TASK,
            "trainingTaskInputs": inputs,
            "inputDataConfig": {"datasetId": _tail(dataset)},
            "modelToUpload": {"displayName": name},
        }
        begun = self._walk.ask("POST", f"{self._home}/trainingPipelines", body)
        return f"{self._home}/trainingPipelines/{_tail(begun.get('name'))}"

    def _trained(self, pipeline: str) -> Any:
        return self._walk.until(pipeline, lambda found: "endTime" in found or "error" in found)

    def _deployed(self, model: str) -> None:
        ask = self._walk.ask
        made = self._ended(ask("POST", f"{self._home}/endpoints", {"displayName": "e"}))
        endpoint = f"{self._home}/endpoints/{_tail(made.get('response', {}).get('name'))}"
        deployed = {"model": model.removeprefix("/vertex/v1/"), "automaticResources": {}}
        body = {"deployedModel": deployed, "trafficSplit": {"0": 100}}
        self._ended(ask("POST", f"{endpoint}:deployModel", body))
        ask("GET", f"{self._home}/endpoints")
        ask("GET", model)
        ask("DELETE", model)

    def _ended(self, begun: Any) -> Any:
        name = str(begun.get("name", ""))
        if not name:
            return begun
        below = name.split("/", 4)[4]
        return self._walk.until(
            f"{self._home}/{below}", lambda found: found.get("done") is True or "error" in found
        )


def _tail(name: object) -> str:
    return str(name or "none").rpartition("/")[2]
