"""Training a model: from the checks of the request to the model's appearance."""

from __future__ import annotations

import contextlib
import hashlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Mapping, Sequence
from datetime import datetime
from multiprocessing.connection import Connection as Pipe
from sqlite3 import Connection
from typing import cast

from msgspec import Struct, field
from msgspec.structs import replace

from automl_plan.emulator.billing import Billing
from automl_plan.emulator.clock import Clock, to_micros
from automl_plan.emulator.errors import Code, ServiceError, invalid, not_found, precondition
from automl_plan.emulator.files import Images
from automl_plan.emulator.jobs import Cancellation, JobCancelled
from automl_plan.emulator.objects import (
    Dataset,
    Model,
    ObjectKind,
    ObjectRef,
    Operation,
    OperationKind,
    Scope,
    new_id,
)
from automl_plan.emulator.operations import Operations
from automl_plan.emulator.rows import (
    dump_evaluation,
    insert_model,
    select_dataset,
    select_examples,
    select_model,
    select_specs,
)
from automl_plan.emulator.store import Store
from automl_plan.emulator.training.splitting import drawn
from automl_plan.emulator.training.trainer import Trainer, trainer
from automl_plan.emulator.training.types import (
    Problem,
    SetName,
    TrainingCancelled,
    TrainingFailed,
    TrainingJob,
    TrainingResult,
    TrainingUnimplemented,
)

_GRACE_SECONDS = 1.0
_LOOK_EVERY_SECONDS = 0.05


def run_training(
    chosen: Trainer, job: TrainingJob, started: datetime, clock: Clock, cancellation: Cancellation
) -> TrainingResult:
    """Train; `started` is when the training first began, perhaps before a restart.

    Raises JobCancelled or JobInterrupted as soon as the cancellation asks for it, ServiceError
    when the training fails.
    """
    try:
        simulated_hours = chosen.duration(job)
        if simulated_hours > 0:
            clock.wait_until(clock.after(started, simulated_hours), cancellation.requested)
            cancellation.check()
            return chosen.train(job, cancellation.requested)
        return _train_in_process(chosen.name, job, cancellation)
    except TrainingCancelled:
        cancellation.check()
        raise
    except TrainingFailed as error:
        raise ServiceError(Code.FAILED_PRECONDITION, str(error)) from error
    except TrainingUnimplemented as error:
        raise ServiceError(Code.UNIMPLEMENTED, str(error)) from error


def _train_in_process(name: str, job: TrainingJob, cancellation: Cancellation) -> TrainingResult:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_child, args=(theirs, name, job), daemon=True)
    process.start()
    theirs.close()
    try:
        while not ours.poll(_LOOK_EVERY_SECONDS):
            if cancellation.requested():
                ours.close()  # the child sees the end of its pipe and stops
                process.join(_GRACE_SECONDS)
                cancellation.check()
        try:
            answer = ours.recv()
        except EOFError:
            process.join(_GRACE_SECONDS)
            raise ServiceError(
                Code.INTERNAL, f"The training process ended by itself (status {process.exitcode})."
            ) from None
        if isinstance(answer, BaseException):
            raise answer
        result: TrainingResult = answer
        return result
    finally:
        ours.close()
        if process.is_alive():
            process.kill()
        process.join()
        process.close()


def _child(connection: Pipe, name: str, job: TrainingJob) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the service, which ends this
    finished = threading.Event()
    threading.Thread(target=_end_with_parent, args=(connection, finished), daemon=True).start()
    answer: TrainingResult | Exception
    try:
        answer = trainer(name).train(job, lambda: False)
    except (TrainingCancelled, TrainingFailed, TrainingUnimplemented) as error:
        answer = error
    finished.set()
    connection.send(answer)


def _end_with_parent(connection: Pipe, finished: threading.Event) -> None:
    """End this process at once when the other side is gone: cancelled, stopped or killed."""
    with contextlib.suppress(OSError):
        connection.poll(None)  # nothing is ever sent to the child: readable means closed
    if not finished.is_set():
        os._exit(1)


class NewModel(Struct, frozen=True):
    """What a model is trained from."""

    problem: Problem
    dataset_id: int
    model_type: str
    budget_milli_node_hours: int
    base_model_id: int | None
    display_name: str
    labels: Mapping[str, str]
    multilabel: bool | None = None
    """None: as the dataset."""
    split: Sequence[float] | None = None
    """Shares of TRAIN, VALIDATION and TEST to draw all examples by; without, sets that were
    assigned by hand stay, and the others are drawn."""
    assigned_only: bool = False
    """Leave out the examples that have no set."""
    asked: Mapping[str, object] = field(default_factory=dict)
    """What the front wants to find again with the operation."""


class Trainings:
    """Begins and runs trainings, all with the one trainer of this process."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        images: Images,
        trainer: Trainer,
        operations: Operations,
        billing: Billing,
    ) -> None:
        self._store = store
        self._clock = clock
        self._images = images
        self._trainer = trainer
        self._operations = operations
        self._billing = billing
        operations.register(OperationKind.CREATE_MODEL, self._run)
        operations.register(OperationKind.DELETE_TRAINING, self._run_delete)

    def create(self, scope: Scope, new: NewModel) -> Operation:
        """Train a model; it appears when the operation is done."""

        def prepare(db: Connection) -> tuple[Mapping[str, object], Sequence[ObjectRef]]:
            dataset = select_dataset(db, scope, new.dataset_id)
            on_dataset = ObjectRef(ObjectKind.DATASET, new.dataset_id)
            if dataset is None or self._operations.running_on(
                db, on_dataset, [OperationKind.DELETE_DATASET]
            ):
                raise not_found("Dataset does not exist.")
            _check(db, scope, dataset, new)
            model_id = new_id(db)
            spec = {
                "model_id": model_id,
                "dataset_id": new.dataset_id,
                "model_type": new.model_type,
                "budget": new.budget_milli_node_hours,
                "base_model_id": new.base_model_id,
                "display_name": new.display_name,
                "labels": dict(new.labels),
                "split": None if new.split is None else [*new.split],
                "assigned_only": new.assigned_only,
                "asked": dict(new.asked),
            }
            try:
                self._trainer.check(_job(db, dataset, spec))
            except TrainingUnimplemented as error:
                raise ServiceError(Code.UNIMPLEMENTED, str(error)) from error
            return spec, [on_dataset, ObjectRef(ObjectKind.MODEL, model_id)]

        return self._operations.begin(scope, new.problem, OperationKind.CREATE_MODEL, prepare)

    def delete(self, scope: Scope, operation_id: int) -> Operation:
        """Forget the record of a training that has ended."""
        training = self._operations.get(scope, operation_id)
        if training.kind is not OperationKind.CREATE_MODEL:
            raise not_found("The training does not exist.")

        def prepare(_: Connection) -> tuple[Mapping[str, object], Sequence[ObjectRef]]:
            if not training.done:
                raise precondition("The training goes on. Cancel it first, or wait for its end.")
            return {"pipeline_id": operation_id}, []

        kind = OperationKind.DELETE_TRAINING
        return self._operations.begin(scope, training.problem, kind, prepare)

    def _run_delete(self, operation: Operation, _: Cancellation) -> None:
        with contextlib.suppress(ServiceError):  # it may be gone already
            pipeline_id = cast("int", operation.spec["pipeline_id"])
            self._operations.delete(operation.scope, pipeline_id)
        with self._store.transaction() as db:
            self._operations.finish(db, operation)

    def _run(self, operation: Operation, cancellation: Cancellation) -> None:
        operation = self._operations.start(operation)
        if operation.cancel_requested:
            raise JobCancelled
        dataset_id = cast("int", operation.spec["dataset_id"])
        with self._store.reading() as db:
            dataset = select_dataset(db, operation.scope, dataset_id)
            if dataset is None:
                raise not_found("Dataset does not exist.")
            job = _job(db, dataset, operation.spec)
            specs = {spec.label: spec.id for spec in select_specs(db, dataset_id)}
        kept = (replace(example, path=self._images.path(example)) for example in job.examples)
        job = replace(job, examples=tuple(kept))
        started = operation.started or operation.created
        result = run_training(self._trainer, job, started, self._clock, cancellation)
        cancellation.check()
        with self._store.transaction() as db:
            self._keep(db, operation, dataset, specs, result)

    def _keep(
        self,
        db: Connection,
        operation: Operation,
        dataset: Dataset,
        specs: Mapping[str, int],
        result: TrainingResult,
    ) -> None:
        spec, now = operation.spec, self._clock.now()
        model = Model(
            id=cast("int", spec["model_id"]),
            scope=operation.scope,
            dataset_id=dataset.id,
            problem=dataset.problem,
            multilabel=dataset.multilabel,
            model_type=cast("str", spec["model_type"]),
            budget_milli_node_hours=cast("int", spec["budget"]),
            base_model_id=cast("int | None", spec["base_model_id"]),
            display_name=cast("str", spec["display_name"]),
            labels=cast("Mapping[str, str]", spec["labels"]),
            version=1,
            created=operation.created,
            updated=now,
            cost_milli_node_hours=result.train_cost_milli_node_hours,
            stop_reason=result.stop_reason,
            node_qps=result.node_qps,
            deployed=False,
            node_count=0,
            trainer=self._trainer.name,
            specs=tuple((spec_id, label) for label, spec_id in specs.items()),
        )
        insert_model(db, model)
        db.execute("INSERT INTO artefacts VALUES (?, ?)", (model.id, result.artefact))
        for evaluation in reversed(result.evaluations):  # lists show the last one first
            db.execute(
                "INSERT INTO evaluations (id, model_id, api, project, location, "
                "annotation_spec_id, created, evaluation) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    new_id(db),
                    model.id,
                    *model.scope,
                    None if evaluation.label is None else specs[evaluation.label],
                    to_micros(now),
                    dump_evaluation(evaluation),
                ),
            )
        self._billing.trained(db, operation, model.cost_milli_node_hours)
        self._operations.finish(db, operation, result=ObjectRef(ObjectKind.MODEL, model.id))


def _check(db: Connection, scope: Scope, dataset: Dataset, new: NewModel) -> None:
    if dataset.problem is not new.problem:
        raise invalid(
            (
                "model.model_metadata",
                f"The dataset is for {dataset.problem.replace('_', ' ')}, the model is not.",
            )
        )
    if new.multilabel not in (None, dataset.multilabel):
        raise invalid(("multi_label", "The dataset's annotations are not of that kind."))
    if new.base_model_id is not None:
        base = select_model(db, scope, new.base_model_id)
        if base is None:
            raise not_found("The base model does not exist.")
        if base.model_type != new.model_type or base.problem is not new.problem:
            raise invalid(
                (
                    f"model.{new.problem}_model_metadata.base_model_id",
                    f"The base model must be of the same model type, {new.model_type}.",
                )
            )
    if dataset.example_count == 0:
        raise precondition("The dataset has no examples. Import data before training.")


def _job(db: Connection, dataset: Dataset, spec: Mapping[str, object]) -> TrainingJob:
    examples = select_examples(db, dataset.id)
    if spec.get("assigned_only"):
        examples = [each for each in examples if each.set is not SetName.UNASSIGNED]
    if spec.get("split"):
        examples = drawn(examples, cast("Sequence[float]", spec["split"]))
    names = f"{dataset.display_name}/{spec['display_name']}/{spec['model_type']}"
    return TrainingJob(
        problem=dataset.problem,
        multilabel=dataset.multilabel,
        model_type=cast("str", spec["model_type"]),
        budget_milli_node_hours=cast("int", spec["budget"]),
        labels=tuple(each.label for each in select_specs(db, dataset.id)),
        examples=tuple(examples),
        seed=int.from_bytes(hashlib.sha256(names.encode()).digest()[:4], "big"),
    )
