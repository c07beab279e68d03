"""Pictures that only a network for photographs tells apart: their 16 by 16 pixels say nothing."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from automl_plan.emulator.training.types import Example, Problem, SetName, TrainingJob

TEXTURES = ("bars", "dots", "waves")
_SIDE = 96


def texture(label: str, number: int) -> bytes:
    """A JPEG file of a texture in a colour, at a place and of a brightness of its own."""
    chance = np.random.default_rng([TEXTURES.index(label), number])
    colours = [tuple(int(c) for c in chance.integers(0, 256, 3)) for _ in range(2)]
    image = Image.new("RGB", (_SIDE, _SIDE), colours[0])
    draw = ImageDraw.Draw(image)
    left, top = (int(each) for each in chance.integers(0, 8, 2))
    for step in range(-8, _SIDE + 8, 8):
        if label == "bars":
            draw.rectangle((step + left, 0, step + left + 3, _SIDE), fill=colours[1])
        elif label == "dots":
            for row in range(-8, _SIDE + 8, 8):
                x, y = step + left, row + top
                draw.ellipse((x, y, x + 4, y + 4), fill=colours[1])
        else:
            points = [(x, step + top + 5 * np.sin((x + left) / 5)) for x in range(_SIDE)]
            draw.line(points, fill=colours[1], width=2)
    file = io.BytesIO()
    image.save(file, "JPEG", quality=90)
    return file.getvalue()


def textures(directory: Path, of_each: int, begin: int = 0) -> Iterator[Example]:
    """Write textures of every label, of which no set was chosen."""
    for label in TEXTURES:
        for number in range(begin, begin + of_each):
            content = texture(label, number)
            path = directory / f"{label}-{number}.jpg"
            path.write_bytes(content)
            digest = hashlib.sha256(content).hexdigest()
            yield Example(path.name, path, SetName.UNASSIGNED, (label,), (), digest)


def job(examples: tuple[Example, ...], *, multilabel: bool = False) -> TrainingJob:
    """A training with the least budget for the cloud."""
    return TrainingJob(
        problem=Problem.IMAGE_CLASSIFICATION,
        multilabel=multilabel,
        model_type="cloud",
        budget_milli_node_hours=8000,
        labels=TEXTURES,
        examples=examples,
        seed=3,
    )
