"""The objects of the service, independent of any API: each front renders them its own way."""

from __future__ import annotations

import base64
import hashlib
import secrets
import sqlite3
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from msgspec import Struct, field

from automl_plan.emulator.errors import Code
from automl_plan.emulator.training.types import Evaluation, Problem

_LOWEST = 10**18
_COUNT = 2**63 - _LOWEST


def new_id(db: sqlite3.Connection) -> int:
    """Return an id that no object of this data directory has or had."""
    while True:
        candidate = _LOWEST + secrets.randbelow(_COUNT)
        if db.execute("INSERT OR IGNORE INTO ids VALUES (?)", (candidate,)).rowcount:
            return candidate


CACHED_ROWS = 20_000
"""The size of the caches of datasets and of models. Keys are whole rows: a change is a miss."""


class Api(StrEnum):
    """The API that an object belongs to; objects of one are invisible to the other."""

    AUTOML = "automl"
    VERTEX = "vertex"


class Scope(NamedTuple):
    """The API, project and location of an object."""

    api: Api
    project: str
    location: str


class ObjectKind(StrEnum):
    """The kinds of objects that operations work on."""

    DATASET = "dataset"
    MODEL = "model"
    ENDPOINT = "endpoint"


class ObjectRef(NamedTuple):
    """A dataset or a model by its id, an endpoint by its number."""

    kind: ObjectKind
    id: int


class OperationKind(StrEnum):
    """What a long-running operation does."""

    CREATE_DATASET = "create_dataset"
    DELETE_DATASET = "delete_dataset"
    IMPORT_DATA = "import_data"
    EXPORT_DATA = "export_data"
    CREATE_MODEL = "create_model"
    DELETE_MODEL = "delete_model"
    DEPLOY_MODEL = "deploy_model"
    UNDEPLOY_MODEL = "undeploy_model"
    EXPORT_MODEL = "export_model"
    CREATE_ENDPOINT = "create_endpoint"
    DELETE_ENDPOINT = "delete_endpoint"
    DEPLOY_TO_ENDPOINT = "deploy_to_endpoint"
    UNDEPLOY_FROM_ENDPOINT = "undeploy_from_endpoint"
    MUTATE_DEPLOYMENT = "mutate_deployment"
    DELETE_TRAINING = "delete_training"
    BATCH_PREDICT = "batch_predict"
    DELETE_BATCH = "delete_batch"
    DELETE_SET = "delete_set"


CANCELLABLE = frozenset(
    {OperationKind.IMPORT_DATA, OperationKind.CREATE_MODEL, OperationKind.BATCH_PREDICT}
)
"""Operations that `cancel` can stop ("Training Cloud-hosted models": import and training; proto:
JobService.CancelBatchPredictionJob)."""


def etag(object_id: int, version: int) -> str:
    """Return the etag of a version of an object, in the form of the service's own."""
    digest = hashlib.sha256(f"{object_id}:{version}".encode()).digest()
    return "AB3BwF" + base64.urlsafe_b64encode(digest).decode("ascii")


class Dataset(Struct, frozen=True):
    """A dataset; `multilabel` has no meaning for object detection."""

    id: int
    scope: Scope
    problem: Problem
    multilabel: bool
    display_name: str
    description: str
    labels: Mapping[str, str]
    created: datetime
    updated: datetime
    version: int = 1
    example_count: int = 0

    def __hash__(self) -> int:
        """Labels have no hash."""
        return hash((self.id, self.version))

    @property
    def etag(self) -> str:
        """Changes with every patch."""
        return etag(self.id, self.version)


class AnnotationSpec(Struct, frozen=True):
    """A label of a dataset; `example_count` examples have it."""

    id: int
    dataset_id: int
    label: str
    example_count: int


class Model(Struct, frozen=True, kw_only=True):
    """A trained model. `specs` has the (annotation spec id, label) pairs it was trained with.

    It is version `number` of its family, whose name is `family`, whose latest version had the
    number `latest`, and whose first one was created at `first` (in microseconds since 1970; 0: as
    this one). The family has one name, description and labels, of which each version has a copy;
    `version_labels` and `aliases` are its own.

    `data_stats` has the numbers of images of TRAIN, VALIDATION and TEST that it was trained with,
    then those of their annotations; it is empty where an earlier version trained it. `training` is
    what else its trainer told, as JSON.
    """

    id: int
    scope: Scope
    dataset_id: int
    problem: Problem
    multilabel: bool = False
    model_type: str
    budget_milli_node_hours: int = field(name="budget")
    base_model_id: int | None
    display_name: str
    labels: Mapping[str, str]
    version: int = 1
    created: datetime
    updated: datetime
    cost_milli_node_hours: int = field(default=0, name="cost")
    stop_reason: str = ""
    node_qps: float = 0.0
    deployed: bool = False
    node_count: int = 0
    trainer: str = ""
    data_stats: tuple[int, ...] = ()
    specs: tuple[tuple[int, str], ...] = ()
    description: str = ""
    version_description: str = ""
    family: str = ""
    number: int = 1
    latest: int = 1
    first: int = 0
    aliases: tuple[str, ...] = ()
    is_default: bool = True
    version_labels: Mapping[str, str] = {}
    training: Mapping[str, object] = {}

    def __hash__(self) -> int:
        """Labels have no hash."""
        return hash((self.id, self.version))

    @property
    def etag(self) -> str:
        """Changes with every patch."""
        return etag(self.id, self.version)

    @property
    def simulated(self) -> bool:
        """Whether its evaluations and predictions are made up."""
        return self.trainer == "simulated"


class ModelEvaluation(Struct, frozen=True):
    """One evaluation of a model; without `annotation_spec_id` it is the overall one."""

    id: int
    model_id: int
    annotation_spec_id: int | None
    created: datetime
    evaluation: Evaluation


class Deployment(Struct, frozen=True):
    """A model deployed to an endpoint, on `replicas` to `max_replicas` replicas.

    `family` and `version` are those of the model.
    """

    id: str
    endpoint: int
    model_id: int
    display_name: str
    replicas: int
    max_replicas: int
    family: str
    version: int
    created: datetime


class Endpoint(Struct, frozen=True):
    """A place where deployed models serve; `traffic` has the percentage of each deployment, by id.

    `number` is the engine's key. `id` is the last part of the name: chosen by the client, or the
    number.
    """

    number: int
    id: str
    scope: Scope
    display_name: str
    description: str
    labels: Mapping[str, str]
    version: int
    created: datetime
    updated: datetime
    traffic: Mapping[str, int]
    deployments: tuple[Deployment, ...]

    @property
    def etag(self) -> str:
        """Changes with every patch."""
        return etag(self.number, self.version)


class Change(Struct, frozen=True):
    """New values for the fields of a dataset, model or endpoint; None leaves a field unchanged."""

    display_name: str | None = None
    description: str | None = None
    labels: Mapping[str, str] | None = None
    traffic: Mapping[str, int] | None = None
    version_description: str | None = None
    """Of models only."""


class Counts(NamedTuple):
    """How many items of a batch were done, failed, or were not reached."""

    done: int
    failed: int
    left: int


class Failure(NamedTuple):
    """Why an operation failed: a google.rpc code and its text."""

    code: Code
    message: str


class Operation(Struct, frozen=True):
    """A long-running operation and its request.

    `spec` has all that is needed to run it, also after a restart. `started` is when it left the
    queue. `result` is the object it created, `output` the folder it wrote, `files` those of data
    in it. `failures` are texts of rows that were skipped, `counts` those of a batch. `fails_with`
    and `stubborn` are faults: it fails with that code when it starts; it ignores cancellation.
    """

    id: int
    scope: Scope
    problem: Problem | None
    kind: OperationKind
    spec: Mapping[str, object]
    created: datetime
    updated: datetime
    started: datetime | None
    done: bool = False
    cancel_requested: bool = False
    error: Failure | None = None
    result: ObjectRef | None = None
    output: str = ""
    files: tuple[str, ...] = ()
    failures: tuple[str, ...] = ()
    counts: Counts | None = None
    fails_with: Code | None = None
    stubborn: bool = False
