"""What the service keeps, free of any API's wire form: both fronts render these."""

from __future__ import annotations

import base64
import hashlib
import secrets
import sqlite3
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from msgspec import Struct

from automl_plan.emulator.errors import Code
from automl_plan.emulator.training.types import Evaluation, Problem

_LOWEST = 10**18
_COUNT = 2**63 - _LOWEST


def new_id(db: sqlite3.Connection) -> int:
    """An id that no object of this data directory has or had."""
    while True:
        candidate = _LOWEST + secrets.randbelow(_COUNT)
        if db.execute("INSERT OR IGNORE INTO ids VALUES (?)", (candidate,)).rowcount:
            return candidate


KEPT_ROWS = 20_000
"""Datasets, and models, that are kept as they were last read and shown: what is written since is
another row, and read anew."""


class Api(StrEnum):
    """The service that an object belongs to; what lives at one is not to be seen at the other."""

    AUTOML = "automl"
    VERTEX = "vertex"


class Scope(NamedTuple):
    """The service, the project and the location that an object lives in."""

    api: Api
    project: str
    location: str


class ObjectKind(StrEnum):
    """The kinds of object an operation can work on."""

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
    DELETE_TRAINING = "delete_training"


CANCELLABLE = frozenset({OperationKind.IMPORT_DATA, OperationKind.CREATE_MODEL})
"""Operations that `cancel` can stop ("Training Cloud-hosted models": import and training)."""


def etag(object_id: int, version: int) -> str:
    """The etag of one version of an object, shaped like the service's own."""
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
    version: int
    created: datetime
    example_count: int

    def __hash__(self) -> int:
        """Labels have no hash."""
        return hash((self.id, self.version))

    @property
    def etag(self) -> str:
        """Changes with every write of the fields that can be patched."""
        return etag(self.id, self.version)


class AnnotationSpec(Struct, frozen=True):
    """A label of a dataset; `example_count` examples carry it."""

    id: int
    dataset_id: int
    label: str
    example_count: int


class Model(Struct, frozen=True):
    """A trained model. `specs` are its labels' (annotation spec id, label) as of training."""

    id: int
    scope: Scope
    dataset_id: int
    problem: Problem
    multilabel: bool
    model_type: str
    budget_milli_node_hours: int
    base_model_id: int | None
    display_name: str
    labels: Mapping[str, str]
    version: int
    created: datetime
    updated: datetime
    cost_milli_node_hours: int
    stop_reason: str
    node_qps: float
    deployed: bool
    node_count: int
    trainer: str
    specs: tuple[tuple[int, str], ...]

    def __hash__(self) -> int:
        """Labels have no hash."""
        return hash((self.id, self.version))

    @property
    def etag(self) -> str:
        """Changes with every write of the fields that can be patched."""
        return etag(self.id, self.version)


class ModelEvaluation(Struct, frozen=True):
    """One evaluation of a model; without `annotation_spec_id` it is the overall one."""

    id: int
    model_id: int
    annotation_spec_id: int | None
    created: datetime
    evaluation: Evaluation


class Deployment(Struct, frozen=True):
    """A model's deployment at an endpoint, on so many replicas, or up to so many."""

    id: str
    endpoint: int
    model_id: int
    display_name: str
    replicas: int
    max_replicas: int
    created: datetime


class Endpoint(Struct, frozen=True):
    """Where deployed models answer. `traffic` is the percentage of each deployment, by id.

    `number` is what the engine knows it by, `id` what its name ends in: chosen by who made it,
    or the number.
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
        """Changes with every write of the fields that can be patched."""
        return etag(self.number, self.version)


class Failure(NamedTuple):
    """Why an operation failed: a google.rpc code and its text."""

    code: Code
    message: str


class Operation(Struct, frozen=True):
    """A long-running operation and what it was asked to do.

    `spec` is what its kind needs to be run, also after a restart. `started` is when it got its
    turn. `result` is the object it made; `output` is the folder it wrote. `failures` are texts of
    rows that failed while the operation went on. `fails_with` and `stubborn` are faults: it ends
    with that code when its turn comes; it can't be cancelled.
    """

    id: int
    scope: Scope
    problem: Problem | None
    kind: OperationKind
    spec: Mapping[str, object]
    created: datetime
    updated: datetime
    started: datetime | None
    done: bool
    cancel_requested: bool
    error: Failure | None
    result: ObjectRef | None
    output: str
    failures: tuple[str, ...]
    fails_with: Code | None
    stubborn: bool
