"""`plan --github-output`: the outputs of a step, and its summary."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from automl_plan.cli.github_output import MOST_BYTES
from tests.cli.command import ProjectLine


class Step:
    """A step of a workflow: the two files that GitHub names for it."""

    def __init__(self, project: ProjectLine) -> None:
        self.project = project
        self.output = project.directory / "output"
        self.summary = project.directory / "summary"
        for file in (self.output, self.summary):
            file.touch()

    def plan(self, *flags: str, code: int = 0, **extra: str) -> str:
        variables = {"GITHUB_OUTPUT": str(self.output), "GITHUB_STEP_SUMMARY": str(self.summary)}
        done = self.project.run("plan", "--github-output", *flags, extra={**variables, **extra})
        assert done.returncode == code, done.stderr
        return done.stderr

    def outputs(self) -> dict[str, str]:
        pairs = [line.partition("=") for line in self.output.read_text().splitlines()]
        assert all(equals for _, equals, _ in pairs)
        return {name: value for name, _, value in pairs}


@pytest.fixture
def step(project: ProjectLine) -> Step:
    return Step(project)


def test_outputs_and_summary(step: Step) -> None:
    step.output.write_text("before=1", encoding="utf-8")  # a line that nobody ended
    step.plan("--out", "plan.json", "--json-into", "p.json")
    digest = json.loads((step.project.directory / "p.json").read_text())["digest"]
    assert step.outputs() == {
        "before": "1",
        "changes": "true",
        "refused": "false",
        "trainings": "1",
        "deletions": "0",
        "cost-worst": "27.72",
        "cost-monthly-before": "0.00",
        "cost-monthly-after": "1003.75",
        "digest": digest,
    }
    assert json.loads((step.project.directory / "plan.json").read_text())["digest"] == digest
    first = step.summary.read_text(encoding="utf-8")
    assert "automl-plan" in first.splitlines()[0]
    step.plan()
    assert step.summary.read_text(encoding="utf-8").startswith(first)


def test_a_refused_plan_is_told(step: Step) -> None:
    path = step.project.directory / "automl-plan.yaml"
    document = json.loads(path.read_text(encoding="utf-8"))
    document["policy"] = {"deny": {"model.*": ["train"]}}
    path.write_text(json.dumps(document), encoding="utf-8")
    step.plan("--format", "github", code=3)
    assert step.outputs()["refused"] == "true"
    assert "train is denied" in step.summary.read_text(encoding="utf-8")


def test_nothing_to_do(step: Step) -> None:
    step.project("apply", "--auto-approve")
    step.plan()
    outputs = step.outputs()
    assert (outputs["changes"], outputs["trainings"]) == ("false", "0")


def test_the_summary_never_gets_longer_than_github_takes(step: Step) -> None:
    step.summary.write_bytes(b"x" * (MOST_BYTES - 20_000))
    step.plan()
    assert MOST_BYTES - 20_000 < step.summary.stat().st_size <= MOST_BYTES
    step.summary.write_bytes(b"x" * (MOST_BYTES - 100))
    assert "has no room for the plan" in step.plan()
    assert step.summary.stat().st_size == MOST_BYTES - 100


def test_elsewhere_it_is_wrong_use(step: Step, tmp_path: Path) -> None:
    said = step.plan(GITHUB_OUTPUT="", code=1)
    assert "GITHUB_OUTPUT is not set" in said
    assert "GITHUB_OUTPUT and GITHUB_STEP_SUMMARY" in step.plan(
        GITHUB_OUTPUT="", GITHUB_STEP_SUMMARY="", code=1
    )
    said = step.plan(GITHUB_OUTPUT=str(tmp_path), code=1)
    assert "can't be written: Is a directory" in said
