"""Annotation sets of Vertex AI's datasets: which images an import annotated, and for what.

An image's labels are the same in all sets that it is in. Every function of a database works inside
the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from sqlite3 import Connection, Row
from typing import cast

from msgspec import Struct
from msgspec.structs import asdict

from automl_plan.emulator.errors import not_found
from automl_plan.emulator.jobs import Cancellation
from automl_plan.emulator.objects import (
    Dataset,
    ObjectKind,
    ObjectRef,
    Operation,
    OperationKind,
    Scope,
    etag,
    new_id,
)
from automl_plan.emulator.operations import Context, Manager
from automl_plan.emulator.readings import ANNOTATION_SETS, TRAINING_DATA, Readings
from automl_plan.emulator.rows import column, insert, read_row, select
from automl_plan.emulator.training.types import Example, Problem

_LONGEST = 128
"""Characters of a name (discovery document of aiplatform v1: SavedQuery.displayName)."""
NO_SET = "The SavedQuery does not exist."
_PROBLEMS: Mapping[tuple[Problem, bool], str] = {
    (Problem.IMAGE_CLASSIFICATION, False): "image_classification_single_label",
    (Problem.IMAGE_CLASSIFICATION, True): "image_classification_multi_label",
    (Problem.IMAGE_OBJECT_DETECTION, False): "image_bounding_box",
}
"""How the service names the problem of a set: so in names, in capitals as its type."""


class AnnotationSet(Struct, frozen=True):
    """Images of a dataset that were annotated together; `labels` are those that they have."""

    id: int
    dataset_id: int
    name: str
    problem: Problem
    multilabel: bool
    created: datetime
    labels: tuple[str, ...] = ()

    @property
    def problem_type(self) -> str:
        """The problem that the set is for, as the service calls it."""
        return _PROBLEMS[self.problem, self.multilabel].upper()

    @property
    def etag(self) -> str:
        """Changes with the labels."""
        return etag(self.id, len(self.labels))


def select_sets(db: Connection, dataset_ids: Collection[int]) -> list[AnnotationSet]:
    """Return the sets of some datasets, oldest first."""
    marks = ", ".join("?" * len(dataset_ids))
    rows = db.execute(
        f"SELECT * FROM annotation_sets WHERE dataset_id IN ({marks}) ORDER BY seq",  # noqa: S608 - only marks
        (*dataset_ids,),
    )
    return list(map(_read, rows))


def _read(row: Row) -> AnnotationSet:
    return read_row(row, AnnotationSet)


def annotate(
    db: Connection,
    dataset: Dataset,
    named: str,
    examples: Sequence[Example],
    readings: Readings,
    now: datetime,
) -> None:
    """Put the images that an import annotates into the set that it makes, or adds to.

    `named` is the set that the import names, by its id or its name; "": none.
    """
    chosen = _chosen(select_sets(db, [dataset.id]), dataset, named, readings)
    if chosen is None:
        chosen = _new_set(db, dataset, named, readings, now)
    db.executemany(
        "INSERT OR IGNORE INTO annotated VALUES (?, ?)",
        ((chosen.id, example.content) for example in examples),
    )
    labels = {*chosen.labels}
    for example in examples:
        labels.update(example.labels, (box.label for box in example.boxes))
    told = column(tuple(sorted(labels)))
    db.execute("UPDATE annotation_sets SET labels = ? WHERE id = ?", (told, chosen.id))


def _chosen(
    sets: Sequence[AnnotationSet], dataset: Dataset, named: str, readings: Readings
) -> AnnotationSet | None:
    """The set that an import adds to; None for a new one."""
    kind = (dataset.problem, dataset.multilabel)
    of_kind = [each for each in sets if (each.problem, each.multilabel) == kind]
    match readings[ANNOTATION_SETS]:
        case "each-import":
            return None
        case "named" if named:
            return next((each for each in of_kind if named in (str(each.id), each.name)), None)
    return of_kind[0] if of_kind else None


def _new_set(
    db: Connection, dataset: Dataset, named: str, readings: Readings, now: datetime
) -> AnnotationSet:
    problem = _PROBLEMS[dataset.problem, dataset.multilabel]
    name = f"{dataset.display_name}_{problem}_{now.strftime('%Y_%m_%d_%H%M%S')}"
    if named and readings[ANNOTATION_SETS] == "named":
        name = named
    made = AnnotationSet(
        new_id(db), dataset.id, name[:_LONGEST], dataset.problem, dataset.multilabel, now
    )
    insert(db, "annotation_sets", asdict(made))
    return made


def trained_on(
    db: Connection, dataset_id: int, saved_query: int | None, readings: Readings
) -> frozenset[str] | None:
    """Return the contents of the images that a training sees; None: all.

    `saved_query` is the set that the training names.
    """
    sets = select_sets(db, [dataset_id])
    if saved_query is None and (not sets or readings[TRAINING_DATA] == "all-items"):
        return None
    newest = readings[TRAINING_DATA] == "newest-set"
    chosen = (sets[-1] if newest else sets[0]).id if saved_query is None else saved_query
    rows = db.execute("SELECT content FROM annotated WHERE set_id = ?", (chosen,))
    return frozenset(row["content"] for row in rows)


class AnnotationSets(Manager):
    """The annotation sets of all scopes."""

    def __init__(self, context: Context) -> None:
        super().__init__(context, {OperationKind.DELETE_SET: self._run_delete})

    def of(self, dataset_ids: Collection[int]) -> dict[int, list[AnnotationSet]]:
        """Return the sets of some datasets, by dataset, oldest first."""
        found: dict[int, list[AnnotationSet]] = {each: [] for each in dataset_ids}
        with self._store.reading() as db:
            for each in select_sets(db, dataset_ids):
                found[each.dataset_id].append(each)
        return found

    def delete(self, scope: Scope, dataset_id: int, set_id: int) -> Operation:
        """Delete a set; the images stay, and their annotations."""
        with self._store.transaction() as db:
            dataset = select(db, Dataset, scope, dataset_id)
            sets = [] if dataset is None else select_sets(db, [dataset_id])
            if dataset is None or set_id not in {each.id for each in sets}:
                raise not_found(NO_SET)
            spec, target = {"dataset_id": dataset_id, "set_id": set_id}, ObjectKind.DATASET
            works_on, kind = [ObjectRef(target, dataset_id)], OperationKind.DELETE_SET
            return self._operations.begin(db, scope, kind, dataset.problem, spec, works_on)

    def _run_delete(self, operation: Operation, _: Cancellation) -> None:
        with self._store.transaction() as db:
            set_id = cast("int", operation.spec["set_id"])
            db.execute("DELETE FROM annotation_sets WHERE id = ?", (set_id,))
            self._operations.finish(db, operation)
