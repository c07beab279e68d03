"""Errors: what is said, where it is said, and the exit code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from automl_plan import __version__
from tests.cli.command import COMMAND, CommandLine, environment
from tests.output.schema import is_valid

WITH_A_BUG = """
import sys
from automl_plan.cli import commands
from automl_plan.cli.main import main
from automl_plan.cli.options import command

@command(example="boom")
def boom(run):
    raise ZeroDivisionError("a secret\\x1b[2J of\\nthe service")

sys.modules["automl_plan.cli.boom"] = sys.modules["__main__"]
commands.COMMANDS["boom"] = commands.Entry("", "boom:boom")
main()
"""


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("bogus",), "No such command 'bogus'"),
        (("plan", "--jsno"), "No such option '--jsno'"),
        (("plan", "extra"), "unexpected extra argument"),
        (("apply", "--parallelism", "0"), "--parallelism"),
        (("operations", "get"), "Missing argument 'ID'"),
        (("plan", "--destroy", "--refresh-only"), "exclude each other"),
        (("plan", "--no-refresh", "--refresh-only"), "exclude each other"),
        (("plan", "--target", "digits"), "write dataset.NAME or model.NAME"),
        (("validate", "--var", "budget"), "write NAME=VALUE"),
        (("validate", "--var", "=1"), "write NAME=VALUE"),
        (("state", "show", "digits"), "write dataset.NAME or model.NAME"),
        (("show", "no-such-plan.json"), "can't be read"),
        (("validate", "-C", "no-such-directory"), "No such file or directory"),
        (("-C", "no-such-directory", "validate"), "No such file or directory"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_wrong_use_exits_with_1(cli: CommandLine, arguments: tuple[str, ...], said: str) -> None:
    assert said in cli.failure(*arguments)
    assert cli.run(*arguments).stdout == ""
    assert list(cli.directory.iterdir()) == []


@pytest.mark.parametrize("arguments", [("plan", "--bogus"), ("plan", "--target", "x"), ("show",)])
def test_with_json_an_error_is_one_line_of_json(
    cli: CommandLine, arguments: tuple[str, ...]
) -> None:
    done = cli.run(*arguments, "--json")
    assert done.returncode == 1
    (line,) = done.stdout.splitlines()
    document = json.loads(line)
    assert is_valid("error", document)
    assert document["error"]["exit_code"] == 1
    assert "Error: " in done.stderr


def test_every_diagnostic_is_told_as_compilers_do(cli: CommandLine) -> None:
    text = "datasets:\n  digits:\n    image_classfication: {}\n    lables: {a: b}\nmodles: {}\n"
    (cli.directory / "automl-plan.yaml").write_text(text, encoding="utf-8")
    done = cli.run("validate")
    assert done.returncode == 1
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith("automl-plan.yaml:5:1: error["))
    assert lines[at + 1 : at + 3] == ["  | modles: {}", "  | ^"]
    document = json.loads(cli.run("validate", "--json").stdout)
    assert is_valid("error", document)
    places = [(d["line"], d["column"]) for d in document["error"]["diagnostics"]]
    assert places == sorted(places)
    assert {line for line, _ in places} >= {3, 4, 5}
    assert done.stderr.count(": error[") == len(places)


def test_a_bug_is_told_on_one_screen_and_with_its_traceback_when_asked(cli: CommandLine) -> None:
    python = (sys.executable, "-c", WITH_A_BUG)
    done = cli.run("boom", python=python)
    assert done.returncode == 1
    assert done.stdout == ""
    first, *rest = done.stderr.splitlines()
    assert first == (
        f"Error: this is a bug in automl-plan {__version__}: "
        "ZeroDivisionError: a secret\\x1b[2J of\\nthe service"
    )
    assert "AUTOML_PLAN_DEBUG=1" in rest[0]
    assert len(rest) < 4
    asked = cli.run("boom", python=python, extra={"AUTOML_PLAN_DEBUG": "1"})
    assert "Traceback" in asked.stderr


def test_a_terminal_that_can_not_show_a_letter_gets_its_number(cli: CommandLine) -> None:
    text = "datasets: {a: {image_object_detection: {}, description: café}}\nx: 数\n"
    (cli.directory / "automl-plan.yaml").write_text(text, encoding="utf-8")
    done = cli.run("validate", "--json", extra={"PYTHONIOENCODING": "ascii"})
    assert done.returncode == 1
    cli.run("validate", extra={"PYTHONIOENCODING": "ascii"})
    (cli.directory / "automl-plan.yaml").unlink()
    cli("init")
    done = cli.run("validate", extra={"PYTHONIOENCODING": "ascii", "FORCE_COLOR": "1"})
    assert done.returncode == 0, done.stderr


def test_a_reader_that_has_seen_enough(cli: CommandLine) -> None:
    read, written = os.pipe()
    os.close(read)
    try:
        done = subprocess.run(
            [*COMMAND, "schema"],
            cwd=cli.directory,
            env=environment({}),
            stdout=written,
            stderr=subprocess.PIPE,
            timeout=60,
            check=False,
        )
    finally:
        os.close(written)
    assert done.returncode == 1
    assert done.stderr == b""


def test_init_and_chdir(cli: CommandLine) -> None:
    assert "Wrote new/automl-plan.yaml" in cli("init", "-C", "new")
    (cli.directory / "new" / "inner").mkdir()
    for where in (("-C", "new", "validate"), ("validate", "-C", "new")):
        assert "Success!" in cli(*where)
    assert "Success!" in cli("-C", "new/inner", "validate", "-C", "..")
    assert is_valid("validate", cli.json("validate", "-C", "new"))
    assert "already exists" in cli.failure("init", "-C", "new")
    assert {p.name for p in cli.directory.iterdir()} == {"new"}


def test_schema_is_the_published_one(cli: CommandLine) -> None:
    published = Path(__file__).parents[2] / "schemas" / "config.schema.json"
    assert json.loads(cli("schema")) == json.loads(published.read_text(encoding="utf-8"))
