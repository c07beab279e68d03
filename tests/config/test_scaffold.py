"""What `init` writes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft7Validator

from automl_plan.config.load import load
from automl_plan.config.scaffold import scaffold
from automl_plan.config.schema import config_schema
from automl_plan.errors import UsageError
from automl_plan.model.address import model_address
from automl_plan.providers.registry import PROVIDERS


def test_it_is_valid(tmp_path: Path) -> None:
    directory = tmp_path / "new" / "project"
    written = scaffold(directory)
    assert {path.relative_to(directory).as_posix() for path in written} == {
        "automl-plan.yaml",
        ".automl-plan/config.schema.json",
        ".gitignore",
    }
    configuration = load(directory, PROVIDERS)
    assert configuration.provider.name == "local"
    assert len(configuration.desired.datasets) == len(configuration.desired.models) == 1
    model = configuration.desired.models[model_address("images")]
    assert model.train_budget_milli_node_hours == 8_000
    other = load(directory, PROVIDERS, variables={"budget": "9000"})
    assert other.desired.models[model.address].train_budget_milli_node_hours == 9_000
    text = (directory / "automl-plan.yaml").read_text(encoding="utf-8")
    Draft7Validator(config_schema()).validate(yaml.safe_load(text))


def test_editors_find_the_schema(tmp_path: Path) -> None:
    scaffold(tmp_path)
    first = (tmp_path / "automl-plan.yaml").read_text(encoding="utf-8").splitlines()[0]
    named = tmp_path / first.removeprefix("# yaml-language-server: $schema=")
    assert json.loads(named.read_text(encoding="utf-8")) == config_schema()


@pytest.mark.parametrize("name", ["automl-plan.yaml", "other.automl.yml"])
def test_it_does_not_write_beside_a_configuration(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("datasets: {}\n")
    with pytest.raises(UsageError, match=name):
        scaffold(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "*.pyc",
            "*.pyc\n# data of the embedded service\n.automl-plan/\n",
        ),
        ("a\n.automl-plan/\n", "a\n.automl-plan/\n"),
    ],
)
def test_a_gitignore_keeps_what_it_holds(before: str, after: str, tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text(before)
    scaffold(tmp_path)
    assert (tmp_path / ".gitignore").read_text() == after


def test_a_directory_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="can't be written"):
        scaffold(tmp_path / "file")
