"""The provider that speaks Cloud AutoML v1."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from itertools import islice
from pathlib import Path

from msgspec.structs import replace

from automl_plan.errors import NotFound, Unimplemented
from automl_plan.model.address import ResourceKind
from automl_plan.model.capabilities import Settings
from automl_plan.model.desired import DesiredDataset, DesiredModel
from automl_plan.model.endpoints import Home
from automl_plan.model.evaluation import Evaluation
from automl_plan.model.items import LabelImages, LiveCounts, LiveItem
from automl_plan.model.json import Json
from automl_plan.model.live import Live, LiveDataset, LiveModel, Operation, OperationKind
from automl_plan.model.model_types import Problem
from automl_plan.model.source_data import SourceData
from automl_plan.providers.google.automl.capabilities import AUTOML
from automl_plan.providers.google.automl.wire import (
    dataset,
    dataset_body,
    deploy_body,
    evaluations,
    import_body,
    model,
    model_body,
    operation,
)
from automl_plan.providers.google.base_url import is_google
from automl_plan.providers.google.connection import open_service
from automl_plan.providers.google.json_fields import integer, text
from automl_plan.providers.google.service import (
    COLLECTIONS,
    GoogleService,
    checked_id,
    opened,
)
from automl_plan.providers.protocol import Check

_PAGE_SIZE = "1000"
_SPECS_AT_ONCE = 8
_MOST_SPECS = 200
"""Labels whose counts are read, one request each."""


EMULATOR_VARIABLE = "AUTOML_EMULATOR_HOST"
"""host:port of a service to use in place of Google's, without credentials."""
_HOSTS = {"eu": "https://eu-automl.googleapis.com"}


class AutomlProvider(GoogleService):
    """Datasets and models of one project and location."""

    # -- reading ---------------------------------------------------------------------------

    def live(self) -> Live:
        """Everything that exists, by list calls."""
        with ThreadPoolExecutor(1, thread_name_prefix="list") as pool:
            listed = pool.submit(self.datasets)
            # Trainings first: the model of one that ends in between is listed then.
            running = self.active_operations()
            models = {m.id: m for m in self.models()}
            return Live(
                {d.id: d for d in listed.result()},
                models,
                trainings=tuple(o for o in running if o.kind is OperationKind.CREATE_MODEL),
            )

    def live_labels(self) -> Live:
        """Return all: models need no other lists."""
        return self.live()

    def datasets(self) -> Sequence[LiveDataset]:
        """All datasets."""
        query = {"pageSize": _PAGE_SIZE}
        return [
            dataset(d) for d in self._transport.pages(self._path("datasets"), "datasets", query)
        ]

    def models(self) -> Sequence[LiveModel]:
        """All models. The answer has them under `model` (proto: ListModelsResponse)."""
        query = {"pageSize": _PAGE_SIZE}
        found = [model(m) for m in self._transport.pages(self._path("models"), "model", query)]
        self._simulated.update((each.id, each.simulated) for each in found)
        return found

    def dataset(self, dataset_id: str) -> LiveDataset:
        """One dataset."""
        return dataset(self._transport.get(self._path("datasets", dataset_id)))

    def model(self, model_id: str) -> LiveModel:
        """One model."""
        return model(self._transport.get(self._path("models", model_id)))

    def operation(self, operation_id: str) -> Operation:
        """Return the present status of one operation."""
        return operation(self._transport.get(self._path("operations", operation_id)))

    def operations(
        self, *, done: bool | None = None, works_on: tuple[ResourceKind, str] | None = None
    ) -> Sequence[Operation]:
        """Operations, filtered by the service where it takes the filter.

        One filter of one term is documented; a second one is applied here.
        """
        query = {"pageSize": _PAGE_SIZE}
        if works_on is not None:
            kind, object_id = works_on
            path = self._path(COLLECTIONS[kind], object_id).removeprefix("/v1/")
            query["filter"] = f"worksOn={path}"
        elif done is not None:
            query["filter"] = "done=true" if done else "done!=true"
        pages = self._transport.pages(self._path("operations"), "operations", query)
        found = [operation(o) for o in pages]
        return [o for o in found if done is None or o.done is done]

    def active_operations(self) -> Sequence[Operation]:
        """Operations that run."""
        return self.operations(done=False)

    def recent_operations(self, most: int) -> Sequence[Operation]:
        """Operations that have ended: of that list the first ones."""
        query = {"pageSize": str(min(most, int(_PAGE_SIZE))), "filter": "done=true"}
        answers = self._transport.pages(self._path("operations"), "operations", query)
        return [o for o in map(operation, islice(answers, most)) if o.done]

    def find_trainings(self, token: str) -> Sequence[Operation] | None:  # noqa: ARG002 (see below)
        """Return None: operations have no labels here."""
        return None

    def evaluations(self, model_id: str) -> Sequence[Evaluation]:
        """The evaluations of a model: overall first, then by label.

        `filter` is marked as required, and may be empty (proto: ListModelEvaluationsRequest).
        """
        path = self._path("models", model_id) + "/modelEvaluations"
        query = {"filter": "", "pageSize": _PAGE_SIZE}
        found = evaluations(self._transport.pages(path, "modelEvaluation", query))
        simulated = bool(found) and self._is_simulated(model_id)
        return [replace(each, simulated=True) for each in found] if simulated else found

    def _is_simulated(self, model_id: str) -> bool:
        """Whether a model was not trained: the model says so, its evaluations can't.

        Costs no call at Google's, where there is no such model, nor for one that was listed.
        """
        if is_google(self._transport.base_url):
            return False
        known = self._simulated.get(model_id)
        return self.model(model_id).simulated if known is None else known

    @cached_property
    def _simulated(self) -> dict[str, bool]:
        """By id: of the models that were listed."""
        return {}

    def items(self, dataset_id: str) -> Iterator[LiveItem]:
        """Raise Unimplemented: AutoML v1 can export examples, and does not list them."""
        raise Unimplemented(
            "AutoML v1 has no list of the images of a dataset.",
            where=f"dataset {checked_id(dataset_id)}",
            hint="The imported rows are in the dataset's sources, and `automl-plan datasets show` "
            "counts images by label. Vertex AI lists them (`provider: {vertex: …}`, or `provider: "
            "{local: {api: vertex}}`).",
        )

    def label_counts(self, dataset_id: str) -> LiveCounts | None:
        """Return the counts of the annotation specs that a model was trained with.

        The ids of specs become known by evaluations only, and each takes a request: of the first
        labels they are read. None without a model of that dataset.
        """
        models = [model for model in self.models() if model.dataset_id == dataset_id]
        if not models:
            return None
        newest = max(models, key=lambda model: (model.create_time or "", model.id))
        path = self._path("models", newest.id) + "/modelEvaluations"
        query = {"filter": "", "pageSize": _PAGE_SIZE}
        told = self._transport.pages(path, "modelEvaluation", query)
        specs = dict.fromkeys(filter(None, (text(each.get("annotationSpecId")) for each in told)))

        def read(spec: str) -> LabelImages | None:
            home = self._path("datasets", dataset_id)
            try:
                answer = self._transport.get(f"{home}/annotationSpecs/{checked_id(spec)}")
            except NotFound:
                return None  # the label was deleted since
            label = text(answer.get("displayName")) or spec
            return LabelImages(label, max(integer(answer.get("exampleCount")) or 0, 0))

        with ThreadPoolExecutor(_SPECS_AT_ONCE, thread_name_prefix="label") as pool:
            found = list(filter(None, pool.map(read, islice(specs, _MOST_SPECS))))
        ordered = tuple(sorted(found, key=lambda each: each.label))
        return LiveCounts(ordered, complete=False) if ordered else None

    # -- writing ---------------------------------------------------------------------------

    def create_dataset(
        self, dataset: DesiredDataset, ownership_labels: Mapping[str, str]
    ) -> Operation:
        """Start to create a dataset without content."""
        body = dataset_body(dataset, ownership_labels)
        return self._begin(self._path("datasets"), body, paid=False)

    def import_data(
        self,
        dataset: DesiredDataset,  # noqa: ARG002 (the live one has its kind)
        dataset_id: str,
        uris: Sequence[str],
        data: SourceData,  # noqa: ARG002
    ) -> Operation:
        """Start to import CSVs into a dataset."""
        path = self._path("datasets", dataset_id, verb="importData")
        return self._begin(path, import_body(uris), paid=False)

    def train(
        self,
        model: DesiredModel,
        dataset: DesiredDataset,  # noqa: ARG002 (the live one has its kind)
        dataset_id: str,
        ownership_labels: Mapping[str, str],
        check: Check | None = None,
    ) -> Operation:
        """Start to train a model."""
        if check is not None:
            check(self.dataset(dataset_id))
        body = model_body(model, checked_id(dataset_id), ownership_labels)
        return self._begin(self._path("models"), body)

    def deploy(
        self,
        model: LiveModel,
        node_count: int,
        home: Home | None = None,  # noqa: ARG002 (AutoML has no endpoints)
        versions: Collection[str] = (),  # noqa: ARG002
    ) -> Operation:
        """Start to deploy a model on nodes."""
        body = deploy_body(model.problem or Problem.IMAGE_CLASSIFICATION, node_count)
        return self._begin(self._path("models", model.id, verb="deploy"), body)

    def undeploy(
        self,
        model_id: str,
        at: Collection[str] | None = None,  # noqa: ARG002 (AutoML has no endpoints)
        home: Home | None = None,  # noqa: ARG002
        versions: Collection[str] = (),  # noqa: ARG002
    ) -> Operation:
        """Start to undeploy a model; on one that is not deployed it has no effect."""
        path = self._path("models", model_id, verb="undeploy")
        return opened(operation(self._transport.repeatable("POST", path, {})), f"POST {path}")

    def delete(
        self,
        kind: ResourceKind,
        object_id: str,
        home: Home | None = None,  # noqa: ARG002 (AutoML has no endpoints)
    ) -> Operation | None:
        """Start to delete an object; None when it is already gone."""
        path = self._path(COLLECTIONS[kind], object_id)
        try:
            return opened(operation(self._transport.repeatable("DELETE", path)), f"DELETE {path}")
        except NotFound:
            return None

    def cancel(self, operation_id: str) -> None:
        """Ask for an operation's end."""
        self._transport.repeatable("POST", self._path("operations", operation_id, verb="cancel"))

    def delete_operation(self, operation_id: str) -> None:
        """Delete the record of an operation (operations.delete: it stops nothing)."""
        self._transport.repeatable("DELETE", self._path("operations", operation_id))

    def _begin(self, path: str, body: dict[str, Json], *, paid: bool = True) -> Operation:
        """Open an operation by a call that is sent once."""
        answer = self._transport.once("POST", path, body, paid=paid)
        return opened(operation(answer), f"POST {path}")


def _host(location: str) -> str:
    return _HOSTS.get(location, "https://automl.googleapis.com")


def open_automl(settings: Settings, _directory: Path, environ: Mapping[str, str]) -> AutomlProvider:
    """Open the provider by its settings. Raises UsageError for what can't be an endpoint."""
    return open_service(
        AutomlProvider, "automl", AUTOML, settings, environ, variable=EMULATOR_VARIABLE, host=_host
    )
