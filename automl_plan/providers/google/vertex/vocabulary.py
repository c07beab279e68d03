"""The words of Vertex AI v1 that differ from AutoML's: schema files, model types, labels of ours.

Sources: the discovery document of aiplatform v1 (schemata of training inputs), and Google's pages
on image datasets for the names of the schema files.
"""

from __future__ import annotations

from msgspec import Struct

from automl_plan.model.live import OWN_LABEL_PREFIX
from automl_plan.model.model_types import ClassificationType, Problem
from automl_plan.model.source_data import SourceData
from automl_plan.providers.google.json_fields import integer

_ROOT = "gs://google-cloud-aiplatform/schema/"
IMAGE_DATASET = f"{_ROOT}dataset/metadata/image_1.0.0.yaml"
_FORMATS = f"{_ROOT}dataset/ioformat/image_"
_TASKS = f"{_ROOT}trainingjob/definition/automl_image_"
TRAINING_TASKS = {
    Problem.IMAGE_CLASSIFICATION: f"{_TASKS}classification_1.0.0.yaml",
    Problem.IMAGE_OBJECT_DETECTION: f"{_TASKS}object_detection_1.0.0.yaml",
}
_MOBILE = {
    "mobile-low-latency-1": "MOBILE_TF_LOW_LATENCY_1",
    "mobile-versatile-1": "MOBILE_TF_VERSATILE_1",
    "mobile-high-accuracy-1": "MOBILE_TF_HIGH_ACCURACY_1",
}
MODEL_TYPES = {
    Problem.IMAGE_CLASSIFICATION: {"cloud": "CLOUD", **_MOBILE},
    Problem.IMAGE_OBJECT_DETECTION: {
        "cloud-high-accuracy-1": "CLOUD_HIGH_ACCURACY_1",
        "cloud-low-latency-1": "CLOUD_LOW_LATENCY_1",
        **_MOBILE,
    },
}
"""By the configuration's names. There are no types of their own for Core ML."""
OTHER_NAMES = {
    Problem.IMAGE_CLASSIFICATION: {"CLOUD_1": "cloud"},
    Problem.IMAGE_OBJECT_DETECTION: {
        "CLOUD_1": "cloud-high-accuracy-1",
        "CLOUD_STREAMING_1": "cloud-low-latency-1",
    },
}
"""Second names of the same types, which others may have trained with."""
ML_USE_KEY = "aiplatform.googleapis.com/ml_use"
ML_USE = f"labels.{ML_USE_KEY}"
"""The label of data items that holds the set which an import file gave them (FilterSplit)."""

ML_USES = {"TRAIN": "training", "VALIDATION": "validation", "TEST": "test"}
"""The values of that label, which are what import CSVs write. Images in no set have no such column
(pages "Prepare image training data for classification" and "… for object detection")."""


class Kind(Struct, frozen=True):
    """What a dataset's images are labelled for, which Vertex AI's Dataset does not say."""

    problem: Problem
    classification_type: ClassificationType | None
    label: str
    """Our label's value on the dataset."""
    import_schema: str
    saved_query: str
    """proto: SavedQuery.problem_type: an annotation set says it, too."""


KINDS = (
    Kind(
        Problem.IMAGE_CLASSIFICATION,
        ClassificationType.MULTICLASS,
        "multiclass",
        f"{_FORMATS}classification_single_label_io_format_1.0.0.yaml",
        "IMAGE_CLASSIFICATION_SINGLE_LABEL",
    ),
    Kind(
        Problem.IMAGE_CLASSIFICATION,
        ClassificationType.MULTILABEL,
        "multilabel",
        f"{_FORMATS}classification_multi_label_io_format_1.0.0.yaml",
        "IMAGE_CLASSIFICATION_MULTI_LABEL",
    ),
    Kind(
        Problem.IMAGE_OBJECT_DETECTION,
        None,
        "object-detection",
        f"{_FORMATS}bounding_box_io_format_1.0.0.yaml",
        "IMAGE_BOUNDING_BOX",
    ),
)
KIND_LABEL = f"{OWN_LABEL_PREFIX}kind"
"""Ours, on datasets: one of the labels of `KINDS`. On models that version 0.1 migrated, which no
pipeline tells of, with the type and the budget: `multiclass_cloud_8000`."""
SETS_LABEL = f"{OWN_LABEL_PREFIX}sets"
"""Ours, on datasets: whether the imported files gave the images their sets."""
ASSIGNED, DRAWN, MIXED = "assigned", "drawn", "mixed"
"""All images, none, or some of them."""
IMPORTED_LABEL = f"{OWN_LABEL_PREFIX}imported"
"""Ours, on datasets: when the newest annotation set was made that was there before our last import
(microseconds since 1970, by the service's clock; 0: none)."""
SET_LABEL = "aiplatform.googleapis.com/annotation_set_name"
"""The label of annotations with the set that they are in (discovery document: Annotation.labels).
An import asks for it (ImportDataConfig.annotationLabels); Google's server was seen to make a set of
its own name all the same (python-aiplatform, issues 1829 and 2605)."""
DATASET_LABEL = f"{OWN_LABEL_PREFIX}dataset"
"""Ours, on models that version 0.1 migrated: the dataset in place of the one it was trained on.
Of others the training pipeline names it."""
PRIVATE_LABELS = frozenset({KIND_LABEL, SETS_LABEL, IMPORTED_LABEL, DATASET_LABEL})
"""They say what an object is, not whose: they are hidden, and forgetting leaves them."""


def trained_with(value: str) -> tuple[Problem | None, str | None, int | None]:
    """Return the problem, the type and the budget (milli node hours) in such a label."""
    label, *inputs = value.split("_")
    problem = next((kind.problem for kind in KINDS if kind.label == label), None)
    if problem is None or len(inputs) != 2:
        return problem, None, None
    return problem, inputs[0], integer(inputs[1]) if inputs[1].isdecimal() else None


def sets_of(data: SourceData, known: str | None) -> str:
    """Return for which images import files assigned the set: all, none or some."""
    now = MIXED
    if data.assigned_examples == data.examples:
        now = ASSIGNED
    elif not data.assigned_examples:
        now = DRAWN
    return now if known in (None, now) else MIXED


def kind_of(problem: Problem, classification_type: ClassificationType | None) -> Kind:
    """The kind of a declared dataset."""
    for kind in KINDS:
        if (kind.problem, kind.classification_type) == (problem, classification_type):
            return kind
    raise AssertionError(f"no kind: {problem}, {classification_type}")
