"""A training whose inputs change while it runs: it is cancelled, or was too fast for that."""

from __future__ import annotations

import pytest

from tests.apis import fault_of
from tests.cli.command import ProjectLine

pytestmark = pytest.mark.parametrize("api", ["automl", "vertex"], indirect=True)


def begin(project: ProjectLine, *faults: str) -> None:
    """Leave a training running, on a service with faults, and change its budget."""
    project.declare(hours_pass=1.0)
    start = ["emulator", "start", "--trainer", "simulated", "--time-scale", "1"]
    given = (fault_of(project.project.api, fault) for fault in faults)
    project(*start, *(part for fault in given for part in ("--fault", fault)))
    project.detach()
    project.declare(budget=9000, hours_pass=1.0)


def test_it_is_cancelled_and_the_plan_says_what_it_has_cost(project: ProjectLine) -> None:
    begin(project)
    shown = " ".join(project("plan").split())
    assert "x cancel train: still running, with inputs that differ from the configuration" in shown
    assert "usage unknown, at most $27.72" in shown
    on_it = project.json("operations", "list", "--works-on", "model.digits")["operations"]
    assert [operation["operation"] for operation in on_it] == ["create-model"]
    text = project("apply", "--auto-approve", "--detach", code=5)
    assert "model.digits: cancelled (what it used is billed: usage unknown, at most" in text
    (ended,) = (o for o in project.json("operations", "list", "--done")["operations"] if o["error"])
    assert ended["error"]["code"] == 1
    assert len(project.json("operations", "list", "--running")["operations"]) == 1


def test_what_can_not_be_cancelled_any_more_is_deleted(project: ProjectLine) -> None:
    begin(project, "models.create:stubborn:1")
    with project.terminal("apply", "--auto-approve") as terminal:
        terminal.expect("cancelling")
        while terminal.process.poll() is None:  # also for the training that follows
            project("emulator", "advance", "2h")
        assert terminal.ended() == 0
    assert "too late: it had finished and is billed (" in terminal.shown
    assert "1 model to delete" in project("plan")
    project("apply", "--auto-approve")
    assert project("plan").startswith("No changes.")
    assert len(project.json("models", "list")["models"]) == 1


@pytest.mark.parametrize("code", ["RESOURCE_EXHAUSTED", "INTERNAL"])
def test_a_training_that_fails_is_told_and_trained_by_the_next_apply(
    project: ProjectLine, code: str
) -> None:
    start = ["emulator", "start", "--trainer", "simulated", "--time-scale", "1e6"]
    project(*start, "--fault", fault_of(project.project.api, f"models.create:fail={code}:1"))
    failed = project.run("apply", "--auto-approve")
    assert failed.returncode == 1
    assert "train failed: " in failed.stdout
    assert "deploy not done" in failed.stdout
    project("apply", "--auto-approve")
    assert project("plan").startswith("No changes.")
