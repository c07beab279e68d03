"""`migrate`: from AutoML to Vertex AI, rehearsed on the embedded service."""

from __future__ import annotations

import fcntl
import json
import re
import shutil
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from automl_plan.providers.local import process
from tests.cli.command import ProjectLine
from tests.rendering.schema import is_valid

YAML = """\
# The digits of the team.
provider:
  local:                     # no account needed
    trainer: simulated       # made-up numbers
    time_scale: 36000000.0
state: {local: {path: state.json}}

datasets:
  digits:
    image_classification: {classification_type: MULTICLASS}
    sources: [d.csv]         # rows of ML_USE,path,label
    description: eight cats, eight dogs
    labels: {team: vision}
  extra: {image_classification: {classification_type: MULTILABEL}, sources: [e.csv]}

models:
  digits:
    dataset: digits
    image_classification: {train_budget_milli_node_hours: 8000}
    deploy: {node_count: 1}
    require: {au_prc: 0.1}
    labels: {team: vision}
    lifecycle: {prevent_destroy: true, keep_versions: 2}
"""
MIGRATE = ("migrate", "--to", "vertex", "--auto-approve")
REQUEST = "migratableResources.batchMigrate"


@pytest.fixture(scope="module")
def applied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two datasets and two versions of a model with a gate, one of which serves; all applied."""
    line = ProjectLine(tmp_path_factory.mktemp("applied"))
    line.project.write_data("e.csv", {"cow": 8})
    configuration = line.directory / "automl-plan.yaml"
    for budget in ("8000}", "9000}"):
        configuration.write_text(YAML.replace("8000}", budget), encoding="utf-8")
        line.project.apply()
    process.stop(line.directory / ".automl-plan" / "emulator")
    return line.directory


@pytest.fixture
def line(applied: Path, tmp_path: Path) -> Iterator[ProjectLine]:
    """A copy of it, with a service of its own."""
    shutil.copytree(applied, tmp_path, dirs_exist_ok=True)
    line = ProjectLine(tmp_path)
    yield line
    process.stop(tmp_path / ".automl-plan" / "emulator")


def text_of(line: ProjectLine) -> str:
    return (line.directory / "automl-plan.yaml").read_text(encoding="utf-8")


def state_of(line: ProjectLine, name: str = "state.json") -> dict[str, Any]:
    state: dict[str, Any] = json.loads((line.directory / name).read_text(encoding="utf-8"))
    return state


def ask(line: ProjectLine, path: str, body: object = None) -> Any:
    """Ask the service behind the tool's back."""
    with line.project.workspace() as workspace:
        assert workspace.provider  # which starts the service, where it does not run
    running = process.status(line.directory / ".automl-plan" / "emulator")
    assert running is not None
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(
        urllib.request.Request(running.url + path, data), timeout=30
    ) as answer:
        return json.loads(answer.read() or b"{}")


def there(line: ProjectLine, collection: str, api: str = "/vertex") -> list[Any]:
    """What lives at Vertex AI, or at AutoML."""
    parent = f"{api}/v1/projects/local/locations/us-central1/{collection}"
    answer = ask(line, parent)
    found: list[Any] = answer.get(collection, answer.get("model", []))
    return found


def trainings(line: ProjectLine) -> int:
    return len(ask(line, "/emulator/v1/billing")["trainings"])


def test_everything_moves_and_nothing_is_trained(line: ProjectLine) -> None:
    before, former = text_of(line), state_of(line)
    shown = line(*MIGRATE)
    assert "2 datasets and 2 models to copy, 1 to deploy, 0 retrainings." in shown
    assert "$1,003.75 before, $2,007.50 after, while originals and copies serve; " in shown
    assert "$1,003.75 once the originals are undeployed." in shown
    assert "The next plan is empty." in shown
    assert "2 datasets and 2 models stay at local:projects/local" in shown

    added = "    api: vertex\n"
    assert text_of(line) == before.replace("    trainer", f"{added}    trainer")
    assert "No changes." in line("plan", "--detailed-exitcode")
    assert line("drift").startswith("No drift.")
    assert trainings(line) == 2

    state = state_of(line)
    assert state_of(line, "state.json.before-migration") == former
    assert state["lineage"] == former["lineage"]
    assert state["serial"] == former["serial"] + 1
    was, now = (s["resources"]["model.digits"] for s in (former, state))
    assert now["current"]["id"] != was["current"]["id"]
    same = ("version", "decision", "attributes")
    assert [now["current"][k] for k in same] == [was["current"][k] for k in same]
    assert [o["status"] for o in now["others"]] == ["former"]
    assert now["current"]["dataset_id"] == state["resources"]["dataset.digits"]["current"]["id"]
    assert {d["displayName"] for d in there(line, "datasets")} == {"digits", "extra"}
    (endpoint,) = there(line, "endpoints")
    (deployed,) = endpoint["deployedModels"]
    assert deployed["model"].endswith(now["current"]["id"])
    assert len(there(line, "models", api="")) == 2

    said = line(*MIGRATE)
    assert said.startswith("Nothing to migrate")
    assert "2 datasets and 2 models stay" in said
    assert "--delete-originals` deletes them" in said
    versions = line("models", "versions", "digits")
    assert "deployed" in versions
    assert "undeployed" in versions

    # the originals go afterwards, but for what is protected
    (dataset, *_) = there(line, "datasets", api="")
    shown = line(*MIGRATE, "--delete-originals")
    assert re.search(rf"dataset.* {dataset['name'].rpartition('/')[2]} .* delete\n", shown)
    assert "stays: lifecycle.prevent_destroy" in shown
    assert "2 models stay at local:projects/local" in shown
    assert there(line, "datasets", api="") == []
    unprotected = text_of(line).replace("prevent_destroy: true, ", "")
    (line.directory / "automl-plan.yaml").write_text(unprotected, encoding="utf-8")
    line("apply", "--auto-approve")
    with line.terminal("migrate", "--to", "vertex", "--delete-originals") as terminal:
        terminal.expect("Their deployments cost $1,003.75 a month until then.")
        terminal.expect("Only 'yes' is accepted: ")
        terminal.type("yes")
        assert terminal.ended() == 0, terminal.shown
    assert there(line, "models", api="") == []
    assert len(there(line, "models")) == 2
    assert line(*MIGRATE, "--delete-originals").startswith("Nothing to migrate")
    (line.directory / "state.json.migrated").unlink()
    assert "automl-plan destroy" in line.failure(*MIGRATE, "--delete-originals")

    # what is lost is made anew of the labels
    (line.directory / "state.json").unlink()
    (line.directory / "state.json.backup").unlink()
    assert "Note" not in line("state", "rebuild")
    assert "No changes." in line("plan", "--detailed-exitcode")

    # a way back, and a new training on a copied dataset
    line("models", "rollback", "digits", "--auto-approve")
    current = state_of(line)["resources"]["model.digits"]["current"]
    assert current["version"] == 1
    (line.directory / "automl-plan.yaml").write_text(text_of(line).replace("9000}", "10000}"))
    line("apply", "--auto-approve")
    assert trainings(line) == 3


def test_lines_for_programs_and_originals_that_go(line: ProjectLine) -> None:
    told = line(*MIGRATE, "--json", "--delete-originals").splitlines()
    lines = [json.loads(text) for text in told]
    assert all(is_valid("migrate", document) for document in lines)
    plan, *steps, result = lines
    assert plan["plan"]["retrainings"] == 0
    assert plan["plan"]["monthly_usd"] == {"before": 1003.75, "during": 2007.5, "after": 2007.5}
    (marked,) = [step for step in steps if step["step"] == "marked"]
    assert (marked["count"], marked["message"]) == (4, None)
    # prevent_destroy is declared for the model: its originals are not deleted
    assert [step["step"] for step in steps] == [
        *["copied"] * 4,
        *("marked", "deployed", "switched"),
        *("kept", "kept", "deleted", "deleted", "configured"),
    ]
    assert (result["next_plan"], result["configured"]) == ([], True)
    assert {each["address"] for each in result["originals"]} == {"model.digits"}
    assert there(line, "datasets", api="") == []
    (nothing,) = [json.loads(text) for text in line(*MIGRATE, "--json").splitlines()]
    assert is_valid("migrate", nothing)
    assert nothing["type"] == "nothing-to-do"


def test_what_is_refused_what_is_given_up_and_two_at_once(line: ProjectLine) -> None:
    ask(line, "/emulator/v1/faults", {"fault": f"{REQUEST}:fail=13:2"})
    before, former = text_of(line), state_of(line)
    said = line.failure(*MIGRATE)
    assert "The service refused to copy these" in said
    assert "model.digits ICN" in said
    assert "run it again: automl-plan migrate --to vertex; --partial" in said
    assert (text_of(line), state_of(line)) == (before, former)
    for command in (("plan",), ("apply", "--auto-approve"), ("state", "new")):
        said = line.failure(*command)
        assert "`automl-plan migrate --to vertex --abandon` gives it up" in said
    assert line("state", "list").startswith("ADDRESS")
    shown = line("migrate", "--to", "vertex", "--abandon")
    assert "the state is as it was" in shown
    assert shown.count("dataset.") == 2
    assert "No changes." in line("plan", "--detailed-exitcode")
    assert "nothing to give up" in line.failure("migrate", "--to", "vertex", "--abandon")
    with (line.directory / "state.json.lock").open("r+") as held:
        fcntl.flock(held, fcntl.LOCK_EX)  # as another run would
        assert "automl-plan migrate" not in line.failure(*MIGRATE, code=4)
    line(*MIGRATE)
    assert len(there(line, "datasets")) == 4  # those that were given up live on


def test_it_asks_and_the_configuration_may_be_left_to_the_reader(line: ProjectLine) -> None:
    assert "are for the provider automl" in line.failure(*MIGRATE, "--location", "us-east1")
    with line.terminal("migrate", "--to", "vertex") as terminal:
        terminal.expect("Only 'yes' is accepted: ")
        terminal.type("no")
        assert terminal.ended() == 3
    assert there(line, "datasets") == []
    assert not list(line.directory.glob("*.migrating*"))
    before = text_of(line)
    configuration = line.directory / "automl-plan.yaml"
    configuration.chmod(0o444)
    shown = line(*MIGRATE)
    assert "automl-plan.yaml: the file can't be written: permission denied." in shown
    assert shown.splitlines()[-1].startswith("Left to do: that section.")
    configuration.chmod(0o644)
    shown = line(*MIGRATE, "--no-write")
    block = re.search(r"provider:\n  local: \{.*api: vertex.*\}\n", shown)
    assert block is not None
    assert text_of(line) == before
    said = line.failure("plan")
    assert "configuration says local:" in said
    assert "`automl-plan migrate --to vertex` writes it" in said
    assert "api: vertex" in said
    assert "what is left is the configuration" in line(*MIGRATE)
    assert text_of(line) != before
    assert "No changes." in line("plan", "--detailed-exitcode")
    state = line.directory / "state.json"
    state.write_text((line.directory / "state.json.before-migration").read_text(), encoding="utf-8")
    assert "The state belongs to local:" in line.failure(*MIGRATE)


def test_what_vertex_cannot_declare(line: ProjectLine) -> None:
    configuration = line.directory / "automl-plan.yaml"
    core_ml = "{model_type: mobile-core-ml-versatile-1, train_budget_milli_node_hours: 1000}"
    small = f"  small: {{dataset: digits, image_classification: {core_ml}}}\n"
    configuration.write_text(text_of(line) + small, encoding="utf-8")
    line("apply", "--auto-approve")
    said = line.failure(*MIGRATE, code=3)
    assert re.search(r"automl-plan.yaml:\d+:\d+: Vertex AI has no type", said)
    added = "    deploy: {node_count: 1}\n    vertex: {disable_early_stopping: true}\n"
    text = text_of(line).replace("core-ml-", "")
    only = text.replace("    deploy: {node_count: 1}\n", added)
    configuration.write_text(only, encoding="utf-8")
    assert "disable_early_stopping counts at Vertex AI only" in line.failure(*MIGRATE, code=3)
    # What is trained already moves as it is; its new type is a training, as the next plan says.
    configuration.write_text(text, encoding="utf-8")
    assert "The next plan has 1 change" in line(*MIGRATE)
    assert [c["action"] for c in line.json("plan")["changes"]] == ["retrain"]
