"""The preparation step of the example of photographs."""

from __future__ import annotations

import importlib.util
from collections import Counter
from itertools import pairwise
from pathlib import Path
from types import ModuleType

import pytest
from PIL import Image

EXAMPLE = Path(__file__).parents[3] / "examples" / "photos"


@pytest.fixture(scope="module")
def step() -> ModuleType:
    """The script, as a module."""
    spec = importlib.util.spec_from_file_location("prepare_photos", EXAMPLE / "write_photos.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_each_set_has_its_images_and_nothing_is_written_again(
    step: ModuleType, tmp_path: Path
) -> None:
    assert step.prepare(tmp_path) == (300, 300)
    images = sorted((tmp_path / "data" / "photos").rglob("*.jpg"))
    sets = Counter(path.parts[-3] for path in images)
    assert sets == {"train": 200, "val": 50, "test": 50}
    assert {path.parent.name for path in images} == set(step.REGIONS)
    with Image.open(images[0]) as image:
        assert (image.format, image.size) == ("JPEG", (48, 48))
    assert step.prepare(tmp_path) == (0, 300)


def test_no_pixel_is_in_two_sets(step: ModuleType) -> None:
    for region in step.REGIONS.values():
        parts = [step.part(region, first, last) for first, last, _ in step.SETS.values()]
        for before, after in pairwise(parts):
            assert before.right <= after.left or before.bottom <= after.top
        assert all(each.right <= 640 and each.bottom <= 427 for each in parts)
