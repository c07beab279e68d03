"""The kinds of problem and the model types that can be trained for each.

Budgets are in milli node hours, bounds inclusive; they and the defaults are those of the
comments on ImageClassificationModelMetadata and ImageObjectDetectionModelMetadata
(google/cloud/automl/v1/image.proto). A default is one day of wall time, so `nodes` is the
number of nodes a training uses at once.
"""

from __future__ import annotations

from enum import StrEnum

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
    """One model type of a problem, with its budget's bounds (milli node hours)."""

    name: str
    min_budget: int
    max_budget: int
    default_budget: int
    nodes: int
    family: Family


def _mobile(name: str) -> ModelType:
    return ModelType(name, 1_000, 100_000, 24_000, 1, Family.EDGE)


_MOBILE = ("mobile-low-latency-1", "mobile-versatile-1", "mobile-high-accuracy-1")
_CORE_ML = (
    "mobile-core-ml-low-latency-1",
    "mobile-core-ml-versatile-1",
    "mobile-core-ml-high-accuracy-1",
)

MODEL_TYPES: dict[Problem, dict[str, ModelType]] = {
    Problem.IMAGE_CLASSIFICATION: {
        t.name: t
        for t in (
            ModelType("cloud", 8_000, 800_000, 192_000, 8, Family.CLOUD),
            *map(_mobile, _MOBILE + _CORE_ML),
        )
    },
    Problem.IMAGE_OBJECT_DETECTION: {
        t.name: t
        for t in (
            ModelType("cloud-high-accuracy-1", 20_000, 900_000, 216_000, 9, Family.CLOUD),
            ModelType("cloud-low-latency-1", 20_000, 900_000, 216_000, 9, Family.CLOUD),
            *map(_mobile, _MOBILE),
        )
    },
}

DEFAULT_MODEL_TYPE: dict[Problem, str] = {
    Problem.IMAGE_CLASSIFICATION: "cloud",
    Problem.IMAGE_OBJECT_DETECTION: "cloud-high-accuracy-1",
}
"""What the service trains when `model_type` is left out."""
