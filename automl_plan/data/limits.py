"""What the service takes at most, and asks for at least. The table of rules tells the sources."""

from __future__ import annotations

from msgspec import Struct

from automl_plan.model.data_counts import (
    BALANCE,
    FEWEST,
    LABELS_OF_BOXES,
    LABELS_OF_CLASSES,
    RECOMMENDED,
    SOME,
)


class Limits(Struct, frozen=True):
    """Limits of one kind of dataset."""

    labels_at_least: int
    labels_at_most: int
    images_at_most: int
    boxes_at_most: int = 1_000_000
    csv_bytes: int = 100_000_000
    image_bytes: int = 30_000_000
    boxes_of_an_image: int = 500
    few: int = FEWEST
    """Examples of a label: fewer can't be trained on."""
    some: int = SOME
    many: int = RECOMMENDED
    balance: int = BALANCE


CLASSIFICATION = Limits(LABELS_OF_CLASSES, labels_at_most=5_000, images_at_most=1_000_000)
DETECTION = Limits(LABELS_OF_BOXES, labels_at_most=1_000, images_at_most=150_000)

SHORTEST_EDGE = 0.01
"""Of a box, in parts of the image's side (proto: InputConfig)."""
ROUNDING = 1e-9
"""By which the difference of two decimal fractions may be off."""
FEWEST_PIXELS = 8
"""Of a box's edge (Google's page on preparing data of object detection)."""
