"""Datasets: create, read, change and delete them; import and export their examples."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import msgspec
from msgspec import Struct
from msgspec.structs import asdict, replace

from automl_plan.emulator.annotation_sets import annotate
from automl_plan.emulator.call_readings import DELETE_WITH_WORK, IMPORT_AFTER_CANCEL
from automl_plan.emulator.clock import Clock
from automl_plan.emulator.errors import Code, ServiceError, not_found, precondition, required
from automl_plan.emulator.files import FileRefused, Files, Images
from automl_plan.emulator.jobs import Cancellation, JobCancelled
from automl_plan.emulator.objects import (
    AnnotationSpec,
    Api,
    Change,
    Dataset,
    ObjectKind,
    ObjectRef,
    Operation,
    OperationKind,
    Scope,
    new_id,
)
from automl_plan.emulator.operations import Context, Manager, in_order
from automl_plan.emulator.readings import DATASET_UPDATE_TIME, EXPORT_FORMAT, Readings
from automl_plan.emulator.rows import (
    Page,
    Window,
    apply_change,
    insert_object,
    label_examples,
    select,
    select_examples,
    select_page,
    select_specs,
    select_unshared_contents,
    write_counts,
    write_examples,
)
from automl_plan.emulator.sql_filters import Term
from automl_plan.emulator.training.import_files import (
    ImportFailed,
    Merged,
    merge_examples,
    read_file,
)
from automl_plan.emulator.training.import_rows import RowReader, csv_rows, json_line, row_rules
from automl_plan.emulator.training.types import Example, Problem

NO_DATASET: Mapping[Api, str] = {
    Api.AUTOML: "The Dataset doesn't exist or is inaccessible for use with AutoMl.",
    Api.VERTEX: "The Dataset does not exist.",
}
_IMPORT_HOURS = 1 / 6
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
    answer: Mapping[str, object] = {}
    """What the operation answers beside the name."""


class AnnotationKind(Struct, frozen=True):
    """What images are labelled for, where the import sets that and not the dataset."""

    problem: Problem
    multilabel: bool


def updated_with_images(readings: Readings, clock: Clock) -> datetime | None:
    """When a dataset counts as updated whose images change now; None: as before."""
    return clock.now() if readings[DATASET_UPDATE_TIME] == "moves" else None


class Datasets(Manager):
    """The datasets of all scopes."""

    def __init__(self, context: Context, files: Files, images: Images) -> None:
        runners = {
            OperationKind.CREATE_DATASET: self._run_create,
            OperationKind.DELETE_DATASET: self._run_delete,
            OperationKind.IMPORT_DATA: self._run_import,
            OperationKind.EXPORT_DATA: self._run_export,
        }
        super().__init__(context, runners)
        self._files = files
        self._images = images
        self._readings = context.readings

    def create(self, scope: Scope, new: NewDataset) -> Operation:
        """Create a dataset; it appears when the operation is done."""
        with self._store.transaction() as db:
            self._check_free(db, Dataset, scope, new.display_name)
            target = ObjectRef(ObjectKind.DATASET, new_id(db))
            spec = {"dataset_id": target.id, **asdict(new)}
            return self._operations.begin(
                db, scope, OperationKind.CREATE_DATASET, new.problem, spec, [target]
            )

    def get(self, scope: Scope, dataset_id: int) -> Dataset:
        """Return the dataset of that id."""
        with self._store.reading() as db:
            return required(select(db, Dataset, scope, dataset_id), NO_DATASET[scope.api])

    def list(self, scope: Scope, terms: Sequence[Term], window: Window) -> Page[Dataset]:
        """Return datasets, newest first."""
        with self._store.reading() as db:
            return select_page(db, Dataset, scope, terms, in_order(window, self._readings))

    def spec(self, scope: Scope, dataset_id: int, spec_id: int) -> AnnotationSpec:
        """Return a label of a dataset."""
        with self._store.reading() as db:
            if select(db, Dataset, scope, dataset_id) is not None:
                for spec in select_specs(db, dataset_id):
                    if spec.id == spec_id:
                        return spec
        raise not_found("The AnnotationSpec does not exist.")

    def update(self, scope: Scope, dataset_id: int, change: Change, etag: str | None) -> Dataset:
        """Change fields; with an etag, only if it is the current one."""
        with self._store.transaction() as db:
            old = required(select(db, Dataset, scope, dataset_id), NO_DATASET[scope.api])
            return apply_change(db, old, change, etag, self._clock.now())

    def delete(self, scope: Scope, dataset_id: int) -> Operation:
        """Delete a dataset with all its content; refused while an operation works on it."""
        target = ObjectRef(ObjectKind.DATASET, dataset_id)
        if self._readings[DELETE_WITH_WORK] == "cancels":
            self.get(scope, dataset_id)
            self._operations.stop_on(target, _BUSY_KINDS)
        with self._store.transaction() as db:
            dataset = required(select(db, Dataset, scope, dataset_id), NO_DATASET[scope.api])
            busy = self._operations.running_on(db, target, _BUSY_KINDS)
            if busy is not None and self._readings[DELETE_WITH_WORK] == "refused":
                raise precondition(
                    "The dataset can't be deleted: an operation is running on it "
                    f"({busy.kind.replace('_', ' ')}). Wait for it or cancel it first."
                )
            spec = {"dataset_id": dataset_id}
            kind = OperationKind.DELETE_DATASET
            return self._operations.begin(db, scope, kind, dataset.problem, spec, [target])

    def import_data(
        self,
        scope: Scope,
        dataset_id: int,
        uris: Sequence[str],
        kind: AnnotationKind | None = None,
        annotation_set: str = "",
        item_labels: Mapping[str, Mapping[str, str]] | None = None,
    ) -> Operation:
        """Import files and add their examples to the dataset.

        The dataset gets the `kind`, unless it has examples of another one; `annotation_set` is
        the one that the import names. `item_labels` are labels of the images themselves, by URI.
        """
        spec: dict[str, object] = {"uris": [*uris], "item_labels": item_labels or {}}
        if kind is not None:
            spec |= {"annotations": [kind.problem, kind.multilabel], "set": annotation_set}
        return self._begin(scope, dataset_id, OperationKind.IMPORT_DATA, spec)

    def export_data(
        self,
        scope: Scope,
        dataset_id: int,
        uri_prefix: str,
        titles: Mapping[Problem, str] | None = None,
    ) -> Operation:
        """Write the dataset's examples as an import file below a gs:// prefix.

        `titles`: of the schemas of annotations, in Vertex AI; None: in AutoML.
        """
        spec: dict[str, object] = {"uri": uri_prefix}
        if titles is not None:
            spec["title"] = titles[self.get(scope, dataset_id).problem]
        return self._begin(scope, dataset_id, OperationKind.EXPORT_DATA, spec)

    def _begin(
        self, scope: Scope, dataset_id: int, kind: OperationKind, spec: Mapping[str, object]
    ) -> Operation:
        target = ObjectRef(ObjectKind.DATASET, dataset_id)
        with self._store.transaction() as db:
            dataset = required(select(db, Dataset, scope, dataset_id), NO_DATASET[scope.api])
            if self._operations.running_on(db, target, [OperationKind.DELETE_DATASET]):
                raise not_found(NO_DATASET[scope.api])
            spec = {"dataset_id": dataset_id, **spec}
            return self._operations.begin(db, scope, kind, dataset.problem, spec, [target])

    def _run_create(self, operation: Operation, _: Cancellation) -> None:
        fields = {
            **operation.spec,
            "id": operation.spec["dataset_id"],
            "scope": operation.scope,
            "problem": operation.problem,
            "created": operation.created,
            "updated": operation.created,
        }
        dataset = msgspec.convert(fields, Dataset)
        with self._store.transaction() as db:
            insert_object(db, dataset)
            created = ObjectRef(ObjectKind.DATASET, dataset.id)
            self._operations.finish(db, operation, result=created)

    def _run_delete(self, operation: Operation, _: Cancellation) -> None:
        dataset_id = cast("int", operation.spec["dataset_id"])
        with self._store.transaction() as db:
            # Before the operation is recorded as done: after a crash it runs again.
            self._images.drop(select_unshared_contents(db, dataset_id))
            db.execute("DELETE FROM datasets WHERE id = ?", (dataset_id,))
            self._operations.finish(db, operation)

    def _run_import(self, operation: Operation, cancellation: Cancellation) -> None:
        if self._operations.start(operation).cancel_requested:
            raise JobCancelled
        dataset_id = cast("int", operation.spec["dataset_id"])
        dataset = _with_annotation_kind(self.get(operation.scope, dataset_id), operation)
        examples, failures, labelled = self._read(operation, dataset, cancellation)
        if self._readings[IMPORT_AFTER_CANCEL] == "part":
            ready = self._clock.after(operation.created, _IMPORT_HOURS)
            if not self._clock.wait_until(ready, cancellation.requested):
                cancellation.check_stop()
                read = examples[: len(examples) // 2]
                for example in read:
                    self._keep(example)
                self._add(operation, dataset, read)
        for example in examples:
            cancellation.check()
            self._keep(example)
        with self._store.transaction() as db:
            merged = self._add(operation, dataset, examples)
            label_examples(db, dataset_id, labelled)
            self._operations.finish(db, operation, failures=[*failures, *merged.failures])

    def _keep(self, example: Example) -> None:
        try:
            self._images.keep(example)
        except OSError as error:
            raise ServiceError(Code.INTERNAL, f"{example.uri}: {error.strerror}.") from error

    def _add(self, operation: Operation, dataset: Dataset, examples: Sequence[Example]) -> Merged:
        """Add examples to a dataset, with the kind that the import sets."""
        dataset_id = dataset.id
        with self._store.transaction() as db:
            if "annotations" in operation.spec:
                current = required(
                    select(db, Dataset, operation.scope, dataset_id),
                    NO_DATASET[operation.scope.api],
                )
                _with_annotation_kind(current, operation)  # another import may have been first
                db.execute(
                    "UPDATE datasets SET problem = ?, multilabel = ? WHERE id = ?",
                    (dataset.problem, dataset.multilabel, dataset_id),
                )
            known = select_examples(db, dataset_id)
            merged = merge_examples(known, examples, multilabel=dataset.multilabel)
            write_examples(db, dataset_id, merged.changed, self._clock.now())
            moved = updated_with_images(self._readings, self._clock)
            write_counts(db, dataset_id, merged.examples, moved)
            if "annotations" in operation.spec:
                here = {each.content: each for each in merged.examples}
                imported = [here[e.content] for e in examples if e.labels or e.boxes]
                named, now = cast("str", operation.spec["set"]), self._clock.now()
                annotate(db, dataset, named, imported, self._readings, now)
            return merged

    def _read(
        self, operation: Operation, dataset: Dataset, cancellation: Cancellation
    ) -> tuple[Sequence[Example], Sequence[str], Mapping[str, Mapping[str, str]]]:
        """The examples of all files of an import, and the texts of the rows that were skipped.

        And the labels of the images themselves, by content.
        """
        located = self._files.resolver()

        def resolve(uri: str) -> Path:
            cancellation.check()
            try:
                return located(uri)
            except FileRefused as error:
                raise ImportFailed(str(error)) from error

        examples: list[Example] = []
        failures: list[str] = []
        # Only an import of Vertex AI names its annotations.
        rules = row_rules(self._readings, vertex="annotations" in operation.spec)
        reader = RowReader(dataset.problem, dataset.multilabel, rules)
        files = self._files.matching if rules.wildcards else list
        uris = cast("Sequence[str]", operation.spec["uris"])
        given = cast("Mapping[str, Mapping[str, str]]", operation.spec.get("item_labels", {}))
        labels_of = {file: given[uri] for uri in given for file in files([uri])}
        labelled: dict[str, Mapping[str, str]] = {}
        for uri in files(uris):
            try:
                read = read_file(uri, reader, resolve)
            except ImportFailed as error:
                raise ServiceError(Code.INVALID_ARGUMENT, str(error)) from error
            examples.extend(read.examples)
            failures.extend(read.failures)
            for each in read.examples if uri in labels_of else ():
                labelled[each.content] = {**labelled.get(each.content, {}), **labels_of[uri]}
        return examples, failures, labelled

    def _run_export(self, operation: Operation, _: Cancellation) -> None:
        dataset_id = cast("int", operation.spec["dataset_id"])
        with self._store.reading() as db:
            dataset = required(
                select(db, Dataset, operation.scope, dataset_id), NO_DATASET[operation.scope.api]
            )
            examples = select_examples(db, dataset_id)
        now = self._clock.now().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
        title = cast("str | None", operation.spec.get("title"))
        as_json = title is not None and self._readings[EXPORT_FORMAT] == "jsonl"
        name = f"{'export-data' if as_json else 'export_data'}-{dataset.display_name}-{now}"
        try:
            uri, base = self._files.output_folder(cast("str", operation.spec["uri"]), name)
        except FileRefused as error:
            raise not_found(str(error)) from error
        if as_json:
            folder = base / str(title)
            folder.mkdir(exist_ok=True)
            (folder / "schema.yaml").write_text(f"title: {title}\n", encoding="utf-8")
            path = folder / "data-00001-of-00001.jsonl"
            with path.open("w", encoding="utf-8") as file:
                for example in examples:
                    file.write(json_line(example, dataset.problem, multilabel=dataset.multilabel))
        else:
            path = base / f"{dataset.problem}_1.csv"
            with path.open("w", encoding="utf-8", newline="") as file:
                writer = csv.writer(file, lineterminator="\n")
                for example in examples:
                    writer.writerows(csv_rows(example, dataset.problem))
        with self._store.transaction() as db:
            exported = f"{uri}{path.relative_to(base).as_posix()}"
            self._operations.finish(db, operation, output=uri, files=[exported])


def _with_annotation_kind(dataset: Dataset, operation: Operation) -> Dataset:
    """The dataset with the kind that an import sets; refused when it has examples of another."""
    given = cast("list[object] | None", operation.spec.get("annotations"))
    if given is None:
        return dataset
    problem, multilabel = Problem(cast("str", given[0])), bool(given[1])
    if dataset.example_count and (dataset.problem, dataset.multilabel) != (problem, multilabel):
        raise ServiceError(
            Code.UNIMPLEMENTED,
            "The emulator keeps annotations of one kind in a dataset, and this one has others.",
        )
    return replace(dataset, problem=problem, multilabel=multilabel)
