"""The values that go into a training and come out of it."""

from enum import StrEnum
from pathlib import Path

from msgspec import Struct


class Problem(StrEnum):
    """What a dataset's images are labelled for."""

    IMAGE_CLASSIFICATION = "image_classification"
    IMAGE_OBJECT_DETECTION = "image_object_detection"


class SetName(StrEnum):
    """What an example is used for (proto: io.proto, ML_USE)."""

    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"
    UNASSIGNED = "unassigned"


class Box(Struct, frozen=True):
    """A labelled rectangle; coordinates are fractions of the image's sides, from its top left."""

    label: str
    x_min: float
    y_min: float
    x_max: float
    y_max: float


class Example(Struct, frozen=True):
    """One image of a dataset. `content` is the SHA-256 of its bytes, in hexadecimal."""

    uri: str
    path: Path
    set: SetName
    labels: tuple[str, ...]
    boxes: tuple[Box, ...]
    content: str


class TrainingJob(Struct, frozen=True):
    """All that a trainer needs. `labels` are the dataset's annotation specs, in their order."""

    problem: Problem
    multilabel: bool
    model_type: str
    budget_milli_node_hours: int
    labels: tuple[str, ...]
    examples: tuple[Example, ...]
    seed: int


class Threshold(Struct, frozen=True):
    """Proto: ClassificationEvaluationMetrics.ConfidenceMetricsEntry.

    The `…_at1` figures count, per example, only the label with the highest score.
    """

    confidence_threshold: float
    recall: float
    precision: float
    false_positive_rate: float
    f1_score: float
    recall_at1: float
    precision_at1: float
    false_positive_rate_at1: float
    f1_score_at1: float
    true_positive_count: int
    false_positive_count: int
    false_negative_count: int
    true_negative_count: int


class ClassificationMetrics(Struct, frozen=True):
    """Proto: ClassificationEvaluationMetrics.

    `confusion[i][j]` counts the examples of label i that were taken for label j, both in the
    order of the job's labels; only the overall evaluation of a multiclass model has it.
    """

    au_prc: float
    au_roc: float
    log_loss: float
    thresholds: tuple[Threshold, ...]
    confusion: tuple[tuple[int, ...], ...] | None


class DetectionThreshold(Struct, frozen=True):
    """Proto: BoundingBoxMetricsEntry.ConfidenceMetricsEntry."""

    confidence_threshold: float
    recall: float
    precision: float
    f1_score: float


class IouEntry(Struct, frozen=True):
    """Proto: BoundingBoxMetricsEntry: the figures when boxes must overlap at least so much."""

    iou_threshold: float
    mean_average_precision: float
    thresholds: tuple[DetectionThreshold, ...]


class DetectionMetrics(Struct, frozen=True):
    """Proto: ImageObjectDetectionEvaluationMetrics."""

    evaluated_box_count: int
    mean_average_precision: float
    entries: tuple[IouEntry, ...]


class Evaluation(Struct, frozen=True):
    """How well a model does on the TEST examples: of one label, or overall (None).

    `evaluated_example_count` counts all examples when overall, else those with the label
    (proto: ModelEvaluation.evaluated_example_count).
    """

    label: str | None
    evaluated_example_count: int
    metrics: ClassificationMetrics | DetectionMetrics


class TrainingResult(Struct, frozen=True):
    """A trained model. `artefact` is what the same trainer's `predict` takes."""

    artefact: bytes
    train_cost_milli_node_hours: int
    stop_reason: str
    node_qps: float
    evaluations: tuple[Evaluation, ...]


class Prediction(Struct, frozen=True):
    """A label with its score from 0 to 1, and for object detection where it was seen."""

    label: str
    score: float
    box: Box | None


class TrainingCancelled(Exception):
    """The training was asked to end, and did."""


class TrainingUnimplemented(Exception):
    """This trainer can't train such a job; the text says which trainer can."""


class TrainingFailed(Exception):
    """The training can't be done with these examples; the text says why."""


class ImageUnreadable(Exception):
    """The bytes are no image that can be decoded; the text says why."""
