"""Photographs, from files to a model worth serving, by the embedded service."""

from __future__ import annotations

import json
from pathlib import Path

from tests.e2e.command_line import CommandLine
from tests.emulator.training.photographs import TEXTURES, texture

CONFIGURATION = """
provider:
  local: {}
datasets:
  textures:
    image_classification: {classification_type: MULTICLASS}
    sources: [textures.csv]
models:
  textures:
    dataset: textures
    image_classification: {model_type: cloud, train_budget_milli_node_hours: 8000}
"""
SETS = ("TRAIN", "TRAIN", "TRAIN", "VALIDATION", "TEST")


def write_textures(directory: Path) -> None:
    rows = []
    for label in TEXTURES:
        for number, chosen in enumerate(SETS):
            path = directory / f"{label}-{number}.jpg"
            path.write_bytes(texture(label, number))
            rows.append(f"{chosen},{path.name},{label}\n")
    (directory / "textures.csv").write_text("".join(rows), encoding="utf-8")


def test_a_few_textures_make_a_model(cli: CommandLine) -> None:
    write_textures(cli.directory)
    api = "" if cli.api == "automl" else f", api: {cli.api}"
    text = CONFIGURATION.replace("local: {}", f"local: {{trainer: auto{api}}}")
    (cli.directory / "automl-plan.yaml").write_text(text, encoding="utf-8")
    cli.apply()
    (overall, *_) = json.loads(cli("models", "evaluations", "textures", "--json"))["evaluations"]
    assert overall["label"] is None
    assert overall["au_prc"] >= 0.98
    found = json.loads(cli("models", "evaluations", "textures", "--wrong", "--json"))
    assert (found["tested"], found["images"]) == (3, [])
