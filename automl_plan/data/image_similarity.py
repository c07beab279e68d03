"""Finds images that look alike, without comparing each with each.

The hash of an image is its difference hash (N. Krawetz, "Kind of Like That", 2013), across and
down, 128 bits. Of two that differ in at most 7 bits, one of 8 equal parts is the same: only images
that share a part are compared. What comes out is compared as 16 by 16 greys.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from msgspec import Struct

from automl_plan.data.import_rows import UNKNOWN
from automl_plan.data.label_counts import RowPlace

if TYPE_CHECKING:
    from PIL.Image import Image

SMALLEST = 32
"""Pixels of the shorter side: smaller images have too little that could differ."""
FLATTEST = 24
"""Least difference of the brightest grey (of 255) and the darkest."""
_SIDE = 8
_PARTS = 8
_BITS = 16
MOST_DIFFERENT = _PARTS - 1
_MOST_TOGETHER = 400
"""Images that share a part and are compared with each other; more are left out."""


class ImageHash(Struct, frozen=True):
    """The perceptual hash of an image."""

    bits: int
    """The difference hash."""
    grey: bytes
    """At 16 by 16 pixels."""

    def differs(self, other: ImageHash) -> float:
        """Return the mean difference of greys, from 0 to 255."""
        pairs = zip(self.grey, other.grey, strict=True)
        return sum(abs(a - b) for a, b in pairs) / len(self.grey)


MOST_DIFFERENT_GREY = 6.0
"""The maximum mean difference of two images that look the same."""


def image_hash(image: Image) -> ImageHash | None:
    """Return the hash of a decoded image; None for one that is too small or too flat."""
    from PIL.Image import Resampling

    if min(image.size) < SMALLEST:
        return None
    grey = image.convert("RGBA").convert("L") if image.mode == "P" else image.convert("L")
    fine = grey.resize((2 * _SIDE, 2 * _SIDE), Resampling.BOX).tobytes()
    if max(fine) - min(fine) < FLATTEST:
        return None
    from imagehash import dhash, dhash_vertical  # and with it NumPy: 0.1 seconds

    hashes = (dhash(grey, _SIDE), dhash_vertical(grey, _SIDE))
    across, down = (int(str(each), 16) for each in hashes)
    return ImageHash(across << _SIDE * _SIDE | down, fine)


class HashedImage(Struct, frozen=True):
    """An image with its hash."""

    hash: ImageHash
    content: bytes
    place: RowPlace
    path: str
    use: str


class SimilarImages:
    """Finds images of different sets that look alike."""

    def __init__(self) -> None:
        self._seen: list[HashedImage] = []
        self.left_out = 0
        """Images that share a part with too many others."""

    def add(self, seen: HashedImage) -> None:
        """Add an image."""
        self._seen.append(seen)

    def alike(self) -> Iterator[tuple[HashedImage, HashedImage]]:
        """Yield each image that looks like one of another set, the later of the two first."""
        self._seen.sort(key=lambda seen: seen.place)
        found: dict[int, int] = {}
        for part in range(_PARTS):
            together: dict[int, list[int]] = {}
            for number, seen in enumerate(self._seen):
                bits = seen.hash.bits >> part * _BITS & (1 << _BITS) - 1
                together.setdefault(bits, []).append(number)
            for numbers in together.values():
                self.left_out += max(len(numbers) - _MOST_TOGETHER, 0)
                self._compare(numbers[:_MOST_TOGETHER], found)
        for later, earlier in sorted(found.items()):
            yield self._seen[later], self._seen[earlier]

    def _compare(self, numbers: list[int], found: dict[int, int]) -> None:
        for place, later in enumerate(numbers):
            if later not in found:
                for earlier in numbers[:place]:
                    if _are_alike(self._seen[later], self._seen[earlier]):
                        found[later] = earlier
                        break


def _are_alike(one: HashedImage, other: HashedImage) -> bool:
    return (
        one.use != other.use
        and UNKNOWN not in (one.use, other.use)
        and (one.hash.bits ^ other.hash.bits).bit_count() <= MOST_DIFFERENT
        and one.content != other.content
        and one.hash.differs(other.hash) <= MOST_DIFFERENT_GREY
    )
