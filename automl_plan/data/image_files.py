"""Reads an image: its type, its size, its perceptual hash, and a small picture of it."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from automl_plan.data.image_similarity import ImageHash, image_hash
from automl_plan.data.local_files import local_path, open_regular_file, os_error_text
from automl_plan.data.row_layout import extension
from automl_plan.errors import SourceError

if TYPE_CHECKING:
    from PIL.Image import Image

_HEAD = 16
DECODED = 178_956_970
"""The maximum of pixels that are decoded, which is Pillow's: more is a decompression bomb."""
_LARGE = 25_000_000
"""Pixels of an image that is decoded alone, as each takes a hundred megabytes and more."""
_LARGE_ONES = Lock()
_SIDE, _STEP = 1_024, 8
"""To what side, or by what factor, these are scaled down before they are compared."""
_TYPES: tuple[tuple[str, tuple[str, ...], Callable[[bytes], bool]], ...] = (
    ("JPEG", (".jpg", ".jpeg"), lambda head: head.startswith(b"\xff\xd8\xff")),
    ("PNG", (".png",), lambda head: head.startswith(b"\x89PNG\r\n\x1a\n")),
    ("GIF", (".gif",), lambda head: head.startswith((b"GIF87a", b"GIF89a"))),
    ("BMP", (".bmp",), lambda head: head.startswith(b"BM")),
    ("WebP", (".webp",), lambda head: head.startswith(b"RIFF") and head[8:12] == b"WEBP"),
    ("TIFF", (".tif", ".tiff"), lambda head: head.startswith((b"II*\0", b"MM\0*"))),
    ("ICO", (".ico",), lambda head: head.startswith(b"\0\0\1\0")),
)
"""Types of images, how their names end, and how their bytes begin (their specifications)."""
_ENDS = frozenset(end for _, ends, _ in _TYPES for end in ends)


class ImageFacts(Struct, frozen=True):
    """Facts of an image."""

    faults: tuple[tuple[str, str], ...] = ()
    """The rules that it breaks, with messages."""
    content: bytes = b""
    """The MD5 of its bytes; empty when unknown."""
    size: tuple[int, int] | None = None
    """Width and height in pixels, where known."""
    hash: ImageHash | None = None
    """Its perceptual hash, where it has one."""
    too_large: bool = False
    """Whether it was not decoded because it has too many pixels."""


def is_image(content: bytes) -> bool:
    """Return whether bytes begin as those of an image do."""
    return any(begins(content[:_HEAD]) for _, _, begins in _TYPES)


def has_decoder() -> bool:
    """Return whether Pillow and ImageHash are installed."""
    return find_spec("PIL") is not None and find_spec("imagehash") is not None


def read_image(
    directory: Path, relative: str, most_bytes: int, *, decode: bool, most_pixels: int | None = None
) -> ImageFacts:
    """Read an image file below a directory; `decode` needs Pillow.

    `most_pixels`: of an image that the service decodes, where that is known.
    """
    try:
        path = local_path(directory, relative, relative)
        with open_regular_file(path) as file:
            head = file.read(_HEAD)
            file.seek(0)
            digest = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False))
            length = file.tell()
    except FileNotFoundError:
        return _broken("image-missing", "the file does not exist")
    except OSError as error:
        return _broken("image-unreadable", f"it can't be read: {os_error_text(error)}")
    except SourceError as error:
        return _broken("image-unreadable", error.message)
    if not length:
        return _broken("image-unreadable", "the file is empty")
    content = digest.digest()
    found = [kind for kind in _TYPES if kind[2](head)]
    if not found:
        return _broken("image-unreadable", "the file is no image of a supported type", content)
    facts = ImageFacts(content=content)
    if decode:
        facts = _decoded(path, content, most_pixels)
    faults = list(facts.faults)
    [(name, ends, _)], end = found, extension(relative)
    if end in _ENDS and end not in ends:
        faults.append(("image-format", f"the file is a {name}, and its name ends in {end}"))
    if length > most_bytes:
        message = f"the file has {length:,} bytes, the maximum is {most_bytes:,}"
        faults.append(("image-size", message))
    return replace(facts, faults=tuple(faults))


_LEFT_AS_PNG = 64
"""Pixels up to which a picture is written without loss, as it has few bytes anyway."""


def small_picture(content: bytes, side: int) -> bytes | None:
    """Return an image that fits a square of so many pixels, upright, as a PNG or a JPEG.

    None: it can't be decoded, has too many pixels, or Pillow is not installed.
    """
    if find_spec("PIL") is None:
        return None
    try:
        with open_image(BytesIO(content)) as image:
            image.draft("RGB", (2 * side, 2 * side))
            small = _in_eight_bits(image)
            small.thumbnail((side, side))
        upright = _upright(small)
        written, form = BytesIO(), "PNG" if max(upright.size) <= _LEFT_AS_PNG else "JPEG"
        upright.save(written, form, quality=80, exif=b"")
        return written.getvalue()
    except Exception:  # noqa: BLE001 (on broken bytes, Pillow's decoders raise anything)
        return None


class TooManyPixels(Exception):
    """An image is not decoded because it has too many pixels."""

    def __init__(self, size: tuple[int, int] | None) -> None:
        super().__init__(size)
        self.size = size
        """Width and height in pixels, where known."""


@contextmanager
def open_image(source: Path | BytesIO, most_pixels: int = DECODED) -> Iterator[Image]:
    """Open an image to decode it; needs Pillow. Large ones are decoded one at a time.

    Raises TooManyPixels before anything is decoded, and whatever Pillow does on broken bytes.
    """
    import PIL.Image

    size = None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of doubtful metadata; the size is checked here
            with PIL.Image.open(source) as image:
                size = image.size
                pixels = size[0] * size[1]
                if pixels > most_pixels:
                    raise TooManyPixels(size)
                with _LARGE_ONES if pixels > _LARGE else nullcontext():
                    yield image
    except PIL.Image.DecompressionBombError as error:
        raise TooManyPixels(size) from error


def in_rgb(image: Image) -> Image:
    """Return an image upright, in RGB, with white where it is transparent."""
    return _upright(_in_eight_bits(image))


def _upright(image: Image) -> Image:
    import PIL.Image
    import PIL.ImageOps

    upright = PIL.ImageOps.exif_transpose(image)
    if upright.mode != "RGBA":
        return upright
    white = PIL.Image.new("RGBA", upright.size, "white")
    return PIL.Image.alpha_composite(white, upright).convert("RGB")


def _in_eight_bits(image: Image) -> Image:
    """Return an image in RGB, or in RGBA where it has transparency."""
    if image.mode.startswith("I"):  # 16 bits a pixel: Pillow would cut them off, not scale
        return image.convert("I").point(lambda value: value * (1 / 256)).convert("L").convert("RGB")
    return image.convert("RGBA" if image.has_transparency_data else "RGB")


def _broken(rule: str, how: str, content: bytes = b"") -> ImageFacts:
    return ImageFacts(((rule, how),), content)


def _decoded(path: Path, content: bytes, most_pixels: int | None) -> ImageFacts:
    try:
        with open_image(path, min(most_pixels or DECODED, DECODED)) as image:
            return ImageFacts(content=content, size=image.size, hash=_hash(image))
    except TooManyPixels as error:
        return _too_large(content, error.size, most_pixels)
    except Exception as error:  # noqa: BLE001 (on broken bytes, Pillow's decoders raise anything)
        words = str(error).replace(str(path), path.name)
        return _broken("image-unreadable", f"it can't be decoded: {words}", content)


def _too_large(content: bytes, size: tuple[int, int] | None, most_pixels: int | None) -> ImageFacts:
    if most_pixels is None:
        return ImageFacts(content=content, size=size, too_large=True)
    dimensions = "" if size is None else f" ({size[0]:,} by {size[1]:,})"
    fault = ("image-pixels", f"the image has more than {most_pixels:,} pixels{dimensions}")
    return ImageFacts((fault,), content, size, too_large=True)


def _hash(image: Image) -> ImageHash | None:
    """Decode the whole image, which fails for a truncated one, and return its hash."""
    if image.width * image.height > _LARGE:
        image.draft("RGB", (_SIDE, _SIDE))  # of a JPEG, scaled down as it is read
    image.load()
    if image.width * image.height > _LARGE and image.mode in ("L", "RGB", "RGBA"):
        image = image.reduce(_STEP)
    return image_hash(image)
