"""`datasets lint`: what is told, in every format, and the exit codes."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from tests.apis import BOTH
from tests.cli.command import CommandLine, ProjectLine
from tests.output.reports import commands, junit_cases, sarif_run
from tests.output.schema import is_valid

HOSTILE = "=\x1b[31m](x)::error::%0A<b>"
ROWS = [
    *(f"TRAIN,gs://b/{number}.jpg,{'cat' if number % 2 else 'dog'}" for number in range(30)),
    f"TRAIN,gs://b/30.jpg,{HOSTILE}",
    "TRIAN,gs://b/31.jpg,cat",
]
LINT = ("datasets", "lint", "--no-images")
"""The images of these rows are nowhere."""
ERRORS = [("label-injection", 31), ("ml-use", 32)]
OTHERS = [("label-under-100", 1), ("label-under-100", 2), ("set-empty", 1), ("set-empty", 1)]


@pytest.fixture
def data(cli: CommandLine) -> CommandLine:
    """A directory with a CSV and no configuration."""
    (cli.directory / "a.csv").write_text("\n".join(ROWS) + "\n", encoding="utf-8")
    return cli


def test_text_tells_place_rule_and_what_to_do(data: CommandLine) -> None:
    told = data(*LINT, "a.csv", code=1)
    assert told.startswith("a.csv: 32 rows, 30 images (multiclass, guessed from its rows;")
    assert "a.csv:32:1: error[ml-use]: 'TRIAN' is none of TRAIN," in told
    assert "  = Write TRAIN, VALIDATION, TEST or UNASSIGNED.\n" in told
    assert told.endswith("\n2 errors, 4 warnings.\n")
    assert "\x1b" not in told


def test_json_holds_all(data: CommandLine) -> None:
    document = data.json(*LINT, "a.csv", code=1)
    assert is_valid("datasets-lint", document)
    (dataset,) = document["datasets"]
    found = [(each["rule"], each["line"]) for each in dataset["findings"]]
    assert sorted(found) == sorted(ERRORS + OTHERS)
    assert dataset["counts"]["label-under-100"] == 2


def test_reports_for_ci(data: CommandLine) -> None:
    run = sarif_run(data(*LINT, "a.csv", "--format", "sarif", code=1))
    assert run["results"][0]["ruleId"] == "label-injection"
    assert "](" not in run["results"][0]["message"]["text"]
    first, second, *_ = commands(data(*LINT, "a.csv", "--format=github", code=1))
    assert (first.name, first.properties["line"]) == ("error", "31")
    assert second.properties == {"file": "a.csv", "line": "32", "col": "1", "title": "ml-use"}
    (case,) = junit_cases(data(*LINT, "a.csv", "--format", "junit", code=1)).values()
    assert case.find("failure") is not None


def test_the_kind_is_guessed_or_given(data: CommandLine) -> None:
    document = data.json(*LINT, "a.csv", "--kind", "detection", code=1)
    assert document["datasets"][0]["counts"] == {"row-shape": 32}
    boxes = "TRAIN,gs://b/1.jpg,cat,.1,.1,,,.5,.5,,\n" * 2
    (data.directory / "boxes.csv").write_text(boxes, encoding="utf-8")
    (linted,) = data.json(*LINT, "boxes.csv", code=1)["datasets"]
    assert (linted["kind"], linted["kind_is_guessed"]) == ("detection", True)
    assert "--kind is for a file" in data.failure("datasets", "lint", "--kind", "detection")


def test_many_findings_are_counted(data: CommandLine) -> None:
    (data.directory / "a.csv").write_text("TRIAN,gs://b/1.jpg,cat\n" * 25, encoding="utf-8")
    told = data(*LINT, "a.csv", code=1)
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
    document = project.json(*LINT, code=1)
    (dataset,) = document["datasets"]
    assert (dataset["name"], dataset["kind_is_guessed"]) == ("dataset.digits", False)
    assert project.json(*LINT, "digits", code=1) == document
    by_file = project.json(*LINT, "d.csv", code=1)["datasets"][0]
    assert by_file["findings"] == dataset["findings"]
    assert not by_file["kind_is_guessed"]

    declare(project, {"ml-use": "off", "label-injection": "warning", "set-empty": "off"})
    (dataset,) = project.json(*LINT, code=1)["datasets"]
    assert dataset["counts"] == {"label-injection": 1, "label-under-10": 1, "label-under-100": 2}
    declare(project, {"ml-use": "off", "label-injection": "warning", "label-under-10": "warning"})
    (dataset,) = project.json(*LINT)["datasets"]
    assert {each["severity"] for each in dataset["findings"]} == {"warning"}
    assert (dataset["rows"], dataset["images"], dataset["unchecked"]) == (32, 32, [])

    declare(project, {"ml-uze": "off"})
    said = project.failure("datasets", "lint")
    assert 'did you mean "ml-use"?' in said


def test_a_plan_says_which_rows_were_not_checked(project: ProjectLine) -> None:
    csv = project.directory / "d.csv"
    csv.write_text(csv.read_text().replace("cat-0.png,cat", "cat-0.png,=cat"))
    said = "images, labels and sets of 1 row with errors"
    assert f"  dataset.digits: not checked: {said}\n" in project("plan", code=3)
    found = project.json("plan", code=3)["data_findings"]["dataset.digits"]
    assert (found["errors"], found["unchecked"]) == (3, [said])


@BOTH
def test_the_same_data_as_json_lines_is_no_change(project: ProjectLine, api: str) -> None:
    csv = project.directory / "d.csv"
    lines = []
    for row in csv.read_text(encoding="utf-8").splitlines():
        use, image, label = row.split(",")
        item: dict[str, object] = {"imageGcsUri": image}
        item["classificationAnnotation"] = {"displayName": label}
        if use != "UNASSIGNED":
            sets = {"aiplatform.googleapis.com/ml_use": use.lower()}
            item["dataItemResourceLabels"] = sets
        lines.append(json.dumps(item) + "\n")
    (project.directory / "d.jsonl").write_text("".join(lines), encoding="utf-8")
    path = project.directory / "automl-plan.yaml"
    written = path.read_text(encoding="utf-8")
    path.write_text(written.replace('"d.csv"', '"d.jsonl"'), encoding="utf-8")
    assert "d.jsonl" in path.read_text(encoding="utf-8")
    project("apply", "--auto-approve")
    assert re.search(r"Total images: +16\b", project("datasets", "show", "digits"))
    path.write_text(written, encoding="utf-8")
    assert project("plan").startswith("No changes.")
    linted = project.json(*LINT, "d.jsonl", code=1)["datasets"][0]
    assert (linted["rows"], linted["images"]) == (16, 16)


def test_undeclared_names(project: ProjectLine) -> None:
    cli = CommandLine(project.directory)  # unlike a project's, it starts no service before
    assert "No dataset cats is declared." in cli.failure("datasets", "lint", "cats")
    assert not (Path(project.directory) / ".automl-plan").exists()


def test_the_example_with_five_defects_has_five_findings(digits: Path, tmp_path: Path) -> None:
    example = Path(__file__).parents[2] / "examples" / "digits" / "automl-plan.yaml"
    text = example.read_text(encoding="utf-8")
    shutil.copytree(digits / "data", tmp_path / "data")
    (tmp_path / "automl-plan.yaml").write_text(
        f"{text}\nlint: {{label-under-1000: off}}\n", encoding="utf-8"
    )
    cli = CommandLine(tmp_path)
    (dataset,) = cli.json("datasets", "lint")["datasets"]
    assert (dataset["rows"], dataset["findings"]) == (1797, [])

    path = tmp_path / "data" / "digits.csv"
    rows = path.read_text(encoding="utf-8").splitlines()
    rows[99] = rows[99].replace("TRAIN", "TRIAN")
    rows[199] += "x" * 128
    rows[299] += ",other"
    (tmp_path / rows[399].split(",")[1]).unlink()
    use, image, label = rows[499].split(",")
    rows.append(",".join(["TEST" if use == "TRAIN" else "TRAIN", image, label]))
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    (dataset,) = cli.json("datasets", "lint", code=1)["datasets"]
    assert [(each["line"], each["rule"]) for each in dataset["findings"]] == [
        (100, "ml-use"),
        (200, "label-syntax"),
        (300, "several-labels"),
        (400, "image-missing"),
        (1798, "sets-differ"),
    ]
