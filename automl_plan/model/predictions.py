"""What a model predicts for an image."""

from __future__ import annotations

from msgspec import Struct


class Box(Struct, frozen=True):
    """Where an object is: parts of the image's width and height, from its top left."""

    x_min: float
    y_min: float
    x_max: float
    y_max: float


class Prediction(Struct, frozen=True):
    """A label that a model gives to an image, or to a part of it."""

    label: str
    score: float
    """From 0 to 1."""
    box: Box | None = None
    """Of object detection."""
