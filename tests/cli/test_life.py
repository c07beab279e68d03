"""Gates, imports, moves, lost states and drift, from the command line."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

import pytest

from automl_plan.execution.poller import wait_for_operation
from automl_plan.providers.local import process
from automl_plan.workspace.plan_file import read_plan, sealed, write_plan
from tests.apis import BOTH, fault_of
from tests.cli.command import ProjectLine
from tests.project import as_kept

KIND = {"classification_type": "MULTICLASS"}
DATASET: dict[str, Any] = {"image_classification": KIND, "sources": ["d.csv"]}
MODEL: dict[str, Any] = {
    "dataset": "digits",
    "image_classification": {"train_budget_milli_node_hours": 8000},
    "deploy": {"node_count": 1},
}
NOTHING: dict[str, Any] = {}


def write(project: ProjectLine, models: dict[str, Any], **blocks: Any) -> None:
    """Declare the dataset and these models, and further sections in a file of their own."""
    project.project.write({"digits": DATASET}, models)
    (project.directory / "blocks.automl.yaml").write_text(json.dumps(blocks), encoding="utf-8")


def versions(project: ProjectLine, name: str = "digits") -> dict[int, str]:
    rows = project.json("models", "versions", name)["versions"]
    return {row["version"]: row["status"] for row in rows}


def no_changes(project: ProjectLine) -> None:
    plan = project("plan", "--detailed-exitcode")
    assert "No changes." in plan or "Nothing to do: 1 model is held back" in plan


def trainings(project: ProjectLine) -> int:
    return len(
        [
            o
            for o in project.json("operations", "list")["operations"]
            if o["operation"] == "create-model"
        ]
    )


def serving(project: ProjectLine) -> list[int]:
    rows = project.json("models", "versions", "digits")["versions"]
    return [row["version"] for row in rows if row["deployed"]]


def ask(project: ProjectLine, method: str, body: dict[str, str] | None = None) -> None:
    """Have faults, or none."""
    url = project.json("emulator", "status")["url"] + "/emulator/v1/faults"
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(url, data, method=method), timeout=30):
        pass


def lose_state(project: ProjectLine) -> None:
    for name in ("state.json", "state.json.backup"):
        (project.directory / name).unlink(missing_ok=True)


# -- gates and choices -----------------------------------------------------------------------


def test_a_gate_that_turns_down_ends_with_3(project: ProjectLine) -> None:
    project("apply", "--auto-approve")
    strict = {
        **MODEL,
        "image_classification": {"train_budget_milli_node_hours": 9000},
        "require": {"au_prc": 1.0, "confidence": 0.95},
    }
    write(project, {"digits": strict})
    done = project.run("apply", "--auto-approve")
    assert done.returncode == 3
    assert "not met" in done.stdout
    assert "Version 1 remains current and keeps serving." in done.stdout
    assert "the current version continues to serve" in done.stderr
    assert versions(project) == {2: "rejected", 1: "current"}
    no_changes(project)

    # other requirements: the gate is asked again, and nothing is trained for it
    write(project, {"digits": {**strict, "require": {"au_prc": 0.1}}})
    project("apply", "--auto-approve")
    assert versions(project) == {2: "current", 1: "former"}
    assert trainings(project) == 2


def test_where_nothing_serves_a_rejection_says_so(project: ProjectLine) -> None:
    write(project, {"digits": {**MODEL, "require": {"au_prc": 1.0, "confidence": 0.95}}})
    done = project.run("apply", "--auto-approve")
    assert done.returncode == 3
    assert "Nothing is serving: no version is deployed." in done.stdout
    assert "model.digits is not serving" in done.stderr
    assert "No version is deployed." in project("models", "versions", "digits")


def test_choices_that_can_not_be_made(project: ProjectLine) -> None:
    assert "No model digits is recorded" in project.failure("models", "rollback", "digits")
    project("apply", "--auto-approve")
    before = (project.directory / "state.json").read_bytes()
    for said, arguments in {
        "has no former version": ("models", "rollback", "digits"),
        "was never trained": ("models", "rollback", "digits", "4"),
        "is already current": ("models", "promote", "digits", "1"),
        "Nothing is recorded for model.other": ("state", "mv", "model.other", "model.third"),
        "can't become a dataset": ("state", "mv", "model.digits", "dataset.third"),
    }.items():
        assert said in project.failure(*arguments)
    assert (project.directory / "state.json").read_bytes() == before


def test_who_and_why_is_recorded(project: ProjectLine) -> None:
    project("apply", "--auto-approve")
    write(
        project,
        {"digits": {**MODEL, "image_classification": {"train_budget_milli_node_hours": 9000}}},
    )
    project("apply", "--auto-approve")
    assert "needs approval" in project.failure("models", "rollback", "digits", code=3)
    project("models", "rollback", "digits", "--auto-approve", "--why", "it is worse on \x1b[31mred")
    shown = project("models", "versions", "digits")
    assert "rolled-back by " in shown
    assert "\x1b" not in shown
    assert "Held" in project("plan", "--detailed-exitcode")


@BOTH
def test_whatever_fails_the_old_version_serves(project: ProjectLine) -> None:
    project("apply", "--auto-approve")
    gated = {
        **MODEL,
        "image_classification": {"train_budget_milli_node_hours": 9000},
        "require": {"au_prc": 0.1},
    }
    write(project, {"digits": gated})
    for fault in ("models.create:fail=INTERNAL:1", "models.deploy:fail=INTERNAL:1"):
        ask(project, "POST", {"fault": fault_of(project.project.api, fault)})
        project("apply", "--auto-approve", code=1)
        ask(project, "DELETE")
        assert serving(project) == [1]
    project("apply", "--auto-approve")
    assert serving(project) == [3]
    assert versions(project) == {3: "current", 1: "former"}, "the number of a failure is gone"
    no_changes(project)
    assert trainings(project) == 3


@BOTH
def test_what_was_detached_goes_through_its_gate(project: ProjectLine) -> None:
    project.project.time_scale = 1.0
    write(project, {"digits": {**MODEL, "require": {"au_prc": 0.1}}})
    project.detach()
    project("emulator", "advance", "2h")
    told = project("wait", "--auto-approve")
    assert "passed its gate" in told
    assert serving(project) == [1]
    no_changes(project)


# -- imports ---------------------------------------------------------------------------------


@BOTH
def test_all_that_lives_is_declared_and_adopted(project: ProjectLine, api: str) -> None:
    write(project, {"digits": {**MODEL, "vertex": {"disable_early_stopping": True}}})
    project("apply", "--auto-approve")
    project("state", "rm", "model.digits", "--auto-approve")
    project("state", "rm", "dataset.digits", "--auto-approve")
    project.project.write({}, {})
    told = project("import", "--all", "--write", "found.automl.yaml", "--auto-approve")
    assert "Declared in found.automl.yaml" in told
    found = (project.directory / "found.automl.yaml").read_text(encoding="utf-8")
    assert ("disable_early_stopping: true" in found) == (api == "vertex")
    no_changes(project)
    assert trainings(project) == 1
    assert "Nothing to import" in project("import", "--all", "--write", "more.automl.yaml")
    assert not (project.directory / "more.automl.yaml").exists()


def test_declarations_are_written_where_they_count(project: ProjectLine) -> None:
    project("apply", "--auto-approve")
    project("state", "rm", "model.digits", "--auto-approve")
    (project.directory / "there.automl.yaml").write_text("", encoding="utf-8")
    for said, file in {
        "exists already": "there.automl.yaml",
        "is not the name of a configuration file": "found.json",
        "would not be part of the configuration": "images/found.automl.yaml",
    }.items():
        assert said in project.failure("import", "--all", "--write", file)
    assert "--write FILE" in project.failure("import", "--all")


@BOTH
def test_one_by_one_by_blocks(project: ProjectLine) -> None:
    project("apply", "--auto-approve")
    (model,) = project.json("models", "list")["models"]
    (dataset,) = project.json("datasets", "list")["datasets"]
    project("state", "rm", "model.digits", "--auto-approve")
    project("state", "rm", "dataset.digits", "--auto-approve")
    blocks = [
        {"to": "model.digits", "id": model["id"]},
        {"to": "dataset.digits", "id": dataset["id"]},
    ]
    write(project, {"digits": MODEL}, imports=blocks)
    project("apply", "--auto-approve")
    no_changes(project)
    assert trainings(project) == 1


@pytest.mark.parametrize(
    ("address", "what", "said"),
    [
        ("model.digits", "dataset", "is a dataset, not a model"),
        ("dataset.digits", "model", "is a model, not a dataset"),
        ("model.digits", "nothing", "there is no model ICN1"),
    ],
)
def test_imports_that_can_not_be(project: ProjectLine, address: str, what: str, said: str) -> None:
    project("apply", "--auto-approve")
    ids = {
        "model": project.json("models", "list")["models"][0]["id"],
        "dataset": project.json("datasets", "list")["datasets"][0]["id"],
        "nothing": "ICN1",
    }
    for each in ("model.digits", "dataset.digits"):
        project("state", "rm", each, "--auto-approve")
    before = (project.directory / "state.json").read_bytes()
    assert said[1:] in project.failure("import", address, ids[what], "--auto-approve")
    write(project, {"digits": MODEL}, imports=[{"to": address, "id": ids[what]}])
    told = project.failure("plan")
    assert said in told
    assert "blocks.automl.yaml:1:" in told
    assert (project.directory / "state.json").read_bytes() == before


# -- moves -----------------------------------------------------------------------------------


def test_a_rename_by_hand(project: ProjectLine) -> None:
    project("apply", "--auto-approve")
    project("state", "mv", "model.digits", "model.numbers", "--auto-approve")
    write(project, {"numbers": {**MODEL, "display_name": "digits"}})
    no_changes(project)
    assert trainings(project) == 1


def test_a_move_to_what_is_there_is_told_with_its_place(project: ProjectLine) -> None:
    write(project, {"digits": MODEL, "other": MODEL})
    project("apply", "--auto-approve")
    write(project, {"other": MODEL}, moved=[{"from": "model.digits", "to": "model.other"}])
    told = project.failure("plan")
    assert "blocks.automl.yaml:1:" in told
    assert "already recorded" in told


# -- lost states -----------------------------------------------------------------------------


@BOTH
def test_a_lost_state_is_made_anew_while_a_training_runs(project: ProjectLine) -> None:
    project.declare(hours_pass=1.0)
    project.detach()
    lose_state(project)
    project("state", "rebuild")
    assert "1 model to resume" in project("plan")
    project("emulator", "advance", "2h")
    project("apply", "--auto-approve")
    no_changes(project)
    assert trainings(project) == 1


@BOTH
def test_what_can_not_be_known_is_not_guessed(project: ProjectLine) -> None:
    project.project.time_scale = 1.0
    write(project, {"digits": MODEL, "other": MODEL})
    project.detach()
    lose_state(project)
    if project.project.api == "vertex":  # a training bears the labels of its model
        project("state", "rebuild")
        assert "2 models to resume" in project("plan")
        return
    told = project.failure("state", "rebuild")
    assert "can't be determined before it ends" in told
    assert not (project.directory / "state.json").exists()


def test_a_state_that_is_there_is_not_overwritten(project: ProjectLine) -> None:
    project("apply", "--auto-approve")
    assert "A state already exists" in project.failure("state", "rebuild")


def test_nothing_to_make_a_state_of(project: ProjectLine) -> None:
    assert "there is nothing to rebuild a state from" in project.failure("state", "rebuild")


# -- drift and protection --------------------------------------------------------------------


@BOTH
def test_drift_is_for_cron(project: ProjectLine) -> None:
    project("apply", "--auto-approve")
    assert "No drift" in project("drift")
    with project.project.workspace() as opened:
        (model,) = opened.provider.models()
        operation = opened.provider.undeploy(model.id)
        assert operation is not None
        wait_for_operation(opened.provider, operation.id, timeout=30)
    (item,) = project.json("drift", code=2)["drift"]
    assert [d["path"] for d in item["differences"]] == ["deploy"]
    assert "deploy" in project("plan")
    project("apply", "--refresh-only", "--auto-approve")
    assert "No drift" in project("drift")
    assert "deploy is declared" in project("why", "model.digits")


@BOTH
def test_a_model_trained_by_hand_is_told_and_accepted(project: ProjectLine) -> None:
    project("apply", "--auto-approve")
    with project.project.workspace() as opened:
        provider, desired = opened.provider, opened.configuration.desired
        (dataset,) = provider.datasets()
        (model,), (on,) = desired.models.values(), desired.datasets.values()
        operation = provider.train(model, on, dataset.id, {})
        wait_for_operation(provider, operation.id, timeout=30)
    (item,) = project.json("drift", code=2)["drift"]
    assert (item["address"], item["trained"]) == ("dataset.digits", "digits")
    assert "someone else trained a model on it: digits" in project("plan", "--detailed-exitcode")
    project("plan", "--refresh-only", "--detailed-exitcode", code=2)
    project("apply", "--refresh-only", "--auto-approve")
    project("drift")
    project("destroy", "--auto-approve")
    (left,) = project.json("models", "list")["models"]
    assert left["id"] == item["object_id"], "what is not ours is not touched"


def test_what_is_protected_stays(project: ProjectLine) -> None:
    write(project, {"digits": {**MODEL, "lifecycle": {"prevent_destroy": True}}})
    project("apply", "--auto-approve")
    write(project, NOTHING)
    assert "is protected by lifecycle.prevent_destroy" in project("plan", code=3)
    (refused,) = project.json("plan", code=3)["refused"]
    assert (refused["rule"], refused["address"]) == ("protected", "model.digits")
    assert refused["text"].startswith("model.digits would be deleted, but is protected")
    project("apply", "--auto-approve", code=3)
    project("destroy", "--auto-approve", code=3)
    saved = project.directory / "plan.json"
    assert project.run("plan", "--out", "plan.json").returncode == 3
    assert "Refused" in project("show", "plan.json", "--format", "markdown")
    assert "verdict=refused" in project("show", "plan.json", "--format", "outputs")
    project("apply", "plan.json", code=3)
    forged = json.loads(saved.read_bytes()) | {"refused": []}
    saved.write_bytes(sealed(forged))
    assert "is protected by" in project.failure("apply", "plan.json", code=3)
    write(project, NOTHING, removed=[{"from": "model.digits", "action": "forget"}])
    assert "will be forgotten" in project("apply", "--auto-approve")
    no_changes(project)
    assert len(project.json("models", "list")["models"]) == 1


def test_the_service_clock_decides_on_ages(project: ProjectLine) -> None:
    write(project, {"digits": {**MODEL, "retrain": {"max_age": "30d"}}})
    project("apply", "--auto-approve")
    no_changes(project)
    assert "not a duration" in project.failure("emulator", "advance", "soon")
    project("emulator", "advance", "31d")
    assert "(retrain.max_age: 30 days) (automl-plan.yaml:1)" in " ".join(project("plan").split())
    process.stop(project.directory / ".automl-plan" / "emulator")
    assert "is not running" in project.failure("emulator", "advance", "1d")


def test_a_saved_plan_waits_for_days_and_not_for_another_plan(project: ProjectLine) -> None:
    """Time alone is no reason to refuse it, unless something else is to be done by now."""
    write(project, {"digits": {**MODEL, "retrain": {"max_age": "30d"}}})
    project("apply", "--auto-approve")
    more_nodes = {**MODEL, "retrain": {"max_age": "30d"}, "deploy": {"node_count": 2}}
    write(project, {"digits": more_nodes})
    project("plan", "--out", "first.json")
    project("emulator", "advance", "31d")
    said = project.failure("apply", "first.json")
    assert "Time has passed, and the plan is a different one now." in said
    assert "changes: model.digits retrain is not in the file" in said
    assert "automl-plan plan --out first.json" in said
    write(project, {"digits": {**more_nodes, "retrain": {"max_age": "60d"}}})
    project("plan", "--out", "second.json")
    project("emulator", "advance", "20d")
    project("apply", "second.json")
    no_changes(project)


def test_a_saved_plan_keeps_all_of_it(project: ProjectLine) -> None:
    lifecycle = {"prevent_destroy": True, "keep_versions": 2, "ignore_changes": ["labels.team"]}
    full = {
        **MODEL,
        "require": {"au_prc": 0.1, "each_label": {"recall": 0.0}, "not_worse_than_current": 1},
        "retrain": {"before_expiry": "30d", "max_age": "36h"},
        "lifecycle": lifecycle,
    }
    write(project, {"digits": full})
    planned = project.project.plan()
    path = project.directory / "plan.json"
    write_plan(planned, path)
    assert read_plan(path) == as_kept(planned)
    project("plan", "--out", "plan.json")
    project("apply", "plan.json")
    no_changes(project)
    assert "may have been applied already" in project.failure("apply", "plan.json")


# -- policy ----------------------------------------------------------------------------------


def test_a_policy_refuses_and_warns(project: ProjectLine) -> None:
    policy = {"max_training_cost": 10, "required_labels": ["team"], "warn": ["required_labels"]}
    write(project, {"digits": MODEL}, policy=policy)
    shown = project("plan", code=3)
    assert "at most $10.00 is allowed (policy max_training_cost, blocks.automl.yaml:1)" in shown
    assert "(policy max_training_cost, blocks.automl.yaml:1)" in shown
    assert "Warning: model.digits: the label team is missing" in shown
    assert project.failure("apply", "--auto-approve", code=3)
    assert not (project.directory / "state.json").exists()
    write(project, {"digits": MODEL}, policy={**policy, "max_training_cost": 30})
    project("apply", "--auto-approve")
    assert "Warning: model.digits" in project("plan", "--detailed-exitcode")


def test_a_policy_holds_for_commands_too(project: ProjectLine) -> None:
    project("apply", "--auto-approve")
    policy = {"deny": {"model.*": ["move", "forget"]}, "required_labels": ["team"]}
    write(project, {"digits": MODEL}, policy=policy)
    for command in (("mv", "model.digits", "model.other"), ("rm", "model.digits")):
        assert "is denied for model.*" in project("state", *command, "--auto-approve", code=3)
    assert "model.digits" in project("state", "list")


def test_unattended_applies_can_be_kept_harmless(project: ProjectLine) -> None:
    apply = ("apply", "--auto-approve", "--allow")
    assert "model.digits train" in project.failure(*apply, "update,resume", code=3)
    assert "unknown action updat" in project.failure(*apply, "updat")
    project(*apply, "create,import-data,train,deploy")
    write(project, {"digits": {**MODEL, "labels": {"team": "a"}}})
    project(*apply, "update")
    no_changes(project)
