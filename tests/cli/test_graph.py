"""`graph`: of a configuration without network, and of a saved plan."""

from __future__ import annotations

import json

from tests.cli.command import CommandLine, ProjectLine
from tests.config.writing import GOOD
from tests.output.schema import is_valid


def test_of_a_configuration(cli: CommandLine) -> None:
    (cli.directory / "a.automl.yaml").write_text(
        GOOD.replace("data/", "gs://b/")
        + "provider: {automl: {project: p, endpoint: 'http://127.0.0.1:1'}}\n"
    )
    dot = cli("graph")
    assert dot.startswith('digraph "automl-plan" {\n')
    assert '  "dataset.digits" -> "model.digits";\n' in dot
    mermaid = cli("graph", "--format", "mermaid")
    assert mermaid.startswith('flowchart LR\n  n0["dataset.digits"]:::unchanged\n')
    assert "  n0 --> n1\n" in mermaid


def test_of_a_saved_plan(project: ProjectLine) -> None:
    project("plan", "--out", "plan.json")
    mermaid = project("graph", "plan.json", "--format", "mermaid")
    assert '["dataset.digits<br/>create, import-data"]:::changed' in mermaid
    assert '["model.digits<br/>train, deploy"]:::trained' in mermaid
    assert 'class="trained"' in project("graph", "plan.json")


def test_for_programs(project: ProjectLine) -> None:
    declared = project.json("graph")
    assert is_valid("graph", declared)
    assert [node["key"] for node in declared["nodes"]] == ["dataset.digits", "model.digits"]
    assert declared["edges"] == [{"needed": "dataset.digits", "needing": "model.digits"}]
    assert {node["gravity"] for node in declared["nodes"]} == {None}
    project("plan", "--out", "plan.json")
    planned = project.json("graph", "plan.json")
    assert is_valid("graph", planned)
    assert [node["gravity"] for node in planned["nodes"]] == ["changed", "trained"]
    assert json.loads(project("graph", "plan.json", "--format", "json")) == planned
    said = project.run("graph", "--json", "--format", "dot").stderr
    assert "--json and --format dot exclude each other." in said


def test_what_is_no_plan(cli: CommandLine) -> None:
    (cli.directory / "a.automl.yaml").write_text("a: [")
    assert "a.automl.yaml:1:" in cli.failure("graph")
    assert "a.automl.yaml" in cli.failure("graph", "a.automl.yaml")
