"""Train models: check requests, run trainings, and store their results."""

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

import msgspec
from msgspec import Struct, field
from msgspec.structs import replace

from automl_plan.emulator.annotation_sets import select_sets, trained_on
from automl_plan.emulator.call_readings import CREATE_TIME, MULTI_LABEL
from automl_plan.emulator.clock import Clock
from automl_plan.emulator.errors import (
    Code,
    ServiceError,
    invalid,
    not_found,
    precondition,
    required,
)
from automl_plan.emulator.files import Images
from automl_plan.emulator.jobs import Cancellation, JobCancelled
from automl_plan.emulator.models import model_of_training
from automl_plan.emulator.objects import (
    Api,
    Dataset,
    Model,
    ModelEvaluation,
    ObjectKind,
    ObjectRef,
    Operation,
    OperationKind,
    Scope,
    new_id,
)
from automl_plan.emulator.operations import Context, Manager
from automl_plan.emulator.readings import Readings
from automl_plan.emulator.rows import (
    insert,
    insert_evaluation,
    insert_object,
    is_running,
    select,
    select_examples,
    select_specs,
)
from automl_plan.emulator.sql_filters import Term
from automl_plan.emulator.tested_images import image_results, insert_results
from automl_plan.emulator.training.splitting import assign_by_shares, split
from automl_plan.emulator.training.trainers import Trainer
from automl_plan.emulator.training.types import (
    Example,
    Problem,
    SetName,
    TrainingCancelled,
    TrainingFailed,
    TrainingJob,
    TrainingResult,
    TrainingUnimplemented,
)
from automl_plan.emulator.versions import as_version, family_of

_NO_DATASET = "Dataset does not exist."
_GRACE_SECONDS = 1.0
_POLL_SECONDS = 0.05


def run_training(
    trainer: Trainer, job: TrainingJob, started: datetime, clock: Clock, cancellation: Cancellation
) -> TrainingResult:
    """Train a model; `started` is when the training first started, maybe before a restart.

    Raises JobCancelled or JobInterrupted as soon as the cancellation requests it, ServiceError
    when the training fails.
    """
    try:
        simulated_hours = trainer.duration(job)
        if simulated_hours > 0:
            clock.wait_until(clock.after(started, simulated_hours), cancellation.requested)
            cancellation.check()
            return trainer.train(job, cancellation.requested)
        return _train_in_process(trainer, job, cancellation)
    except TrainingCancelled:
        cancellation.check()
        raise
    except TrainingFailed as error:
        raise ServiceError(Code.FAILED_PRECONDITION, str(error)) from error
    except TrainingUnimplemented as error:
        raise ServiceError(Code.UNIMPLEMENTED, str(error)) from error


def _train_in_process(
    trainer: Trainer, job: TrainingJob, cancellation: Cancellation
) -> TrainingResult:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_child, args=(theirs, trainer, job), daemon=True)
    process.start()
    theirs.close()
    try:
        while not ours.poll(_POLL_SECONDS):
            if cancellation.requested():
                ours.close()  # the child notices the closed pipe and exits
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


def _child(connection: Pipe, trainer: Trainer, job: TrainingJob) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the service, which stops this
    finished = threading.Event()
    threading.Thread(target=_end_with_parent, args=(connection, finished), daemon=True).start()
    answer: TrainingResult | Exception
    try:
        answer = trainer.train(job, lambda: False)
    except (TrainingCancelled, TrainingFailed, TrainingUnimplemented) as error:
        answer = error
    finished.set()
    connection.send(answer)


def _end_with_parent(connection: Pipe, finished: threading.Event) -> None:
    """Exit at once when the parent closes the pipe: it cancelled, stopped or was killed."""
    with contextlib.suppress(OSError):
        connection.poll(None)  # the parent never sends anything: readable means closed
    if not finished.is_set():
        os._exit(1)


class NewModel(Struct, frozen=True):
    """What a model is trained from."""

    problem: Problem
    dataset_id: int
    model_type: str
    budget_milli_node_hours: int = field(name="budget")
    base_model_id: int | None
    display_name: str
    labels: Mapping[str, str]
    description: str = ""
    version_description: str = ""
    family: str = ""
    """The chosen name of the model, or that of the model of which it is a version; the service
    chooses one for an empty name."""
    of_parent: bool = False
    """It becomes a version of an existing model."""
    version_aliases: Sequence[str] = field(default=(), name="wanted_aliases")
    multilabel: bool | None = None
    """None: that of the dataset."""
    split: Sequence[float] | None = None
    """Shares of TRAIN, VALIDATION and TEST for all examples. None keeps the sets that imports
    assigned, and splits the other examples."""
    filters: tuple[Term, ...] = ()
    """Conditions for the examples of TRAIN, VALIDATION and TEST, the first that holds decides;
    others are left out. Without any, all are taken."""
    saved_query: int | None = None
    """The annotation set that is trained on; None: as the service likes."""
    request: Mapping[str, object] = field(default_factory=dict, name="asked")
    """What the front needs to render the training."""


class Trainings(Manager):
    """Starts and runs trainings, all with one trainer."""

    def __init__(self, context: Context, images: Images, trainer: Trainer) -> None:
        super().__init__(context, {OperationKind.CREATE_MODEL: self._run})
        self._images = images
        self._trainer = trainer

    def create(self, scope: Scope, new: NewModel) -> Operation:
        """Train a model; it appears when the operation is done."""
        on_dataset = ObjectRef(ObjectKind.DATASET, new.dataset_id)
        with self._store.transaction() as db:
            dataset = select(db, Dataset, scope, new.dataset_id)
            if self._operations.running_on(db, on_dataset, [OperationKind.DELETE_DATASET]):
                dataset = None
            dataset = required(dataset, _NO_DATASET)
            _check(db, scope, dataset, new, self._readings)
            if not new.of_parent:
                self._check_free(db, Model, scope, new.display_name)
            on_model = ObjectRef(ObjectKind.MODEL, new_id(db))
            family = new.family or str(on_model.id)
            spec = {**msgspec.to_builtins(new), "model_id": on_model.id, "family": family}
            try:
                self._trainer.check(_job(db, dataset, spec, self._readings))
            except TrainingUnimplemented as error:
                raise ServiceError(Code.UNIMPLEMENTED, str(error)) from error
            kind = OperationKind.CREATE_MODEL
            targets = [on_dataset, on_model]
            return self._operations.begin(db, scope, kind, new.problem, spec, targets)

    def delete(self, scope: Scope, operation_id: int) -> Operation:
        """Delete the record of a finished training."""
        training = self._operations.get(scope, operation_id)
        if training.kind is not OperationKind.CREATE_MODEL:
            raise not_found("The training does not exist.")
        if not training.done:
            raise precondition(
                "The training is still running. Cancel it first, or wait for its end."
            )
        return self._operations.begin_deletion(training, OperationKind.DELETE_TRAINING)

    def _run(self, operation: Operation, cancellation: Cancellation) -> None:
        operation = self._operations.start(operation)
        if operation.cancel_requested:
            raise JobCancelled
        dataset_id = cast("int", operation.spec["dataset_id"])
        with self._store.reading() as db:
            dataset = required(select(db, Dataset, operation.scope, dataset_id), _NO_DATASET)
            dataset = _with_labels_of_training(dataset, operation.spec, self._readings)
            job = _job(db, dataset, operation.spec, self._readings)
            specs = {spec.label: spec.id for spec in select_specs(db, dataset_id)}
            base = _artefact_of_base(db, operation, self._trainer)
        kept = (replace(example, path=self._images.path(example)) for example in job.examples)
        job = replace(job, examples=tuple(kept), base=base)
        started = operation.started or operation.created
        result = run_training(self._trainer, job, started, self._clock, cancellation)
        cancellation.check()
        tested = list(image_results(job, result))
        with self._store.transaction() as db:
            model = self._store_result(db, operation, dataset, specs, result, _stats(job.examples))
            insert_results(db, model.id, tested)

    def _told_by_end(self, scope: Scope) -> bool:
        """Whether the creation of a model is the end of its training, and not the start."""
        reading = self._readings[CREATE_TIME]
        return reading == "end" or (reading == "published" and scope.api is Api.VERTEX)

    def _store_result(
        self,
        db: Connection,
        operation: Operation,
        dataset: Dataset,
        specs: Mapping[str, int],
        result: TrainingResult,
        stats: tuple[int, ...],
    ) -> Model:
        now = self._clock.now()
        model = model_of_training(
            operation,
            problem=dataset.problem,
            multilabel=dataset.multilabel,
            created=now if self._told_by_end(operation.scope) else operation.created,
            updated=now,
            cost=result.train_cost_milli_node_hours,
            stop_reason=result.stop_reason,
            node_qps=result.node_qps,
            trainer=self._trainer.name,
            data_stats=stats,
            training=result.details,
            specs=[(spec_id, label) for label, spec_id in specs.items()],
        )
        aliases = cast("Sequence[str]", operation.spec.get("wanted_aliases", ()))
        family = model.family or str(model.id)  # begun by an earlier version
        model = as_version(db, replace(model, family=family), aliases)
        insert_object(db, model)
        insert(db, "artefacts", {"model_id": model.id, "content": result.artefact})
        for evaluation in reversed(result.evaluations):  # lists show the last one first
            spec_id = None if evaluation.label is None else specs[evaluation.label]
            row = ModelEvaluation(new_id(db), model.id, spec_id, now, evaluation)
            insert_evaluation(db, model, row)
        self._billing.operation_succeeded(db, operation, model.cost_milli_node_hours)
        self._operations.finish(db, operation, result=ObjectRef(ObjectKind.MODEL, model.id))
        return model


def _stats(examples: Sequence[Example]) -> tuple[int, ...]:
    """Count the annotated images of each set, and their annotations."""
    sets = split(each for each in examples if labels_of(each))
    chosen = [sets[name] for name in (SetName.TRAIN, SetName.VALIDATION, SetName.TEST)]
    annotations = (sum(len(labels_of(each)) for each in some) for some in chosen)
    return (*map(len, chosen), *annotations)


def labels_of(example: Example) -> tuple[str, ...]:
    """Return the label of each annotation."""
    return (*example.labels, *(box.label for box in example.boxes))


_OTHER_LABELS = "The dataset's annotations are not of that kind."


def _with_labels_of_training(
    dataset: Dataset, spec: Mapping[str, object], readings: Readings
) -> Dataset:
    """The dataset as a training takes it; raises INVALID_ARGUMENT when it can't."""
    wanted = spec.get("multilabel")
    if wanted in (None, dataset.multilabel):
        return dataset
    if wanted and readings[MULTI_LABEL] == "trains":
        return replace(dataset, multilabel=True)
    raise ServiceError(Code.INVALID_ARGUMENT, _OTHER_LABELS)


def _check(
    db: Connection, scope: Scope, dataset: Dataset, new: NewModel, readings: Readings
) -> None:
    if new.family:
        known = family_of(db, scope, new.family)
        if new.of_parent and not known:
            raise not_found("The parent model does not exist.")
        if not new.of_parent and (
            known or is_running(db, scope, OperationKind.CREATE_MODEL, family=new.family)
        ):
            raise ServiceError(Code.ALREADY_EXISTS, f"The model {new.family} exists.")
    if dataset.problem is not new.problem:
        raise invalid(
            (
                "model.model_metadata",
                f"The dataset is for {dataset.problem.replace('_', ' ')}, the model is not.",
            )
        )
    if readings[MULTI_LABEL] == "refused" and new.multilabel not in (None, dataset.multilabel):
        raise invalid(("multi_label", _OTHER_LABELS))
    if new.base_model_id is not None:
        base = required(
            select(db, Model, scope, new.base_model_id), "The base model does not exist."
        )
        if base.model_type != new.model_type or base.problem is not new.problem:
            raise invalid(
                (
                    f"model.{new.problem}_model_metadata.base_model_id",
                    f"The base model must be of the same model type, {new.model_type}.",
                )
            )
    sets = select_sets(db, [dataset.id])
    if new.saved_query is not None and new.saved_query not in {each.id for each in sets}:
        text = f"There is no SavedQuery {new.saved_query} in the dataset."
        raise invalid(("training_pipeline.input_data_config.saved_query_id", text))
    if dataset.example_count == 0:
        raise precondition("The dataset has no examples. Import data before training.")


def _artefact_of_base(db: Connection, operation: Operation, trainer: Trainer) -> bytes | None:
    """What the model that a training starts from is, if this trainer made it and it exists."""
    base_id = cast("int | None", operation.spec.get("base_model_id"))
    base = None if base_id is None else select(db, Model, operation.scope, base_id)
    if base is None or base.trainer != trainer.name:
        return None
    row = db.execute("SELECT content FROM artefacts WHERE model_id = ?", (base.id,)).fetchone()
    content: bytes = row["content"]
    return content


def _sets_by_filters(
    db: Connection, dataset_id: int, terms: Sequence[Term]
) -> Mapping[str, SetName]:
    """The sets of the examples that conditions choose, by content."""
    chosen: dict[str, SetName] = {}
    for name, (sql, parameters) in zip(_SETS, terms, strict=True):
        rows = db.execute(
            f"SELECT content FROM examples WHERE dataset_id = ? AND {sql}",  # noqa: S608 - our terms
            (dataset_id, *parameters),
        )
        for row in rows:
            chosen.setdefault(row["content"], name)
    return chosen


_SETS = (SetName.TRAIN, SetName.VALIDATION, SetName.TEST)


def _job(
    db: Connection, dataset: Dataset, spec: Mapping[str, object], readings: Readings
) -> TrainingJob:
    examples = select_examples(db, dataset.id)
    labels = [spec.label for spec in select_specs(db, dataset.id) if spec.example_count]
    seen = trained_on(db, dataset.id, cast("int | None", spec.get("saved_query")), readings)
    if seen is not None:
        examples = [each for each in examples if each.content in seen]
        known = {label for each in examples for label in labels_of(each)}
        labels = [label for label in labels if label in known]
    if spec.get("filters"):
        chosen = _sets_by_filters(db, dataset.id, cast("Sequence[Term]", spec["filters"]))
        examples = [
            replace(each, set=chosen[each.content]) for each in examples if each.content in chosen
        ]
    if spec.get("assigned_only"):  # of a training that an earlier version began
        examples = [each for each in examples if each.set is not SetName.UNASSIGNED]
    if spec.get("split"):
        examples = assign_by_shares(examples, cast("Sequence[float]", spec["split"]))
    names = f"{dataset.display_name}/{spec['display_name']}/{spec['model_type']}"
    return TrainingJob(
        problem=dataset.problem,
        multilabel=dataset.multilabel,
        model_type=cast("str", spec["model_type"]),
        budget_milli_node_hours=cast("int", spec["budget"]),
        labels=tuple(labels),
        examples=tuple(examples),
        seed=int.from_bytes(hashlib.sha256(names.encode()).digest()[:4], "big"),
    )
