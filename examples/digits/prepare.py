"""Write the example's images and import CSV: real handwritten digits, 1,797 of them.

Source: E. Alpaydin and C. Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine
Learning Repository, 1998, doi:10.24432/C50P49, licensed CC BY 4.0. scikit-learn carries its test
part in its package (`sklearn.datasets.load_digits`), so that nothing is downloaded.

    python prepare.py [DIRECTORY]

writes `data/images/0000.png` … and `data/digits.csv` below DIRECTORY, by default beside this
file. What is there already and equal is not written again.
"""

import argparse
import csv
import io
import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_BRIGHTEST = 16
"""The source's greys run from 0 to 16, those of a PNG file to 255."""
_SEED = 1998
_ONE_IN = 10
"""Of so many images of a digit one validates and one tests; the others train."""


def main() -> None:
    """Prepare the example in the directory that the command line names."""
    parser = argparse.ArgumentParser(description="Write the digits example's images and CSV.")
    parser.add_argument(
        "directory", nargs="?", type=Path, default=Path(__file__).parent, help="where to write"
    )
    written, total = prepare(parser.parse_args().directory)
    print(f"{total} images and data/digits.csv are ready ({written} files written).")


def prepare(directory: Path) -> tuple[int, int]:
    """Write the files below a directory: how many had to be written, how many images there are."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    labels = [str(target) for target in digits.target]
    paths = [f"data/images/{number:04}.png" for number in range(len(labels))]
    (directory / "data" / "images").mkdir(parents=True, exist_ok=True)
    files = {path: png(image) for path, image in zip(paths, digits.images, strict=True)}
    files["data/digits.csv"] = import_csv(paths, labels)
    written = sum(_write(directory / path, content) for path, content in files.items())
    return written, len(paths)


def png(image: NDArray[np.float64]) -> bytes:
    """An image of greys from 0 to 16 as a PNG file."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray((image * 255 / _BRIGHTEST).round().astype(np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def import_csv(paths: Sequence[str], labels: Sequence[str]) -> bytes:
    """The import CSV: rows of ML_USE, path and label, in the order of the images."""
    sets = dict(_shared_out(labels))
    text = io.StringIO()
    rows = zip((sets[index] for index in range(len(paths))), paths, labels, strict=True)
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


def _shared_out(labels: Sequence[str]) -> Iterator[tuple[int, str]]:
    """Each image's index and set: about 80 % TRAIN, 10 % VALIDATION, 10 % TEST of every label."""
    of_label = defaultdict(list)
    for index, label in enumerate(labels):
        of_label[label].append(index)
    chance = random.Random(_SEED)
    for _, indices in sorted(of_label.items()):
        chance.shuffle(indices)
        share = round(len(indices) / _ONE_IN)
        for position, index in enumerate(indices):
            yield index, ("TEST", "VALIDATION", "TRAIN")[min(position // share, 2)]


def _write(path: Path, content: bytes) -> bool:
    """Write a file unless it is there and equal; True when it was written."""
    if path.is_file() and path.read_bytes() == content:
        return False
    path.write_bytes(content)
    return True


if __name__ == "__main__":
    main()
