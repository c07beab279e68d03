"""Decoding an image, whatever its size and colours, into the few numbers a model is fed with."""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from automl_plan.emulator.training.types import ImageUnreadable

TRAINING_FORMATS = ("BMP", "GIF", "ICO", "JPEG", "PNG", "TIFF", "WEBP")
PREDICTION_FORMATS = ("GIF", "JPEG", "PNG")
"""What images may be (proto: io.proto, InputConfig, and prediction_service.proto).

Pillow knows more formats, and starts other programs for some: those are never tried.
"""

MAX_PIXELS = 50_000_000
_TOO_LARGE = f"The image has more than {MAX_PIXELS} pixels."
_SIZE = (16, 16)
_Pixels = NDArray[np.float32]


def pixels(image: bytes, formats: tuple[str, ...]) -> _Pixels:
    """The colours (0 to 1) of an image scaled to 16 by 16; raises ImageUnreadable.

    Animations count by their first frame, transparency as white.
    """
    try:
        with Image.open(io.BytesIO(image), formats=formats) as opened:
            # Only the header has been read: what would unpack to too much isn't unpacked.
            fits = opened.width * opened.height <= MAX_PIXELS
            small = _rgb(opened).resize(_SIZE, Image.Resampling.BILINEAR) if fits else None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ImageUnreadable(_TOO_LARGE) from error
    except Exception as error:  # on broken bytes, Pillow's decoders raise anything
        raise ImageUnreadable(
            f"The image can't be decoded as one of {', '.join(formats)}."
        ) from error
    if small is None:
        raise ImageUnreadable(_TOO_LARGE)
    return np.asarray(small, dtype=np.float32).ravel() / np.float32(255)


def _rgb(opened: Image.Image) -> Image.Image:
    opened.draft("RGB", (64, 64))  # lets JPEG skip what scaling would throw away
    upright = ImageOps.exif_transpose(opened)
    if upright.mode.startswith("I"):  # 16 bits a pixel: Pillow would cut them off, not scale
        deep = np.asarray(upright).astype(np.float32) / 256
        return Image.fromarray(deep.clip(0, 255).astype(np.uint8)).convert("RGB")
    if upright.has_transparency_data:
        layered = upright.convert("RGBA")
        white = Image.new("RGBA", layered.size, "white")
        return Image.alpha_composite(white, layered).convert("RGB")
    return upright.convert("RGB")
