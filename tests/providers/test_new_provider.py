"""A provider is one folder: a made-up one, registered from here, validates, plans and applies."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from automl_plan.cli.main import run
from automl_plan.providers import registry
from automl_plan.providers.registry import PROVIDERS, register
from tests.providers.kiln.capabilities import DEFINITION
from tests.providers.kiln.service import KILNS

CONFIGURATION = """\
provider:
  kiln: {workshop: north}
datasets:
  pots:
    display_name: Pots
    image_classification: {classification_type: MULTICLASS}
    sources: [pots.csv]
    labels: {Team: "A b!"}
models:
  pots:
    display_name: Pots
    dataset: pots
    image_classification: {train_budget_hours: 2}
    deploy: {node_count: 1}
    retrain: {before_expiry: 30d}
"""


@pytest.fixture(autouse=True)
def _registered() -> Iterator[None]:
    register(DEFINITION)
    yield
    registry.unregister(DEFINITION.name)
    KILNS.clear()


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "automl-plan.yaml").write_text(CONFIGURATION)
    rows = [f"{use},{label}{i}.jpg,{label}" for i, use in enumerate(USES) for label in LABELS]
    (tmp_path / "pots.csv").write_text("\n".join(rows) + "\n")
    for shade, row in enumerate(rows):
        Image.new("L", (64, 64), 20 * shade).save(tmp_path / row.split(",")[1])
    return tmp_path


USES = ("TRAIN", "TRAIN", "TRAIN", "TEST")
LABELS = ("cup", "jug")


def edit(directory: Path, old: str, new: str) -> None:
    path = directory / "automl-plan.yaml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def said(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    found = run([*arguments])
    out, err = capsys.readouterr()
    assert found == code, out + err
    return out + err


def test_it_is_validated_planned_and_applied(
    directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said(capsys, "validate")
    planned = said(capsys, "plan")
    assert re.search(r"train_budget_hours +2\b", planned)
    assert "node_hours" not in planned
    assert "$8.00" in planned
    said(capsys, "apply", "--auto-approve")
    (kiln,) = KILNS.values()
    assert kiln.budgets == [2_000]
    (model,) = kiln.models()
    assert (model.display_name, model.model_type, model.deployed) == ("Pots", "stoneware", True)
    assert "No changes" in said(capsys, "plan")
    shown = said(capsys, "models", "show", "model.pots")
    assert "2 hours" in shown
    assert "node hours" not in shown
    failed = said(capsys, "models", "evaluations", "model.pots", "--wrong", code=1)
    assert "The provider keeps no results of single TEST images." in failed
    assert "`automl-plan models evaluations Pots` shows the figures of each label" in failed
    edit(directory, "hours: 2", "hours: 3")
    retrained = said(capsys, "plan")
    assert re.search(r"train_budget_hours +2 -> 3\b", retrained)
    said(capsys, "apply", "--auto-approve")
    assert kiln.budgets == [2_000, 3_000]
    edit(directory, "deploy: {node_count: 1}", "lifecycle: {ignore_changes: [labels.Team]}")
    said(capsys, "apply", "--auto-approve")
    assert not any(model.deployed for model in kiln.models())
    said(capsys, "destroy", "--auto-approve")
    assert (kiln.models(), kiln.datasets()) == ([], [])


@pytest.mark.parametrize(
    ("old", "new", "rule", "words"),
    [
        ("hours: 2", "hours: 30", "budget-bounds", "30 hours are out of range"),
        ("hours: 2", "hours: 30", "budget-bounds", "write 2 to 24 (up to $8.00 to $96.00)"),
        ("train_budget_hours: 2", "", "missing-budget", "default of 12 hours, up to $48.00"),
        ("train_budget_hours: 2", "train_budget_milli_node_hours: 2", "unknown-key", "hours"),
        ("{train", "{model_type: cloud, train", "model-type", "write stoneware or raku"),
        ("display_name: Pots", "display_name: pots_1", "display-name", "a capital letter"),
        ("Team:", "t3am:", "label-key", "write letters and hyphens"),
        ("Team:", "kiln-x:", "label-reserved", "kiln-"),
        ("{Team: ", "{a: x, b: x, c: x, Team: ", "label-count", "the kiln takes 10"),
        ("before_expiry: 30d", "before_expiry: 90d", "duration", "3 calendar months"),
        ("north", '" "', "kiln-workshop", "is no workshop"),
        ("north", "north, door: left", "not-allowed", "front"),
        ("workshop: north", "", "missing-key", "write workshop: and its street"),
        ("image_classification: {train", "image_object_detection: {train", "model-type", "kiln"),
    ],
)
def test_its_own_limits_hold(
    directory: Path,
    capsys: pytest.CaptureFixture[str],
    old: str,
    new: str,
    rule: str,
    words: str,
) -> None:
    edit(directory, old, new)
    found = said(capsys, "validate", code=1)
    assert rule in found
    assert words in found


def test_its_data_limits_hold(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    linted = said(capsys, "datasets", "lint")
    assert "label-under-100" in linted
    assert "label-under-10 " not in linted
    rows = "".join(f"TRAIN,cup{i}.jpg,glaze{i}\n" for i in range(5)) + "TRAIN,cup0.png,glaze0\n"
    (directory / "pots.csv").write_text(rows)
    linted = said(capsys, "datasets", "lint", code=1)
    assert "5 labels, the maximum is 4" in linted
    assert "pots.csv:6:7: error[image-type]" in linted


def test_it_is_found_by_its_entry_point(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    registry.unregister(DEFINITION.name)
    assert "kiln" not in PROVIDERS
    information = tmp_path / "kiln-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: kiln\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text(
        "[automl_plan.providers]\nkiln = tests.providers.kiln.capabilities:DEFINITION\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    assert list(PROVIDERS) == ["automl", "local", "vertex", "kiln"]
    assert PROVIDERS["kiln"] is DEFINITION


def test_no_provider_takes_the_name_of_another() -> None:
    from msgspec.structs import replace

    with pytest.raises(ValueError, match="built in"):
        register(replace(DEFINITION, name="vertex"))
    assert json.dumps(DEFINITION.settings_schema)
