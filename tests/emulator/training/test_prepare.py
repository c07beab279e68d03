"""The digits example's preparation step."""

import csv
import hashlib
import io
import subprocess
import sys
from collections import Counter
from pathlib import Path

from PIL import Image
from sklearn.datasets import load_digits

from tests.emulator.training.conftest import DIGITS, PREPARE


def _rows(directory: Path) -> list[list[str]]:
    text = (directory / "data" / "digits.csv").read_text(encoding="utf-8")
    return list(csv.reader(io.StringIO(text)))


def test_the_images_are_those_of_the_source(digits: Path) -> None:
    source = load_digits()
    rows = _rows(digits)
    assert len(rows) == 1797
    for (_, path, label), image, target in zip(rows, source.images, source.target, strict=True):
        assert label == str(target)
        with Image.open(digits / path) as opened:
            assert (opened.format, opened.mode, opened.size) == ("PNG", "L", (8, 8))
            greys = list(opened.tobytes())
        assert greys == [round(grey * 255 / 16) for grey in image.ravel()]


def test_no_two_images_are_equal(digits: Path) -> None:
    contents = {
        hashlib.sha256((digits / path).read_bytes()).digest() for _, path, _ in _rows(digits)
    }
    assert len(contents) == 1797


def test_each_set_has_its_share_of_every_label(digits: Path) -> None:
    counts = Counter((ml_use, label) for ml_use, _, label in _rows(digits))
    for label in DIGITS:
        of_label = sum(counts[ml_use, label] for ml_use in ("TRAIN", "VALIDATION", "TEST"))
        assert counts["TEST", label] == counts["VALIDATION", label] == round(of_label / 10)
    assert sum(counts.values()) == 1797


def test_it_writes_only_what_differs_and_always_the_same(digits: Path, tmp_path: Path) -> None:
    def prepare() -> str:
        done = subprocess.run(
            [sys.executable, str(PREPARE), str(tmp_path)],
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout

    assert "(1798 files written)" in prepare()
    files = sorted(path for path in tmp_path.rglob("*") if path.is_file())
    assert len(files) == 1798
    for path in files:
        assert path.read_bytes() == (digits / path.relative_to(tmp_path)).read_bytes()
    before = {path: path.stat().st_mtime_ns for path in files}
    spoilt = tmp_path / "data" / "images" / "0003.png"
    spoilt.write_bytes(b"spoilt")
    del before[spoilt]

    assert "(1 files written)" in prepare()
    assert spoilt.read_bytes() == (digits / "data" / "images" / "0003.png").read_bytes()
    assert {path: path.stat().st_mtime_ns for path in before} == before
