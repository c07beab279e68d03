"""The kinds of problem, and what a model type is."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeAlias

from msgspec import Struct


class Problem(StrEnum):
    """What a dataset's images are labelled for, and a model predicts."""

    IMAGE_CLASSIFICATION = "image_classification"
    IMAGE_OBJECT_DETECTION = "image_object_detection"


class Family(StrEnum):
    """What a price is for: models that serve at the service, or on devices."""

    CLOUD = "cloud"
    EDGE = "edge"


class ClassificationType(StrEnum):
    """How many labels an image may have (proto: ClassificationType)."""

    MULTICLASS = "MULTICLASS"
    MULTILABEL = "MULTILABEL"


class ModelType(Struct, frozen=True):
    """One model type of a problem, with its budget's bounds (milli node hours, inclusive)."""

    name: str
    min_budget: int
    max_budget: int
    default_budget: int
    """What the service takes where none is given."""
    nodes: int
    """Nodes that a training uses at once."""
    family: Family


ModelTypes: TypeAlias = Mapping[Problem, Mapping[str, ModelType]]
"""The model types of a provider, by problem and name."""
