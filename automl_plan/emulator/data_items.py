"""The images of a dataset one by one: listed with their annotations, and changed by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from sqlite3 import Connection, Row

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from automl_plan.emulator.clock import Clock, from_micros, to_micros
from automl_plan.emulator.datasets import NO_DATASET, updated_with_images
from automl_plan.emulator.errors import not_found, required
from automl_plan.emulator.objects import AnnotationSpec, Dataset, Scope, etag
from automl_plan.emulator.readings import Readings
from automl_plan.emulator.rows import (
    Page,
    Window,
    matches,
    read_example,
    select,
    select_examples,
    select_specs,
    write_counts,
    write_examples,
)
from automl_plan.emulator.sql_filters import Order, Term
from automl_plan.emulator.store import Store
from automl_plan.emulator.training.types import Box, Example, Problem, SetName

NO_ITEM = "The DataItem does not exist."


class Annotation(Struct, frozen=True):
    """A label of an image, or a box on it. `number` counts those of the image, from 1.

    `saved_query_id` is the annotation set that it is in; an image in several has one in each.
    """

    number: int
    saved_query_id: int | None
    annotation_spec_id: int
    label: str
    box: Box | None
    updated: datetime


class DataItem(Struct, frozen=True):
    """An image of a dataset. `created` is when it was imported, `updated` its last change."""

    id: int
    example: Example
    created: datetime
    updated: datetime
    annotations: tuple[Annotation, ...]
    labels: Mapping[str, str] = {}
    """Those that imports gave to the image itself."""

    @property
    def etag(self) -> str:
        """Changes with every change of the item."""
        return etag(self.id, to_micros(self.updated))


class DataItems:
    """The data items of the datasets of all scopes."""

    def __init__(self, store: Store, clock: Clock, readings: Readings) -> None:
        self._store = store
        self._clock = clock
        self._readings = readings

    def dataset(self, scope: Scope, dataset_id: int) -> tuple[Dataset, Sequence[AnnotationSpec]]:
        """Return a dataset and its labels."""
        with self._store.reading() as db:
            dataset = required(select(db, Dataset, scope, dataset_id), NO_DATASET[scope.api])
            return dataset, select_specs(db, dataset_id)

    def list(
        self,
        scope: Scope,
        dataset_id: int,
        terms: Sequence[Term],
        window: Window,
        order: Sequence[Order] = (),
    ) -> Page[DataItem]:
        """Return items of a dataset, the first imported first, or in an order.

        `window.before` is the number of items before the page.
        """
        first = window.before or 0
        by = ", ".join([*(each.sql for each in order), "seq"])
        where = " AND ".join(["dataset_id = ?", *(term.sql for term in terms)])
        values = (value for term in terms for value in term.parameters)
        with self._store.reading() as db:
            dataset = required(select(db, Dataset, scope, dataset_id), NO_DATASET[scope.api])
            rows = db.execute(
                f"SELECT * FROM examples WHERE {where} ORDER BY {by} LIMIT ? OFFSET ?",  # noqa: S608 - closed sets only
                (dataset_id, *values, window.size + 1, first),
            ).fetchall()
            rows, more = rows[: window.size], len(rows) > window.size
            specs = {spec.label: spec.id for spec in select_specs(db, dataset_id)}
            sets = _sets_of(db, dataset_id, [row["content"] for row in rows])
        items = tuple(_item(row, dataset, specs, sets.get(row["content"], ())) for row in rows)
        return Page(items, first + window.size if more else None)

    def get(self, scope: Scope, dataset_id: int, item_id: int) -> DataItem:
        """Return an item of a dataset."""
        found = self.list(scope, dataset_id, [of_item(item_id)], Window(1))
        return required(found.items[0] if found.items else None, NO_ITEM)

    def matching(
        self, annotations: Sequence[Annotation], terms: Sequence[Term]
    ) -> tuple[Annotation, ...]:
        """Return those of an item's annotations that match all terms."""
        if not terms:
            return tuple(annotations)
        with self._store.reading() as db:
            return tuple(each for each in annotations if matches(db, _Fields.of(each), terms))

    def all(self, dataset_id: int) -> Sequence[DataItem]:
        """Return all items of a dataset of any scope."""
        with self._store.reading() as db:
            scope = _scope_of(db, dataset_id)
            return self.list(scope, dataset_id, [], Window(_ALL)).items

    def change(
        self, dataset_id: int, item_id: int, labels: Sequence[str] | None, use: SetName | None
    ) -> None:
        """Give an image other labels, or another set, as people do in Google Cloud's console.

        On an image with boxes, each box in turn gets the next label, the last one the rest.
        """
        with self._store.transaction() as db:
            dataset, old = self._by_number(db, dataset_id, item_id)
            new = old
            if labels is not None:
                new = _labelled(old, dataset.problem, labels)
            if use is not None:
                db.execute("UPDATE examples SET ml_use = ? WHERE seq = ?", (use, item_id))
            write_examples(db, dataset_id, [new], self._clock.now())
            moved = updated_with_images(self._readings, self._clock)
            write_counts(db, dataset_id, select_examples(db, dataset_id), moved)

    def remove(self, dataset_id: int, item_id: int) -> None:
        """Remove an image from a dataset, as people do in Google Cloud's console."""
        with self._store.transaction() as db:
            self._by_number(db, dataset_id, item_id)
            db.execute("DELETE FROM examples WHERE seq = ?", (item_id,))
            moved = updated_with_images(self._readings, self._clock)
            write_counts(db, dataset_id, select_examples(db, dataset_id), moved)

    def _by_number(self, db: Connection, dataset_id: int, item_id: int) -> tuple[Dataset, Example]:
        """A dataset of any scope, and an image of it."""
        dataset = select(db, Dataset, _scope_of(db, dataset_id), dataset_id)
        row = db.execute(
            "SELECT * FROM examples WHERE dataset_id = ? AND seq = ?", (dataset_id, item_id)
        ).fetchone()
        if row is None:
            raise not_found(NO_ITEM)
        return required(dataset, NO_ITEM), read_example(row)


_ALL = 10**9


def _scope_of(db: Connection, dataset_id: int) -> Scope:
    sql = "SELECT api, project, location FROM datasets WHERE id = ?"
    return Scope(*required(db.execute(sql, (dataset_id,)).fetchone(), NO_ITEM))


def of_item(number: int, *, negated: bool = False) -> Term:
    """Match one item, or all others."""
    return Term(f"seq {'!=' if negated else '='} ?", (number,))


def is_labelled() -> Term:
    """Match items that have an annotation."""
    return Term("(labels != '[]' OR boxes != '[]')", ())


def has_annotation(label: str) -> Term:
    """Match items with an annotation of that label."""
    return Term(
        "(EXISTS (SELECT 1 FROM json_each(labels) WHERE value = ?) OR EXISTS "
        "(SELECT 1 FROM json_each(boxes) WHERE json_extract(value, '$.label') = ?))",
        (label, label),
    )


def annotated_in(set_id: int) -> Term:
    """Match items that are in that annotation set."""
    return Term("content IN (SELECT content FROM annotated WHERE set_id = ?)", (set_id,))


def in_set(use: SetName) -> Term:
    """Match items in that set."""
    return Term("ml_use = ?", (use,))


class _Fields(Struct, frozen=True):
    """What annotations are filtered by."""

    annotation_spec_id: int
    saved_query_id: int | None

    @classmethod
    def of(cls, annotation: Annotation) -> _Fields:
        return cls(annotation.annotation_spec_id, annotation.saved_query_id)


_AT_ONCE = 500
"""Contents that are looked up in one statement."""


def _sets_of(
    db: Connection, dataset_id: int, contents: Sequence[str]
) -> Mapping[str, Sequence[int]]:
    """The ids of the annotation sets that images are in, the oldest first, by their contents."""
    found: dict[str, list[int]] = {}
    for start in range(0, len(contents), _AT_ONCE):
        some = contents[start : start + _AT_ONCE]
        marks = ", ".join("?" * len(some))
        rows = db.execute(
            f"SELECT content, set_id FROM annotated JOIN annotation_sets ON id = set_id "  # noqa: S608 - only marks
            f"WHERE dataset_id = ? AND content IN ({marks}) ORDER BY seq",
            (dataset_id, *some),
        )
        for row in rows:
            found.setdefault(row["content"], []).append(row["set_id"])
    return found


def _item(row: Row, dataset: Dataset, specs: Mapping[str, int], sets: Sequence[int]) -> DataItem:
    example = read_example(row)
    # Rows that an earlier version wrote have no times.
    created = from_micros(row["created"]) if row["created"] else dataset.created
    updated = from_micros(row["updated"]) if row["updated"] else created
    found: list[tuple[str, Box | None]] = [(label, None) for label in example.labels]
    found += [(box.label, box) for box in example.boxes]
    # An earlier version, and imports of AutoML, made no sets.
    places: Sequence[int | None] = sets or (None,)
    all_of_them = ((each, label, box) for each in places for label, box in found)
    annotations = tuple(
        Annotation(number, each, specs.get(label, 0), label, box, updated)
        for number, (each, label, box) in enumerate(all_of_them, 1)
    )
    labels = msgspec.json.decode(row["item_labels"], type=dict[str, str])
    return DataItem(row["seq"], example, created, updated, annotations, labels)


def _labelled(old: Example, problem: Problem, labels: Sequence[str]) -> Example:
    """An example with other labels; without any it has no boxes either."""
    if problem is Problem.IMAGE_CLASSIFICATION or not labels:
        return replace(old, labels=tuple(labels), boxes=())
    boxes = [
        replace(box, label=labels[min(place, len(labels) - 1)])
        for place, box in enumerate(old.boxes)
    ]
    return replace(old, boxes=tuple(boxes))
