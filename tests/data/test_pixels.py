"""No image that the lint lets pass fails a training of the embedded service for its size."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image

from automl_plan.data.dataset_kinds import DatasetKind
from automl_plan.data.image_files import DECODED, read_image, small_picture
from automl_plan.data.lint import Linter
from automl_plan.data.lint_rule import Severity
from automl_plan.data.lint_rules import RULES
from automl_plan.emulator.training import decoding as service
from automl_plan.emulator.training.types import ImageUnreadable
from automl_plan.providers.registry import PROVIDERS

LIMIT = PROVIDERS["local"].capabilities({}).image_pixels
MOST_BYTES = 30_000_000


def test_the_limit_of_the_provider_is_the_service_s() -> None:
    assert service.MAX_PIXELS == LIMIT == DECODED
    assert PROVIDERS["local"].capabilities({"trainer": "simulated"}).image_pixels is None
    assert PROVIDERS["vertex"].capabilities({}).image_pixels is None


def encoded(mode: str, width: int, height: int, kind: str) -> bytes:
    """Dark at the left, bright at the right."""
    small = Image.linear_gradient("L").rotate(90)
    if mode == "I;16":
        grey = np.asarray(small, dtype=np.uint16) * 256
        image = Image.fromarray(grey).resize((width, height), Image.Resampling.NEAREST)
    else:
        image = small.convert(mode).resize((width, height), Image.Resampling.NEAREST)
    file = io.BytesIO()
    image.save(file, kind, **({"compress_level": 1} if kind == "PNG" else {}))
    return file.getvalue()


def header_alone(width: int, height: int) -> bytes:
    """A PNG of few bytes that says it is so large."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        check = zlib.crc32(kind + content)
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", check)

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


def trained_on(image: bytes) -> str | None:
    """What a training says of an image; None where it takes it."""
    try:
        service.pixels(image, service.TRAINING_FORMATS)
    except ImageUnreadable as error:
        return str(error)
    return None


def linted(directory: Path, image: bytes, name: str = "a.png") -> set[str]:
    (directory / name).write_bytes(image)
    found = read_image(directory, name, MOST_BYTES, decode=True, most_pixels=LIMIT)
    return {rule for rule, _ in found.faults}


@pytest.mark.parametrize(
    ("mode", "width", "height", "kind"),
    [
        ("L", 7_000, 7_000, "PNG"),
        ("L", 9_000, 9_000, "PNG"),
        ("P", 9_000, 8_000, "PNG"),
        ("1", 9_000, 9_000, "PNG"),
        ("I;16", 8_000, 7_000, "PNG"),
        ("RGB", 9_000, 6_000, "JPEG"),
        ("L", 60_000, 900, "PNG"),
    ],
)
def test_large_images_are_scaled_down(
    tmp_path: Path, mode: str, width: int, height: int, kind: str
) -> None:
    image = encoded(mode, width, height, kind)
    assert linted(tmp_path, image, "a.png" if kind == "PNG" else "a.jpg") == set()
    large = service.pixels(image, service.TRAINING_FORMATS)
    small = service.pixels(encoded(mode, 256, 256, kind), service.TRAINING_FORMATS)
    assert np.abs(large - small).max() < 0.1


@pytest.mark.parametrize(
    ("width", "height"), [(13_378, 13_378), (60_000, 60_000), (2**31 - 1, 2**31 - 1), (LIMIT, 2)]
)
def test_decompression_bombs_are_refused(tmp_path: Path, width: int, height: int) -> None:
    image = header_alone(width, height)
    assert linted(tmp_path, image) == {"image-pixels"}
    assert trained_on(image) == f"The image has more than {LIMIT} pixels."


def test_of_a_large_image_the_end_is_looked_at_too(tmp_path: Path) -> None:
    image = encoded("L", 9_000, 8_000, "PNG")
    assert linted(tmp_path, image[: len(image) // 2]) == {"image-unreadable"}
    assert "can't be decoded" in str(trained_on(image[: len(image) // 2]))


@pytest.mark.parametrize("without", [lambda image: image, lambda image: image + b"more"])
def test_a_misnamed_image_is_trained_on(tmp_path: Path, without: Callable[[bytes], bytes]) -> None:
    image = without(encoded("RGB", 40, 40, "PNG"))
    assert linted(tmp_path, image, "a.jpg") == {"image-format"}
    assert trained_on(image) is None
    assert RULES["image-format"].severity is Severity.WARNING


def test_what_rests_on_an_inference_only_warns() -> None:
    for rule in RULES.values():
        assert "an inference" not in rule.source or rule.severity is not Severity.ERROR, rule.id


def test_where_no_limit_is_known_it_is_said_what_is_not_decoded(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(header_alone(60_000, 60_000))
    found = read_image(tmp_path, "a.png", MOST_BYTES, decode=True)
    assert (found.faults, found.too_large) == ((), True)


@pytest.mark.parametrize("sets", [("",), ("TRAIN",), ("TRAIN", "TEST")])
@pytest.mark.parametrize("count", [1, 2, 12])
def test_small_images_are_said_to_be_unchecked_where_others_are_in_another_set(
    tmp_path: Path, sets: tuple[str, ...], count: int
) -> None:
    """Only images of two sets are compared: elsewhere nothing is left unchecked."""
    rows = []
    for number in range(count):
        Image.new("L", (8, 8), number * 20).save(tmp_path / f"{number}.png")
        rows.append(f"{sets[number % len(sets)]},{number}.png,cat\n")
    linter = Linter(
        lambda _: io.BytesIO("".join(rows).encode()),
        PROVIDERS["local"].capabilities({}).limits,
        directory=tmp_path,
    )
    told = f"whether images of different sets look alike, for {count} images of less than 32 pixels"
    unchecked = linter.lint("d.csv", ["d.csv"], DatasetKind.MULTICLASS).unchecked
    if count > 1 and len(sets) > 1:
        assert unchecked == (f"{told} or of too little contrast",)
    else:
        assert unchecked == ()


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "CMYK", "I;16", "F"])
@pytest.mark.parametrize("size", [(8, 5), (900, 300)])
def test_small_pictures(mode: str, size: tuple[int, int]) -> None:
    written = io.BytesIO()
    Image.new(mode, size).save(written, "TIFF")
    picture = small_picture(written.getvalue(), 192)
    assert picture is not None
    with Image.open(io.BytesIO(picture)) as found:
        small = max(size) <= 64
        assert (found.format, found.mode) == ("PNG" if small else "JPEG", "RGB")
        assert found.size == (size if small else (192, 64))


@pytest.mark.parametrize(
    ("mode", "colour", "seen"),
    [
        ("I;16", 0x8000, 128),
        ("L", 128, 128),
        ("RGBA", (0, 0, 0, 0), 255),
        ("RGBA", (0, 0, 0, 255), 0),
        ("LA", (0, 127), 128),
    ],
)
def test_a_small_picture_is_seen_as_the_service_sees_it(
    mode: str, colour: int | tuple[int, ...], seen: int
) -> None:
    """16 bits are scaled, and what is transparent is white."""
    written = io.BytesIO()
    Image.new(mode, (8, 8), colour).save(written, "PNG")
    picture = small_picture(written.getvalue(), 192)
    assert picture is not None
    with Image.open(io.BytesIO(picture)) as found:
        assert found.getpixel((4, 4)) == (seen, seen, seen)
    decoded = service.decode(written.getvalue(), service.TRAINING_FORMATS, side=8).image
    assert decoded.getpixel((4, 4)) == (seen, seen, seen)


def test_a_small_picture_is_upright_and_tells_nothing_else() -> None:
    """A camera says in its metadata how it was held, and where."""
    sides = Image.new("RGB", (400, 200), (255, 0, 0))
    sides.paste((0, 0, 255), (200, 0, 400, 200))
    metadata = Image.Exif()
    metadata[ExifTags.Base.Orientation] = 6
    metadata[ExifTags.Base.Make] = "a camera"
    written = io.BytesIO()
    sides.save(written, "JPEG", exif=metadata)
    picture = small_picture(written.getvalue(), 192)
    assert picture is not None
    assert b"a camera" not in picture
    with Image.open(io.BytesIO(picture)) as found:
        assert (found.size, len(found.getexif())) == ((96, 192), 0)
        top, bottom = found.getpixel((48, 20)), found.getpixel((48, 170))
    assert isinstance(top, tuple)
    assert isinstance(bottom, tuple)
    assert top[0] > 200 > 50 > top[2]
    assert bottom[2] > 200 > 50 > bottom[0]


@pytest.mark.parametrize("content", [b"", b"GIF89a", b"\x89PNG\r\n\x1a\n" + bytes(99)])
def test_what_is_no_image_has_no_small_picture(content: bytes) -> None:
    assert small_picture(content, 192) is None
