"""`wait` and `watch` follow what was started, also where something else is declared by then."""

from __future__ import annotations

import json

import pytest

from automl_plan.model.address import model_address
from tests.cli.command import ProjectLine
from tests.cli.test_ended import trainings

pytestmark = pytest.mark.parametrize("api", ["automl", "vertex"], indirect=True)

FLAGS = ("--var", "budget=9000", "--var", "note=se cret")


def declare(project: ProjectLine, *, hours_pass: float | None = None) -> None:
    """Let a variable say what the budget is."""
    project.declare(hours_pass=hours_pass)
    path = project.directory / "automl-plan.yaml"
    document = json.loads(path.read_text(encoding="utf-8"))
    document["variables"] = {
        "budget": {"type": "integer", "default": 8000},
        "note": {"type": "string", "default": ""},
    }
    inputs = document["models"]["digits"]["image_classification"]
    inputs["train_budget_milli_node_hours"] = "${var.budget}"
    path.write_text(json.dumps(document), encoding="utf-8")


def retrain(project: ProjectLine) -> str:
    """Leave a retraining with another budget running, and let it end; what was shown."""
    declare(project)
    project("apply", "--auto-approve")
    project("emulator", "stop")
    declare(project, hours_pass=1.0)
    shown = project("apply", "--auto-approve", "--detach", *FLAGS, code=5)
    project("emulator", "advance", "12h")
    return shown


def serves(project: ProjectLine, version: int, *others: int) -> None:
    """Check which version is current, and which are beside it; nothing is open."""
    record = project.project.state().resources[model_address("digits")]
    assert record.current is not None
    assert (record.current.version, *(o.version for o in record.others)) == (version, *others)
    assert record.operations == ()
    assert "deploy" in record.current.attributes


def test_a_wait_without_the_variables_throws_nothing_aside(project: ProjectLine) -> None:
    shown = retrain(project)
    assert "Detached: 1 training started and running (" in shown
    assert "Follow it with `automl-plan wait --var budget=9000 --var 'note=…'`.\n" in shown
    said = project.failure("wait", "model.digits", "--auto-approve", code=3)
    told = "was started with train_budget_milli_node_hours 9000, but the configuration now has"
    assert said.startswith("Warning: model.digits: the training ")
    assert f"{told} 8000." in said
    assert "Use the same variables as before (budget, note) or change the configuration" in said
    assert "se cret" not in (project.directory / "state.json").read_text(encoding="utf-8")
    serves(project, 1, 2)
    assert "Changed outside" not in project("plan")
    project("apply", "--auto-approve", *FLAGS)
    serves(project, 2, 1)
    assert trainings(project) == 2
    assert project("plan", *FLAGS).startswith("No changes.")


def test_a_wait_with_the_variables_goes_on(project: ProjectLine) -> None:
    retrain(project)
    assert "1 model deployed" in project("wait", "--auto-approve", *FLAGS)
    serves(project, 2, 1)


def test_a_wait_with_other_values_begins_nothing_with_them(project: ProjectLine) -> None:
    declare(project, hours_pass=1.0)
    path = project.directory / "automl-plan.yaml"
    document = json.loads(path.read_text(encoding="utf-8"))
    document["variables"]["nodes"] = {"type": "integer", "default": 1}
    document["models"]["digits"]["deploy"]["node_count"] = "${var.nodes}"
    path.write_text(json.dumps(document), encoding="utf-8")
    project("apply", "--auto-approve", "--detach", "--var", "nodes=1", code=5)
    project("emulator", "advance", "12h")
    said = project.failure("wait", "--auto-approve", "--var", "nodes=40", code=3)
    assert "was started with another value of nodes than is given now" in said
    assert "Use the same variables as before (nodes)" in said
    record = project.project.state().resources[model_address("digits")]
    assert record.current is None
    assert len(record.others) == 1
    assert "1 model deployed" in project("apply", "--auto-approve", "--var", "nodes=1")


def test_a_watch_makes_nothing_else_current(project: ProjectLine) -> None:
    retrain(project)
    assert "it differs from the configuration" in project("watch", "--interval", "1")
    serves(project, 1, 2)
