"""The kiln: a service in memory, in which every operation ends at once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from msgspec.structs import replace

from automl_plan.errors import NotFound, Unimplemented
from automl_plan.model.address import ResourceKind
from automl_plan.model.capabilities import Capabilities, Settings
from automl_plan.model.contacts import Contact
from automl_plan.model.desired import DesiredDataset, DesiredModel
from automl_plan.model.endpoints import Home
from automl_plan.model.evaluation import Evaluation, ImageResult
from automl_plan.model.items import LiveCounts, LiveItem
from automl_plan.model.json import Attributes
from automl_plan.model.live import (
    Live,
    LiveDataset,
    LiveModel,
    Operation,
    OperationKind,
    user_labels,
)
from automl_plan.model.predictions import Prediction
from automl_plan.model.source_data import SourceData
from automl_plan.providers.data_access import DataAccess, StoredObject
from automl_plan.providers.protocol import Check
from tests.providers.kiln.capabilities import KILN

_T = TypeVar("_T")


class _NoStorage:
    """It imports what it is given as local paths only."""

    def content(self, bucket: str, name: str, limit: int) -> bytes:
        raise NotFound(f"There is no {bucket}/{name} of up to {limit} bytes.")

    def insert(self, bucket: str, name: str, content: bytes, content_type: str) -> None:
        raise NotFound(f"No {bucket} for {name}: {len(content)} bytes of {content_type}.")

    def objects(self, bucket: str, folder: str) -> Iterator[StoredObject]:
        raise NotFound(f"There is no {bucket}/{folder}.")

    def close(self) -> None:
        pass


class Kiln:
    """What is in one workshop, and the provider that speaks to it."""

    def __init__(self, workshop: str) -> None:
        self._workshop = workshop
        self._datasets: dict[str, LiveDataset] = {}
        self._models: dict[str, LiveModel] = {}
        self._operations: dict[str, Operation] = {}
        self._check: Callable[[], None] = lambda: None
        self.budgets: list[int] = []
        """Of all trainings, in milli node hours."""

    @property
    def identity(self) -> str:
        return f"kiln:{self._workshop}"

    @property
    def bills_by_clock(self) -> bool:
        return False

    @property
    def settle_seconds(self) -> float:
        return 0.0

    @property
    def capabilities(self) -> Capabilities:
        return KILN

    @property
    def data_access(self) -> DataAccess:
        return DataAccess(_NoStorage())

    @property
    def contacts(self) -> Sequence[Contact]:
        return ()

    def now(self) -> datetime:
        return datetime.now(UTC)

    def fence(self, check: Callable[[], None]) -> None:
        self._check = check

    def close(self) -> None:
        self._check = lambda: None

    def live(self) -> Live:
        return Live(dict(self._datasets), dict(self._models))

    def live_labels(self) -> Live:
        return self.live()

    def datasets(self) -> Sequence[LiveDataset]:
        return list(self._datasets.values())

    def models(self) -> Sequence[LiveModel]:
        return list(self._models.values())

    def dataset(self, dataset_id: str) -> LiveDataset:
        return _found(self._datasets, dataset_id)

    def model(self, model_id: str) -> LiveModel:
        return _found(self._models, model_id)

    def operation(self, operation_id: str) -> Operation:
        return _found(self._operations, operation_id)

    def operations(
        self, *, done: bool | None = None, works_on: tuple[ResourceKind, str] | None = None
    ) -> Sequence[Operation]:
        del works_on
        return [] if done is False else list(self._operations.values())

    def active_operations(self) -> Sequence[Operation]:
        return []

    def recent_operations(self, most: int) -> Sequence[Operation]:
        return list(self._operations.values())[-most:]

    def find_trainings(self, token: str) -> Sequence[Operation] | None:
        del token
        return None

    def predict(self, model: LiveModel, image: bytes) -> Sequence[Prediction]:
        del model, image
        return [Prediction("cat", 0.9)]

    def predict_undeployed(self, model: LiveModel, image: bytes) -> Sequence[Prediction]:
        raise Unimplemented(f"{model.id} has to be deployed for {len(image)} bytes.")

    def evaluations(self, model_id: str) -> Sequence[Evaluation]:
        return (
            [Evaluation(id="1", label=None, example_count=2, au_prc=0.9)]
            if self.model(model_id)
            else []
        )

    def image_results(self, model_id: str) -> Sequence[ImageResult]:
        raise Unimplemented(f"The kiln keeps no results of single images of {model_id}.")

    def items(self, dataset_id: str) -> Iterator[LiveItem]:
        raise Unimplemented("The kiln keeps no list of what is in it.", where=dataset_id)

    def label_counts(self, dataset_id: str) -> LiveCounts | None:
        del dataset_id
        return None

    def create_dataset(
        self, dataset: DesiredDataset, ownership_labels: Mapping[str, str]
    ) -> Operation:
        return self._ended(
            OperationKind.CREATE_DATASET,
            LiveDataset(
                f"d{len(self._operations)}",
                dataset.display_name,
                dataset.problem,
                dataset.classification_type,
                dataset.description,
                {**dataset.labels, **ownership_labels},
                example_count=0,
            ),
        )

    def import_data(
        self, dataset: DesiredDataset, dataset_id: str, uris: Sequence[str], data: SourceData
    ) -> Operation:
        assert uris == dataset.sources
        there = self.dataset(dataset_id)
        count = (there.example_count or 0) + data.examples
        self._datasets[dataset_id] = replace(there, example_count=count)
        return self._ended(OperationKind.IMPORT_DATA)

    def train(
        self,
        model: DesiredModel,
        dataset: DesiredDataset,
        dataset_id: str,
        ownership_labels: Mapping[str, str],
        check: Check | None = None,
    ) -> Operation:
        if check is not None:
            check(self.dataset(dataset_id))
        self.budgets.append(model.train_budget_milli_node_hours)
        created = self.now()
        assert KILN.lifespan is not None
        return self._ended(
            OperationKind.CREATE_MODEL,
            LiveModel(
                f"m{len(self._operations)}",
                model.display_name,
                dataset_id,
                dataset.problem,
                model_type=model.model_type,
                train_budget_milli_node_hours=model.train_budget_milli_node_hours,
                labels={**model.labels, **ownership_labels},
                create_time=created.isoformat(),
                expires=KILN.lifespan.expires(created),
            ),
        )

    def update(
        self,
        kind: ResourceKind,
        object_id: str,
        changed: Attributes,
        ownership_labels: Mapping[str, str | None] | None = None,
    ) -> None:
        self._check()
        there = self.dataset(object_id) if kind is ResourceKind.DATASET else self.model(object_id)
        mine = changed.get("labels", user_labels(there.labels))
        assert isinstance(mine, dict)
        kept = {k: v for k, v in there.labels.items() if k not in user_labels(there.labels)}
        labels = {**mine, **kept, **(ownership_labels or {})}
        fields = {key: value for key, value in changed.items() if key != "labels"}
        known = {str(k): str(v) for k, v in labels.items() if v is not None}
        self._keep(replace(there, labels=known, **fields))

    def deploy(
        self,
        model: LiveModel,
        node_count: int,
        home: Home | None = None,
        versions: Collection[str] = (),
    ) -> Operation | None:
        del home, versions
        return self._ended(
            OperationKind.DEPLOY_MODEL,
            replace(self.model(model.id), deployed=True, node_count=node_count),
        )

    def undeploy(
        self,
        model_id: str,
        at: Collection[str] | None = None,
        home: Home | None = None,
        versions: Collection[str] = (),
    ) -> Operation | None:
        del at, home, versions
        return self._ended(
            OperationKind.UNDEPLOY_MODEL,
            replace(self.model(model_id), deployed=False, node_count=None),
        )

    def delete(
        self, kind: ResourceKind, object_id: str, home: Home | None = None
    ) -> Operation | None:
        del home
        objects = self._datasets if kind is ResourceKind.DATASET else self._models
        return None if objects.pop(object_id, None) is None else self._ended(OperationKind.DELETE)

    def cancel(self, operation_id: str) -> None:
        self.operation(operation_id)

    def delete_operation(self, operation_id: str) -> None:
        self._operations.pop(operation_id, None)

    def _keep(self, made: LiveDataset | LiveModel) -> None:
        if isinstance(made, LiveDataset):
            self._datasets[made.id] = made
        else:
            self._models[made.id] = made

    def _ended(self, kind: OperationKind, made: LiveDataset | LiveModel | None = None) -> Operation:
        self._check()
        now = self.now().isoformat()
        if made is not None:
            self._keep(made)
        operation = Operation(
            f"o{len(self._operations)}",
            kind,
            done=True,
            create_time=now,
            update_time=now,
            result_id=None if made is None else made.id,
        )
        self._operations[operation.id] = operation
        return operation


def _found(objects: Mapping[str, _T], object_id: str) -> _T:
    try:
        return objects[object_id]
    except KeyError:
        raise NotFound(f"The kiln has no {object_id}.") from None


KILNS: dict[Path, Kiln] = {}
"""By the directory of the configuration: what is in a workshop outlives a command."""


def open_kiln(settings: Settings, directory: Path, environ: Mapping[str, str]) -> Kiln:
    """The kiln of a configuration."""
    del environ
    return KILNS.setdefault(directory, Kiln(str(settings["workshop"])))
