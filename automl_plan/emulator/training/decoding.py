"""Decode images: the formats that are accepted, and what one looks like in RGB."""

from __future__ import annotations

import io
import math
import warnings
from threading import Lock
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from automl_plan.emulator.training.types import ImageUnreadable

TRAINING_FORMATS = ("BMP", "GIF", "ICO", "JPEG", "PNG", "TIFF", "WEBP")
PREDICTION_FORMATS = ("GIF", "JPEG", "PNG")
"""Accepted image formats (proto: io.proto, InputConfig, and prediction_service.proto).

Pillow has more formats, and starts other programs for some: those are never tried.
"""

MAX_PIXELS = 178_956_970
"""The most pixels of an image to train on: Pillow takes more for a decompression bomb."""
MAX_PREDICTED_PIXELS = 50_000_000
"""The most pixels of an image to predict."""
_LARGE = 50_000_000
"""Images with more pixels are first scaled down, one at a time: each copy takes some hundred
megabytes."""
_LARGE_ONES = Lock()
_REDUCIBLE = ("L", "RGB", "RGBA", "LA", "CMYK", "YCbCr")
_SIZE = (16, 16)
PIXELS = 16 * 16 * 3
_DRAFT_SIDE = 64
Pixels = NDArray[np.float32]


class Decoded(NamedTuple):
    """An image in RGB, maybe scaled down, and its longer side before, in pixels."""

    image: Image.Image
    longer_side: int


def decode(
    image: bytes, formats: tuple[str, ...], most_pixels: int = MAX_PIXELS, *, side: int
) -> Decoded:
    """Return an image of which a square of so many pixels a side is needed.

    Raises ImageUnreadable. Animations count by their first frame, transparency as white.
    """
    too_large = f"The image has more than {most_pixels} pixels."
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # of half as many
            opened = Image.open(io.BytesIO(image), formats=formats)
        with opened:
            # Only the header has been read: what would unpack to too much isn't unpacked.
            fits = opened.width * opened.height <= most_pixels
            longer = max(opened.size)
            found = _rgb(opened, side) if fits else None
    except Image.DecompressionBombError as error:
        raise ImageUnreadable(too_large) from error
    except Exception as error:  # on broken bytes, Pillow's decoders raise anything
        raise ImageUnreadable(
            f"The image can't be decoded as one of {', '.join(formats)}."
        ) from error
    if found is None:
        raise ImageUnreadable(too_large)
    return Decoded(found, longer)


def pixels(image: bytes, formats: tuple[str, ...], most_pixels: int = MAX_PIXELS) -> Pixels:
    """Return the colours (0 to 1) of an image scaled to 16 by 16. Raises ImageUnreadable."""
    return small_pixels(decode(image, formats, most_pixels, side=_DRAFT_SIDE).image) / np.float32(
        255
    )


def small_pixels(image: Image.Image) -> Pixels:
    """Return the colours (0 to 255) of an image in RGB, scaled to 16 by 16."""
    small = image.resize(_SIZE, Image.Resampling.BILINEAR)
    return np.asarray(small, dtype=np.float32).ravel()


def _rgb(opened: Image.Image, side: int) -> Image.Image:
    opened.draft("RGB", (side, side))  # lets JPEG skip what scaling would throw away
    large = opened.width * opened.height > _LARGE
    upright = ImageOps.exif_transpose(_reduced(opened) if large else opened)
    if upright.mode.startswith("I"):  # 16 bits a pixel: Pillow would cut them off, not scale
        deep = np.asarray(upright).astype(np.float32) / 256
        return Image.fromarray(deep.clip(0, 255).astype(np.uint8)).convert("RGB")
    if upright.has_transparency_data:
        layered = upright.convert("RGBA")
        white = Image.new("RGBA", layered.size, "white")
        return Image.alpha_composite(white, layered).convert("RGB")
    return upright.convert("RGB")


def _reduced(large: Image.Image) -> Image.Image:
    """A large image with fewer pixels."""
    factor = math.ceil(math.sqrt(large.width * large.height * 16 / _LARGE))
    with _LARGE_ONES:
        if large.mode in _REDUCIBLE:
            small = large.reduce(factor)
        else:  # palettes, bits and 16-bit greys have no mean of pixels
            size = (max(large.width // factor, 1), max(large.height // factor, 1))
            small = large.resize(size, Image.Resampling.NEAREST)
    small.info["exif"] = large.getexif().tobytes()
    return small
