"""Decoding an image, whatever its size and colours, into the few numbers a model is fed with."""

import io
import math
import warnings
from threading import Lock

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from automl_plan.emulator.training.types import ImageUnreadable

TRAINING_FORMATS = ("BMP", "GIF", "ICO", "JPEG", "PNG", "TIFF", "WEBP")
PREDICTION_FORMATS = ("GIF", "JPEG", "PNG")
"""What images may be (proto: io.proto, InputConfig, and prediction_service.proto).

Pillow knows more formats, and starts other programs for some: those are never tried.
"""

MAX_PIXELS = 178_956_970
"""Of an image of a training, as many as Pillow opens: what has more is a decompression bomb."""
MAX_PREDICTED_PIXELS = 50_000_000
"""Of an image that comes with a request."""
_LARGE = 50_000_000
"""Pixels of an image that is scaled down before anything else is done with it, and alone: each copy
of it takes some hundred megabytes."""
_LARGE_ONES = Lock()
_REDUCIBLE = ("L", "RGB", "RGBA", "LA", "CMYK", "YCbCr")
_SIZE = (16, 16)
_Pixels = NDArray[np.float32]


def pixels(image: bytes, formats: tuple[str, ...], most_pixels: int = MAX_PIXELS) -> _Pixels:
    """The colours (0 to 1) of an image scaled to 16 by 16; raises ImageUnreadable.

    Animations count by their first frame, transparency as white.
    """
    too_large = f"The image has more than {most_pixels} pixels."
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # of half as many
            opened = Image.open(io.BytesIO(image), formats=formats)
        with opened:
            # Only the header has been read: what would unpack to too much isn't unpacked.
            fits = opened.width * opened.height <= most_pixels
            small = _rgb(opened).resize(_SIZE, Image.Resampling.BILINEAR) if fits else None
    except Image.DecompressionBombError as error:
        raise ImageUnreadable(too_large) from error
    except Exception as error:  # on broken bytes, Pillow's decoders raise anything
        raise ImageUnreadable(
            f"The image can't be decoded as one of {', '.join(formats)}."
        ) from error
    if small is None:
        raise ImageUnreadable(too_large)
    return np.asarray(small, dtype=np.float32).ravel() / np.float32(255)


def _rgb(opened: Image.Image) -> Image.Image:
    opened.draft("RGB", (64, 64))  # lets JPEG skip what scaling would throw away
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
    """A large image with fewer pixels, to go on with."""
    factor = math.ceil(math.sqrt(large.width * large.height * 16 / _LARGE))
    with _LARGE_ONES:
        if large.mode in _REDUCIBLE:
            small = large.reduce(factor)
        else:  # palettes, bits and 16-bit greys have no mean of pixels
            size = (max(large.width // factor, 1), max(large.height // factor, 1))
            small = large.resize(size, Image.Resampling.NEAREST)
    small.info["exif"] = large.getexif().tobytes()
    return small
