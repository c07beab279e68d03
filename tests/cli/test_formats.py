"""`--format` of `validate` and `plan`: what CI reads on standard output, and the exit codes."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.cli.command import CommandLine, ProjectLine
from tests.output.reports import commands, junit_cases, no_command, sarif_run
from tests.output.schema import is_valid

WRONG = "datasets:\n  digits:\n    image_classfication: {}\nmodles: {}\n"


def in_repository(directory: Path, folder: str) -> CommandLine:
    """A command line in a folder of a Git repository."""
    subprocess.run(["git", "init", "--quiet", str(directory)], check=True)
    (directory / folder).mkdir()
    return CommandLine(directory / folder)


def test_wrong_configurations_are_shown_in_the_diff(tmp_path: Path) -> None:
    cli = in_repository(tmp_path, "my models")
    (cli.directory / "main.automl.yaml").write_text(WRONG, encoding="utf-8")
    done = cli.run("validate", "--format", "github")
    assert done.returncode == 1
    first, second = commands(done.stdout)
    assert first.properties == {
        "file": "my models/main.automl.yaml",
        "line": "3",
        "col": "5",
        "title": "unknown-key",
    }
    assert first.message.startswith('unknown key "image_classfication"\n')
    assert second.properties["line"] == "4"
    assert "The configuration has 2 errors." in done.stderr

    outside = CommandLine(tmp_path)
    arguments = ("-C", "my models", "validate", "--format=sarif")
    for line, flags in ((cli, ("validate", "--format", "sarif")), (outside, arguments)):
        run = sarif_run(line(*flags, code=1))
        place = run["results"][0]["locations"][0]["physicalLocation"]
        assert place["artifactLocation"]["uri"] == "my%20models/main.automl.yaml"
        assert place["region"] == {"startLine": 3, "startColumn": 5}
        assert run["automationDetails"]["id"] == "automl-plan/validate/my%20models/"

    cases = junit_cases(cli("validate", "--format", "junit", code=1))
    assert list(cases) == ["my models/main.automl.yaml"]
    document = json.loads(cli("validate", "--format", "json", code=1))
    assert is_valid("error", document)
    # The same places for a plan, which meets them first.
    assert list(commands(cli("plan", "--format", "github", code=1))) == [first, second]


def test_without_git_github_says_where_the_repository_is(cli: CommandLine) -> None:
    (cli.directory / "deep").mkdir()
    (cli.directory / "deep" / "main.automl.yaml").write_text(WRONG, encoding="utf-8")
    extra = {"GITHUB_WORKSPACE": str(cli.directory), "GIT_CEILING_DIRECTORIES": "/"}
    done = cli.run("validate", "-C", "deep", "--format", "github", extra=extra)
    assert next(commands(done.stdout)).properties["file"] == "deep/main.automl.yaml"


def test_valid_configurations_are_told_too(cli: CommandLine) -> None:
    cli("init")
    assert cli("validate", "--format", "text").startswith("Success!")
    assert cli("validate", "--format", "github") == ""
    assert sarif_run(cli("validate", "--format", "sarif"))["results"] == []
    cases = junit_cases(cli("validate", "--format", "junit"))
    assert {name.partition(".")[0] for name in cases} == {"dataset", "model"}
    assert cli("validate", "--format", "json") == cli("validate", "--json")
    assert cli("validate", "--json", "--format", "json") == cli("validate", "--json")


@pytest.mark.parametrize("command", ["validate", "plan"])
@pytest.mark.parametrize("name", ["text", "github", "sarif", "junit"])
def test_two_formats_contradict_each_other(cli: CommandLine, command: str, name: str) -> None:
    said = cli.failure(command, "--json", "--format", name)
    assert f"--json and --format {name} exclude each other" in said
    assert list(cli.directory.iterdir()) == []


def test_wrong_use_is_told_in_the_format_too(cli: CommandLine) -> None:
    (command,) = commands(cli("plan", "--format", "github", "--target", "x", code=1))
    assert command.properties["title"] == "error/UsageError"
    assert len(sarif_run(cli("plan", "--format=sarif", "--bogus", code=1))["results"]) == 1
    assert "bogus" in cli.failure("plan", "--format", "bogus")


def test_risky_changes_are_shown_at_their_lines(project: ProjectLine) -> None:
    told = {each.properties["title"]: each for each in commands(project("plan", "--format=github"))}
    training = told["change/train model.digits"]
    assert training.name == "notice"
    assert training.properties["file"] == "automl-plan.yaml"
    assert training.properties["line"] == "1"
    assert "at most $27.72" in training.message
    assert told["label-under-10"].name == "warning"  # it refuses no plan
    assert told["label-under-10"].properties["file"] == "d.csv"
    assert set(junit_cases(project("plan", "--format", "junit", "--no-lint"))) == {
        "dataset.digits",
        "model.digits",
    }
    saved = project(
        "plan", "--format", "sarif", "--out", "plan.json", "--detailed-exitcode", code=2
    )
    assert {result["level"] for result in sarif_run(saved)["results"]} == {"note", "warning"}
    assert "1 model to train" in project("show", "plan.json")


def test_a_refused_plan_exits_with_3(project: ProjectLine) -> None:
    path = project.directory / "automl-plan.yaml"
    document = json.loads(path.read_text(encoding="utf-8"))
    document["policy"] = {
        "deny": {"model.*": ["train"]},
        "max_monthly_cost": 1,
        "warn": ["max_monthly_cost"],
    }
    path.write_text(json.dumps(document, indent=1), encoding="utf-8")
    told = commands(project("plan", "--no-lint", "--format", "github", code=3))
    first, second, *notices = told
    assert (first.name, first.properties["title"]) == ("error", "policy/deny model.digits")
    assert int(first.properties["line"]) > 1
    assert (second.name, second.properties["title"]) == ("warning", "policy/max_monthly_cost")
    assert {command.name for command in notices} == {"notice"}
    results = sarif_run(project("plan", "--no-lint", "--format", "sarif", code=3))["results"]
    assert [result["level"] for result in results[:3]] == ["error", "warning", "note"]
    cases = junit_cases(project("plan", "--format", "junit", code=3))
    failed = {name for name, case in cases.items() if case.find("failure") is not None}
    assert failed == {"model.digits"}
    assert project.json("plan", code=3)["refused"]


def test_a_protected_model_is_refused_at_its_line(project: ProjectLine) -> None:
    path = project.directory / "automl-plan.yaml"
    document = json.loads(path.read_text(encoding="utf-8"))
    document["models"]["digits"]["lifecycle"] = {"prevent_destroy": True}
    path.write_text(json.dumps(document, indent=1), encoding="utf-8")
    project("apply", "--auto-approve")
    first, *_ = commands(project("plan", "--destroy", "--format", "github", code=3))
    assert first.properties["title"] == "refused/protected model.digits"
    lines = path.read_text(encoding="utf-8").splitlines()
    assert lines[int(first.properties["line"]) - 1].strip() == '"prevent_destroy": true'


def test_text_on_standard_error_is_no_command_either(cli: CommandLine) -> None:
    for evil in ("##[set-output name=digest]x", "##vso[task.complete]", "x\n  ::error::x"):
        for arguments in (("plan", "--target", evil), ("plan", evil), (f"--{evil}",), (evil,)):
            found = cli.run(*arguments).stderr
            assert found
            assert no_command(found)


def test_nor_is_what_people_read_on_standard_output(project: ProjectLine) -> None:
    evil = "##[stop-commands]x"
    kind = {"classification_type": "MULTICLASS"}
    dataset = {"image_classification": kind, "sources": ["d.csv"], "description": evil}
    project.project.write({"digits": dataset}, {})
    for arguments in (
        ("plan", "--out", "p.json"),
        ("show", "p.json"),
        *(("show", "p.json", "--format", name) for name in ("markdown", "html")),
        *(("graph", "--format", name) for name in ("dot", "mermaid")),
        ("apply", "p.json"),
        ("datasets", "show", "digits"),
    ):
        shown = project.run(*arguments).stdout
        assert shown
        assert no_command(shown)
    found = json.loads(project.run("datasets", "list", "--json").stdout)
    assert found["datasets"][0]["description"] == evil, "JSON is not touched"
