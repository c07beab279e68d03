"""A training whose inputs change while it runs: it is cancelled, or was too fast for that."""

from __future__ import annotations

import pytest

from tests.cli.command import ProjectLine

pytestmark = pytest.mark.parametrize("api", ["automl", "vertex"], indirect=True)


def begin(project: ProjectLine, time_scale: str, *faults: str) -> None:
    """Leave a training running, on a service with faults, and change its budget."""
    project.declare(hours_pass=float(time_scale))
    start = ["emulator", "start", "--trainer", "simulated", "--time-scale", time_scale]
    project(*start, *(part for fault in faults for part in ("--fault", fault)))
    project("apply", "--auto-approve", "--detach", code=5)
    project.declare(budget=9000, hours_pass=float(time_scale))


def test_it_is_cancelled_and_the_plan_says_what_it_has_cost(project: ProjectLine) -> None:
    begin(project, "30")
    shown = " ".join(project("plan").split())
    assert "x cancel train: it is running with inputs that are not the declared ones" in shown
    assert "running for less than a minute, up to $0." in shown
    text = project("apply", "--auto-approve", "--detach", code=5)
    assert "model.digits: cancelled (what it used is billed: running for" in text
    (ended,) = (o for o in project.json("operations", "list", "--done")["operations"] if o["error"])
    assert ended["error"]["code"] == 1
    assert len(project.json("operations", "list", "--running")["operations"]) == 1


def test_what_can_not_be_cancelled_any_more_is_deleted(project: ProjectLine) -> None:
    begin(project, "1800", "models.create:stubborn:1")
    text = project("apply", "--auto-approve")
    assert "too late: it had finished" in text
    assert "1 model to delete" in project("plan")
    project("apply", "--auto-approve")
    assert project("plan").startswith("No changes.")
    assert len(project.json("models", "list")["models"]) == 1


@pytest.mark.parametrize("code", ["RESOURCE_EXHAUSTED", "INTERNAL"])
def test_a_training_that_fails_is_told_and_trained_by_the_next_apply(
    project: ProjectLine, code: str
) -> None:
    start = ["emulator", "start", "--trainer", "simulated", "--time-scale", "1e6"]
    project(*start, "--fault", f"models.create:fail={code}:1")
    failed = project.run("apply", "--auto-approve")
    assert failed.returncode == 1
    assert "train failed: " in failed.stdout
    assert "deploy not done" in failed.stdout
    project("apply", "--auto-approve")
    assert project("plan").startswith("No changes.")
