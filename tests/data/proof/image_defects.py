"""The defects of images: local files, 128 by 128 pixels, made by a seed."""

from __future__ import annotations

import random
import struct
import zlib
from collections.abc import Callable

from msgspec.structs import replace

from automl_plan.data.dataset_kinds import DatasetKind
from tests.data.proof.case import Case, clean
from tests.data.proof.defects import ALL, BOXES, Defect

IMAGE_DEFECTS: list[Defect] = []
"""At least one of each rule about images."""
EXAMPLES = 20
"""Of each label."""
_CELLS, _CELL = 8, 16
"""An image is a board of so many grey cells a side, each of so many pixels a side."""
_Put = Callable[[Case], None]


def with_images(kind: DatasetKind, seed: int) -> Case:
    """Clean data with clean images, all PNG."""
    case = clean(kind, seed, EXAMPLES)
    for row in case.rows:
        row[1] = f"images/{row[1].rpartition('/')[2].partition('.')[0]}.png"
        case.images[row[1]] = png(board(case.chance))
    return case


def board(chance: random.Random) -> list[bytes]:
    """The lines of an image."""
    rows = [chance.choices(range(256), k=_CELLS) for _ in range(_CELLS)]
    lines = [b"".join(bytes([grey]) * _CELL for grey in row) for row in rows]
    return [line for line in lines for _ in range(_CELL)]


def png(lines: list[bytes]) -> bytes:
    """A grey image as a PNG file (ISO/IEC 15948)."""
    header = struct.pack(">IIBBBBB", len(lines[0]), len(lines), 8, 0, 0, 0, 0)
    data = zlib.compress(b"".join(b"\0" + line for line in lines), 1)
    chunks = ((b"IHDR", header), (b"IDAT", data), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(content))
        + name
        + content
        + struct.pack(">I", zlib.crc32(name + content))
        for name, content in chunks
    )


def _defect(rule: str, *kinds: DatasetKind) -> Callable[[_Put], _Put]:
    def register(put: _Put) -> _Put:
        IMAGE_DEFECTS.append(Defect(rule, kinds or ALL, put))
        return put

    return register


@_defect("image-missing")
def _missing(case: Case) -> None:
    for place in case.some():
        del case.images[case.rows[place][1]]
        case.expect("image-missing", place)


@_defect("image-unreadable")
def _cut_off(case: Case) -> None:
    for place in case.some():
        image = case.images[case.rows[place][1]]
        broken = (b"", image[: len(image) // 2], b"<!DOCTYPE html>%d" % place)
        case.images[case.rows[place][1]] = case.chance.choice(broken)
        case.expect("image-unreadable", place)


@_defect("image-size")
def _large(case: Case) -> None:
    case.limits = replace(case.limits, image_bytes=100_000)
    for place in case.some():
        case.images[case.rows[place][1]] += bytes([place]) * 100_000
        case.expect("image-size", place)


@_defect("image-format")
def _format(case: Case) -> None:
    for place in case.some():
        path = case.rows[place][1]
        case.rows[place][1] = path.replace(".png", case.chance.choice((".jpg", ".gif", ".JPEG")))
        case.images[case.rows[place][1]] = case.images.pop(path)
        case.expect("image-format", place)


@_defect("image-pixels")
def _bomb(case: Case) -> None:
    case.image_pixels = 128 * 129
    for place in case.some():
        case.images[case.rows[place][1]] = png([bytes([place]) * 129] * 129)
        case.expect("image-pixels", place)


@_defect("box-pixels", *BOXES)
def _pixels(case: Case) -> None:
    for place in case.some():
        case.rows[place][3:] = ["0.1", "0.1", "", "", "0.15", "0.9", "", ""]
        case.expect("box-pixels", place)


def _two(case: Case, *, same_set: bool, same_labels: bool | None) -> tuple[int, int]:
    """Two rows, the earlier first."""
    pairs = [
        (one, other)
        for other in range(len(case.rows))
        for one in range(other)
        if (case.rows[one][0] == case.rows[other][0]) == same_set
        and same_labels in (None, set(_labels(case, one)) == set(_labels(case, other)))
    ]
    return case.chance.choice(pairs)


def _labels(case: Case, place: int) -> list[str]:
    return list(case.labels(case.rows[place]))


def _copy(case: Case, one: int, other: int) -> None:
    case.images[case.rows[other][1]] = case.images[case.rows[one][1]]


@_defect("content-repeated")
def _repeated(case: Case) -> None:
    one, other = _two(case, same_set=True, same_labels=True)
    _copy(case, one, other)
    case.expect("content-repeated", other)


@_defect("content-labels-differ", DatasetKind.MULTICLASS)
def _contradiction(case: Case) -> None:
    one, other = _two(case, same_set=True, same_labels=False)
    _copy(case, one, other)
    case.expect("content-labels-differ", other)


@_defect("content-in-two-sets")
def _two_sets(case: Case) -> None:
    one, other = _two(case, same_set=False, same_labels=True)
    _copy(case, one, other)
    case.expect("content-in-two-sets", other)


@_defect("near-identical")
def _alike(case: Case) -> None:
    one, other = _two(case, same_set=False, same_labels=None)
    lines = board(case.chance)
    noisy = [
        bytes(min(255, max(0, g + case.chance.randint(-2, 2))) for g in line) for line in lines
    ]
    case.images[case.rows[one][1]] = png(lines)
    case.images[case.rows[other][1]] = png(noisy)
    case.expect("near-identical", other)
