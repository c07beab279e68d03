"""`graph`: of a configuration without network, and of a saved plan."""

from __future__ import annotations

from tests.cli.command import CommandLine, ProjectLine
from tests.config.writing import GOOD


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


def test_what_is_no_plan(cli: CommandLine) -> None:
    (cli.directory / "a.automl.yaml").write_text("a: [")
    assert "a.automl.yaml:1:" in cli.failure("graph")
    assert "a.automl.yaml" in cli.failure("graph", "a.automl.yaml")
