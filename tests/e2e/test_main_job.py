"""The main job as a user does it: the installed command line, real images, real trainings."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.e2e.command_line import CommandLine, edit, thin_out

EXAMPLE = Path(__file__).parents[2] / "examples" / "digits"


def digits(cli: CommandLine) -> Path:
    """The example, with its images, in a directory of its own. Returns its configuration."""
    prepare(cli.directory)
    return cli.take(EXAMPLE / "automl-plan.yaml")


def prepare(directory: Path) -> None:
    """Write the example's images and CSV."""
    command = [sys.executable, str(EXAMPLE / "prepare.py"), str(directory)]
    subprocess.run(command, check=True, capture_output=True)


def test_the_main_job_from_an_empty_directory_to_destroy(cli: CommandLine) -> None:
    cli("init")
    assert "1 dataset, 1 model" in cli("validate")
    configuration = cli.directory / "automl-plan.yaml"
    cli.take(configuration)
    prepare(cli.directory)
    csv = cli.directory / "data" / "digits.csv"
    lines = thin_out(csv, 3)
    edit(configuration, "# sources: [data/images.csv]", "sources: [data/digits.csv]")
    edit(configuration, "# deploy: {node_count: 1}", "deploy: {node_count: 1}")
    assert "1 dataset, 1 model" in cli("validate")

    assert cli.actions() == [
        "dataset.images create",
        "dataset.images import-data",
        "model.images train",
        "model.images deploy",
    ]
    cli.apply()
    (dataset,) = rows(cli("datasets", "list", "--json"))
    assert dataset["total_images"] == len(lines)

    # a label: patched in place
    edit(
        configuration,
        "    image_classification:\n",
        "    labels: {team: a}\n    image_classification:\n",
    )
    assert cli.actions() == ["dataset.images update", "model.images update"]
    cli.apply()

    # the budget: a new model, the old one serves until it does, and is kept as a way back
    edit(configuration, "default: 8000", "default: 9000")
    assert cli.actions() == [
        "model.images retrain",
        "model.images deploy",
        "model.images undeploy",
    ]
    cli.apply()

    # fewer rows: what was imported can't be taken back, so a new dataset
    csv.write_text("".join(lines[:300] + lines[-100:]), encoding="utf-8")
    assert cli.actions() == [
        "dataset.images create",
        "dataset.images import-data",
        "model.images retrain",
        "model.images deploy",
        "model.images undeploy",
        "model.images delete",
        "dataset.images delete",
    ]
    cli.apply()

    # more rows, and the configuration says that the change only adds
    csv.write_text("".join(lines[:400] + lines[-100:]), encoding="utf-8")
    edit(
        configuration,
        "sources: [data/digits.csv]",
        "sources: [data/digits.csv]\n    on_source_change: append\n    #",
    )
    assert cli.actions()[:3] == [
        "dataset.images import-data",
        "dataset.images update",  # its label tells what it holds
        "model.images retrain",
    ]
    cli.apply()
    assert len(rows(cli("datasets", "list", "--json"))) == 1

    # the model is not declared any more
    text = configuration.read_text(encoding="utf-8")
    configuration.write_text(text[: text.index("models:")], encoding="utf-8")
    assert cli.actions() == ["model.images undeploy", *["model.images delete"] * 2]
    cli.apply()

    cli("destroy", "--auto-approve")
    assert rows(cli("datasets", "list", "--json")) == []
    assert rows(cli("models", "list", "--json")) == []
    assert rows(cli("state", "list", "--json")) == []


def test_the_trained_model_is_good_and_the_readme_shows_its_plan(cli: CommandLine) -> None:
    configuration = digits(cli)
    cli.apply()
    document = json.loads(cli("models", "evaluations", "digits", "--json"))
    overall, *labels = document["evaluations"]
    assert overall["au_prc"] >= 0.95
    assert [e["label"] for e in labels] == [str(i) for i in range(10)]
    matrix = overall["confusion"]["rows"]
    assert sum(map(sum, matrix)) == overall["example_count"]
    assert "auPRC" in cli("models", "evaluations", "digits")

    text = configuration.read_text(encoding="utf-8")
    configuration.write_text(text.replace("team: vision", "team: research", 1), encoding="utf-8")
    readme = (EXAMPLE.parents[1] / "README.md").read_text(encoding="utf-8")
    plan = cli("plan", "--var", "budget=9000")
    assert without_what_differs(plan) in without_what_differs(readme)


def rows(text: str) -> list[dict[str, Any]]:
    """The one list of a JSON answer."""
    (found,) = (value for value in json.loads(text).values() if isinstance(value, list))
    return list(found)


def without_what_differs(text: str) -> str:
    """`text` without ids, how long the one training before took, and Vertex AI's endpoints."""
    text = re.sub(r"\n +endpoint \S+", "", text)
    return re.sub(r"takes about \S+", "takes about TIME", re.sub(r"(ICN)?\d{18,}", "ID", text))
