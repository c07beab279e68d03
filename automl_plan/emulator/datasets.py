"""What can be done with datasets."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC
from pathlib import Path
from sqlite3 import Connection
from typing import cast

from msgspec import Struct
from msgspec.structs import replace

from automl_plan.emulator.clock import Clock
from automl_plan.emulator.errors import Code, ServiceError, not_found, precondition
from automl_plan.emulator.files import FileRefused, Files, Images
from automl_plan.emulator.jobs import Cancellation, JobCancelled
from automl_plan.emulator.objects import (
    AnnotationSpec,
    Dataset,
    ObjectKind,
    ObjectRef,
    Operation,
    OperationKind,
    Scope,
    new_id,
)
from automl_plan.emulator.operations import Operations
from automl_plan.emulator.rows import (
    dataset_of,
    insert_dataset,
    json_text,
    select_dataset,
    select_examples,
    select_own_contents,
    select_specs,
    write_examples,
)
from automl_plan.emulator.sql_filters import Term
from automl_plan.emulator.store import Page, Store, Window, select_page
from automl_plan.emulator.training.import_csv import ImportFailed, read_csv
from automl_plan.emulator.training.types import Example, Problem


class Merged(Struct, frozen=True):
    """The examples to write, each once, and the texts of those that could not be joined."""

    standing: tuple[Example, ...]
    """All that there are then, in the order in which their images first came."""
    written: tuple[Example, ...]
    failures: tuple[str, ...]


def merge_examples(known: Iterable[Example], new: Sequence[Example], *, multiclass: bool) -> Merged:
    """Join new examples with known ones of the same content.

    With `multiclass`, an image that has a label keeps it; another one is a failure.
    """
    standing = {example.content: example for example in known}
    written: dict[str, Example] = {}
    failures = []
    for example in new:
        old = standing.get(example.content)
        if old is None:
            standing[example.content] = written[example.content] = example
            continue
        labels = tuple(label for label in example.labels if label not in old.labels)
        boxes = tuple(box for box in example.boxes if box not in old.boxes)
        if (example.labels or example.boxes) and not (labels or boxes):
            failures.append(f"{example.uri}: The label is already a ground truth.")
        elif multiclass and labels and old.labels:
            failures.append(f"{example.uri}: The image already has the label {old.labels[0]}.")
        elif labels or boxes:
            joined = replace(old, labels=old.labels + labels, boxes=old.boxes + boxes)
            standing[example.content] = written[example.content] = joined
    return Merged(tuple(standing.values()), tuple(written.values()), tuple(failures))


NOT_THERE = "The Dataset doesn't exist or is inaccessible for use with AutoMl."
_BUSY_KINDS = (
    OperationKind.IMPORT_DATA,
    OperationKind.EXPORT_DATA,
    OperationKind.CREATE_MODEL,
)


class NewDataset(Struct, frozen=True):
    """What a dataset is created from."""

    problem: Problem
    multilabel: bool
    display_name: str
    description: str
    labels: Mapping[str, str]


class AnnotationKind(Struct, frozen=True):
    """What images are labelled for, where an import says so and not the dataset."""

    problem: Problem
    multilabel: bool


class DatasetChange(Struct, frozen=True):
    """New values for a dataset's fields; None leaves a field as it is."""

    display_name: str | None = None
    description: str | None = None
    labels: Mapping[str, str] | None = None


class Datasets:
    """The datasets of all scopes."""

    def __init__(
        self, store: Store, clock: Clock, files: Files, images: Images, operations: Operations
    ) -> None:
        self._store = store
        self._clock = clock
        self._files = files
        self._images = images
        self._operations = operations
        operations.register(OperationKind.CREATE_DATASET, self._run_create)
        operations.register(OperationKind.DELETE_DATASET, self._run_delete)
        operations.register(OperationKind.IMPORT_DATA, self._run_import)
        operations.register(OperationKind.EXPORT_DATA, self._run_export)

    def create(self, scope: Scope, new: NewDataset) -> Operation:
        """Create a dataset; it appears when the operation is done."""

        def prepare(db: Connection) -> tuple[Mapping[str, object], Sequence[ObjectRef]]:
            dataset_id = new_id(db)
            spec = {
                "dataset_id": dataset_id,
                "multilabel": new.multilabel,
                "display_name": new.display_name,
                "description": new.description,
                "labels": dict(new.labels),
            }
            return spec, [ObjectRef(ObjectKind.DATASET, dataset_id)]

        return self._operations.begin(scope, new.problem, OperationKind.CREATE_DATASET, prepare)

    def get(self, scope: Scope, dataset_id: int) -> Dataset:
        """The dataset of that id."""
        with self._store.reading() as db:
            return _required(select_dataset(db, scope, dataset_id))

    def list(self, scope: Scope, terms: Sequence[Term], window: Window) -> Page[Dataset]:
        """Datasets, newest first."""
        with self._store.reading() as db:
            rows, more = select_page(db, "datasets", scope, terms, window)
        return Page(tuple(map(dataset_of, rows)), more)

    def spec(self, scope: Scope, dataset_id: int, spec_id: int) -> AnnotationSpec:
        """A label of a dataset."""
        with self._store.reading() as db:
            if select_dataset(db, scope, dataset_id) is not None:
                for spec in select_specs(db, dataset_id):
                    if spec.id == spec_id:
                        return spec
        raise not_found("The AnnotationSpec does not exist.")

    def update(
        self, scope: Scope, dataset_id: int, change: DatasetChange, etag: str | None
    ) -> Dataset:
        """Change fields; with an etag, only if the dataset is still the one that was read."""
        with self._store.transaction() as db:
            old = _required(select_dataset(db, scope, dataset_id))
            if etag and etag != old.etag:
                raise ServiceError(Code.ABORTED, "The etag is not that of the current dataset.")
            new = replace(
                old,
                display_name=_chosen(change.display_name, old.display_name),
                description=_chosen(change.description, old.description),
                labels=old.labels if change.labels is None else change.labels,
                version=old.version + 1,
            )
            db.execute(
                "UPDATE datasets SET display_name = ?, description = ?, labels = ?, version = ? "
                "WHERE id = ?",
                (
                    new.display_name,
                    new.description,
                    json_text(dict(new.labels)),
                    new.version,
                    new.id,
                ),
            )
        return new

    def delete(self, scope: Scope, dataset_id: int) -> Operation:
        """Delete a dataset with all its content; refused while an operation works on it."""
        target = ObjectRef(ObjectKind.DATASET, dataset_id)
        problem = self.get(scope, dataset_id).problem

        def prepare(db: Connection) -> tuple[Mapping[str, object], Sequence[ObjectRef]]:
            _required(select_dataset(db, scope, dataset_id))
            busy = self._operations.running_on(db, target, _BUSY_KINDS)
            if busy is not None:
                raise precondition(
                    "The dataset can't be deleted: an operation is running on it "
                    f"({busy.kind.replace('_', ' ')}). Wait for it or cancel it first."
                )
            return {"dataset_id": dataset_id}, [target]

        return self._operations.begin(scope, problem, OperationKind.DELETE_DATASET, prepare)

    def import_data(
        self,
        scope: Scope,
        dataset_id: int,
        uris: Sequence[str],
        kind: AnnotationKind | None = None,
    ) -> Operation:
        """Import CSV files: what they name is added to what is there.

        A `kind` becomes that of the dataset, unless it has examples of another one.
        """
        spec: dict[str, object] = {"uris": [*uris]}
        if kind is not None:
            spec["annotations"] = [kind.problem, kind.multilabel]
        return self._begin(scope, dataset_id, OperationKind.IMPORT_DATA, spec)

    def export_data(self, scope: Scope, dataset_id: int, uri_prefix: str) -> Operation:
        """Write the dataset's examples as an import CSV below a gs:// prefix."""
        return self._begin(scope, dataset_id, OperationKind.EXPORT_DATA, {"uri": uri_prefix})

    def _begin(
        self, scope: Scope, dataset_id: int, kind: OperationKind, spec: Mapping[str, object]
    ) -> Operation:
        target = ObjectRef(ObjectKind.DATASET, dataset_id)

        def prepare(db: Connection) -> tuple[Mapping[str, object], Sequence[ObjectRef]]:
            _required(select_dataset(db, scope, dataset_id))
            if self._operations.running_on(db, target, [OperationKind.DELETE_DATASET]):
                raise not_found(NOT_THERE)
            return {"dataset_id": dataset_id, **spec}, [target]

        problem = self.get(scope, dataset_id).problem
        return self._operations.begin(scope, problem, kind, prepare)

    def _run_create(self, operation: Operation, _: Cancellation) -> None:
        spec = operation.spec
        dataset = Dataset(
            id=cast("int", spec["dataset_id"]),
            scope=operation.scope,
            problem=cast("Problem", operation.problem),
            multilabel=cast("bool", spec["multilabel"]),
            display_name=cast("str", spec["display_name"]),
            description=cast("str", spec["description"]),
            labels=cast("Mapping[str, str]", spec["labels"]),
            version=1,
            created=operation.created,
            example_count=0,
        )
        with self._store.transaction() as db:
            insert_dataset(db, dataset)
            made = ObjectRef(ObjectKind.DATASET, dataset.id)
            self._operations.finish(db, operation, result=made)

    def _run_delete(self, operation: Operation, _: Cancellation) -> None:
        dataset_id = cast("int", operation.spec["dataset_id"])
        with self._store.transaction() as db:
            # Before the end is told; after a crash the operation runs again.
            self._images.drop(select_own_contents(db, dataset_id))
            db.execute("DELETE FROM datasets WHERE id = ?", (dataset_id,))
            self._operations.finish(db, operation)

    def _run_import(self, operation: Operation, cancellation: Cancellation) -> None:
        if self._operations.start(operation).cancel_requested:
            raise JobCancelled
        dataset_id = cast("int", operation.spec["dataset_id"])
        dataset = _labelled_for(self.get(operation.scope, dataset_id), operation)

        located = self._files.resolver()

        def resolve(uri: str) -> Path:
            cancellation.check()
            try:
                return located(uri)
            except FileRefused as error:
                raise ImportFailed(str(error)) from error

        examples: list[Example] = []
        failures: list[str] = []
        for uri in cast("Sequence[str]", operation.spec["uris"]):
            try:
                read = read_csv(
                    uri,
                    dataset.problem,
                    dataset.multilabel,
                    resolve,
                    sets_optional="annotations" in operation.spec,  # asked by Vertex AI's front
                )
            except ImportFailed as error:
                raise ServiceError(Code.INVALID_ARGUMENT, str(error)) from error
            examples.extend(read.examples)
            failures.extend(read.failures)
        for example in examples:
            cancellation.check()
            try:
                self._images.keep(example)
            except OSError as error:
                raise ServiceError(Code.INTERNAL, f"{example.uri}: {error.strerror}.") from error
        with self._store.transaction() as db:
            if "annotations" in operation.spec:
                _labelled_for(_required(select_dataset(db, operation.scope, dataset_id)), operation)
                db.execute(
                    "UPDATE datasets SET problem = ?, multilabel = ? WHERE id = ?",
                    (dataset.problem, dataset.multilabel, dataset_id),
                )
            known = select_examples(db, dataset_id)
            merged = merge_examples(known, examples, multiclass=_multiclass(dataset))
            write_examples(db, dataset_id, merged.written)
            _count(db, dataset_id, merged.standing)
            self._operations.finish(db, operation, failures=[*failures, *merged.failures])

    def _run_export(self, operation: Operation, _: Cancellation) -> None:
        dataset_id = cast("int", operation.spec["dataset_id"])
        with self._store.reading() as db:
            dataset = _required(select_dataset(db, operation.scope, dataset_id))
            examples = select_examples(db, dataset_id)
        moment = self._clock.now().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
        try:
            uri, folder = self._files.output_folder(
                cast("str", operation.spec["uri"]), f"export_data-{dataset.display_name}-{moment}"
            )
        except FileRefused as error:
            raise not_found(str(error)) from error
        with (folder / f"{dataset.problem}_1.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            for example in examples:
                writer.writerows(_csv_rows(example, dataset.problem))
        with self._store.transaction() as db:
            self._operations.finish(db, operation, output=uri)


def _required(dataset: Dataset | None) -> Dataset:
    if dataset is None:
        raise not_found(NOT_THERE)
    return dataset


def _labelled_for(dataset: Dataset, operation: Operation) -> Dataset:
    """The dataset with the kind that an import says; refused when it has examples of another."""
    said = cast("list[object] | None", operation.spec.get("annotations"))
    if said is None:
        return dataset
    problem, multilabel = Problem(cast("str", said[0])), bool(said[1])
    if dataset.example_count and (dataset.problem, dataset.multilabel) != (problem, multilabel):
        raise ServiceError(
            Code.UNIMPLEMENTED,
            "The emulator keeps annotations of one kind in a dataset, and this one has others.",
        )
    return replace(dataset, problem=problem, multilabel=multilabel)


def _chosen(new: str | None, old: str) -> str:
    return old if new is None else new


def _multiclass(dataset: Dataset) -> bool:
    return dataset.problem is Problem.IMAGE_CLASSIFICATION and not dataset.multilabel


def _csv_rows(example: Example, problem: Problem) -> list[list[str]]:
    """The rows that `read_csv` makes the same example of."""
    start = [example.set.upper(), example.uri]
    if problem is Problem.IMAGE_CLASSIFICATION:
        return [[*start, *example.labels]]
    if not example.boxes:
        return [[*start, *[""] * 9]]
    return [
        [*start, box.label, *_corner(box.x_min, box.y_min), *_corner(box.x_max, box.y_max)]
        for box in example.boxes
    ]


def _corner(x: float, y: float) -> tuple[str, str, str, str]:
    """A vertex and the one beside it, which two opposite vertices leave empty."""
    return str(x), str(y), "", ""


def _count(db: Connection, dataset_id: int, examples: Sequence[Example]) -> None:
    """Write how many examples a dataset has, and how many have each label."""
    counts: dict[str, int] = {}
    for example in examples:
        for label in dict.fromkeys((*example.labels, *(box.label for box in example.boxes))):
            counts[label] = counts.get(label, 0) + 1
    for label, count in counts.items():
        db.execute(
            "INSERT INTO annotation_specs (id, dataset_id, label, example_count) "
            "VALUES (?, ?, ?, ?) ON CONFLICT (dataset_id, label) "
            "DO UPDATE SET example_count = excluded.example_count",
            (new_id(db), dataset_id, label, count),
        )
    db.execute("UPDATE datasets SET example_count = ? WHERE id = ?", (len(examples), dataset_id))
