"""Write the example's images and import CSVs: real handwritten digits, as ../digits has them.

    python write_data.py [DIRECTORY]

writes `data/images/*.png` and four CSVs below DIRECTORY, by default beside this file: `first`
(some 300 images to train on), `mislabelled` (the same, most labels of the TRAIN images wrong),
`more` (all images), `parity` (a part of them, labelled even or odd). The TEST images are the same
in the first three, so that versions can be compared.
"""

import argparse
import csv
import io
import random
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "digits"))

import prepare as digits

_SEED = 2024
_FIRST = 300
"""Images that the first version is trained on."""
_WRONG = 0.8
"""The part of the TRAIN labels that are wrong in `mislabelled`."""
_PARITY = 600


def main() -> None:
    """Prepare the example in the directory that the command line names."""
    parser = argparse.ArgumentParser(description="Write the lifecycle example's images and CSVs.")
    parser.add_argument(
        "directory", nargs="?", type=Path, default=Path(__file__).parent, help="where to write"
    )
    directory = parser.parse_args().directory
    _, total = digits.prepare(directory)
    rows = list(csv.reader((directory / "data" / "digits.csv").open(encoding="utf-8")))
    chance = random.Random(_SEED)
    train = [row for row in rows if row[0] == "TRAIN"]
    others = [row for row in rows if row[0] != "TRAIN"]
    first = chance.sample(train, _FIRST)
    wrong = [
        [use, path, chance.choice("0123456789") if chance.random() < _WRONG else label]
        for use, path, label in first
    ]
    part = chance.sample(rows, _PARITY)
    parity = [[use, path, "odd" if int(label) % 2 else "even"] for use, path, label in part]
    for name, content in (
        ("first", first + others),
        ("mislabelled", wrong + others),
        ("more", rows),
        ("parity", parity),
    ):
        _write(directory / "data" / f"{name}.csv", content)
    print(f"{total} images and four CSVs in data/ are ready.")


def _write(path: Path, rows: Sequence[Sequence[str]]) -> None:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    path.write_text(text.getvalue(), encoding="utf-8")


if __name__ == "__main__":
    main()
