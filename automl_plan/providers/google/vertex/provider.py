"""The provider that speaks Vertex AI v1."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from itertools import islice
from pathlib import Path
from types import MappingProxyType
from typing import Any

from msgspec.structs import replace

from automl_plan.errors import InvalidArgument, NotFound
from automl_plan.model.address import ResourceKind
from automl_plan.model.annotation_sets import set_name
from automl_plan.model.capabilities import Settings
from automl_plan.model.desired import DesiredDataset, DesiredModel
from automl_plan.model.endpoints import Home, LiveEndpoint
from automl_plan.model.evaluation import Evaluation
from automl_plan.model.homes import labelled
from automl_plan.model.items import LiveItem
from automl_plan.model.json import Json
from automl_plan.model.live import TOKEN_LABEL, Live, LiveDataset, LiveModel, Operation
from automl_plan.model.source_data import SourceData
from automl_plan.providers.google.connection import open_service
from automl_plan.providers.google.json_fields import tail
from automl_plan.providers.google.predictions import predict_at_endpoint
from automl_plan.providers.google.service import (
    COLLECTIONS,
    GoogleService,
    checked_id,
    opened,
)
from automl_plan.providers.google.vertex.capabilities import VERTEX
from automl_plan.providers.google.vertex.deployment import Deployments
from automl_plan.providers.google.vertex.items import images
from automl_plan.providers.google.vertex.requests import dataset_body, import_body, pipeline_body
from automl_plan.providers.google.vertex.saved_queries import kind_untold
from automl_plan.providers.google.vertex.training_data import contents, trained
from automl_plan.providers.google.vertex.versions import (
    Versions,
    id_made_by,
    model_of,
    versioned,
)
from automl_plan.providers.google.vertex.vocabulary import IMAGE_DATASET, ML_USES
from automl_plan.providers.google.vertex.wire import (
    by_label,
    dataset,
    dataset_of,
    endpoint,
    model,
    operation,
    operation_path,
    overall,
    pipeline,
    trains_images,
)
from automl_plan.providers.protocol import Check

_AT_ONCE = 8
"""Lists of operations that are asked for at the same time."""
_READ = 1_000
"""Operations of the location that are read in order to know which run."""
_PAGE = MappingProxyType({"pageSize": "100"})
_PIPELINE = re.compile(r"trainingPipelines/[A-Za-z0-9_-]{1,128}")
_NOT_IN_VAIN = 'state!="PIPELINE_STATE_FAILED" AND state!="PIPELINE_STATE_CANCELLED"'
_GOES_ON = f'state!="PIPELINE_STATE_SUCCEEDED" AND {_NOT_IN_VAIN}'


EMULATOR_VARIABLE = "VERTEX_EMULATOR_HOST"
"""host:port, or host:port/path, of a service to use in place of Google's, without credentials."""


class VertexProvider(GoogleService):
    """Datasets, models, pipelines and endpoints of one project and location."""

    _predicted = staticmethod(predict_at_endpoint)
    set_names = ML_USES

    @cached_property
    def _deployments(self) -> Deployments:
        return Deployments(self._transport, self._parent)

    @cached_property
    def _versions(self) -> Versions:
        return Versions(self._transport, self._parent)

    # -- reading ---------------------------------------------------------------------------

    def live(self) -> Live:
        """Everything that exists, by list calls."""
        with ThreadPoolExecutor(3, thread_name_prefix="list") as pool:
            listed = pool.submit(self._list, "datasets")
            models, pipelines, endpoints = self._models(pool.submit)
            datasets = [dataset(d, pipelines) for d in listed.result()]
        found = self._live(datasets, models, pipelines)
        return replace(found, endpoints={each.id: each for each in endpoints})

    def live_labels(self) -> Live:
        """Everything that exists; of models without their trainings and endpoints."""
        with ThreadPoolExecutor(1, thread_name_prefix="list") as pool:
            listed = pool.submit(self._list, "datasets")
            # Trainings first: the model of one that ends in between is listed then.
            pipelines = self._list("trainingPipelines", filter=_GOES_ON)
            every = self._versions.each(self._list("models"), ())
            models = [model(m, None, ()) for m in every]
            return self._live([dataset(d) for d in listed.result()], models, pipelines)

    def _live(
        self,
        datasets: Iterable[LiveDataset],
        models: Iterable[LiveModel],
        pipelines: Iterable[Mapping[str, Any]],
    ) -> Live:
        trainings = (pipeline(p, self._parent) for p in pipelines)
        return Live(
            {d.id: d for d in datasets},
            {m.id: m for m in models},
            trainings=tuple(training for training in trainings if not training.done),
            labels_trainings=True,
        )

    def datasets(self) -> Sequence[LiveDataset]:
        """All datasets, those of other kinds than images too."""
        listed = self._list("datasets")
        pipelines = self._trained() if any(map(kind_untold, listed)) else ()
        return [dataset(d, pipelines) for d in listed]

    def models(self) -> Sequence[LiveModel]:
        """All models, each with the pipeline that trained it and where it is deployed."""
        with ThreadPoolExecutor(2, thread_name_prefix="list") as pool:
            return self._models(pool.submit)[0]

    def _models(
        self, submit: Callable[..., Any]
    ) -> tuple[list[LiveModel], Sequence[dict[str, Any]], Sequence[LiveEndpoint]]:
        """The models, the pipelines that made them, or run, and the endpoints."""
        # Trainings and endpoints first: a model that one of them names exists by then.
        listed, endpoints = submit(self._pipelines), submit(self._endpoints)
        pipelines, deployed = listed.result(), endpoints.result()
        trained = {tail(p.get("name")): p for p in pipelines}
        known = [id_made_by(p) for p in pipelines]
        known += [each.model_id for there in deployed for each in there.deployed]
        models = [
            model(m, trained.get(tail(m.get("trainingPipeline"))), deployed)
            for m in self._versions.each(self._list("models"), known)
        ]
        return models, pipelines, deployed

    def _trained(self) -> list[dict[str, Any]]:
        """The pipelines that made models."""
        return self._list("trainingPipelines", filter='state="PIPELINE_STATE_SUCCEEDED"')

    def _pipelines(self) -> list[dict[str, Any]]:
        """The pipelines that made models, and those that run."""
        return self._list("trainingPipelines", filter=_NOT_IN_VAIN)

    def _endpoints(self) -> list[LiveEndpoint]:
        return [endpoint(e) for e in self._list("endpoints")]

    def dataset(self, dataset_id: str) -> LiveDataset:
        """One dataset."""
        answer = self._transport.get(self._path("datasets", dataset_id))
        return dataset(answer, self._trained() if kind_untold(answer) else ())

    def model(self, model_id: str) -> LiveModel:
        """One model."""
        answer = self._versions.get(model_id)
        trained = tail(answer.get("trainingPipeline"))
        made_by = None
        if trained:
            try:
                made_by = self._transport.get(self._path("trainingPipelines", trained))
            except NotFound:
                made_by = None  # its record was deleted
        return model(answer, made_by, self._deployments.serving(answer))

    def operation(self, operation_id: str) -> Operation:
        """Return the present status of an operation, or of the training of that name."""
        if _PIPELINE.fullmatch(operation_id):
            path = self._path("trainingPipelines", operation_id.rpartition("/")[2])
            training = pipeline(self._transport.get(path), self._parent)
            made = training.result_id
            return training if made is None else trained(self._versions.get, training, made)
        path = operation_path(self._parent, operation_id)
        return operation(self._transport.get(path), self._parent)

    def operations(
        self, *, done: bool | None = None, works_on: tuple[ResourceKind, str] | None = None
    ) -> Sequence[Operation]:
        """Operations, and trainings as such, newest first.

        Of all: those of the location, and below each dataset of images and endpoint of ours.
        """
        trainings = "" if done is not False else _GOES_ON
        pipelines = self._list("trainingPipelines", filter=trainings)
        if works_on is None:
            homes = self._everywhere()
        else:
            kind, object_id = works_on
            homes = self._homes(kind, object_id)
            pipelines = [p for p in pipelines if _works_on(p, kind, object_id)]
        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="list") as pool:
            listed = pool.map(self._operations_of, homes)
            found = {o.id: o for operations in listed for o in operations}
        for answer in filter(trains_images, pipelines):
            training = pipeline(answer, self._parent)
            found[training.id] = training
        chosen = [o for o in found.values() if done is None or o.done is done]
        return sorted(chosen, key=lambda o: (o.create_time or "", o.id), reverse=True)

    def _everywhere(self) -> list[str]:
        """Return below which objects there may be operations.

        Objects have lists of their own, and nothing says that the location's list has those too.
        """
        images = [d for d in self._list("datasets") if d.get("metadataSchemaUri") == IMAGE_DATASET]
        homes = [f"datasets/{checked_id(tail(d.get('name')))}" for d in images]
        ours = [e for e in self._endpoints() if labelled(e)]
        homes += [f"endpoints/{checked_id(e.id)}" for e in ours]
        return ["operations", *(f"{home}/operations" for home in homes)]

    def _homes(self, kind: ResourceKind, object_id: str) -> list[str]:
        """Return below which objects the operations are that work on one."""
        if kind is ResourceKind.DATASET:
            return [f"datasets/{checked_id(object_id)}/operations"]
        home = f"models/{model_of(object_id)}/operations"
        answer = self._versions.get(object_id)
        endpoints = self._deployments.homes(model(answer, None, ()), answer)
        return [home, *(f"endpoints/{each}/operations" for each in endpoints)]

    def _operations_of(self, home: str) -> list[Operation]:
        path = f"/v1/{self._parent}/{home}"
        try:
            answers = list(self._transport.pages(path, "operations", _PAGE))
        except NotFound:
            return []  # no such endpoint, yet or any more
        return [operation(answer, self._parent) for answer in answers]

    def active_operations(self) -> Sequence[Operation]:
        """Trainings that run, and such other operations as the location's list names.

        That list takes a filter whose words nothing documents: it is not read far.
        """
        trained = filter(trains_images, self._list("trainingPipelines", filter=_GOES_ON))
        trainings = (pipeline(answer, self._parent) for answer in trained)
        return [*trainings, *self._at_location("done=false", _READ)]

    def recent_operations(self, most: int) -> Sequence[Operation]:
        """The first trainings of their list, and of the operations that the location's names."""
        path = self._path("trainingPipelines")
        listed = islice(self._transport.pages(path, "trainingPipelines", _PAGE), most)
        trainings = [pipeline(answer, self._parent) for answer in filter(trains_images, listed)]
        others = self._at_location("done=true", most)
        return [found for found in (*trainings, *others) if found.done]

    def _at_location(self, asked: str, most: int) -> list[Operation]:
        path, query = self._path("operations"), {**_PAGE, "filter": asked}
        try:
            answers = list(islice(self._transport.pages(path, "operations", query), most))
        except InvalidArgument:
            return []
        return [operation(answer, self._parent) for answer in answers]

    def find_trainings(self, token: str) -> Sequence[Operation] | None:
        """Return all trainings labelled with a token; None for one that is no value of a label.

        That there is none is believed of a list without a filter only: a training may be paid
        for on the strength of it, and the discovery document specifies only the form of filters.
        """
        if not re.fullmatch(r"[a-z0-9_-]{1,64}", token):
            return None
        return self._labelled(token, f'labels.{TOKEN_LABEL}="{token}"') or self._labelled(token, "")

    def _labelled(self, token: str, asked: str) -> list[Operation]:
        try:
            found = self._list("trainingPipelines", filter=asked)
        except InvalidArgument:
            if not asked:
                raise
            return []
        trainings = [pipeline(answer, self._parent) for answer in found]
        return [training for training in trainings if training.labels.get(TOKEN_LABEL) == token]

    def evaluations(self, model_id: str) -> Sequence[Evaluation]:
        """The evaluations of a model: overall first, then by label."""
        path = f"{self._path('models')}/{versioned(model_id)}/evaluations"
        first = overall(self._transport.pages(path, "modelEvaluations", _PAGE))
        if first is None:
            return []
        slices = f"{path}/{checked_id(first.id)}/slices"
        answers = self._transport.pages(slices, "modelEvaluationSlices", _PAGE)
        # Slices have no place to say it.
        labels = by_label(answers, first.confusion)
        return [first, *(replace(each, simulated=first.simulated) for each in labels)]

    def items(self, dataset_id: str) -> Iterator[LiveItem]:
        """Yield the images of a dataset, each page with their annotations."""
        return images(self._transport, self._path("datasets", dataset_id))

    def label_counts(self, dataset_id: str) -> None:
        """Return None: only the images themselves tell it."""

    # -- writing ---------------------------------------------------------------------------

    def create_dataset(
        self, dataset: DesiredDataset, ownership_labels: Mapping[str, str]
    ) -> Operation:
        """Start to create a dataset without content."""
        return self._begin(self._path("datasets"), dataset_body(dataset, ownership_labels))

    def import_data(
        self,
        dataset: DesiredDataset,
        dataset_id: str,
        uris: Sequence[str],
        data: SourceData,
    ) -> Operation:
        """Start to import CSVs into a dataset.

        Labels keep whether they assign sets, and which annotation sets were there before: the
        service may make one of another name than it is asked for.
        """
        path = self._path("datasets", dataset_id)
        held = contents(self._transport, path)
        if labels := held.labels_before(data):
            self.update(ResourceKind.DATASET, dataset_id, {}, labels)
        return self._begin(f"{path}:import", import_body(dataset, uris, set_name(data.fingerprint)))

    def train(
        self,
        model: DesiredModel,
        dataset: DesiredDataset,
        dataset_id: str,
        ownership_labels: Mapping[str, str],
        check: Check | None = None,
    ) -> Operation:
        """Start a pipeline that trains a model.

        Raises AnnotationSetsUnclear where it can't name the annotation set to train on.
        """
        held = contents(self._transport, self._path("datasets", dataset_id))
        if check is not None:
            check(held.dataset)
        chosen = held.set_to_train_on(dataset)
        body = pipeline_body(model, dataset, dataset_id, ownership_labels, held.sets, chosen)
        path = self._path("trainingPipelines")
        answer = pipeline(self._transport.once("POST", path, body), self._parent)
        return opened(answer, f"POST {path}")

    def deploy(
        self,
        model: LiveModel,
        node_count: int,
        home: Home | None = None,
        versions: Collection[str] = (),
    ) -> Operation | None:
        """Take the next step to a model on `node_count` replicas; None when nothing is left."""
        return self._deployments.deploy(model, node_count, home, versions)

    def undeploy(
        self,
        model_id: str,
        at: Collection[str] | None = None,
        home: Home | None = None,
        versions: Collection[str] = (),
    ) -> Operation | None:
        """Take the next step to a model that is not deployed there; None when nothing is left."""
        try:
            answer = self._versions.get(model_id)
        except NotFound:
            return None
        return self._deployments.undeploy(answer, at, home, versions)

    def delete(
        self, kind: ResourceKind, object_id: str, home: Home | None = None
    ) -> Operation | None:
        """Start to delete an object; None when it is already gone.

        With the last version of a declared model goes an endpoint of ours without a deployment.
        """
        path: str | None = self._path(COLLECTIONS[kind], object_id)
        if kind is ResourceKind.MODEL:
            self._deployments.leave(object_id, home)
            path = self._versions.to_delete(object_id)
        if path is None:
            return None
        try:
            answer = self._transport.repeatable("DELETE", path)
        except NotFound:
            return None
        return opened(operation(answer, self._parent), f"DELETE {path}")

    def cancel(self, operation_id: str) -> None:
        """Ask for the end of an operation or a training."""
        if _PIPELINE.fullmatch(operation_id):
            pipeline_id = operation_id.rpartition("/")[2]
            path = self._path("trainingPipelines", pipeline_id, verb="cancel")
        else:
            path = f"{operation_path(self._parent, operation_id)}:cancel"
        self._transport.repeatable("POST", path, {})

    def delete_operation(self, operation_id: str) -> None:
        """Delete the record of an operation, or of a training that has ended.

        Its model stays; only the state and its labels say then what it was trained with.
        """
        if _PIPELINE.fullmatch(operation_id):
            path = self._path("trainingPipelines", operation_id.rpartition("/")[2])
        else:
            path = operation_path(self._parent, operation_id)
        self._transport.repeatable("DELETE", path)

    def _path(self, collection: str, object_id: str | None = None, verb: str = "") -> str:
        if collection == "models" and object_id is not None and "@" in object_id:
            return f"{super()._path(collection)}/{versioned(object_id)}"
        return super()._path(collection, object_id, verb)

    def _begin(self, path: str, body: dict[str, Json]) -> Operation:
        """Open an operation that costs nothing, by a call that is sent once."""
        answer = self._transport.once("POST", path, body, paid=False)
        return opened(operation(answer, self._parent), f"POST {path}")

    def _list(self, collection: str, **query: str) -> list[dict[str, Any]]:
        asked = {**_PAGE, **{key: value for key, value in query.items() if value}}
        return list(self._transport.pages(self._path(collection), collection, asked))


def _works_on(answer: Mapping[str, Any], kind: ResourceKind, object_id: str) -> bool:
    if kind is ResourceKind.DATASET:
        return dataset_of(answer) == object_id
    return id_made_by(answer) == object_id


def _host(location: str) -> str:
    return f"https://{location}-aiplatform.googleapis.com"


def open_vertex(settings: Settings, _directory: Path, environ: Mapping[str, str]) -> VertexProvider:
    """Open the provider by its settings. Raises UsageError for what can't be an endpoint."""
    return open_service(
        VertexProvider, "vertex", VERTEX, settings, environ, variable=EMULATOR_VARIABLE, host=_host
    )
