"""One mistake hides no other: two together are reported as each is alone."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import pytest

from tests.config.writing import diagnostics, places, write

RIGHT = """\
provider: {local: {trainer: sklearn}}
state: {local: {path: state.json}}
variables: {budget: {type: integer, default: 8000}}
datasets:
  one:
    image_classification: {classification_type: MULTICLASS}
    sources: [one.csv]
    description: one
    labels: {team: vision}
models:
  one:
    display_name: one
    dataset: one
    image_classification:
      model_type: cloud
      train_budget_milli_node_hours: 8000
      base_model_id: ICN1
    deploy: {node_count: 1}
    labels: {team: vision}
"""
MISTAKES = {
    "provider": ("provider: {local: {trainer: sklearn}}", "provider: {local: {trainer: me}}"),
    "state": ("path: state.json", "path: ''"),
    "variable": ("type: integer", "type: number_of_hours"),
    "kind of dataset": ("classification_type: MULTICLASS", "classification_type: 1"),
    "source": ("sources: [one.csv]", "sources: [one.txt]"),
    "description": ("description: one", "description: [one]"),
    "label's key": ("    description: one\n    labels: {team", "    labels: {Team"),
    "display name": ("display_name: one", "display_name: 1st"),
    "dataset": ("dataset: one", "dataset: two"),
    "model type": ("model_type: cloud", "model_type: mobile"),
    "budget": (
        "train_budget_milli_node_hours: 8000\n",
        "train_budget_milli_node_hours: ${var.x}\n",
    ),
    "no budget": ("      train_budget_milli_node_hours: 8000\n", ""),
    "small budget": ("hours: 8000\n", "hours: 80\n"),
    "base model": ("base_model_id: ICN1", "base_model: ICN1"),
    "nodes": ("node_count: 1}", "node_count: 101}"),
    "deploy": ("deploy: {node_count: 1}", "deploy: yes"),
    "value of a label": ("1}\n    labels: {team: vision}", "1}\n    labels: {team: 1}"),
}
PAIRS = [
    (a, b)
    for a, b in combinations(MISTAKES, 2)
    if MISTAKES[b][0] in RIGHT.replace(*MISTAKES[a])
    and MISTAKES[a][0] in RIGHT.replace(*MISTAKES[b])
    and {a, b} not in ({"no budget", "small budget"}, {"model type", "small budget"})
]


def rules(directory: Path, *names: str) -> list[str]:
    text = RIGHT
    for name in names:
        text = text.replace(*MISTAKES[name])
    found = places(diagnostics(write(directory, {"a.automl.yaml": text})))
    return sorted(place.rpartition(" ")[2] for place in found)


def test_without_a_mistake(tmp_path: Path) -> None:
    assert rules(tmp_path) == []


@pytest.mark.parametrize("name", MISTAKES)
def test_each_alone_is_one_finding(tmp_path: Path, name: str) -> None:
    assert len(rules(tmp_path, name)) == 1


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_two_together(tmp_path: Path, one: str, other: str) -> None:
    assert rules(tmp_path, one, other) == sorted(rules(tmp_path, one) + rules(tmp_path, other))
