"""Finds the TEST images that a model misreads, and reads small pictures of them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from shlex import quote

from msgspec import Struct

from automl_plan.data.image_files import small_picture
from automl_plan.data.sources import MAX_IMAGE_BYTES, SourceReader
from automl_plan.errors import FailedPrecondition, ProviderError, SourceError, UsageError
from automl_plan.model.evaluation import ImageResult
from automl_plan.model.live import LiveModel
from automl_plan.providers.data_access import bucket_and_object, is_stored
from automl_plan.providers.protocol import Provider

PICTURE_SIDE = 192
"""Pixels of the longer side of a picture, at most."""
_AT_ONCE = 4
"""Images that are read at a time: each may take a hundred megabytes."""


class Misread(Struct, frozen=True):
    """The TEST images that a model misreads."""

    tested: int
    """TEST images of the model."""
    label: str | None
    """Only images that this label is wrong of; None: all."""
    images: tuple[ImageResult, ...]
    """Those of which the model is surest first."""


def misread_images(provider: Provider, model: LiveModel, label: str | None) -> Misread:
    """Return what a model misreads. Raises UsageError where that is not kept, and ProviderError.

    `label`: only images with that label that are not read as it, and others that are.
    """
    command = f"automl-plan models evaluations {quote(model.display_name)}"
    hint = f"`{command}` shows the figures of each label, and which labels are confused."
    if not provider.capabilities.keeps_image_results:
        raise UsageError("The provider keeps no results of single TEST images.", hint=hint)
    try:
        found = provider.image_results(model.id)
    except FailedPrecondition as error:
        raise UsageError(error.message, hint=hint) from error
    if label is not None:
        labels = sorted({e.label for e in provider.evaluations(model.id) if e.label is not None})
        if label not in labels:
            known = ", ".join(labels[:_NAMED]) + (", …" if len(labels) > _NAMED else "")
            raise UsageError(
                f"The model {model.display_name} has no label {label}.", hint=f"It has {known}."
            )
    wrong = [each for each in found if each.wrong and (label is None or each.concerns(label))]
    wrong.sort(key=lambda each: (-each.sureness, each.uri, each.sha256))
    return Misread(len(found), label, tuple(wrong))


_NAMED = 20
"""Labels that an error names."""


def pictures(reader: SourceReader, images: Sequence[ImageResult]) -> dict[str, bytes]:
    """Return small pictures of images and of those that they resemble, by SHA-256.

    An image has none if what its URI names is gone, has other content by now, or can't be decoded.
    """
    places = {near.sha256: near.uri for image in images for near in image.nearest}
    places |= {image.sha256: image.uri for image in images}
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="picture") as pool:
        found = zip(places, pool.map(partial(_picture, reader, places), places), strict=True)
        return {sha256: picture for sha256, picture in found if picture is not None}


def _picture(reader: SourceReader, places: Mapping[str, str], sha256: str) -> bytes | None:
    try:
        content = _content(reader, places[sha256])
    except (SourceError, ProviderError):
        return None
    if hashlib.sha256(content).hexdigest() != sha256:
        return None
    return small_picture(content, PICTURE_SIDE)


def _content(reader: SourceReader, uri: str) -> bytes:
    if not is_stored(uri):
        return reader.image(uri)
    place = bucket_and_object(uri)
    if place is None:
        raise SourceError(f"{uri} names no object.")
    return reader.access.storage.content(*place, MAX_IMAGE_BYTES)
