"""What a person does after a run was cut off: wait, resolve, unlock, bring a state back."""

from __future__ import annotations

import fcntl
import json
import signal
import subprocess

import pytest

from tests.cli.command import COMMAND, ProjectLine, environment

pytestmark = pytest.mark.parametrize("api", ["automl", "vertex"], indirect=True)


def with_open_intent(project: ProjectLine) -> str:
    """Detach a training, and take its operation's name out of the state; the name."""
    project.declare(hours_pass=1.0)
    project("apply", "--auto-approve", "--detach", code=5)
    path = project.directory / "state.json"
    state = json.loads(path.read_text(encoding="utf-8"))
    (operation,) = state["resources"]["model.digits"]["operations"]
    name: str = operation.pop("id")
    path.write_text(json.dumps(state), encoding="utf-8")
    return name


def test_wait_follows_what_runs_and_goes_on_with_what_depends_on_it(project: ProjectLine) -> None:
    project.declare(hours_pass=1200.0)  # an hour in three seconds
    assert project("wait") == "Nothing is open.\n"
    project("apply", "--auto-approve", "--detach", code=5)
    shown = " ".join(project("plan").split())
    assert "running for less than a minute, up to $0." in shown
    assert " of at most $27.72 so far [ICN" in shown
    assert project("wait", "dataset.digits") == "Nothing is open.\n"
    assert "--auto-approve" in project.failure("wait", code=3)
    text = project("wait", "model.digits", "--auto-approve")
    assert "model.digits: resumed and done ICN" in text
    assert "1 model deployed" in text
    assert project("plan").startswith("No changes.")


def test_resolve_by_adopting_the_operation(project: ProjectLine) -> None:
    name = with_open_intent(project)
    assert "what came of it is found out first" in " ".join(project("plan").split())
    (found,) = project.json("plan")["found"]
    assert (found["address"], found["verdict"]) == ("model.digits", "open")
    assert found["candidates"] == [name]
    assert "Give --adopt ID or --abandon" in project.failure("resolve", "model.digits")
    assert "nothing to resolve" in project.failure("resolve", "dataset.digits", "--abandon")
    assert "no operation and no object" in project.failure(
        "resolve", "model.digits", "--adopt", "ICN1"
    )
    (imported,) = (
        o["id"]
        for o in project.json("operations", "list", "--done")["operations"]
        if o["operation"] == "import-data"
    )
    assert "is no train" in project.failure("resolve", "model.digits", "--adopt", imported)
    assert "is its operation" in project("resolve", "model.digits", "--adopt", name)
    assert name in project("state", "list")


def test_resolve_by_abandoning_asks(project: ProjectLine) -> None:
    with_open_intent(project)
    assert "--auto-approve" in project.failure("resolve", "model.digits", "--abandon", code=3)
    assert "sends it again" in project("resolve", "model.digits", "--abandon", "--auto-approve")
    assert "model.digits  will be trained" in project("plan")


def test_an_interrupt_can_cancel(project: ProjectLine) -> None:
    project.declare(hours_pass=1.0)
    with project.terminal("apply", "--auto-approve", "--on-interrupt", "cancel") as terminal:
        terminal.expect(", operation ICN")
        terminal.process.send_signal(signal.SIGINT)
        assert terminal.ended() == 130
        assert "nothing is left running" in terminal.shown
        assert "train was cancelled: running for less than a minute, up to $" in terminal.shown
    assert project.json("operations", "list", "--running")["operations"] == []
    assert "model.digits  will be trained" in project("plan")


def test_force_unlock(project: ProjectLine) -> None:
    project("apply", "--auto-approve")
    assert project("force-unlock") == "The state is not locked.\n"
    with (project.directory / "state.json.lock").open("r+") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        project.failure("destroy", "--auto-approve", code=4)
        assert "--auto-approve" in project.failure("force-unlock", code=3)
        assert project("force-unlock", "--auto-approve") == "Unlocked.\n"
        project("destroy", "--auto-approve")


def test_a_lost_state_makes_nothing_twice(project: ProjectLine) -> None:
    project("apply", "--auto-approve")
    state = project.directory / "state.json"
    kept = project.directory / "kept.json"
    state.rename(kept)
    (project.directory / "state.json.backup").unlink(missing_ok=True)
    said = project.failure("plan")
    assert "dataset.digits: ICN" in said
    assert "Making them again would pay twice." in said
    assert project("state", "push", "kept.json").startswith("Pushed: serial ")
    assert project("plan").startswith("No changes.")


def test_an_empty_state_can_be_begun_on_purpose(project: ProjectLine) -> None:
    project("apply", "--auto-approve")
    for name in ("state.json", "state.json.backup"):
        (project.directory / name).unlink(missing_ok=True)
    assert "An empty state was begun" in project("state", "new")
    assert "1 model to train" in project("plan")


def test_a_plan_that_what_lives_has_left_behind_is_refused(project: ProjectLine) -> None:
    project("apply", "--auto-approve")
    (project.directory / "saved").mkdir()
    text = (project.directory / "automl-plan.yaml").read_text(encoding="utf-8")
    changed = text.replace(
        '"models": {',
        '"models": {"second": {"dataset": "digits", '
        '"image_classification": {"train_budget_milli_node_hours": 8000}}, ',
    )
    assert changed != text
    (project.directory / "automl-plan.yaml").write_text(changed, encoding="utf-8")
    project("plan", "--out", "saved/plan.json")
    project("models", "delete", "model.digits", "--auto-approve")
    assert "state changed" in project.failure("apply", "saved/plan.json")
    project("plan", "--out", "saved/plan.json")
    (image,) = list((project.directory / "images").glob("cat-0.png"))
    image.write_bytes(b"another image")
    said = project.failure("apply", "saved/plan.json")
    assert "changed after the plan was made: dataset.digits" in said


def test_an_apply_that_is_stopped_twice_ends_at_once(project: ProjectLine) -> None:
    project.declare(hours_pass=1.0)
    with project.terminal("apply", "--auto-approve", "--on-interrupt", "leave") as terminal:
        terminal.expect(", operation ICN")
        terminal.process.send_signal(signal.SIGTERM)
        terminal.process.send_signal(signal.SIGINT)
        assert terminal.ended() == 130
    assert "> resume" in project("plan")


def test_a_lock_is_waited_for(project: ProjectLine) -> None:
    project("apply", "--auto-approve")
    with (project.directory / "state.json.lock").open("r+") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        waiting = subprocess.Popen(
            [*COMMAND, "destroy", "--auto-approve", "--lock-timeout", "60"],
            cwd=project.directory,
            env=environment({}),
            stdout=subprocess.DEVNULL,
        )
        assert project("state", "list").count("ICN") == 2
        assert waiting.poll() is None
    assert waiting.wait(60) == 0
