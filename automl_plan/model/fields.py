"""The table of fields: what may change in place, what makes a new object, what is noise.

Everything that decides how a difference is treated is here; a field that is not in the
table is an error, never silently ignored. The service documents no list of mutable fields for
AutoML v1; display name, description and labels are those that its successor documents for
datasets.patch (Vertex AI v1, Dataset), and training inputs can't change because "AutoML Vision
creates a new model each time you start training" (Google, "Training Cloud-hosted models").
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum

from msgspec import Struct

from automl_plan.model.address import ResourceKind
from automl_plan.model.json import Attributes, Json
from automl_plan.model.model_types import Problem

MOST = 2**63
"""No recorded number is as large."""


class Mutability(StrEnum):
    """How a field can be brought to its desired value."""

    MUTABLE = "mutable"
    """Patched in place. Compared with the live object."""
    IMMUTABLE = "immutable"
    """Takes a new object. Compared with what was recorded when the object was made."""
    DATA = "data"
    """The dataset's content: imported into a new dataset, or appended. Compared as recorded."""
    DEPLOYMENT = "deployment"
    """Deploy or undeploy. Compared with the live object."""
    COMPUTED = "computed"
    """Set by the service; never a change."""


class Form(StrEnum):
    """The form of a field's value."""

    TEXT = "a text"
    TEXTS = "a mapping of texts"
    MAPPING = "a mapping"
    TRAINING = "a mapping with a model type and a budget"
    DEPLOYMENT = "a mapping with a number of nodes"


class Field(Struct, frozen=True):
    """One field of a resource, by its dotted path in the configuration's form."""

    path: str
    mutability: Mutability
    meaning: str
    form: Form = Form.TEXT
    """Of its value, where it is recorded."""


FIELDS: dict[ResourceKind, tuple[Field, ...]] = {
    ResourceKind.DATASET: (
        Field("display_name", Mutability.MUTABLE, "the display name"),
        Field("description", Mutability.MUTABLE, "the description"),
        Field("labels", Mutability.MUTABLE, "the labels", Form.TEXTS),
        Field(
            str(Problem.IMAGE_CLASSIFICATION),
            Mutability.IMMUTABLE,
            "the kind of dataset",
            Form.TEXTS,
        ),
        Field(
            str(Problem.IMAGE_OBJECT_DETECTION),
            Mutability.IMMUTABLE,
            "the kind of dataset",
            Form.TEXTS,
        ),
        Field("data", Mutability.DATA, "the content of its sources"),
        Field(
            "ownership_labels",
            Mutability.MUTABLE,
            "the labels that automl-plan keeps on it",
            Form.TEXTS,
        ),
        Field("example_count", Mutability.COMPUTED, "the number of images"),
        Field("create_time", Mutability.COMPUTED, "the time of creation"),
        Field("update_time", Mutability.COMPUTED, "the time of the last update"),
        Field("etag", Mutability.COMPUTED, "the service's version mark"),
    ),
    ResourceKind.MODEL: (
        Field("display_name", Mutability.MUTABLE, "the display name"),
        Field("labels", Mutability.MUTABLE, "the labels", Form.TEXTS),
        Field(
            str(Problem.IMAGE_CLASSIFICATION),
            Mutability.IMMUTABLE,
            "a training input",
            Form.TRAINING,
        ),
        Field(
            str(Problem.IMAGE_OBJECT_DETECTION),
            Mutability.IMMUTABLE,
            "a training input",
            Form.TRAINING,
        ),
        Field("trained_on", Mutability.IMMUTABLE, "the data it is trained on", Form.MAPPING),
        Field("deploy", Mutability.DEPLOYMENT, "the deployment", Form.DEPLOYMENT),
        Field(
            "ownership_labels",
            Mutability.MUTABLE,
            "the labels that automl-plan keeps on it",
            Form.TEXTS,
        ),
        Field("train_cost_milli_node_hours", Mutability.COMPUTED, "what the training used"),
        Field("stop_reason", Mutability.COMPUTED, "why the training stopped"),
        Field("node_qps", Mutability.COMPUTED, "predictions per second and node"),
        Field("create_time", Mutability.COMPUTED, "the time of creation"),
        Field("update_time", Mutability.COMPUTED, "the time of the last update"),
        Field("etag", Mutability.COMPUTED, "the service's version mark"),
    ),
}

_BY_NAME = {kind: {field.path: field for field in fields} for kind, fields in FIELDS.items()}


def field_of(kind: ResourceKind, path: str) -> Field:
    """The field that a dotted path lies in. Raises KeyError for an unknown one."""
    return _BY_NAME[kind][path.partition(".")[0]]


def check_recorded(kind: ResourceKind, attributes: Attributes) -> None:
    """Raise ValueError or TypeError where recorded attributes are not fields of their form."""
    for name, value in attributes.items():
        field = _BY_NAME[kind].get(name)
        if field is None or field.mutability is Mutability.COMPUTED:
            raise ValueError(f"{name!r:.60} is not a field of a {kind}")
        if not _HOLDS[field.form](value):
            raise TypeError(f"{name}: {value!r:.60} is not {field.form}")


def _texts(value: Json) -> bool:
    return isinstance(value, dict) and all(isinstance(text, str) for text in value.values())


def _training(value: Json) -> bool:
    if not isinstance(value, dict):
        return False
    model_type, budget = value.get("model_type", ""), value.get("train_budget_milli_node_hours", 0)
    return isinstance(model_type, str) and _count(budget)


def _deployment(value: Json) -> bool:
    return isinstance(value, dict) and (
        value.get("node_count") is None or _count(value["node_count"])
    )


def _count(value: Json) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < MOST


_HOLDS: Mapping[Form, Callable[[Json], bool]] = {
    Form.TEXT: lambda value: isinstance(value, str),
    Form.TEXTS: _texts,
    Form.MAPPING: lambda value: isinstance(value, dict),
    Form.TRAINING: _training,
    Form.DEPLOYMENT: _deployment,
}
