"""Batch predictions: read a list of images, predict each one, and write files of answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Protocol, cast

import msgspec
from msgspec import Struct, field

from automl_plan.emulator.errors import Code, ServiceError, invalid, not_found, precondition
from automl_plan.emulator.files import FileRefused, Files
from automl_plan.emulator.jobs import Cancellation, JobCancelled
from automl_plan.emulator.lifespan import expired, too_old
from automl_plan.emulator.limits import MAX_BATCH_IMAGES
from automl_plan.emulator.models import Models
from automl_plan.emulator.objects import (
    Api,
    Counts,
    Failure,
    Model,
    ObjectKind,
    ObjectRef,
    Operation,
    OperationKind,
    Scope,
)
from automl_plan.emulator.operations import Context, Manager
from automl_plan.emulator.training.types import ImageUnreadable, Prediction

MAX_IMAGE_BYTES = 30_000_000
"""Of one image (proto: BatchPredictInputConfig)."""
_START_HOURS = 0.1
_IMAGES_PER_HOUR = 10_000
"""How long a job takes, and what it is billed for: the emulator's own figures."""
_MAX_LIST_BYTES = 100_000_000
"""Of an input file ("Quotas and limits", AutoML: 100 MB for a CSV file)."""


class Instance(Struct, frozen=True):
    """An image to predict; `shown` is how the answers name it, `fault` why it can't be used."""

    uri: str
    shown: object
    fault: str = ""


def json_objects(uri: str, content: bytes) -> Iterator[tuple[str, Mapping[str, object]]]:
    """Yield each line of a JSON Lines file with its place. Raises ServiceError for a bad one."""
    for number, line in enumerate(content.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            found = json.loads(line)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise ServiceError(Code.INVALID_ARGUMENT, f"{uri}: Line {number} is not a JSON object.")
        yield f"{uri}: Line {number}", found


def file_name(display_name: str) -> str:
    """Return a display name as a part of an object's name."""
    return "".join("_" if c in "/\\\0" else c for c in display_name)


class BatchForm(Protocol):
    """How the batch predictions of an API read their input, and write their answers."""

    def read(self, uri: str, content: bytes) -> Iterable[Instance]:
        """Yield the instances of an input file. Raises ServiceError for one that is malformed."""

    def folder(self, operation: Operation, model: Model) -> str:
        """Return the name of the folder to write to: the same after a restart."""

    def files(self, model: Model) -> tuple[str, str]:
        """Return the names of the file of predictions and of that of errors."""

    def prediction(
        self, instance: Instance, found: Sequence[Prediction], model: Model, asked: object
    ) -> object:
        """Return the line of an image; `asked` is what the front kept of the request."""

    def error(self, instance: Instance, failure: Failure) -> object:
        """Return the line of an image that could not be predicted."""


class NewBatch(Struct, frozen=True):
    """What to predict: an input of gs:// files, and the gs:// prefix of the answers."""

    model_id: int
    uris: Sequence[str]
    output: str
    request: Mapping[str, object] = field(name="asked")
    """What the front needs to render the job and its answers."""


class Batches(Manager):
    """Starts and runs batch predictions, with the trainer of each model."""

    def __init__(self, context: Context, files: Files, models: Models) -> None:
        super().__init__(context, {OperationKind.BATCH_PREDICT: self._run})
        self._files = files
        self._models = models
        self._forms: dict[Api, BatchForm] = {}

    def register(self, api: Api, form: BatchForm) -> None:
        """Register the form of an API's batch predictions."""
        self._forms[api] = form

    def create(self, scope: Scope, new: NewBatch) -> Operation:
        """Start a batch prediction with a model, which need not be deployed."""
        for name, uris in (("input_config.gcs_source", new.uris), ("output_config", [new.output])):
            if not uris or not all(uri.startswith("gs://") for uri in uris):
                raise invalid((name, "It must have gs:// URIs."))
        target = ObjectRef(ObjectKind.MODEL, new.model_id)
        with self._store.transaction() as db:
            model = self._models.existing(db, scope, new.model_id)
            if expired(model.created, self._clock.now()):
                raise too_old()
            spec = {
                **msgspec.to_builtins(new),
                "version": model.number,
                "display_name": model.display_name,
                "labels": model.labels,
                "model_type": model.model_type,
                "simulated": model.simulated,
            }
            kind = OperationKind.BATCH_PREDICT
            return self._operations.begin(db, scope, kind, model.problem, spec, [target])

    def get(self, scope: Scope, job_id: int) -> Operation:
        """Return the batch prediction of that id."""
        found = self._operations.get(scope, job_id)
        if found.kind is not OperationKind.BATCH_PREDICT:
            raise not_found("The batch prediction does not exist.")
        return found

    def delete(self, scope: Scope, job_id: int) -> Operation:
        """Delete the record of a batch prediction that is done; its files stay."""
        job = self.get(scope, job_id)
        if not job.done:
            raise precondition(
                "The batch prediction is still running. Cancel it first, or wait for its end."
            )
        return self._operations.begin_deletion(job, OperationKind.DELETE_BATCH)

    def _run(self, operation: Operation, cancellation: Cancellation) -> None:
        operation = self._operations.start(operation)
        if operation.cancel_requested:
            raise JobCancelled
        form = self._forms[operation.scope.api]
        uris = cast("Sequence[str]", operation.spec["uris"])
        if operation.scope.api is Api.VERTEX:  # proto: GcsSource.uris may contain wildcards
            uris = self._files.matching(uris)
        instances = self._read(form, uris)
        hours = _START_HOURS + len(instances) / _IMAGES_PER_HOUR
        cost = round(hours * 1000)
        self._operations.set_budget(operation, cost)
        started = operation.started or operation.created
        self._clock.wait_until(self._clock.after(started, hours), cancellation.requested)
        model, predict = self._models.predictor(
            operation.scope, cast("int", operation.spec["model_id"])
        )
        done, failed, failures = [], [], []
        for instance in instances:
            cancellation.check()
            try:
                found = self._predict(instance, predict)
            except ServiceError as error:
                failure = Failure(error.code, error.message)
                failed.append(form.error(instance, failure))
                failures.append(failure.message)
            else:
                asked = operation.spec["asked"]
                done.append(form.prediction(instance, found, model, asked))
        output = self._write(operation, model, form, done, failed)
        cancellation.check()
        with self._store.transaction() as db:
            self._billing.operation_succeeded(db, operation, cost)
            counts = Counts(len(done), len(failed), 0)
            self._operations.finish(db, operation, output=output, failures=failures, counts=counts)

    def _read(self, form: BatchForm, uris: Sequence[str]) -> list[Instance]:
        instances: list[Instance] = []
        for uri in uris:
            content = self._bytes(uri, _MAX_LIST_BYTES)
            for instance in form.read(uri, content):
                instances.append(instance)
                if len(instances) > MAX_BATCH_IMAGES:
                    most = f"A batch prediction has at most {MAX_BATCH_IMAGES} images."
                    raise ServiceError(Code.INVALID_ARGUMENT, most)
        if not instances:
            raise ServiceError(Code.INVALID_ARGUMENT, f"There is no image in {', '.join(uris)}.")
        return instances

    def _predict(
        self, instance: Instance, predict: Callable[[bytes], Sequence[Prediction]]
    ) -> Sequence[Prediction]:
        """Return what a model finds in an image. Raises ServiceError."""
        if instance.fault:
            raise ServiceError(Code.INVALID_ARGUMENT, instance.fault)
        image = self._bytes(instance.uri, MAX_IMAGE_BYTES)
        try:
            return predict(image)
        except ImageUnreadable as error:
            raise ServiceError(Code.INVALID_ARGUMENT, f"{instance.uri}: {error}") from error

    def _bytes(self, uri: str, most: int) -> bytes:
        """Return the content of a file of the buckets. Raises ServiceError."""
        try:
            path = self._files.resolve(uri)
            if path.stat().st_size > most:
                raise ServiceError(Code.INVALID_ARGUMENT, f"{uri}: It has more than {most} bytes.")
            return path.read_bytes()
        except FileRefused as error:
            raise not_found(str(error)) from error
        except OSError as error:
            raise not_found(f"{uri}: It can't be read: {error.strerror}.") from error

    def _write(
        self,
        operation: Operation,
        model: Model,
        form: BatchForm,
        done: Sequence[object],
        failed: Sequence[object],
    ) -> str:
        """Write the answers, again after a restart; return the URI of their folder."""
        prefix = cast("str", operation.spec["output"])
        try:
            uri, folder = self._files.output_folder(
                prefix, form.folder(operation, model), again=True
            )
            for name, lines in zip(form.files(model), (done, failed), strict=True):
                if lines:
                    text = "".join(f"{json.dumps(line)}\n" for line in lines)
                    (folder / name).write_text(text, "utf-8")
        except FileRefused as error:
            raise not_found(str(error)) from error
        except OSError as error:
            message = f"{prefix}: The answers can't be written: {error.strerror}."
            raise precondition(message) from error
        return uri
