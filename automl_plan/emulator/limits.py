"""Limits of the service: model types, budgets, names, labels. Sources: AutoML v1's protos."""

import re
import unicodedata
from collections.abc import Mapping

from msgspec import Struct

from automl_plan.emulator.training.types import Problem

MAX_DESCRIPTION = 25_000
MAX_LABELS = 64
RESERVED_LABELS = "aiplatform.googleapis.com/"
"""Prefix of the keys of Vertex AI's own labels, which don't change and don't count (discovery
document of aiplatform v1: Dataset.labels)."""
MAX_NODE_COUNT = 100
"""proto: ImageClassificationModelDeploymentMetadata.node_count, 1 to 100."""

IMPORTS_AT_ONCE = 4
TRAININGS_AT_ONCE = 5
BATCHES_AT_ONCE = 5
"""All from "Quotas and limits"; more are queued."""


class ModelType(Struct, frozen=True):
    """A model type, with its budget bounds in milli node hours, inclusive.

    `nodes` is the number of nodes that train in parallel; the default budget is then one day of
    wall time. `formats` are for export, the default first; empty if the type can't be exported.
    `usd_per_node_hour` is the price of training.
    """

    minimum: int
    maximum: int
    default: int
    nodes: int
    formats: tuple[str, ...]
    usd_per_node_hour: float


_CLOUD_USD, _EDGE_USD = 3.465, 18.00
"""Training, in US dollars per node hour (Vertex AI's pricing page, AutoML image data)."""

DEPLOYMENT_USD_PER_NODE_HOUR: Mapping[Problem, float] = {
    Problem.IMAGE_CLASSIFICATION: 1.375,
    Problem.IMAGE_OBJECT_DETECTION: 2.002,
}
"""Deployment and online prediction (the same page)."""

BATCH_USD_PER_NODE_HOUR: Mapping[Problem, float] = {
    Problem.IMAGE_CLASSIFICATION: 2.222,
    Problem.IMAGE_OBJECT_DETECTION: 2.222,
}
"""Batch prediction (the same page)."""
MAX_BATCH_IMAGES = 1_000_000
"""Images of one batch prediction ("Quotas and limits")."""

_MOBILE_FORMATS = ("tflite", "edgetpu_tflite", "tf_saved_model", "tf_js", "docker")
_MOBILE = ModelType(1_000, 100_000, 24_000, 1, _MOBILE_FORMATS, _EDGE_USD)
_CORE_ML = ModelType(1_000, 100_000, 24_000, 1, ("core_ml",), _EDGE_USD)
_MOBILE_DETECTION = ModelType(
    1_000, 100_000, 24_000, 1, ("tflite", "tf_saved_model", "tf_js"), _EDGE_USD
)
_CLOUD = ModelType(8_000, 800_000, 192_000, 8, (), _CLOUD_USD)
_CLOUD_DETECTION = ModelType(20_000, 900_000, 216_000, 9, (), _CLOUD_USD)

MODEL_TYPES: Mapping[Problem, Mapping[str, ModelType]] = {
    Problem.IMAGE_CLASSIFICATION: {
        "cloud": _CLOUD,
        "mobile-low-latency-1": _MOBILE,
        "mobile-versatile-1": _MOBILE,
        "mobile-high-accuracy-1": _MOBILE,
        "mobile-core-ml-low-latency-1": _CORE_ML,
        "mobile-core-ml-versatile-1": _CORE_ML,
        "mobile-core-ml-high-accuracy-1": _CORE_ML,
    },
    Problem.IMAGE_OBJECT_DETECTION: {
        "cloud-high-accuracy-1": _CLOUD_DETECTION,
        "cloud-low-latency-1": _CLOUD_DETECTION,
        "mobile-low-latency-1": _MOBILE_DETECTION,
        "mobile-versatile-1": _MOBILE_DETECTION,
        "mobile-high-accuracy-1": _MOBILE_DETECTION,
    },
}
"""By problem; the first type is the default (proto: image.proto, model_type)."""

_DATASET_NAME = re.compile(r"[A-Za-z0-9_]{1,32}")
_MODEL_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,31}")


def default_model_type(problem: Problem) -> str:
    """Return the model type of requests without one."""
    return next(iter(MODEL_TYPES[problem]))


def budget_fault(problem: Problem, model_type: str, milli_node_hours: int) -> str | None:
    """Return what is wrong with a train budget for a known model type, if anything."""
    known = MODEL_TYPES[problem][model_type]
    if known.minimum <= milli_node_hours <= known.maximum:
        return None
    return (
        f"The train budget for {model_type} must be between {known.minimum} and "
        f"{known.maximum} milli node hours."
    )


def dataset_name_fault(name: str) -> str | None:
    """Return what is wrong with a display name, if anything (proto: Dataset.display_name)."""
    if not name:
        return "Required field not set."
    if not _DATASET_NAME.fullmatch(name):
        return "The display name must be 1 to 32 characters long, of A-Z, a-z, 0-9 and _."
    return None


def model_name_fault(name: str) -> str | None:
    """Return what is wrong with a display name, if anything (proto: Model.display_name)."""
    if not name:
        return "Required field not set."
    if not _MODEL_NAME.fullmatch(name):
        return (
            "The display name must be 1 to 32 characters long, of A-Z, a-z, 0-9 and _, "
            "and must start with a letter."
        )
    return None


def label_faults(labels: Mapping[str, str], *, digit_first: bool = False) -> list[str]:
    """Return what is wrong with an object's labels; with `digit_first`, keys may start with one.

    The rules are from an error of Vertex AI (github.com/statmike/vertex-ai-mlops/issues/6).
    AutoML's proto (Dataset.labels) allows one more character, and no digit first.
    """
    first = {"Ll", "Lo", "Nd"} if digit_first else {"Ll", "Lo"}
    faults = []
    if len(labels) > MAX_LABELS:
        faults.append(f"At most {MAX_LABELS} labels are allowed.")
    for key, value in labels.items():
        if not key or unicodedata.category(key[0]) not in first:
            what = "lowercase letter or number" if digit_first else "lowercase letter"
            faults.append(f'The label key "{key}" must start with a {what}.')
        for word, text in (("key", key), ("value", value)):
            too_long = len(text) >= 64 or len(text.encode("utf-8", "surrogatepass")) >= 128
            if too_long or not all(_label_character(character) for character in text):
                faults.append(
                    f'The label {word} "{text}" must be less than 64 characters and 128 bytes '
                    "long, of lowercase letters, numbers, _ and -."
                )
    return faults


def _label_character(character: str) -> bool:
    return character in "_-" or unicodedata.category(character) in {"Ll", "Lo", "Lm", "Nd", "Mn"}
