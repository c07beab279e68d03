"""The live form: what the provider says exists, in words common to all providers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from msgspec import Struct, field

from automl_plan.model.annotation_sets import AnnotationSets
from automl_plan.model.endpoints import LiveEndpoint
from automl_plan.model.evaluation import Evaluation
from automl_plan.model.json import Attributes, Json
from automl_plan.model.model_types import ClassificationType, Problem

OWN_LABEL_PREFIX = "automl-plan-"
TOKEN_LABEL = "automl-plan-token"  # noqa: S105 (a label's key, no secret)
"""The label that carries an intent's token on the object which that intent made."""


def user_labels(labels: Mapping[str, str]) -> dict[str, str]:
    """Return the labels that belong to the user: all but ownership labels."""
    return {key: value for key, value in labels.items() if not key.startswith(OWN_LABEL_PREFIX)}


class LiveDataset(Struct, frozen=True):
    """A dataset at the provider."""

    id: str
    display_name: str
    problem: Problem | None
    """None for kinds that this tool does not manage (text, tables, …)."""
    classification_type: ClassificationType | None = None
    description: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    """With ownership labels, without those that the service itself sets."""
    example_count: int | None = None
    """Images; None where the service does not report them."""
    create_time: str | None = None
    update_time: str | None = None
    etag: str | None = None
    extra: Attributes = field(default_factory=dict)
    """Fields of the answer that this version does not know."""
    service_labels: Mapping[str, str] = field(default_factory=dict)
    """Labels that the service itself sets: never compared, kept when the others change."""
    annotation_sets: AnnotationSets = AnnotationSets()
    """Where the service has such sets."""

    def attributes(self) -> dict[str, Json]:
        """What is compared, in the configuration's own form."""
        kind: dict[str, Json] = {}
        if self.classification_type is not None:
            kind["classification_type"] = str(self.classification_type)
        attributes: dict[str, Json] = {
            "display_name": self.display_name,
            "description": self.description,
            "labels": dict(user_labels(self.labels)),
        }
        if self.problem is not None:
            attributes[str(self.problem)] = kind
        return attributes


class TrainedItems(Struct, frozen=True):
    """How many images of each set a training used, as the service reports it."""

    train: int
    validation: int
    test: int

    @property
    def all(self) -> int:
        """Of all sets."""
        return self.train + self.validation + self.test


class LiveModel(Struct, frozen=True):
    """A trained model at the provider. Budgets and costs are in milli node hours."""

    id: str
    display_name: str
    dataset_id: str
    problem: Problem | None
    deployed: bool = False
    """Whether it is deployed at its home (`resources.homes`), or at all where there are none."""
    deployment_state: str | None = None
    """What the service says of its deployment, where this version does not know the word: then
    nothing is known of it, and `deployed` is False."""
    node_count: int | None = None
    """Nodes that it is deployed on there, where the service says so."""
    endpoint: str | None = None
    """Id of its home, if it is deployed there; None where the service has no endpoints."""
    traffic_percent: int | None = None
    """Of the requests at its home, how many it answers; None as above."""
    expected_traffic_percent: int | None = None
    """What a current version would answer there: what other deployments don't; None as above."""
    foreign_deployments: Mapping[str, int] = field(default_factory=dict)
    """Nodes by endpoint id: deployments outside its home, which others made."""
    endpoints: tuple[LiveEndpoint, ...] = ()
    """All endpoints at which it is deployed."""
    model_type: str | None = None
    base_model_id: str | None = None
    train_budget_milli_node_hours: int | None = None
    disable_early_stopping: bool = False
    """Whether it had to use the whole budget; False also where the service does not report it."""
    train_cost_milli_node_hours: int | None = None
    stop_reason: str | None = None
    simulated: bool = False
    """Whether nothing was trained, and its evaluations and predictions are made up."""
    node_qps: float | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    create_time: str | None = None
    expires: datetime | None = None
    """When it can't be used any more (UTC); None when that is unknown, or never."""
    update_time: str | None = None
    etag: str | None = None
    extra: Attributes = field(default_factory=dict)
    service_labels: Mapping[str, str] = field(default_factory=dict)
    """As of a dataset."""
    trained_items: TrainedItems | None = None
    """None where the service does not report them."""
    evaluations: tuple[Evaluation, ...] | None = None
    """None: not read. They are where a gate could not decide, as that may have changed."""

    @property
    def deployed_anywhere(self) -> bool:
        """Whether it is deployed, at its home or elsewhere: then it can't be deleted."""
        return self.deployed or bool(self.foreign_deployments)

    def has_expired(self, now: datetime | None) -> bool:
        """Return whether it is known to have expired."""
        return self.expires is not None and now is not None and self.expires <= now

    def attributes(self) -> dict[str, Json]:
        """What is compared, in the configuration's own form."""
        attributes: dict[str, Json] = {
            "display_name": self.display_name,
            "labels": dict(user_labels(self.labels)),
        }
        if self.deployment_state is not None:
            attributes["deploy"] = {}
        elif self.deployed:
            attributes["deploy"] = {"node_count": self.node_count}
        return attributes


class OperationKind(StrEnum):
    """What a long-running operation does (proto: the details oneof of OperationMetadata)."""

    CREATE_DATASET = "create-dataset"
    IMPORT_DATA = "import-data"
    EXPORT_DATA = "export-data"
    CREATE_MODEL = "create-model"
    DEPLOY_MODEL = "deploy-model"
    UNDEPLOY_MODEL = "undeploy-model"
    EXPORT_MODEL = "export-model"
    BATCH_PREDICT = "batch-predict"
    CREATE_ENDPOINT = "create-endpoint"
    DELETE = "delete"
    UNKNOWN = "unknown"


_ALREADY_THERE = "The label is already a ground truth."
"""How AutoML ends what it says of a row whose image and label it has (an answer of its own that a
public repository keeps)."""

CANCELLED = 1
UNKNOWN = 2


class OperationError(Struct, frozen=True):
    """Why an operation failed."""

    code: int
    """One of gRPC's, whatever the service itself says."""
    message: str

    @property
    def cancelled(self) -> bool:
        """Whether it was cancelled."""
        return self.code == CANCELLED


class Operation(Struct, frozen=True):
    """A long-running operation at the provider."""

    id: str
    """Its name, without what all names at the provider start with."""
    kind: OperationKind
    done: bool
    create_time: str | None = None
    update_time: str | None = None
    progress_percent: int | None = None
    error: OperationError | None = None
    result_id: str | None = None
    """Id of the object that a finished create operation created."""
    endpoint: str | None = None
    """Id of the endpoint that it works on, where the service has such things."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Where the service keeps labels on it."""
    trained_items: TrainedItems | None = None
    """Trainings that ended well: the images that were used, where the service reports them."""
    cost_milli_node_hours: int | None = None
    """Trainings that ended: what is billed, where the service reports it with the operation."""
    has_next_step: bool = False
    """Whether the call that opened it must be repeated once it has ended: it was one step of it."""
    ended_as: str | None = None
    """The state in which it ended, where this version does not know it; `done` is False then."""
    dataset_id: str | None = None
    """Of a training: the dataset that it works on, where that is known."""
    partial_failures: tuple[str, ...] = ()
    """What failed for single rows of an import (the service reports at most 20)."""

    @property
    def refused_rows(self) -> tuple[str, ...]:
        """What an import left out: all but what says that the dataset holds it already."""
        return tuple(text for text in self.partial_failures if not text.endswith(_ALREADY_THERE))


class Live(Struct, frozen=True):
    """What exists at the provider, by id."""

    datasets: Mapping[str, LiveDataset]
    models: Mapping[str, LiveModel]
    operations: Mapping[str, Operation] = field(default_factory=dict)
    """Of those that are recorded as open, their status; without those that the service has
    forgotten, or that were not read."""
    trainings: tuple[Operation, ...] = ()
    """Running trainings, also those that others started."""
    labels_trainings: bool = False
    """Whether the service keeps labels on trainings: then one without ours is someone else's."""
    endpoints: Mapping[str, LiveEndpoint] | None = None
    """By id; None where the service has none, or they were not read."""
