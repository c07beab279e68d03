"""One object, one address: on the command line, against the service."""

from __future__ import annotations

import json

from tests.apis import BOTH
from tests.cli.command import ProjectLine
from tests.cli.test_life import DATASET, MODEL, trainings, write


def ids(project: ProjectLine) -> list[str]:
    return [model["id"] for model in project.json("models", "list")["models"]]


@BOTH
def test_what_an_open_training_made_is_adopted_by_nobody(project: ProjectLine) -> None:
    project.declare(hours_pass=1.0)
    project.detach()
    project("emulator", "advance", "2h")
    (row,) = project.json("models", "list")["models"]
    assert (row["claim"], row["being_made_by"]) == ("being-made", "model.digits")
    assert "being created by model.digits" in project("models", "list")

    said = "is being created by model.digits"
    write(project, {"digits": MODEL, "x": MODEL})
    told = project.failure("import", "model.x", row["id"], "--auto-approve")
    assert said in told
    assert "automl-plan wait" in told
    write(project, {"digits": MODEL, "x": MODEL}, imports=[{"to": "model.x", "id": row["id"]}])
    assert said in project.failure("plan")
    write(project, {"digits": MODEL})
    assert said in project("import", "--all", "--write", "found.automl.yaml")
    project("wait", "--auto-approve")
    recorded = json.loads((project.directory / "state.json").read_bytes())["resources"]
    assert recorded["model.digits"]["current"]["id"] == row["id"]
    assert "model.x" not in recorded


@BOTH
def test_what_goes_over_is_not_parted(project: ProjectLine) -> None:
    write(project, {"b": MODEL})
    project("apply", "--auto-approve")
    (made,) = ids(project)
    blocks = {
        "removed": [{"from": "model.b", "action": "forget"}],
        "imports": [{"to": "model.y", "id": made}],
    }
    write(project, {"y": {**MODEL, "display_name": "b"}}, **blocks)
    for part in (("--target", "model.y"), ("--exclude", "model.b")):
        told = project.failure("apply", "--auto-approve", *part)
        assert "moves from model.b to model.y" in told
    project("apply", "--auto-approve")
    write(project, {"y": {**MODEL, "display_name": "b"}})
    assert project("plan").startswith("No changes.")
    assert (ids(project), trainings(project)) == ([made], 1)


@BOTH
def test_what_another_state_owns_is_not_adopted(project: ProjectLine) -> None:
    project("apply", "--auto-approve")
    (made,) = ids(project)
    project.project.write({"digits": DATASET}, {"digits": MODEL}, state="other.json")
    project("state", "new")
    assert [row["claim"] for row in project.json("models", "list")["models"]] == ["other-state"]
    assert "belongs to another state" in project("import", "--all", "--write", "found.automl.yaml")
    told = project.failure("import", "model.digits", made, "--auto-approve")
    for way in ("belongs to another state", "state rm", "automl-plan-address"):
        assert way in told
    project.project.write({"digits": DATASET}, {"digits": MODEL})
    project("state", "rm", "model.digits", "--auto-approve")
    project.project.write({"digits": DATASET}, {"digits": MODEL}, state="other.json")
    project("import", "model.digits", made, "--auto-approve")


def test_a_part_claims_nothing_of_the_rest(project: ProjectLine) -> None:
    project("apply", "--auto-approve")
    project.declare(budget=9000)
    told = project("plan", "--target", "dataset.digits", "--detailed-exitcode")
    assert "No changes to the planned part (1 dataset)." in told
    assert "Only a part was planned" in told
    plan = project.json("plan", "--exclude", "model.digits")
    assert (plan["unchanged"], plan["not_planned"]) == (["dataset.digits"], ["model.digits"])
    for flags in (
        ("--target", "model.digits", "--exclude", "model.digits"),
        ("--replace", "model.digits", "--target", "dataset.digits"),
    ):
        assert "--target" in project.failure("plan", *flags)
