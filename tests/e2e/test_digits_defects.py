"""examples/digits with five seeded defects: five findings, at the right lines."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

from tests.cli.command import CommandLine
from tests.emulator.training.conftest import digits

__all__ = ["digits"]

EXAMPLE = Path(__file__).parents[2] / "examples" / "digits"
SEED = 7


def test_five_seeded_defects_are_five_findings(digits: Path, tmp_path: Path) -> None:
    shutil.copytree(digits, tmp_path, dirs_exist_ok=True)
    shutil.copyfile(EXAMPLE / "automl-plan.yaml", tmp_path / "automl-plan.yaml")
    csv = tmp_path / "data" / "digits.csv"
    rows = csv.read_text(encoding="utf-8").splitlines()
    lines = sorted(random.Random(SEED).sample(range(2, len(rows)), 5))
    defects = ["ml-use", "label-injection", "image-missing", "several-labels", "label-syntax"]
    for line, rule in zip(lines, defects, strict=True):
        use, image, label = rows[line - 1].split(",")
        rows[line - 1] = {
            "ml-use": f"TRIAN,{image},{label}",
            "label-injection": f"{use},{image},={label}",
            "image-missing": f"{use},{image}.png,{label}",
            "several-labels": f"{use},{image},{label},9" if label != "9" else f"{use},{image},9,8",
            "label-syntax": f"{use},{image},{label * 129}",
        }[rule]
    csv.write_text("\n".join(rows) + "\n", encoding="utf-8")
    # How many examples a label has is said, too, and is no defect of a row.
    document = CommandLine(tmp_path).json("datasets", "lint", "digits", code=1)
    (dataset,) = document["datasets"]
    found = [
        (each["line"], each["rule"])
        for each in dataset["findings"]
        if each["rule"] not in ("label-under-10", "label-under-1000", "label-balance")
    ]
    assert found == list(zip(lines, defects, strict=True))
