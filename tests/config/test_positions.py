"""Where resources and their fields are written."""

from __future__ import annotations

from pathlib import Path

import pytest

from automl_plan.config.load import load
from automl_plan.config.source_map import Position
from automl_plan.model.address import dataset_address, model_address
from automl_plan.providers.registry import PROVIDERS
from tests.config.writing import GOOD, write

TWO_FILES = {
    "a.automl.yaml": "# first\n" + GOOD,
    "b.automl.yml": """\
datasets:
  more: &more
    image_object_detection:
    sources:
      - a.csv
      - "b.csv"
    labels: {team: x, stage: y}
  again:
    <<: *more
    display_name: again
  alias: *more
""",
}


@pytest.mark.parametrize(
    ("name", "field", "expected"),
    [
        ("digits", None, ("a.automl.yaml", 3, 3)),
        ("digits", "image_classification", ("a.automl.yaml", 4, 5)),
        ("digits", "image_classification.classification_type", ("a.automl.yaml", 4, 28)),
        ("digits", "labels.team", ("a.automl.yaml", 3, 3)),
        ("digits", "image_classification.nothing.at.all", ("a.automl.yaml", 4, 5)),
        ("more", "sources", ("b.automl.yml", 4, 5)),
        ("more", "sources.1", ("b.automl.yml", 6, 9)),
        ("more", "labels.stage", ("b.automl.yml", 7, 23)),
        ("again", "labels.stage", ("b.automl.yml", 8, 3)),
        ("again", "display_name", ("b.automl.yml", 10, 5)),
        ("alias", "labels", ("b.automl.yml", 11, 3)),
    ],
)
def test_of_datasets(
    name: str, field: str | None, expected: tuple[str, int, int], tmp_path: Path
) -> None:
    configuration = load(write(tmp_path, TWO_FILES), PROVIDERS)
    assert configuration.position(dataset_address(name), field) == Position(*expected)


def test_of_a_model(tmp_path: Path) -> None:
    configuration = load(write(tmp_path, TWO_FILES), PROVIDERS)
    field = "image_classification.train_budget_milli_node_hours"
    assert configuration.position(model_address("digits"), field) == Position(
        "a.automl.yaml", 11, 7
    )


def test_of_what_is_not_declared(tmp_path: Path) -> None:
    configuration = load(write(tmp_path, TWO_FILES), PROVIDERS)
    assert configuration.position(model_address("more")) is None
    assert configuration.position(dataset_address("digits2"), "labels") is None


@pytest.mark.parametrize("text", ["", "broken: [", "datasets: {}\n"])
def test_of_a_file_that_changed_since(text: str, tmp_path: Path) -> None:
    configuration = load(write(tmp_path, TWO_FILES), PROVIDERS)
    (tmp_path / "a.automl.yaml").write_text(text)
    assert configuration.position(dataset_address("digits")) is None


def test_of_a_file_that_is_gone(tmp_path: Path) -> None:
    configuration = load(write(tmp_path, TWO_FILES), PROVIDERS)
    (tmp_path / "a.automl.yaml").unlink()
    assert configuration.position(dataset_address("digits")) is None
