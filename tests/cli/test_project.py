"""Plans, applies and lists, each by its exit code and what it writes."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import requests

from automl_plan.config.schema import read_schema
from automl_plan.model.address import ResourceKind
from automl_plan.providers.local import process
from tests.apis import BOTH, id_start
from tests.cli.command import COMMAND, CommandLine, ProjectLine, environment
from tests.output.schema import is_valid


def lines_of(text: str) -> list[dict[str, Any]]:
    documents = [json.loads(line) for line in text.splitlines()]
    for document in documents:
        assert is_valid("apply", document)
    return documents


def test_plan_and_its_exit_codes(project: ProjectLine) -> None:
    text = project("plan")
    summary = (
        "Plan: 1 dataset to create, 1 dataset to import data into, 1 model to train, "
        "1 model to deploy.\n"
    )
    assert summary in text
    assert "total         $27.72          -        -            $1,003.75" in text
    assert project("plan", "--detailed-exitcode", code=2) == text
    document = project.json("plan")
    jsonschema.Draft7Validator(read_schema("plan")).validate(document)
    assert not (project.directory / "state.json").exists()
    project("apply", "--auto-approve")
    assert project("plan", "--detailed-exitcode").startswith("No changes.")
    assert "1 model to delete" in project("plan", "--destroy", "--detailed-exitcode", code=2)
    only = project("plan", "--replace", "model.digits", "--target", "model.digits")
    assert "replacement requested" in only
    assert "Did you mean dataset.digits?" in project.failure("plan", "--target", "dataset.digit")


def test_a_saved_plan_is_applied_once(project: ProjectLine) -> None:
    text = project("plan", "--out", "plan.json")
    assert text.endswith("\nSaved the plan. To apply exactly this: automl-plan apply plan.json\n")
    plan = text.removesuffix(
        "\nSaved the plan. To apply exactly this: automl-plan apply plan.json\n"
    )
    assert project("show", "plan.json") == plan
    jsonschema.Draft7Validator(read_schema("plan")).validate(project.json("show", "plan.json"))
    comment = project("show", "plan.json", "--format", "markdown", "--key", "digits")
    assert comment.startswith("[//]: # (automl-plan key=digits ")
    assert "One-time cost: at most 27.72 USD for 1 training" in comment
    assert "Give a PLANFILE" in project.failure("show", "--format", "markdown")
    assert "takes no planning flags" in project.failure(
        "apply", "plan.json", "--target", "model.digits"
    )
    assert "Apply complete" in project("apply", "plan.json")
    assert "Plan again" in project.failure("apply", "plan.json")


def test_apply_needs_approval(project: ProjectLine) -> None:
    for command in ("apply", "destroy"):
        if command == "destroy":
            project("apply", "--auto-approve")
        assert "--auto-approve" in project.failure(command, code=3)
        refused = project.run(command, "--json")
        assert refused.returncode == 3
        version, error = lines_of(refused.stdout)
        assert version["command"] == command
        assert error["error"]["type"] == "PlanRefused"
        assert len(project.json("datasets", "list")["datasets"]) == (command == "destroy")
    assert "--auto-approve" in project.failure("models", "delete", "digits", code=3)
    assert project("plan").startswith("No changes.")


@BOTH
def test_apply_tells_what_it_does(project: ProjectLine) -> None:
    text = project("apply", "--auto-approve")
    for line in (
        "dataset.digits: creating…\n",
        "dataset.digits: data imported ",
        "model.digits: trained ",
        "Apply complete: 1 dataset created, data imported into 1 dataset, 1 model trained, 1 ",
        "model.digits: auPRC ",
    ):
        assert line in text
    assert "Apply complete" not in project("apply", "--auto-approve")
    destroyed = project("destroy", "--auto-approve")
    assert "1 model undeployed, 1 dataset deleted, 1 model deleted." in destroyed
    assert project("show") == project("state", "list") == "The state is empty.\n"


def test_apply_tells_programs_what_it_does(project: ProjectLine) -> None:
    documents = lines_of(project("apply", "--auto-approve", "--json"))
    assert [document["type"] for document in documents[:2]] == ["version", "started"]
    assert documents[-1]["type"] == "result"
    assert documents[-1]["done"][-1] == "model.digits deploy"
    assert lines_of(project("destroy", "--auto-approve", "--json"))[-1]["failed"] == []


def test_failures_are_told_with_their_cause(project: ProjectLine) -> None:
    rows = "".join(f"TRAIN,images/cat-{i}.png,{'x' * 129}\n" for i in range(8))
    (project.directory / "d.csv").write_text(rows, encoding="utf-8")
    done = project.run("apply", "--auto-approve", "--no-lint")
    assert done.returncode == 1
    assert "Apply incomplete: 1 change failed; 1 dataset created" in done.stdout
    assert "model.digits: deploy not done" in done.stdout
    assert "changes failed." in done.stderr
    again = project.run("apply", "--auto-approve", "--no-lint", "--json")
    assert again.returncode == 1
    *_, result, error = lines_of(again.stdout)
    assert result["failed"][0]["key"].startswith("dataset.digits import-data")
    assert error["error"]["type"] == "ApplyFailed"


@BOTH
def test_detached_work_goes_on(project: ProjectLine) -> None:
    project.declare(hours_pass=1.0)
    project.detach()
    (running,) = project.json("operations", "list", "--running")["operations"]
    done = project.run("apply", "--auto-approve", "--detach")
    assert done.returncode == 5
    assert f"Detached: 1 training still running ({running['id']})." in done.stdout
    assert done.stdout.endswith("Follow it with `automl-plan wait`.\n")
    assert done.stderr == ""
    one = ("operations", "get", running["id"])
    assert project.json(*one)["id"] == running["id"]
    assert f"Id:                {running['id']}" in project(*one)
    wait = ("operations", "wait", running["id"])
    assert "is still running after 0 seconds" in project.failure(*wait, "--timeout", "0", code=5)
    assert "are billed" in project("operations", "cancel", running["id"])
    ended = project.json(*wait, code=1)
    assert is_valid("operations-get", ended)
    assert ended["error"]["code"] == 1
    assert "has already ended" in project.failure("operations", "cancel", running["id"])
    assert "does not exist" in project.failure("operations", "get", "ICN0")


@BOTH
def test_the_record_of_what_has_ended_can_be_deleted(project: ProjectLine) -> None:
    project.declare(hours_pass=1.0)
    project.detach()
    (training,) = project.json("operations", "list", "--running")["operations"]
    delete = ("operations", "delete", training["id"])
    assert "would not stop it" in project.failure(*delete, "--auto-approve")
    project("emulator", "advance", "2h")
    assert "is not yet recorded for model.digits" in project.failure(*delete, "--auto-approve")
    project("apply", "--auto-approve")
    assert "needs approval" in project.failure(*delete, code=3)
    assert "what it created is kept" in project(*delete, "--auto-approve")
    assert "does not exist" in project.failure("operations", "get", training["id"])
    assert project("plan").startswith("No changes.")


@BOTH
def test_lists_for_people_and_programs(project: ProjectLine) -> None:
    project("apply", "--auto-approve")
    for view, arguments in {
        "datasets-list": ("datasets", "list"),
        "datasets-show": ("datasets", "show", "digits"),
        "models-list": ("models", "list"),
        "models-show": ("models", "show", "model.digits"),
        "models-versions": ("models", "versions", "digits"),
        "drift": ("drift",),
        "cost": ("cost",),
        "why": ("why", "model.digits"),
        "models-evaluations": ("models", "evaluations", "digits"),
        "operations-list": ("operations", "list", "--done", "--works-on", "dataset.digits"),
        "state-list": ("state", "list"),
        "state-show": ("state", "show", "model.digits"),
        "models-calendar": ("models", "calendar"),
        "graph": ("graph",),
        "emulator-status": ("emulator", "status"),
    }.items():
        document = project.json(*arguments)
        assert is_valid(view, document), view
        assert project(*arguments)
    assert project.json("show") == project.json("state", "list")
    (dataset,) = project.json("datasets", "list")["datasets"]
    assert (dataset["address"], dataset["total_images"]) == ("dataset.digits", 16)
    shown = project("models", "evaluations", "digits", "--threshold", "0.8")
    assert "Confusion matrix" in shown
    assert "at a score of 0.8" in shown
    assert "model.other is not recorded." in project.failure("state", "show", "model.other")


def test_states_are_mended_by_programs(project: ProjectLine) -> None:
    project("apply", "--auto-approve")
    move = ("state", "mv", "model.digits", "model.others", "--json")
    assert lines_of(project(*move, code=3))[-1]["error"]["exit_code"] == 3
    moved = lines_of(project(*move, "--auto-approve"))
    assert (moved[0]["command"], moved[-1]["type"]) == ("state mv", "result")
    removed = lines_of(project("state", "rm", "model.others", "--auto-approve", "--json"))
    assert (removed[0]["command"], removed[-1]["type"]) == ("state rm", "result")
    project("state", "rm", "dataset.digits", "--auto-approve")
    assert project.json("state", "list")["resources"] == []


@BOTH
def test_a_deleted_model_is_trained_again(project: ProjectLine, api: str) -> None:
    project("apply", "--auto-approve")
    assert "There is no model other" in project.failure("models", "delete", "other")
    assert project("models", "delete", "digits", "--auto-approve").startswith(
        f"Deleted {id_start(api)}"
    )
    assert project("models", "list") == "No models.\n"
    assert "1 model to train" in project("plan")


def test_refresh_only(project: ProjectLine) -> None:
    project("apply", "--auto-approve")
    with project.project.workspace() as workspace:
        (dataset,) = workspace.provider.datasets()
        workspace.provider.update(ResourceKind.DATASET, dataset.id, {"description": "by hand"})
    assert "Changed outside automl-plan" in project("plan")
    code = ("plan", "--refresh-only", "--detailed-exitcode")
    assert "accept 1 change into the state" in project(*code, code=2)
    applied = project("apply", "--refresh-only", "--auto-approve")
    assert "Apply complete: 1 change accepted into the state." in applied
    assert project(*code).startswith("No changes.")


def test_an_apply_goes_on_when_nobody_reads_what_it_tells(project: ProjectLine) -> None:
    process = subprocess.Popen(
        [*COMMAND, "apply", "--auto-approve", "--json"],
        cwd=project.directory,
        env=environment({}),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    with process.stderr:
        assert process.stderr.read() == b""
    assert process.wait(60) == 0
    assert project("plan", "--detailed-exitcode").startswith("No changes.")


def test_emulator(project: ProjectLine) -> None:
    assert project("emulator", "status").startswith("Not running")
    assert is_valid("emulator-status", project.json("emulator", "status"))
    started = project.json("emulator", "start", "--trainer", "simulated", "--time-scale", "1e6")
    assert is_valid("emulator-status", started)
    assert project.json("emulator", "status") == started
    shown = project("emulator", "status")
    assert started["url"] in shown
    assert "It runs until it is stopped." in shown
    assert (started["time_scale"], started["idle_timeout"]) == (1e6, 0)
    assert project("emulator", "stop") == "Stopped.\n"
    assert project("emulator", "stop") == "It is not running.\n"


def test_emulator_with_a_port_for_vertex_ai(project: ProjectLine) -> None:
    options = ("--trainer", "simulated", "--vertex-port", "0", "--idle-timeout", "100")
    started = project.json("emulator", "start", *options)
    assert is_valid("emulator-status", started)
    assert project.json("emulator", "start", *options) == started
    assert started["idle_timeout"] == 100
    shown = project("emulator", "status")
    assert f"Vertex AI listens on {started['vertex_url']}, too." in shown
    for changed in (("--vertex-port", "1"), ("--idle-timeout", "200")):
        refused = project.run("emulator", "start", "--trainer", "simulated", *changed)
        assert refused.returncode == 1
        assert "set when it starts" in refused.stderr
    project("emulator", "stop")
    assert project.json("emulator", "start", "--trainer", "simulated")["vertex_url"] is None
    project("emulator", "stop")


def test_emulator_as_the_configuration_says(project: ProjectLine, tmp_path: Path) -> None:
    directory = tmp_path / "elsewhere"
    text = (
        "variables: {data: {default: ../shared}}\n"
        "provider: {local: {data_dir: '${var.data}', trainer: simulated, time_scale: 60}}\n"
    )
    directory.mkdir()
    (directory / "automl-plan.yaml").write_text(text)
    there = ("-C", str(directory))
    assert project.json("emulator", "status", *there)["running"] is False
    project("models", "list", *there)
    running = project.json("emulator", "status", *there)
    assert (running["time_scale"], running["idle_timeout"]) == (60, 900)
    assert process.status(tmp_path / "shared") is not None
    assert "It ends after 15 minutes" in project("emulator", "status", *there)
    assert "now at 2" in project("emulator", "advance", "1d", *there)
    assert project("emulator", "stop", *there) == "Stopped.\n"

    started = project.json("emulator", "start", *there)
    assert (started["trainer"], started["time_scale"]) == ("simulated", 60)
    assert process.status(tmp_path / "shared") is not None
    other = ("--var", "data=../other")
    assert project("emulator", "stop", *there, *other) == "It is not running.\n"
    assert project("emulator", "stop", *there) == "Stopped.\n"


def test_an_edited_time_scale_is_told_and_one_given_by_hand_is_not(cli: CommandLine) -> None:
    def declare(settings: str) -> None:
        text = f"provider: {{local: {{trainer: simulated{settings}}}}}\n"
        (cli.directory / "automl-plan.yaml").write_text(text)

    try:
        declare(", time_scale: 60")
        assert cli.run("models", "list").stderr == ""
        for settings, wanted in ((", time_scale: 120", "120"), ("", "3600")):
            declare(settings)
            told = cli.run("models", "list").stderr
            assert f"time scale 60; the configuration has {wanted}" in told
            assert "automl-plan emulator stop" in told
        cli("emulator", "start", "--time-scale", "60")
        assert cli.json("emulator", "status")["idle_timeout"] == 0
        assert cli.run("models", "list").stderr == ""
        cli("emulator", "stop")
        assert cli.run("models", "list").stderr == ""
        assert cli.json("emulator", "status")["time_scale"] == 3600
    finally:
        cli("emulator", "stop")


def test_emulator_with_faults(project: ProjectLine) -> None:
    arguments = ("emulator", "start", "--trainer", "simulated")
    faults = ("--fault", "models.list:503:1", "--fault", "*:delay-after=0")
    refused = project.failure(*arguments, "--fault", "models.list:oops")
    assert "There are drop-before" in refused
    url = project.json(*arguments, *faults)["url"]
    codes = [
        requests.get(
            f"{url}/v1/projects/local/locations/us-central1/models", timeout=20
        ).status_code
        for _ in range(2)
    ]
    assert codes == [503, 200]
    assert "its faults are set when it starts" in project.failure(*arguments, *faults)


def test_no_service_is_asked_for_what_is_recorded(project: ProjectLine) -> None:
    cli = CommandLine(project.directory)  # whose service is not started by the test
    for arguments in (("state", "list"), ("show",), ("validate",), ("schema",)):
        cli(*arguments)
    assert cli("emulator", "status").startswith("Not running")


@pytest.mark.parametrize("name", ["../datasets/1", "a/b", "", "\x1b[2J", "x" * 5000])
def test_hostile_ids_are_refused(project: ProjectLine, name: str) -> None:
    said = project.failure("operations", "get", name)
    assert "\x1b" not in said
    assert os.linesep.join(said.splitlines()[:1]).startswith("Error: ")


def test_readings_are_checked_at_the_start(project: CommandLine) -> None:
    """A reading that the service does not have is named, and it does not start."""
    failed = project.run("emulator", "start", "--reading", "no-such=1")
    assert failed.returncode == 1
    assert "There is no reading 'no-such'" in failed.stderr
    assert project.run("emulator", "start", "--reading", "alone").returncode == 1
    assert isinstance(project.json("emulator", "readings")["readings"], list)
