"""A plan never proposes an import or a training that is known to fail, or to do something else."""

from __future__ import annotations

import json
import shutil
import sqlite3
import urllib.request
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.apis import BOTH
from tests.cli.command import ProjectLine
from tests.project import png

CLASSES = {"image_classification": {"classification_type": "MULTICLASS"}, "sources": ["d.csv"]}
BIG = "big cat" * 19
"""A label that no service takes: it has more than 128 characters."""
MODEL = {"dataset": "digits", "image_classification": {"train_budget_milli_node_hours": 8000}}


def declare(project: ProjectLine, **dataset: Any) -> None:
    project.project.write({"digits": {**CLASSES, **dataset}}, {"digits": MODEL})


def csv(project: ProjectLine) -> Path:
    return project.directory / "d.csv"


def edit(project: ProjectLine, old: str, new: str) -> None:
    text = csv(project).read_text(encoding="utf-8")
    assert old in text
    csv(project).write_text(text.replace(old, new, 1), encoding="utf-8")


def billed(project: ProjectLine) -> int:
    """How many trainings the service has billed."""
    url = project.json("emulator", "status")["url"]
    with urllib.request.urlopen(f"{url}/emulator/v1/billing") as answer:
        document = json.load(answer)
    return len(document["trainings"])


def service(project: ProjectLine, statement: str) -> None:
    """Change what the service holds, as only the service could."""
    (file,) = (project.directory / ".automl-plan" / "emulator").glob("*.sqlite*3")
    with closing(sqlite3.connect(file, timeout=30)) as db, db:
        assert db.execute(statement).rowcount == 1


def test_rows_that_left_appended_sources_are_refused(project: ProjectLine) -> None:
    declare(project, on_source_change="append")
    project("apply", "--auto-approve")
    whole = csv(project).read_text(encoding="utf-8")
    csv(project).write_text("".join(whole.splitlines(keepends=True)[4:]), encoding="utf-8")
    shown = project("plan", code=3)
    assert "4 images were removed from its sources" in shown
    assert "(images/cat-0.png, images/cat-1.png, images/cat-2.png and 1 more)" in shown
    assert "on_source_change: replace" in shown
    assert "automl-plan.yaml:1" in shown
    project("apply", "--auto-approve", code=3)
    refusal = project.json("plan", code=3)["refused"][0]
    assert (refusal["rule"], refusal["address"]) == ("append-only", "dataset.digits")
    csv(project).write_text(whole, encoding="utf-8")
    assert project("plan").startswith("No changes.")


def test_rows_that_say_something_else_are_refused(project: ProjectLine) -> None:
    declare(project, on_source_change="append")
    project("apply", "--auto-approve")
    edit(project, "TRAIN,images/cat-0.png,cat", "TRAIN,images/cat-0.png,dog")
    edit(project, "TRAIN,images/cat-1.png", "TEST,images/cat-1.png")
    shown = " ".join(project("plan", code=3).split())
    assert "2 images would keep labels, boxes or sets" in shown
    assert "images/cat-0.png: TRAIN cat -> TRAIN dog" in shown
    assert "images/cat-1.png: TRAIN cat -> TEST cat" in shown
    declare(project)
    assert "1 dataset to create" in project("plan")


@BOTH
def test_rows_that_are_added_are_imported(project: ProjectLine) -> None:
    declare(project, on_source_change="append")
    project("apply", "--auto-approve")
    (project.directory / "images" / "new.png").write_bytes(png("new"))
    with csv(project).open("a", encoding="utf-8") as file:
        file.write("TRAIN,images/new.png,cat\n")
    project("apply", "--auto-approve")
    (dataset,) = project.json("datasets", "list")["datasets"]
    assert dataset["total_images"] == 17
    edit(project, "TRAIN,images/new.png,cat\n", "")
    assert "1 image was removed from its sources" in project("plan", code=3)


@pytest.mark.parametrize("rebuilt", [False, True])
def test_a_state_without_manifests_compares_counts(project: ProjectLine, rebuilt: bool) -> None:
    """A rebuilt state records no counts either: what the service holds is taken for them."""
    declare(project, on_source_change="append")
    project("apply", "--auto-approve")
    shutil.rmtree(project.directory / "state.json.manifests")
    if rebuilt:
        for path in project.directory.glob("state.json*"):
            path.unlink()
        project("state", "rebuild")
    edit(project, "TRAIN,images/cat-0.png,cat\n", "")
    shown = " ".join(project("plan", code=3).split())
    assert "its sources have 15 images where 16 were imported" in shown
    (project.directory / "images" / "new.png").write_bytes(png("new"))
    with csv(project).open("a", encoding="utf-8") as file:
        file.write("TRAIN,images/new.png,cat\n")
    shown = " ".join(project("plan").split())
    assert "only counts are compared (images before: 16, now: 16)" in shown


def test_a_model_on_a_dataset_without_data(project: ProjectLine) -> None:
    classes = {"image_classification": {"classification_type": "MULTICLASS"}}
    project.project.write({"digits": classes}, {"digits": MODEL})
    shown = project("plan", code=3)
    assert "model.digits can't be trained on it: it has no sources" in shown
    assert "`sources: [data/digits.csv]` (automl-plan.yaml:1)" in shown
    project("apply", "--auto-approve", code=3)
    assert project.json("datasets", "list")["datasets"] == []
    project.project.write({"digits": classes}, {})
    project("apply", "--auto-approve")
    project.project.write({"digits": classes}, {"digits": MODEL})
    assert "can't be trained on it" in project("plan", code=3)


@BOTH
def test_a_partial_import_is_not_trained_on(project: ProjectLine) -> None:
    declare(project)
    edit(project, "images/cat-0.png,cat", f"images/cat-0.png,{BIG}")
    failed = project.run("apply", "--auto-approve", "--no-lint")
    assert failed.returncode == 1
    assert "the service refused 1 row (the first: d.csv line 1: " in failed.stdout
    assert "--allow-partial-import" in failed.stdout
    assert billed(project) == 0
    # The same again is imported again; what is changed is another dataset.
    shown = " ".join(project("plan", "--no-lint").split())
    assert "the last import was partial: the service refused 1 row" in shown
    assert "1 dataset to import data into, 1 model to train" in shown
    project("apply", "--auto-approve", "--no-lint", code=1)
    assert billed(project) == 0
    project("plan", "--no-lint", "--out", "p.json")
    done = project("apply", "p.json", "--allow-partial-import")
    assert "data imported without 1 row" in done
    assert billed(project) == 1
    assert project("plan", "--no-lint").startswith("No changes.")
    edit(project, BIG, "cat")
    project("apply", "--auto-approve")
    (dataset,) = project.json("datasets", "list")["datasets"]
    assert dataset["total_images"] == 16


@BOTH
def test_a_partial_import_that_wait_follows(project: ProjectLine) -> None:
    declare(project)
    edit(project, "images/cat-0.png,cat", f"images/cat-0.png,{BIG}")
    project.run("apply", "--auto-approve", "--no-lint", "--detach")
    assert billed(project) == 0
    waited = project.run("wait", "--auto-approve", "--no-lint")
    assert billed(project) == 0, waited.stdout
    project("apply", "--auto-approve", "--no-lint", "--allow-partial-import")
    assert billed(project) == 1


@BOTH
def test_images_that_are_missing_at_the_service(project: ProjectLine) -> None:
    project.project.write({"digits": CLASSES}, {})
    project("apply", "--auto-approve")
    declare(project)
    service(project, "UPDATE datasets SET example_count = 15")
    shown = " ".join(project("plan", code=3).split())
    assert "the service has 15 images, but 16 were imported" in shown
    assert "automl-plan apply --replace dataset.digits" in shown
    failed = project.run("apply", "--auto-approve", "--no-refresh")
    assert failed.returncode == 1
    assert "15 images, but 16 were imported" in failed.stdout
    assert billed(project) == 0
    service(project, "UPDATE datasets SET example_count = 20")
    assert "4 more than its sources" in " ".join(project("plan").split())
    done = project("apply", "--auto-approve", "--no-refresh")
    assert "20 images, 4 more than its sources" in done
    assert billed(project) == 1


@BOTH
def test_a_training_that_was_cancelled_at_the_service(project: ProjectLine) -> None:
    project.declare(hours_pass=1.0)
    project.detach()
    (training,) = (
        each["id"]
        for each in project.json("operations", "list", "--running")["operations"]
        if each["operation"] == "create-model"
    )
    project("operations", "cancel", training)
    shown = " ".join(project("plan").split())
    assert "was cancelled at the service" in shown
    assert "model.digits will be trained" in shown
    assert "model.digits $27.72" in shown
    project("apply", "--auto-approve", "--detach", code=5)
    (running,) = project.json("operations", "list", "--running")["operations"]
    assert running["id"] != training
