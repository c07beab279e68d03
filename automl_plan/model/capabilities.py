"""What a provider can do, as far as that is known before it is asked: facts, no decisions."""

from __future__ import annotations

from msgspec import Struct

from automl_plan.model.model_types import Problem


class Capabilities(Struct, frozen=True):
    """What a provider trains. The defaults are those of Google's services."""

    problems: frozenset[Problem] = frozenset(Problem)
    """What its models can be for."""
    other_problems: str = ""
    """What to write to have models for the other ones trained."""
    evaluates: bool = False
    """Whether a training fails without an image to test the model by."""
    labels_in_train: int = 0
    """Labels of classification below which a training fails: those of the images of TRAIN."""
    first_test: int = 1
    """Of images without a set, the number of the first one that becomes a TEST image."""
    image_pixels: int | None = None
    """Of an image that a training decodes: more fail it; None: no limit is known."""


GOOGLE = Capabilities()
