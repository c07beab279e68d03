"""A training that was left running and has ended since, before anybody looked."""

from __future__ import annotations

import pytest

from tests.cli.command import ProjectLine

pytestmark = pytest.mark.parametrize("api", ["automl", "vertex"], indirect=True)


def leave(project: ProjectLine) -> None:
    """Leave a training running, and let it end."""
    project.declare(hours_pass=1.0)
    project.detach()
    project("emulator", "advance", "9h")
    project("operations", "wait", training(project))


def training(project: ProjectLine) -> str:
    """The id of the only training."""
    listed = project.json("operations", "list")["operations"]
    (found,) = (str(o["id"]) for o in listed if o["operation"] == "create-model")
    return found


def trainings(project: ProjectLine) -> int:
    """How many there were."""
    listed = project.json("operations", "list")["operations"]
    return sum(operation["operation"] == "create-model" for operation in listed)


def test_its_model_is_taken_up_and_changed_inputs_train_one_more(project: ProjectLine) -> None:
    leave(project)
    project.declare(budget=9000, hours_pass=1e7)
    project("emulator", "stop")  # for the trainings that follow
    told = "finished at the service; not recorded yet; billed $"
    assert told in " ".join(project("why", "model.digits").split())
    shown = project("plan")
    assert "1 model to resume, 1 model to retrain" in shown
    project("apply", "--auto-approve")
    assert project("plan").startswith("No changes.")
    assert trainings(project) == 2
    versions = project.json("models", "versions", "digits")["versions"]
    assert [v["version"] for v in versions] == [2, 1]


def test_it_is_taken_up_and_deleted_when_it_is_not_declared_any_more(project: ProjectLine) -> None:
    leave(project)
    project("destroy", "--auto-approve")
    assert project.json("models", "list")["models"] == []
    assert project("state", "list") == "The state is empty.\n"


def test_a_cancelled_one_is_told_as_such_and_costs_no_more(project: ProjectLine) -> None:
    project.declare(hours_pass=1.0)
    project.detach()
    project("operations", "cancel", training(project))
    project("emulator", "advance", "9h")
    shown = " ".join(project("plan").split())
    assert "train: was cancelled at the service; not recorded yet; usage" in shown
    assert "running" not in shown
    used = project.json("cost")["cost"]["total"]
    assert (used["running_spent"], used["running_most"]) == (None, 27.72)
