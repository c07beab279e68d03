"""What came of a call that was cut off: proved by the service, or said by a person."""

from __future__ import annotations

import json

import pytest

from tests.cli.command import ProjectLine


def with_open_intent(project: ProjectLine) -> str:
    """Detach a training, and take its operation's name out of the state; the name."""
    project.declare(hours_pass=1.0)
    project.detach()
    path = project.directory / "state.json"
    state = json.loads(path.read_text(encoding="utf-8"))
    (operation,) = state["resources"]["model.digits"]["operations"]
    name: str = operation.pop("id")
    path.write_text(json.dumps(state), encoding="utf-8")
    return name


def test_resolve_by_adopting_the_operation(project: ProjectLine) -> None:
    name = with_open_intent(project)
    assert "its outcome is checked first" in " ".join(project("plan").split())
    (found,) = project.json("plan")["found"]
    assert (found["address"], found["verdict"]) == ("model.digits", "open")
    assert found["candidates"] == [name]
    assert "Give --adopt ID or --abandon" in project.failure("resolve", "model.digits")
    assert "nothing to resolve" in project.failure("resolve", "dataset.digits", "--abandon")
    assert "no operation or object" in project.failure("resolve", "model.digits", "--adopt", "ICN1")
    (imported,) = (
        o["id"]
        for o in project.json("operations", "list", "--done")["operations"]
        if o["operation"] == "import-data"
    )
    assert "not a train operation" in project.failure(
        "resolve", "model.digits", "--adopt", imported
    )
    assert "is its operation" in project("resolve", "model.digits", "--adopt", name)
    assert name in project("state", "list")


@pytest.mark.parametrize("api", ["vertex"], indirect=True)
def test_a_training_that_bears_its_label_needs_no_person(project: ProjectLine) -> None:
    name = with_open_intent(project)
    (found,) = project.json("plan")["found"]
    assert (found["address"], found["verdict"]) == ("model.digits", "found")
    assert f"arrived; operation {name}" in " ".join(project("plan").split())
    project("apply", "--auto-approve", "--detach", code=5)
    assert name in project("state", "list")
    assert len(project.json("operations", "list", "--running")["operations"]) == 1
    assert "nothing to resolve" in project.failure("resolve", "model.digits", "--abandon")


@pytest.mark.parametrize("api", ["automl", "vertex"], indirect=True)
def test_resolve_by_abandoning_asks(project: ProjectLine) -> None:
    with_open_intent(project)
    assert "--auto-approve" in project.failure("resolve", "model.digits", "--abandon", code=3)
    assert "sends the call again" in project(
        "resolve", "model.digits", "--abandon", "--auto-approve"
    )
    # It runs all the same: until it has ended, nothing is trained.
    said = project("plan", code=3)
    assert "model.digits  will be trained" in said
    assert "automl-plan operations wait" in said
