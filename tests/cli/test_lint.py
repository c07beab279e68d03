"""`datasets lint`: what is told, in every format, and the exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.command import CommandLine, ProjectLine
from tests.rendering.reports import commands, junit_cases, sarif_run
from tests.rendering.schema import is_valid

HOSTILE = "=\x1b[31m](x)::error::%0A<b>"
ROWS = [
    *(f"TRAIN,gs://b/{number}.jpg,{'cat' if number % 2 else 'dog'}" for number in range(30)),
    f"TRAIN,gs://b/30.jpg,{HOSTILE}",
    "TRIAN,gs://b/31.jpg,cat",
]
ERRORS = [("label-injection", 31), ("ml-use", 32)]
OTHERS = [("label-under-100", 1), ("label-under-100", 2), ("set-empty", 1), ("set-empty", 1)]


@pytest.fixture
def data(cli: CommandLine) -> CommandLine:
    """A directory with a CSV and no configuration."""
    (cli.directory / "a.csv").write_text("\n".join(ROWS) + "\n", encoding="utf-8")
    return cli


def test_text_tells_place_rule_and_what_to_do(data: CommandLine) -> None:
    told = data("datasets", "lint", "a.csv", code=1)
    assert told.startswith("a.csv: 32 rows, 30 images (multiclass by the looks of its rows;")
    assert "a.csv:32:1: error[ml-use]: 'TRIAN' is none of TRAIN," in told
    assert "  = Write TRAIN, VALIDATION, TEST or UNASSIGNED.\n" in told
    assert told.endswith("\n2 errors, 4 warnings.\n")
    assert "\x1b" not in told


def test_json_holds_all(data: CommandLine) -> None:
    document = data.json("datasets", "lint", "a.csv", code=1)
    assert is_valid("datasets-lint", document)
    (dataset,) = document["datasets"]
    found = [(each["rule"], each["line"]) for each in dataset["findings"]]
    assert sorted(found) == sorted(ERRORS + OTHERS)
    assert dataset["counts"]["label-under-100"] == 2


def test_reports_for_ci(data: CommandLine) -> None:
    run = sarif_run(data("datasets", "lint", "a.csv", "--format", "sarif", code=1))
    assert run["results"][0]["ruleId"] == "label-injection"
    assert "](" not in run["results"][0]["message"]["text"]
    first, second, *_ = commands(data("datasets", "lint", "a.csv", "--format=github", code=1))
    assert (first.name, first.properties["line"]) == ("error", "31")
    assert second.properties == {"file": "a.csv", "line": "32", "col": "1", "title": "ml-use"}
    (case,) = junit_cases(data("datasets", "lint", "a.csv", "--format", "junit", code=1)).values()
    assert case.find("failure") is not None


def test_the_kind_is_guessed_or_given(data: CommandLine) -> None:
    document = data.json("datasets", "lint", "a.csv", "--kind", "detection", code=1)
    assert document["datasets"][0]["counts"] == {"row-shape": 32}
    boxes = "TRAIN,gs://b/1.jpg,cat,.1,.1,,,.5,.5,,\n" * 2
    (data.directory / "boxes.csv").write_text(boxes, encoding="utf-8")
    (linted,) = data.json("datasets", "lint", "boxes.csv", code=1)["datasets"]
    assert (linted["kind"], linted["kind_is_guessed"]) == ("detection", True)
    assert "--kind goes with FILE.csv" in data.failure("datasets", "lint", "--kind", "detection")


def test_many_findings_are_counted(data: CommandLine) -> None:
    (data.directory / "a.csv").write_text("TRIAN,gs://b/1.jpg,cat\n" * 25, encoding="utf-8")
    told = data("datasets", "lint", "a.csv", code=1)
    assert told.count("error[ml-use]") == 10
    assert "  … and 15 more of ml-use\n" in told


def test_wrong_use(cli: CommandLine) -> None:
    assert "error[no-configuration]" in cli.failure("datasets", "lint")
    done = cli("datasets", "lint", "missing.csv", code=1)
    assert "missing.csv: error[csv-unreadable]: " in done


def declare(project: ProjectLine, lint: dict[str, str]) -> None:
    path = project.directory / "automl-plan.yaml"
    document = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**document, "lint": lint}), encoding="utf-8")


def test_declared_datasets_and_severities(project: ProjectLine) -> None:
    (project.directory / "d.csv").write_text("\n".join(ROWS) + "\n", encoding="utf-8")
    document = project.json("datasets", "lint", code=1)
    (dataset,) = document["datasets"]
    assert (dataset["name"], dataset["kind_is_guessed"]) == ("dataset.digits", False)
    assert project.json("datasets", "lint", "digits", code=1) == document
    by_file = project.json("datasets", "lint", "d.csv", code=1)["datasets"][0]
    assert by_file["findings"] == dataset["findings"]
    assert not by_file["kind_is_guessed"]

    declare(project, {"ml-use": "off", "label-injection": "warning", "set-empty": "off"})
    (dataset,) = project.json("datasets", "lint")["datasets"]
    assert dataset["counts"] == {"label-injection": 1, "label-under-100": 2}
    assert {each["severity"] for each in dataset["findings"]} == {"warning"}

    declare(project, {"ml-uze": "off"})
    said = project.failure("datasets", "lint")
    assert 'did you mean "ml-use"?' in said


def test_undeclared_names(project: ProjectLine) -> None:
    assert "No dataset cats is declared." in project.failure("datasets", "lint", "cats")
    assert not (Path(project.directory) / ".automl-plan").exists()
