"""Images that look alike: saved again, smaller or with less quality, and nothing else."""

from __future__ import annotations

import random
from collections.abc import Callable
from io import BytesIO

import pytest
from PIL import Image
from PIL.Image import Resampling

from automl_plan.data.image_similarity import HashedImage, ImageHash, SimilarImages, image_hash

PIXELS = 160


def drawn(seed: int) -> Image.Image:
    """A picture with soft shapes, as photographs have them."""
    chance = random.Random(seed)
    small = Image.frombytes("RGB", (7, 7), chance.randbytes(7 * 7 * 3))
    return small.resize((PIXELS, PIXELS), Resampling.BICUBIC)


def look(image: Image.Image) -> ImageHash:
    found = image_hash(image)
    assert found is not None
    return found


def saved(image: Image.Image, name: str, **how: int) -> Image.Image:
    buffer = BytesIO()
    image.save(buffer, name, **how)
    again = Image.open(buffer)
    again.load()
    return again


def alike(images: dict[str, Image.Image]) -> set[tuple[str, str]]:
    """The pairs among images that are called SET/NAME."""
    likeness = SimilarImages()
    for line, (path, image) in enumerate(images.items()):
        use = path.partition("/")[0]
        likeness.add(HashedImage(look(image), path.encode(), (0, line), path, use))
    return {(one.path, other.path) for one, other in likeness.alike()}


@pytest.mark.parametrize(
    "change",
    [
        lambda image: saved(image, "JPEG", quality=60),
        lambda image: saved(image, "GIF"),
        lambda image: image.resize((90, 90)),
        lambda image: image.convert("L"),
        lambda image: image.point(lambda value: min(255, value + 3)),
    ],
    ids=["jpeg", "gif", "smaller", "grey", "brighter"],
)
def test_saved_again(change: Callable[[Image.Image], Image.Image]) -> None:
    images = {f"TRAIN/{seed}": drawn(seed) for seed in range(30)}
    images |= {f"TEST/{seed}": change(drawn(seed)) for seed in range(8)}
    assert alike(images) == {(f"TEST/{seed}", f"TRAIN/{seed}") for seed in range(8)}


def test_of_one_set_or_unlike() -> None:
    assert alike({"TRAIN/a": drawn(1), "TRAIN/b": drawn(1).resize((99, 99))}) == set()
    others = {f"{'TEST' if seed % 2 else 'TRAIN'}/{seed}": drawn(seed) for seed in range(200)}
    assert alike(others) == set()
    mirrored = drawn(1).transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    assert alike({"TRAIN/a": drawn(1), "TEST/a": mirrored}) == set()


def test_small_and_flat_images_tell_nothing() -> None:
    assert image_hash(drawn(1).resize((31, 400))) is None
    assert image_hash(Image.new("RGB", (200, 200), (250, 250, 250))) is None
