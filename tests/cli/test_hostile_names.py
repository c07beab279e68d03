"""Names and texts of a service, in everything that commands say of them, on both APIs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from automl_plan.providers.google.capabilities import SERVICE_LABELS
from tests.apis import BOTH
from tests.cli.command import CommandLine
from tests.output.reports import no_command
from tests.providers.service import Received, Reply, Service, answer

EVIL = (
    "x\n::error::pwn\r\n  ::add-mask::y\u2028::z ##[error]a ##vso[task.complete]\u202edlrow\x1b[2J"
)
PLACE = "projects/p/locations/us-central1"
WHEN = "2026-01-01T00:00:00Z"
pytestmark = BOTH


def objects(api: str) -> dict[str, Any]:
    """What lists answer, by the last word of their path."""
    named: dict[str, Any] = {
        "displayName": EVIL,
        "description": EVIL,
        "createTime": WHEN,
        "updateTime": WHEN,
    }
    own = {f"{prefix}{EVIL}": EVIL for prefix in SERVICE_LABELS}
    named |= {"etag": EVIL, "labels": {"k": EVIL, EVIL: "v", **own}}
    failed = {"code": 3, "message": EVIL}
    operation = {"name": f"{PLACE}/operations/7", "done": True, "error": failed}
    if api == "automl":
        kind = {"modelType": EVIL, "stopReason": EVIL, "baseModelId": EVIL, "trainBudget": EVIL}
        metadata = {"createTime": WHEN, "partialFailures": [failed], "createModelDetails": {}}
        return {
            "datasets": {
                "datasets": [
                    {
                        "name": f"{PLACE}/datasets/ICN1",
                        "imageClassificationDatasetMetadata": {"classificationType": "MULTICLASS"},
                        **named,
                    }
                ]
            },
            "models": {
                "model": [
                    {
                        "name": f"{PLACE}/models/ICN2",
                        "datasetId": EVIL,
                        "deploymentState": "DEPLOYED",
                        "imageClassificationModelMetadata": kind,
                        **named,
                    }
                ]
            },
            "operations": {"operations": [{**operation, "metadata": metadata}]},
        }
    pipeline = {"name": f"{PLACE}/trainingPipelines/5", "state": "PIPELINE_STATE_FAILED"}
    stats = {"dataStats": {"trainingDataItemsCount": EVIL, "testDataItemsCount": "7"}}
    queries = [{"name": EVIL, "problemType": EVIL, "annotationSpecCount": EVIL, **named}] * 2
    return {
        "datasets": {
            "datasets": [{"name": f"{PLACE}/datasets/1", "savedQueries": queries, **named}]
        },
        "models": {
            "models": [
                {
                    "name": f"{PLACE}/models/2",
                    "deployedModels": [{"endpoint": EVIL}],
                    **stats,
                    **named,
                }
            ]
        },
        "trainingPipelines": {"trainingPipelines": [{**pipeline, "error": failed, **named}]},
        "endpoints": {"endpoints": [{"name": f"{PLACE}/endpoints/3", **named}]},
        "operations": {"operations": [operation]},
    }


@pytest.fixture
def cli(service: Service, tmp_path: Path, api: str) -> CommandLine:
    lists = objects(api)

    def reply(asked: Received) -> Reply:
        *_, collection, last = asked.path.split("/")
        if last in lists:
            return answer(lists[last])
        for items in lists.get(collection, {}).values():
            for item in items:
                if item["name"].endswith(f"/{last}"):
                    return answer(item)
        return answer({})

    service.default = reply
    settings = {api: {"project": "p", "endpoint": service.url}}
    dataset = {"image_classification": {"classification_type": "MULTICLASS"}, "description": EVIL}
    document = {"provider": settings, "datasets": {"d": dataset}}
    (tmp_path / "automl-plan.yaml").write_text(json.dumps(document), encoding="utf-8")
    return CommandLine(tmp_path)


@pytest.fixture
def service() -> Iterator[Service]:
    with Service() as made:
        yield made


def commands(api: str) -> Iterator[tuple[str, ...]]:
    dataset, model = ("ICN1", "ICN2") if api == "automl" else ("1", "2")
    yield from ((kind, "list") for kind in ("datasets", "models", "operations"))
    yield ("datasets", "show", dataset)
    yield ("models", "show", model)
    yield ("models", "evaluations", model)
    yield ("models", "calendar")
    yield ("models", "delete", model)
    yield ("import", f"dataset.{dataset}", dataset)
    yield ("import", "--all")
    yield from ((name,) for name in ("plan", "drift", "cost", "graph", "why"))
    yield ("plan", "--out", "p.json")
    yield from (("show", "p.json", "--format", name) for name in ("markdown", "html", "outputs"))
    yield from (("plan", "--format", name) for name in ("github", "junit"))
    yield ("fmt", "--diff")


def test_none_of_them_is_a_command_or_a_line(cli: CommandLine, api: str) -> None:
    for arguments in commands(api):
        done = cli.run(*arguments)
        for said in (done.stdout, done.stderr):
            shown = said
            if arguments[-1] == "github":
                shown = "\n".join(line.removeprefix("::") for line in said.splitlines())
            assert no_command(shown), (arguments, said)
            assert not {"\u202e", "\u2028", "\x1b"} & set(said), (arguments, said)
        assert "this is a bug" not in done.stderr, (arguments, done.stderr)


def test_json_is_exact(cli: CommandLine) -> None:
    [found] = cli.json("models", "list")["models"]
    assert found["display_name"] == EVIL
