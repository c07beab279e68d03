"""`--log-level debug` and AUTOML_PLAN_LOG=debug: each request on standard error."""

from __future__ import annotations

import json
import re

import pytest

from tests.cli.command import ProjectLine

REQUEST = re.compile(r"debug: (GET|POST|PATCH|DELETE) /\S+: \d{3} in \d+ ms")


@pytest.mark.parametrize(
    "arguments",
    [
        ("--log-level", "debug", "models", "list", "--json"),
        ("models", "list", "--log-level=debug", "--json"),
        ("models", "list", "--json", "--log-level", "debug"),
    ],
)
def test_requests_are_told_wherever_the_flag_stands(
    arguments: tuple[str, ...], project: ProjectLine
) -> None:
    done = project.run(*arguments)
    assert json.loads(done.stdout)["models"] == []
    assert all(REQUEST.fullmatch(line) for line in done.stderr.splitlines())
    assert "GET /v1/projects/local/locations/us-central1/models?pageSize: 200" in done.stderr


def test_the_environment_says_it_too_and_the_flag_goes_before(project: ProjectLine) -> None:
    extra = {"AUTOML_PLAN_LOG": "debug"}
    assert "debug: GET /v1/" in project.run("models", "list", extra=extra).stderr
    quiet = project.run("models", "list", "--log-level", "warning", extra=extra)
    assert quiet.stderr == ""
    assert project.run("models", "list").stderr == ""


@pytest.mark.parametrize("level", ["loud", "DEBUG", ""])
def test_another_word_is_refused(level: str, project: ProjectLine) -> None:
    said = project.failure("models", "list", f"--log-level={level}")
    assert f"{level!r} is not one of 'debug', 'info', 'warning', 'error'." in said
    assert "requires an argument" in project.failure("validate", "--log-level")
    if level:
        told = project.run("validate", extra={"AUTOML_PLAN_LOG": level})
        assert told.returncode == 1
        assert "AUTOML_PLAN_LOG" in told.stderr
