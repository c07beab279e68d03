"""What a plan says that it costs at most, against what the service then bills.

Half of the scenarios are at each API.
"""

from __future__ import annotations

import json
import random
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from automl_plan.model.model_types import ModelType, Problem
from automl_plan.providers.google.capabilities import MODEL_TYPES
from automl_plan.providers.local import process
from tests.apis import APIS
from tests.depth import times
from tests.project import Project

SCENARIOS = times(60, 300)
PARTS = 12
"""Parts that are run at the same time."""
_KINDS: dict[Problem, dict[str, Any]] = {
    Problem.IMAGE_CLASSIFICATION: {"classification_type": "MULTILABEL"},
    Problem.IMAGE_OBJECT_DETECTION: {},
}
_BOX = "0.1,0.1,,,0.9,0.9,,"


@pytest.fixture
def project(tmp_path: Path, part: int) -> Iterator[Project]:
    project = Project(tmp_path, api=APIS[part % len(APIS)])
    project.write_data("image_classification.csv", {"cat": 8, "dog": 8})
    rows = (tmp_path / "image_classification.csv").read_text(encoding="utf-8").splitlines()
    boxes = "".join(f"{row},{_BOX}\n" for row in rows)
    (tmp_path / "image_object_detection.csv").write_text(boxes, encoding="utf-8")
    yield project
    project.stop_service()


def billed(project: Project) -> float:
    running = process.status(project.directory / ".automl-plan" / "emulator")
    if running is None:
        return 0.0
    with urllib.request.urlopen(f"{running.url}/emulator/v1/billing", timeout=30) as answer:
        return float(json.load(answer)["training_usd"])


def kinds(problem: Problem, api: str) -> Iterator[ModelType]:
    """What an API trains: Vertex AI has no types for Core ML."""
    for kind in MODEL_TYPES[problem].values():
        if api != "vertex" or "core-ml" not in kind.name:
            yield kind


def budget(chance: random.Random, kind: ModelType) -> int:
    return chance.choice(
        [kind.min_budget, kind.max_budget, chance.randint(kind.min_budget, kind.max_budget)]
    )


@pytest.mark.parametrize("part", range(PARTS))
def test_never_more_is_billed_than_was_said(project: Project, part: int) -> None:
    chance = random.Random(part)
    for number in range(SCENARIOS // PARTS):
        problem = chance.choice(list(Problem))
        models = {}
        for i in range(chance.randint(1, 3)):
            kind = chance.choice([*kinds(problem, project.api)])
            inputs = {
                "model_type": kind.name,
                "train_budget_milli_node_hours": budget(chance, kind),
            }
            models[f"m{i}"] = {"dataset": "d", str(problem): inputs}
        dataset = {str(problem): _KINDS[problem], "sources": [f"{problem}.csv"]}
        project.write({"d": dataset}, models)
        before = billed(project)
        planned = project.plan()
        assert planned.plan.costs is not None
        most = planned.plan.costs.total.training
        assert not project.apply_planned(planned).failed
        metered = billed(project) - before
        assert metered <= most + 1e-6, f"scenario {part}/{number}"
        assert bool(metered) == bool(most), "what trains is billed"
