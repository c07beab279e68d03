"""The inputs and results of trainings."""

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

from msgspec import Struct


class Problem(StrEnum):
    """The problem that a dataset is labelled for."""

    IMAGE_CLASSIFICATION = "image_classification"
    IMAGE_OBJECT_DETECTION = "image_object_detection"


class SetName(StrEnum):
    """The set of an example (proto: io.proto, ML_USE)."""

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


_EPOCHS_OF_LEAST_BUDGET = 80
_LEAST_CLOUD_BUDGET, _LEAST_MOBILE_BUDGET = 8_000, 1_000
"""In milli node hours (proto: image.proto, train_budget_milli_node_hours)."""


class TrainingJob(Struct, frozen=True):
    """The input of a trainer. `labels` are the dataset's annotation specs, in their order.

    `base` is the artefact of the model that is trained on, where the same trainer made it.
    """

    problem: Problem
    multilabel: bool
    model_type: str
    budget_milli_node_hours: int
    labels: tuple[str, ...]
    examples: tuple[Example, ...]
    seed: int
    base: bytes | None = None

    @property
    def epochs(self) -> int:
        """The epochs of a real training that the budget pays for: 80 for the least budget."""
        return max(1, int(self.budget_milli_node_hours / self._epoch_cost))

    def cost(self, epochs: float) -> int:
        """Return the milli node hours of so many epochs: above 0, at most the budget."""
        return min(self.budget_milli_node_hours, max(1, round(epochs * self._epoch_cost)))

    @property
    def _epoch_cost(self) -> float:
        mobile = self.model_type.startswith("mobile")
        least = _LEAST_MOBILE_BUDGET if mobile else _LEAST_CLOUD_BUDGET
        return least / _EPOCHS_OF_LEAST_BUDGET


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

    `confusion[i][j]` counts the examples of label i that were predicted as label j, both in the
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
    """Proto: BoundingBoxMetricsEntry. The metrics for boxes that overlap at least that much."""

    iou_threshold: float
    mean_average_precision: float
    thresholds: tuple[DetectionThreshold, ...]


class DetectionMetrics(Struct, frozen=True):
    """Proto: ImageObjectDetectionEvaluationMetrics."""

    evaluated_box_count: int
    mean_average_precision: float
    entries: tuple[IouEntry, ...]


class Evaluation(Struct, frozen=True):
    """The quality of a model on the TEST examples: of one label, or overall (None).

    `evaluated_example_count` counts all examples when overall, else those with the label
    (proto: ModelEvaluation.evaluated_example_count).
    """

    label: str | None
    evaluated_example_count: int
    metrics: ClassificationMetrics | DetectionMetrics


class TestedImage(Struct, frozen=True):
    """The scores of a TEST image, in the order of the job's labels, and what it resembles."""

    content: str
    scores: tuple[float, ...]
    nearest: tuple[tuple[str, float], ...]
    """The contents of the TRAIN images that are most alike, with their cosine, nearest first."""


class TrainingResult(Struct, frozen=True):
    """A trained model. `artefact` is the input of the same trainer's `predict`."""

    artefact: bytes
    train_cost_milli_node_hours: int
    stop_reason: str
    node_qps: float
    evaluations: tuple[Evaluation, ...]
    tested: tuple[TestedImage, ...] = ()
    """Of the trainer `auto`."""
    details: Mapping[str, object] = {}
    """What else the trainer tells of the training, as JSON."""


class Prediction(Struct, frozen=True):
    """A label with its score from 0 to 1, and for object detection its box."""

    label: str
    score: float
    box: Box | None


class TrainingCancelled(Exception):
    """The training ended because it was cancelled."""


class TrainingUnimplemented(Exception):
    """The trainer doesn't support such a job; the text names one that does."""


class TrainingFailed(Exception):
    """These examples can't be trained on; the text says why."""


class ModelUnusable(Exception):
    """The model can't predict, or be trained, with what is installed; the text says what to do."""


class ImageUnreadable(Exception):
    """The bytes can't be decoded as an image; the text says why."""
