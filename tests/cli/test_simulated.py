"""Made-up numbers say so wherever they are shown, by both APIs."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest

from automl_plan.config.schema import read_schema
from tests.apis import APIS
from tests.cli.command import ProjectLine

pytestmark = pytest.mark.parametrize("api", APIS, indirect=True)
SHOWN = (
    ("models", "evaluations", "digits"),
    ("models", "versions", "digits"),
    ("models", "show", "digits"),
    ("models", "list"),
    ("datasets", "advise", "digits"),
)
"""Commands that show numbers of models."""


ANY, IMPOSSIBLE = {"au_prc": 0.0}, {"au_prc": 1.0, "confidence": 0.99}


def declare(project: ProjectLine, budget: int, require: dict[str, float]) -> None:
    kind = {"image_classification": {"classification_type": "MULTICLASS"}, "sources": ["d.csv"]}
    model = {
        "dataset": "digits",
        "image_classification": {"train_budget_milli_node_hours": budget},
        "require": require,
        "lifecycle": {"keep_versions": 2},
    }
    project.project.write({"digits": kind}, {"digits": model})


def simulated(document: Any) -> list[bool]:
    """All fields `simulated` that are somewhere in a document."""
    if isinstance(document, dict):
        own = [document["simulated"]] if "simulated" in document else []
        return own + [each for value in document.values() for each in simulated(value)]
    if isinstance(document, list):
        return [each for value in document for each in simulated(value)]
    return []


def test_wherever_they_are_shown(project: ProjectLine) -> None:
    declare(project, 8000, ANY)
    first = project("apply", "--auto-approve")
    assert "passed its gate (simulated)" in first
    assert "these evaluations are simulated" in first
    for command in SHOWN:
        # The reason why AutoML v1's trainings stopped says it in one place only.
        text = project(*command).replace("SIMULATED_MODEL_CONVERGED", "")
        assert "simulated" in text.lower(), command
        assert set(simulated(project.json(*command))) == {True}, command

    declare(project, 9000, IMPOSSIBLE)
    project("apply", "--auto-approve", "--json-into", "events.json", code=3)
    events = (project.directory / "events.json").read_text(encoding="utf-8").splitlines()
    (gate,) = next(each for each in map(json.loads, events) if "gates" in each)["gates"]
    assert gate["simulated"] is True
    failed = project.failure("models", "promote", "digits", "7")
    assert "simulated" not in failed, "what shows no numbers says nothing"

    declare(project, 10_000, ANY)
    project("plan", "--out", "plan.json")
    document = project.json("show", "plan.json")
    jsonschema.Draft7Validator(read_schema("plan")).validate(document)
    assert [card["simulated"] for card in document["scores"]] == [True, True]
    markdown = project("show", "plan.json", "--format", "markdown")
    assert "TEST images (simulated)" in markdown
    html = project("show", "plan.json", "--format", "html")
    assert html.count("is simulated: no image was evaluated") == 2
    assert html.count("(simulated)") >= 4, "table, curves, matrices"


def test_the_last_lines_of_apply(project: ProjectLine) -> None:
    last = project("apply", "--auto-approve").splitlines()[-1]
    assert last.startswith("model.digits: auPRC ")
    assert last.endswith("on 4 TEST images (simulated)")
