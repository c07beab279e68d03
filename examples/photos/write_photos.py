"""Write the example's photographs: crops of two pictures, a folder for each set and label.

Source: `china.jpg` and `flower.jpg`, which scikit-learn carries in its package
(`sklearn.datasets.load_sample_images`), so that nothing is downloaded. Both are licensed CC BY 2.0
(https://creativecommons.org/licenses/by/2.0/): china.jpg by danielbuechele
(https://www.flickr.com/photos/danielbuechele/6061409035/), flower.jpg by vultilion
(https://www.flickr.com/photos/vultilion/6056698931/).

    python write_photos.py [DIRECTORY]

writes `data/photos/train/temple/00.jpg` … below DIRECTORY, by default beside this file. Images to
validate and to test with are from other places of the pictures than those to train on. What is
there already and equal is not written again.
"""

import argparse
import io
import random
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_SIDE = 48
"""Of a crop, in pixels."""
_SEED = 2012


class Region(NamedTuple):
    """A part of a picture that shows one thing, in pixels."""

    picture: int
    left: int
    top: int
    right: int
    bottom: int


REGIONS = {
    "temple": Region(0, 85, 70, 335, 370),
    "sky": Region(0, 340, 0, 640, 180),
    "trees": Region(0, 360, 310, 640, 427),
    "dahlia": Region(1, 180, 95, 430, 345),
    "leaves": Region(1, 0, 0, 170, 427),
}
SETS = {"train": (0.0, 0.6, 40), "val": (0.6, 0.8, 10), "test": (0.8, 1.0, 10)}
"""The part of a region that a set is from, along its longer side, and how many images it has."""


def main() -> None:
    """Prepare the example in the directory that the command line names."""
    parser = argparse.ArgumentParser(description="Write the photographs of the example.")
    parser.add_argument(
        "directory", nargs="?", type=Path, default=Path(__file__).parent, help="where to write"
    )
    written, total = prepare(parser.parse_args().directory)
    print(f"{total} images below data/photos/ are ready ({written} files written).")


def prepare(directory: Path) -> tuple[int, int]:
    """Write the files below a directory: how many had to be written, how many images there are."""
    from sklearn.datasets import load_sample_images

    pictures = load_sample_images().images
    chance = random.Random(_SEED)
    files = {
        f"data/photos/{name}/{label}/{number:02}.jpg": jpeg(crop)
        for name, (first, last, count) in SETS.items()
        for label, region in REGIONS.items()
        for number, crop in enumerate(
            crops(pictures[region.picture], part(region, first, last), count, chance)
        )
    }
    written = sum(_write(directory / path, content) for path, content in files.items())
    return written, len(files)


def part(region: Region, first: float, last: float) -> Region:
    """The part between two shares of a region's longer side."""
    picture, left, top, right, bottom = region
    wide, high = right - left, bottom - top
    if wide >= high:
        return Region(picture, left + round(first * wide), top, left + round(last * wide), bottom)
    return Region(picture, left, top + round(first * high), right, top + round(last * high))


def crops(
    picture: NDArray[np.uint8], region: Region, count: int, chance: random.Random
) -> Iterator[NDArray[np.uint8]]:
    """So many squares of a region."""
    for _ in range(count):
        left = chance.randint(region.left, region.right - _SIDE)
        top = chance.randint(region.top, region.bottom - _SIDE)
        yield picture[top : top + _SIDE, left : left + _SIDE]


def jpeg(image: NDArray[np.uint8]) -> bytes:
    """An image as a JPEG file."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def _write(path: Path, content: bytes) -> bool:
    """Write a file unless it is there and equal; whether it was written."""
    if path.exists() and path.read_bytes() == content:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return True


if __name__ == "__main__":
    main()
