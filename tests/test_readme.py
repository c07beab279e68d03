"""What the README shows is so."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from automl_plan.config.load import load
from automl_plan.model.address import dataset_address, model_address
from automl_plan.providers.registry import PROVIDERS

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_configuration_is_valid(tmp_path: Path) -> None:
    # The second block goes on with the model that the first one ends with.
    blocks = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
    (tmp_path / "automl-plan.yaml").write_text("".join(blocks), encoding="utf-8")
    configuration = load(tmp_path, PROVIDERS)
    assert dataset_address("digits") in configuration.desired.datasets
    assert configuration.desired.models[model_address("digits")].require is not None


def test_the_errors_shown_are_real(tmp_path: Path) -> None:
    (shown,) = re.findall(r"```text\n(automl-plan.yaml:.*?)```", README, re.DOTALL)
    written = """\
datasets:
  digits:
    image_clasification: {classification_type: MULTICLASS}
models:
  digits:
    dataset: digitz
    image_classification: {model_type: cloud}
"""
    (tmp_path / "automl-plan.yaml").write_text(written, encoding="utf-8")
    validate = [sys.executable, "-m", "automl_plan", "-C", str(tmp_path), "validate"]
    done = subprocess.run(validate, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, shown)


def commands() -> list[list[str]]:
    """Every command that the table of commands names."""
    table = README[README.index("## Commands") : README.index("Exit codes:")]
    found = []
    for cell in re.findall(r"^\| (.*?) \|", table, re.MULTILINE):
        for words in re.findall(r"`([a-z].*?)`", cell.replace("\\|", "|")):
            noun, *verbs = re.sub(r" \[.*", "", words).split()
            found += [[noun, verb] for verb in verbs[0].split("|")] if verbs else [[noun]]
    return found


@pytest.mark.parametrize("command", commands(), ids=" ".join)
def test_every_command_explains_itself(command: list[str]) -> None:
    help_ = subprocess.run(
        [sys.executable, "-m", "automl_plan", *command, "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "Example: automl-plan " + " ".join(command) in help_.stdout


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", README):
        assert (ROOT / target).exists(), target
