"""Every line of real runs, as schemas/events.schema.json has it."""

from __future__ import annotations

import json
from typing import Any

import jsonschema

from automl_plan import __version__
from automl_plan.config.schema import read_schema
from tests.apis import BOTH
from tests.cli.command import ProjectLine


def lines(project: ProjectLine, *arguments: str, code: int = 0) -> list[dict[str, Any]]:
    """The lines of a run, each of them valid; its exit code is right."""
    done = project.run(*arguments, "--json")
    assert done.returncode == code, done.stderr
    found = [json.loads(line) for line in done.stdout.splitlines()]
    validator = jsonschema.Draft7Validator(json.loads(project("schema", "events")))
    for line in found:
        validator.validate(line)
    assert found[0] == {
        "format_version": "1.0",
        "type": "version",
        "tool": "automl-plan",
        "tool_version": __version__,
        "command": arguments[0],
    }
    return found


def types(found: list[dict[str, Any]]) -> list[str]:
    return [line["type"] for line in found]


@BOTH
def test_success_and_nothing_to_do(project: ProjectLine) -> None:
    done = types(lines(project, "apply", "--auto-approve"))
    assert done[-1] == "result"
    assert {"started", "done"} <= set(done)
    assert types(lines(project, "apply", "--auto-approve")) == ["version", "result"]
    assert types(lines(project, "wait")) == ["version", "result"]
    assert types(lines(project, "destroy", "--auto-approve"))[-1] == "result"


def test_refusal(project: ProjectLine) -> None:
    found = lines(project, "apply", code=3)
    assert types(found) == ["version", "error"]
    assert found[-1]["error"]["type"] == "PlanRefused"


def test_failure(project: ProjectLine) -> None:
    rows = "".join(f"TRAIN,images/cat-{i}.png,{'x' * 129}\n" for i in range(8))
    (project.directory / "d.csv").write_text(rows, encoding="utf-8")
    told = types(lines(project, "apply", "--auto-approve", "--no-lint", code=1))
    assert told[-2:] == ["result", "error"]
    assert {"failed", "skipped"} <= set(told)


@BOTH
def test_detached(project: ProjectLine) -> None:
    project.declare(hours_pass=1.0)
    told = lines(project, "apply", "--auto-approve", "--detach", code=5)
    assert {"detached", "error"} & set(types(told)) == {"detached"}
    result = told[-1]
    assert [o["key"] for o in result["operations"]] == result["running"]
    assert all(o["started"] and o["operation_id"] for o in result["operations"])
    assert result["follow"] == "automl-plan wait"


def test_a_wrong_configuration(project: ProjectLine) -> None:
    (project.directory / "automl-plan.yaml").write_text("modles: {}\n", encoding="utf-8")
    found = lines(project, "apply", "--auto-approve", code=1)
    assert types(found) == ["version", "error"]
    assert found[-1]["error"]["diagnostics"]


def test_every_schema_is_printed(project: ProjectLine) -> None:
    for name in ("config", "plan", "state", "output", "events", "notice"):
        assert json.loads(project("schema", name)) == read_schema(name)
