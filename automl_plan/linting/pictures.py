"""One local image: whether it is what its name says, how large it is, and what it looks like."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from automl_plan.errors import SourceError
from automl_plan.linting.likeness import Look, look_of
from automl_plan.providers.places import local_path, opened, reason
from automl_plan.providers.row_layout import extension

if TYPE_CHECKING:
    from PIL.Image import Image

_HEAD = 16
_MOST_PIXELS = 64_000_000
"""Of an image that is decoded: some 200 MB of memory."""
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


class Picture(Struct, frozen=True):
    """What is known of an image."""

    fault: tuple[str, str] | None = None
    """The rule that it breaks, and how."""
    content: bytes = b""
    """The MD5 of its bytes; empty when that is not known."""
    size: tuple[int, int] | None = None
    """Width and height in pixels, where it was decoded."""
    look: Look | None = None
    """What it looks like, where that can be compared."""


def has_decoder() -> bool:
    """Whether Pillow is installed."""
    from importlib.util import find_spec

    return find_spec("PIL") is not None and find_spec("imagehash") is not None


def picture(directory: Path, relative: str, most_bytes: int, *, decode: bool) -> Picture:
    """Look at a file below a directory; `decode` needs Pillow."""
    try:
        path = local_path(directory, relative, relative)
        with opened(path) as file:
            head = file.read(_HEAD)
            file.seek(0)
            digest = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False))
            length = file.tell()
    except FileNotFoundError:
        return Picture(("image-missing", "there is no such file"))
    except OSError as error:
        return Picture(("image-unreadable", f"it can't be read: {reason(error)}"))
    except SourceError as error:
        return Picture(("image-unreadable", error.message))
    content = digest.digest()
    if not length:
        return Picture(("image-unreadable", "the file is empty"))
    if length > most_bytes:
        message = f"the file has {length:,} bytes, and {most_bytes:,} are taken"
        return Picture(("image-size", message), content)
    fault = _type_fault(head, extension(relative))
    if fault is not None:
        return Picture(("image-format", fault), content)
    return _decoded(path, content) if decode else Picture(content=content)


def _type_fault(head: bytes, end: str) -> str | None:
    for name, ends, begins in _TYPES:
        if begins(head):
            return None if end in ends else f"the file is a {name}, and its name ends in {end}"
    return "the file begins as no image does that is imported"


def _decoded(path: Path, content: bytes) -> Picture:
    import PIL.Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of doubtful metadata; size is looked at here
            with PIL.Image.open(path) as image:
                size = image.size
                if size[0] * size[1] > _MOST_PIXELS:
                    return Picture(content=content, size=size)
                return Picture(content=content, size=size, look=_look(image))
    except (OSError, ValueError, SyntaxError, EOFError, PIL.Image.DecompressionBombError) as error:
        words = str(error).replace(str(path), path.name)
        return Picture(("image-unreadable", f"it can't be decoded: {words}"), content)


def _look(image: Image) -> Look | None:
    """Decodes the whole image, so that one that is cut off is found."""
    image.load()
    return look_of(image)
