"""What a person does after a run was cut off: wait, unlock, bring a state back."""

from __future__ import annotations

import fcntl
import signal
import subprocess

from tests.apis import BOTH, id_start, training_start
from tests.cli.command import COMMAND, ProjectLine, environment


@BOTH
def test_wait_follows_what_runs_and_goes_on_with_what_depends_on_it(project: ProjectLine) -> None:
    project.declare(hours_pass=1.0)
    assert project("wait") == "No open operations.\n"
    project.detach()
    shown = " ".join(project("plan").split())
    told = "usage unknown, at most $27.72"
    assert f"{told} [{training_start(project.project.api)}" in shown
    assert project("wait", "dataset.digits") == "No open operations.\n"
    assert "--auto-approve" in project.failure("wait", code=3)
    project("emulator", "advance", "2h")
    text = project("wait", "model.digits", "--auto-approve")
    assert f"model.digits: finished {id_start(project.project.api)}" in text
    assert "1 model deployed" in text
    assert project("plan").startswith("No changes.")


@BOTH
def test_an_interrupt_can_cancel(project: ProjectLine) -> None:
    project.declare(hours_pass=1.0)
    with project.terminal("apply", "--auto-approve", "--on-interrupt", "cancel") as terminal:
        terminal.expect(f", operation {training_start(project.project.api)}")
        terminal.process.send_signal(signal.SIGINT)
        assert terminal.ended() == 130
        assert "nothing is left running" in terminal.shown
        assert "train was cancelled: usage unknown, at most $27.72." in terminal.shown
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


@BOTH
def test_a_lost_state_makes_nothing_twice(project: ProjectLine) -> None:
    project("apply", "--auto-approve")
    state = project.directory / "state.json"
    kept = project.directory / "kept.json"
    state.rename(kept)
    (project.directory / "state.json.backup").unlink(missing_ok=True)
    said = project("plan", code=3)
    (dataset,) = project.json("datasets", "list")["datasets"]
    assert f"dataset.digits: the dataset {dataset['id']} has ownership labels" in said
    assert "There is no state" in said
    assert project("state", "push", "kept.json").startswith("Pushed: serial ")
    assert project("plan").startswith("No changes.")


def test_an_empty_state_can_be_begun_on_purpose(project: ProjectLine) -> None:
    project("apply", "--auto-approve")
    for name in ("state.json", "state.json.backup"):
        (project.directory / name).unlink(missing_ok=True)
    assert "Started an empty state" in project("state", "new")
    assert "1 model to train" in project("plan")


@BOTH
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
    project("plan", "--no-lint", "--out", "saved/plan.json")
    (image,) = list((project.directory / "images").glob("cat-0.png"))
    image.write_bytes(b"another image")
    said = project.failure("apply", "saved/plan.json")
    assert "changed after the plan was made" in said
    assert "changes: dataset.digits import-data is not in the file" in said
    assert "automl-plan plan --out saved/plan.json --no-lint" in said


def test_an_apply_that_is_stopped_twice_ends_at_once(project: ProjectLine) -> None:
    project.declare(hours_pass=1.0)
    with project.terminal("apply", "--auto-approve", "--on-interrupt", "leave") as terminal:
        terminal.expect(f", operation {training_start(project.project.api)}")
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
        shown = project("state", "list")
        assert all(f"{address} " in shown for address in ("dataset.digits", "model.digits"))
        assert waiting.poll() is None
    assert waiting.wait(60) == 0
