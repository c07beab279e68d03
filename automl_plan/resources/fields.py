"""The table of fields: what may change in place, what makes a new object, what is noise.

Everything that decides how a difference is treated stands here; a field that is not in the
table is an error, never silently ignored. The service documents no list of mutable fields for
AutoML v1; display name, description and labels are those that its successor documents for
datasets.patch (Vertex AI v1, Dataset), and training inputs can't change because "AutoML Vision
creates a new model each time you start training" (Google, "Training Cloud-hosted models").
"""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from automl_plan.resources.address import ResourceKind
from automl_plan.resources.model_types import Problem


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


class Field(Struct, frozen=True):
    """One field of a resource, by its dotted path in the configuration's form."""

    path: str
    mutability: Mutability
    meaning: str


FIELDS: dict[ResourceKind, tuple[Field, ...]] = {
    ResourceKind.DATASET: (
        Field("display_name", Mutability.MUTABLE, "the display name"),
        Field("description", Mutability.MUTABLE, "the description"),
        Field("labels", Mutability.MUTABLE, "the labels"),
        Field(str(Problem.IMAGE_CLASSIFICATION), Mutability.IMMUTABLE, "the kind of dataset"),
        Field(str(Problem.IMAGE_OBJECT_DETECTION), Mutability.IMMUTABLE, "the kind of dataset"),
        Field("data", Mutability.DATA, "the content of its sources"),
        Field("bookkeeping", Mutability.MUTABLE, "the labels that automl-plan keeps on it"),
        Field("example_count", Mutability.COMPUTED, "the number of images"),
        Field("create_time", Mutability.COMPUTED, "the time of creation"),
        Field("update_time", Mutability.COMPUTED, "the time of the last update"),
        Field("etag", Mutability.COMPUTED, "the service's version mark"),
    ),
    ResourceKind.MODEL: (
        Field("display_name", Mutability.MUTABLE, "the display name"),
        Field("labels", Mutability.MUTABLE, "the labels"),
        Field(str(Problem.IMAGE_CLASSIFICATION), Mutability.IMMUTABLE, "a training input"),
        Field(str(Problem.IMAGE_OBJECT_DETECTION), Mutability.IMMUTABLE, "a training input"),
        Field("trained_on", Mutability.IMMUTABLE, "the data it is trained on"),
        Field("deploy", Mutability.DEPLOYMENT, "the deployment"),
        Field("bookkeeping", Mutability.MUTABLE, "the labels that automl-plan keeps on it"),
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
