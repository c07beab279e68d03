"""An object is named by its id, Google's full name of it, its address, or its declared name."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.cli.command import ProjectLine

pytestmark = pytest.mark.parametrize("api", ["automl", "vertex"], indirect=True)

HERE = "projects/local/locations/us-central1"
KIND = {"classification_type": "MULTICLASS"}
MODEL: dict[str, Any] = {
    "dataset": "shop",
    "image_classification": {"train_budget_milli_node_hours": 8000},
}
DATASET = {"image_classification": KIND, "sources": ["d.csv"]}


def retrained(project: ProjectLine) -> tuple[str, str]:
    """The ids of a current and a former version of model.shop."""
    project.project.write({"shop": DATASET}, {"shop": MODEL})
    project("apply", "--auto-approve")
    bigger = {**MODEL, "image_classification": {"train_budget_milli_node_hours": 9000}}
    project.project.write({"shop": DATASET}, {"shop": bigger})
    project("apply", "--auto-approve")
    rows = project.json("models", "versions", "shop")["versions"]
    current, former = (row["id"] for row in sorted(rows, key=lambda row: -row["version"]))
    return current, former


def test_a_declared_name_means_the_current_version(project: ProjectLine) -> None:
    current, former = retrained(project)
    assert project.json("models", "show", "shop")["id"] == current
    assert project.json("models", "evaluations", "shop")["model_id"] == current
    assert project.json("models", "show", former)["id"] == former
    assert current in project("models", "delete", "shop", "--auto-approve")


def test_full_names_are_taken_wherever_an_id_is(project: ProjectLine) -> None:
    current, former = retrained(project)
    dataset = project.json("datasets", "show", "shop")["id"]
    forms = ("{}", "{}@1", f"{HERE}/models/{{}}", f"{HERE}/models/{{}}@1")
    for form in (*forms, f"//aiplatform.googleapis.com/{HERE}/models/{{}}"):
        told = project.json("models", "show", form.format(former))
        assert told["id"] == former
        assert project.json("models", "versions", form.format(former))["address"] == "model.shop"
    full = f"{HERE}/datasets/{dataset}"
    assert project.json("datasets", "show", full)["id"] == dataset
    operations = project.json("operations", "list", "--works-on", full)["operations"]
    assert operations
    for operation in operations:
        name = operation["id"] if "/" in operation["id"] else f"operations/{operation['id']}"
        got = project.json("operations", "get", f"{HERE}/{name}")
        assert got["id"] == operation["id"]
        project("operations", "wait", f"{HERE}/{name}")

    for name in ("projects/other/locations/us-central1", "projects/local/locations/europe-west4"):
        where = name.replace("projects/other/locations/us-central1", "the project other")
        where = where.replace("projects/local/locations/europe-west4", "the location europe-west4")
        for command in ("models show", "models delete", "models evaluations", "state rm"):
            assert where in project.failure(*command.split(), f"{name}/models/{current}")
        assert where in project.failure("datasets", "show", f"{name}/datasets/{dataset}")
        assert where in project.failure("operations", "get", f"{name}/operations/1")
        assert where in project.failure("import", "model.shop", f"{name}/models/{current}")
    assert "the name of a dataset, not of a model" in project.failure("models", "show", full)


def test_imports_take_full_names(project: ProjectLine) -> None:
    current, _ = retrained(project)
    removed = [{"from": "model.shop", "action": "forget"}]
    blocks = project.directory / "blocks.automl.yaml"
    blocks.write_text(json.dumps({"removed": removed}), encoding="utf-8")
    project.project.write({"shop": DATASET}, {})
    project("apply", "--auto-approve")
    bigger = {**MODEL, "image_classification": {"train_budget_milli_node_hours": 9000}}
    project.project.write({"shop": DATASET}, {"store": bigger})
    other = {"to": "model.store", "id": f"projects/other/locations/us-central1/models/{current}"}
    blocks.write_text(json.dumps({"imports": [other]}), encoding="utf-8")
    assert "it is in the project other" in project.failure("plan")
    ours = {"to": "model.store", "id": f"//aiplatform.googleapis.com/{HERE}/models/{current}@1"}
    blocks.write_text(json.dumps({"imports": [ours]}), encoding="utf-8")
    assert "1 model imported" in project("apply", "--auto-approve")
    assert project.json("models", "show", "store")["id"] == current
    project("state", "rm", "model.store", "--auto-approve")
    blocks.unlink()
    full = f"{HERE}/models/{current}"
    assert "1 model imported" in project("import", "model.store", full, "--auto-approve")


def test_what_was_forgotten_is_adopted_beside_the_block_that_says_so(project: ProjectLine) -> None:
    project.project.write({"shop": DATASET}, {"shop": MODEL})
    project("apply", "--auto-approve")
    removed = [{"from": "model.shop", "action": "forget"}]
    blocks = project.directory / "blocks.automl.yaml"
    blocks.write_text(json.dumps({"removed": removed}), encoding="utf-8")
    project.project.write({"shop": DATASET}, {})
    project("apply", "--auto-approve")
    assert "use NAME.automl.yaml" in project.failure("import", "--all", "--write", "found.yaml")
    told = project("import", "--all", "--write", "found.automl.yaml", "--auto-approve")
    assert "1 model imported" in told
    assert "model.shop_2" in project("state", "list")
    assert project("plan").startswith("No changes.")
