"""Predicts images of this machine with a model at the provider."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from automl_plan.data.image_files import DECODED, TooManyPixels, in_rgb, is_image, open_image
from automl_plan.data.local_files import open_regular_file, os_error_text
from automl_plan.data.row_layout import IMAGES, extension
from automl_plan.data.sources import MAX_IMAGE_BYTES
from automl_plan.errors import InvalidArgument, UsageError
from automl_plan.model.live import LiveModel
from automl_plan.model.predictions import Prediction
from automl_plan.providers.protocol import Provider

STANDARD_INPUT = "-"
_AT_ONCE = 8
"""Requests at a time."""
_MOST_NAMES = 10_000_000
"""Bytes of a list of images."""
_SENT = ("JPEG", "PNG", "GIF")
"""Types that all services predict (proto: PredictRequest); others are sent as JPEG."""
_SHRUNK, _LEAST = 0.7, 32
"""By what factor an image is made smaller until it fits; its least side in pixels."""


class Subject(Struct, frozen=True):
    """An image to predict."""

    name: str
    """Its path, or `-`."""
    content: bytes | None = None
    """None: it is a file."""


class Predicted(Struct, frozen=True):
    """What is known of an image."""

    image: str
    predictions: tuple[Prediction, ...] = ()
    """The surest first."""
    sent_as: str | None = None
    """How it was changed before it was sent, such as `JPEG, 1024 by 768`; None: not at all."""
    error: str | None = None
    """Why there are no predictions."""


def subjects(named: Sequence[str], read_input: Callable[[int], bytes]) -> list[Subject]:
    """Return the images that files, folders and `-` name, each once, in the order of folders.

    Standard input is one image, or a list of names on lines of their own (or ended by NUL).
    `read_input` reads up to a number of bytes of it. Raises UsageError.
    """
    found: dict[str, Subject] = {}
    for name in named:
        if name != STANDARD_INPUT:
            found |= {each: Subject(each) for each in _files(name)}
            continue
        content = read_input(MAX_IMAGE_BYTES + 1)
        if is_image(content):
            found[name] = Subject(name, content)
        else:
            found |= {each: Subject(each) for line in _lines(content) for each in _files(line)}
    if not found:
        raise UsageError("There are no images in what is named.", hint=_FORMS)
    return list(found.values())


_FORMS = f"Images end in {', '.join(IMAGES)}; name files, folders, or - for standard input."


def _lines(content: bytes) -> list[str]:
    if len(content) > _MOST_NAMES:
        raise UsageError("Standard input is neither an image nor a list of images.", hint=_FORMS)
    end = b"\0" if b"\0" in content else b"\n"
    return [os.fsdecode(line).strip("\r") for line in content.split(end) if line.strip()]


def _files(name: str) -> Iterator[str]:
    if not Path(name).is_dir():
        yield name
        return
    for folder, below, files in os.walk(name):
        below[:] = sorted(each for each in below if not each.startswith("."))
        for file in sorted(files):
            if not file.startswith(".") and extension(file) in IMAGES:
                yield os.path.join(folder, file)  # noqa: PTH118 (keeps the name as it is written)


def predict_all(
    provider: Provider, model: LiveModel, images: Iterable[Subject], *, offline: bool
) -> Iterator[Predicted]:
    """Yield what the model predicts for each image, in their order.

    An image that can't be read or predicted has an error. `offline`: the model need not be
    deployed. Raises UsageError before the first image, and ProviderError.
    """
    if offline and not provider.capabilities.predicts_undeployed:
        raise UsageError(
            "The provider can't predict with a model that is not deployed.",
            hint="--offline is for models of the provider local; leave it out.",
        )
    if not offline and not model.deployed_anywhere:
        hint = "Declare `deploy: {node_count: 1}` in the model, and apply."
        if provider.capabilities.predicts_undeployed:
            hint = f"--offline predicts with it anyway. {hint}"
        raise UsageError(f"The model {model.display_name} is not deployed.", hint=hint)
    call = provider.predict_undeployed if offline else provider.predict
    most = MAX_IMAGE_BYTES if offline else provider.capabilities.prediction_bytes
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="predict") as pool:
        yield from pool.map(partial(_predicted, partial(call, model), most), images)


def _predicted(
    call: Callable[[bytes], Sequence[Prediction]], most: int, image: Subject
) -> Predicted:
    found = Predicted(image.name)
    try:
        content = _content(image)
        sent, sent_as = fitting(content, most)
        return replace(found, predictions=tuple(call(sent)), sent_as=sent_as)
    except OSError as error:
        return replace(found, error=f"it can't be read: {os_error_text(error)}")
    except ValueError as error:
        return replace(found, error=str(error))
    except InvalidArgument as error:
        return replace(found, error=f"the service refuses it: {error.message}")


def _content(image: Subject) -> bytes:
    if image.content is not None:
        content = image.content
    else:
        with open_regular_file(Path(image.name)) as file:
            content = file.read(MAX_IMAGE_BYTES + 1)
    if not content:
        raise ValueError("the file is empty")
    if len(content) > MAX_IMAGE_BYTES:
        raise ValueError(f"it has more than {MAX_IMAGE_BYTES:,} bytes")
    if not is_image(content):
        raise ValueError("it is no image of a supported type")
    return content


def fitting(content: bytes, most: int) -> tuple[bytes, str | None]:
    """Return an image as it is sent, and how that was changed; `most`: bytes. Raises ValueError."""
    if find_spec("PIL") is None:
        if len(content) <= most:
            return content, None
        raise ValueError(
            f"it has {len(content):,} bytes, and the service takes {most:,}: `pip install "
            "'automl-plan[local]'` scales it down"
        )
    try:
        with open_image(BytesIO(content)) as image:
            if len(content) <= most and image.format in _SENT:
                return content, None
            turned = in_rgb(image)
    except TooManyPixels:
        raise ValueError(f"it has more than {DECODED:,} pixels") from None
    except Exception as error:  # noqa: BLE001 (on broken bytes, Pillow's decoders raise anything)
        raise ValueError(f"it can't be decoded: {error}") from None
    while True:
        written = BytesIO()
        turned.save(written, "JPEG", quality=90)
        if written.tell() <= most:
            return written.getvalue(), f"JPEG, {turned.width} by {turned.height}"
        if min(turned.size) <= _LEAST:
            raise ValueError(f"it can't be made as small as {most:,} bytes")
        width, height = (max(1, round(side * _SHRUNK)) for side in turned.size)
        turned = turned.resize((width, height))
