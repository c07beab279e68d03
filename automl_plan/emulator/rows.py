"""Database rows as objects and back. Every function works inside the caller's transaction."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cache, lru_cache
from pathlib import Path
from sqlite3 import Connection, Row
from typing import Any, Generic, NamedTuple, TypeVar, get_args, get_origin

import msgspec
from msgspec.structs import asdict, fields, replace

from automl_plan.emulator.clock import from_micros, to_micros
from automl_plan.emulator.errors import Code, ServiceError
from automl_plan.emulator.limits import RESERVED_LABELS
from automl_plan.emulator.objects import (
    CACHED_ROWS,
    AnnotationSpec,
    Change,
    Dataset,
    Deployment,
    Endpoint,
    Model,
    ModelEvaluation,
    ObjectRef,
    Operation,
    OperationKind,
    Scope,
    new_id,
)
from automl_plan.emulator.sql_filters import Order, Term
from automl_plan.emulator.training.types import (
    Box,
    ClassificationMetrics,
    DetectionMetrics,
    Evaluation,
    Example,
    SetName,
)

Struct = TypeVar("Struct", bound=msgspec.Struct)
Item = TypeVar("Item")
Listed = TypeVar("Listed", Dataset, Model, ModelEvaluation, Operation, Endpoint)
Changeable = TypeVar("Changeable", Dataset, Model, Endpoint)


class Window(msgspec.Struct, frozen=True):
    """One page of a list: at most `size` rows, all older than row number `before`.

    In a list that is `sorted_by` columns, `before` is the number of rows before the page.
    """

    size: int
    before: int | None = None
    order: str = "newest-first"
    """Or `oldest-first` or `by-id`: then the page is of rows after `before`."""
    sorted_by: tuple[Order, ...] = ()


class Page(msgspec.Struct, Generic[Item], frozen=True):
    """Items of a list, newest first, and the row number where the next page starts."""

    items: tuple[Item, ...]
    next_before: int | None


def column(value: object) -> object:
    """Return a field's value as its column stores it."""
    match value:
        case datetime():
            return to_micros(value)
        case Mapping() | tuple():
            return msgspec.json.encode(value).decode()
    return value


def insert(db: Connection, table: str, values: Mapping[str, object]) -> None:
    """Insert a row; columns that aren't given are NULL."""
    columns, marks = ", ".join(values), ", ".join("?" * len(values))
    db.execute(
        f"INSERT INTO {table} ({columns}) VALUES ({marks})",  # noqa: S608 - names are ours
        tuple(map(column, values.values())),
    )


def insert_object(db: Connection, item: Dataset | Model) -> None:
    """Insert a dataset or a model."""
    insert(db, _TABLES[type(item)].name, _columns(item))


def insert_operation(db: Connection, operation: Operation, works_on: Sequence[ObjectRef]) -> None:
    """Insert an operation that has just been created, and the objects it works on."""
    columns = _columns(operation)
    del columns["error"], columns["result"]  # it has neither yet
    columns |= {"problem": operation.problem or "", "forgotten": False}
    insert(db, "operations", columns)
    for target in works_on:
        db.execute("INSERT INTO works_on VALUES (?, ?, ?)", (operation.id, *target))


def insert_evaluation(db: Connection, model: Model, evaluation: ModelEvaluation) -> None:
    """Insert an evaluation of a model."""
    text = msgspec.json.encode(evaluation.evaluation).decode()
    columns = {**_columns(evaluation), **model.scope._asdict(), "evaluation": text}
    insert(db, "evaluations", columns)


_fields = cache(fields)


def _columns(item: msgspec.Struct) -> dict[str, object]:
    """The fields of an object by the names of their columns."""
    columns = {each.encode_name: getattr(item, each.name) for each in _fields(type(item))}
    scope = columns.pop("scope", None)
    return columns | (scope._asdict() if scope else {})


def apply_change(
    db: Connection, old: Changeable, change: Change, etag: str | None, now: datetime
) -> Changeable:
    """Write the fields that a change has, and return the new object.

    Raises ABORTED when an etag is given that isn't the current one.
    """
    table = _TABLES[type(old)]
    if etag and etag != old.etag:
        text = f"The etag is not that of the current {table.name.removesuffix('s')}."
        raise ServiceError(Code.ABORTED, text)
    given: dict[str, object] = {
        name: value for name, value in asdict(change).items() if value is not None
    }
    if change.labels is not None:
        given["labels"] = _with_reserved(change.labels, old.labels)
    given["updated"] = now
    new: Changeable = replace(old, **given, version=old.version + 1)
    names: tuple[str, ...] = (*given, "version")
    db.execute(
        f"UPDATE {table.name} SET {', '.join(f'{name} = ?' for name in names)} "  # noqa: S608 - names are ours
        f"WHERE {table.key} = ?",
        (*(column(getattr(new, name)) for name in names), getattr(old, table.key)),
    )
    return new


def _with_reserved(new: Mapping[str, str], old: Mapping[str, str]) -> Mapping[str, str]:
    """New labels, with the service's own ones as they were."""
    own = {key: value for key, value in old.items() if key.startswith(RESERVED_LABELS)}
    return {**{k: v for k, v in new.items() if not k.startswith(RESERVED_LABELS)}, **own}


def select(db: Connection, kind: type[Listed], scope: Scope, object_id: int | str) -> Listed | None:
    """Return the object of that id, or None when the scope has none."""
    table = _TABLES[kind]
    row = db.execute(
        f"SELECT * FROM {table.name} WHERE id = ? AND {table.in_scope}",  # noqa: S608 - closed sets only
        (object_id, *scope),
    ).fetchone()
    return None if row is None else table.read(db, row)


def known_projects(db: Connection) -> list[str]:
    """Return the projects of all objects."""
    tables = ("datasets", "models", "operations", "endpoints")
    union = " UNION ".join(f"SELECT project FROM {name}" for name in tables)  # noqa: S608 - ours
    return [row["project"] for row in db.execute(union)]


def is_named(db: Connection, kind: type[Dataset | Model], scope: Scope, display_name: str) -> bool:
    """Return whether an object of a scope has that display name."""
    table = _TABLES[kind]
    row = db.execute(
        f"SELECT 1 FROM {table.name} WHERE display_name = ? AND {table.in_scope}",  # noqa: S608 - closed sets only
        (display_name, *scope),
    ).fetchone()
    return row is not None


def is_running(db: Connection, scope: Scope, kind: OperationKind, **spec: object) -> bool:
    """Return whether an operation of a kind that asks for this is not done."""
    asked = "".join(" AND json_extract(spec, ?) = ?" for _ in spec)
    values = (each for name, value in spec.items() for each in (f"$.{name}", value))
    in_scope = "api = ? AND project = ? AND location = ?"
    row = db.execute(
        f"SELECT 1 FROM operations WHERE {in_scope} AND kind = ? AND done = 0{asked}",  # noqa: S608 - ours
        (*scope, kind, *values),
    ).fetchone()
    return row is not None


def select_page(
    db: Connection, kind: type[Listed], scope: Scope, terms: Sequence[Term], window: Window
) -> Page[Listed]:
    """Return one page of the objects of a scope that match all terms, newest first."""
    table = _TABLES[kind]
    key = table.key if window.order == "by-id" else "seq"
    newest, skipped = window.order == "newest-first", 0
    if window.sorted_by:
        skipped = window.before or 0
    elif window.before is not None:
        terms = [*terms, Term(f"{key} {'<' if newest else '>'} ?", (window.before,))]
    where = " AND ".join([table.in_scope, *(term.sql for term in terms)])
    direction = "DESC" if newest else "ASC"
    by = ", ".join([*(each.sql for each in window.sorted_by), f"{key} {direction}"])
    given: list[object] = [value for term in terms for value in term.parameters]
    rows = db.execute(
        f"SELECT * FROM {table.name} WHERE {where} ORDER BY {by} LIMIT ? OFFSET ?",  # noqa: S608 - closed sets only
        (*scope, *given, window.size + 1, skipped),
    ).fetchall()
    more = len(rows) > window.size
    rows = rows[: window.size]
    following = skipped + window.size if window.sorted_by else rows[-1][key] if rows else None
    return Page(tuple(table.read(db, row) for row in rows), following if more else None)


def matches(db: Connection, item: msgspec.Struct, terms: Sequence[Term]) -> bool:
    """Return whether an object that has no row would match all terms."""
    columns = _columns(item)
    given = ", ".join(f"? AS {name}" for name in columns)
    where = " AND ".join(["true", *(term.sql for term in terms)])
    row = db.execute(
        f"SELECT 1 FROM (SELECT {given}) WHERE {where}",  # noqa: S608 - closed sets only
        (*map(column, columns.values()), *(value for term in terms for value in term.parameters)),
    ).fetchone()
    return row is not None


@cache
def _readers(kind: type[msgspec.Struct]) -> Mapping[str, Callable[[Any], Any]]:
    """How to read the columns of a type that aren't stored as they are: JSON and times."""
    readers: dict[str, Callable[[Any], Any]] = {}
    for each in _fields(kind):
        types = {each.type, get_origin(each.type), *get_args(each.type)}
        if datetime in types:
            readers[each.encode_name] = from_micros
        elif types & {Mapping, dict, tuple}:
            readers[each.encode_name] = msgspec.json.decode
    return readers


def read_row(row: Row, kind: type[Struct], **given: object) -> Struct:
    """Return the object of a row; fields that aren't columns are given."""
    values = dict(row)
    for name, read in _readers(kind).items():
        if name in values and values[name] is not None:
            values[name] = read(values[name])
    if "api" in values:
        values["scope"] = (values["api"], values["project"], values["location"])
    return msgspec.convert(values | given, kind, strict=False)


@lru_cache(CACHED_ROWS)
def _dataset(row: Row) -> Dataset:
    return read_row(row, Dataset)


@lru_cache(CACHED_ROWS)
def read_model(row: Row) -> Model:
    """Return the model of a row."""
    return read_row(row, Model)


def read_operation(row: Row) -> Operation:
    """Return the operation of a row."""
    code, result_kind = row["error_code"], row["result_kind"]
    return read_row(
        row,
        Operation,
        problem=row["problem"] or None,
        error=None if code is None else (code, row["error_message"]),
        result=None if result_kind is None else (result_kind, row["result_id"]),
        counts=None if row["counts"] is None else msgspec.json.decode(row["counts"]),
    )


class _StoredEvaluation(msgspec.Struct):
    label: str | None
    evaluated_example_count: int
    metrics: msgspec.Raw


def _evaluation(row: Row) -> ModelEvaluation:
    stored = msgspec.json.decode(row["evaluation"], type=_StoredEvaluation)
    kind: type[DetectionMetrics | ClassificationMetrics] = (
        DetectionMetrics if b'"entries":' in bytes(stored.metrics) else ClassificationMetrics
    )
    metrics = msgspec.json.decode(stored.metrics, type=kind)
    evaluation = Evaluation(stored.label, stored.evaluated_example_count, metrics)
    return ModelEvaluation(
        id=row["id"],
        model_id=row["model_id"],
        annotation_spec_id=row["annotation_spec_id"],
        created=from_micros(row["created"]),
        evaluation=evaluation,
    )


def _endpoint(db: Connection, row: Row) -> Endpoint:
    rows = db.execute(
        "SELECT d.*, m.family, m.number AS version FROM deployments d "
        "JOIN models m ON m.id = d.model_id WHERE d.endpoint = ? ORDER BY d.seq",
        (row["number"],),
    )
    deployments = [read_row(each, Deployment) for each in rows]
    ids = {each.id for each in deployments}
    traffic = msgspec.json.decode(row["traffic"], type=dict[str, int])
    served = {key: percent for key, percent in traffic.items() if key in ids}
    return read_row(row, Endpoint, deployments=deployments, traffic=served)


class _Table(NamedTuple):
    """The table of a type: its name, the column that other tables refer to, and its reader."""

    name: str
    key: str
    read: Callable[[Connection, Row], Any]

    @property
    def in_scope(self) -> str:
        """The condition for rows of one scope."""
        listed = " AND forgotten = 0" if self.name == "operations" else ""
        return f"api = ? AND project = ? AND location = ?{listed}"


_TABLES: Mapping[type, _Table] = {
    Dataset: _Table("datasets", "id", lambda _, row: _dataset(row)),
    Model: _Table("models", "id", lambda _, row: read_model(row)),
    ModelEvaluation: _Table("evaluations", "id", lambda _, row: _evaluation(row)),
    Operation: _Table("operations", "id", lambda _, row: read_operation(row)),
    Endpoint: _Table("endpoints", "number", _endpoint),
}


def select_specs(db: Connection, dataset_id: int) -> list[AnnotationSpec]:
    """Return the labels of a dataset, oldest first."""
    rows = db.execute(
        "SELECT * FROM annotation_specs WHERE dataset_id = ? ORDER BY seq", (dataset_id,)
    )
    return [read_row(row, AnnotationSpec) for row in rows]


_TEXTS = msgspec.json.Decoder(tuple[str, ...])
_BOXES = msgspec.json.Decoder(tuple[Box, ...])


def select_examples(db: Connection, dataset_id: int) -> list[Example]:
    """Return the examples of a dataset, oldest first."""
    rows = db.execute("SELECT * FROM examples WHERE dataset_id = ? ORDER BY seq", (dataset_id,))
    return list(map(read_example, rows))


def read_example(row: Row) -> Example:
    """Return the example of a row."""
    return Example(
        uri=row["uri"],
        path=Path(row["path"]),
        set=SetName(row["ml_use"]),
        labels=_TEXTS.decode(row["labels"]),
        boxes=_BOXES.decode(row["boxes"]),
        content=row["content"],
    )


def select_unshared_contents(db: Connection, dataset_id: int) -> list[str]:
    """Return the contents of images that no other dataset has."""
    rows = db.execute(
        "SELECT content FROM examples WHERE dataset_id = ?1 "
        "EXCEPT SELECT content FROM examples WHERE dataset_id <> ?1",
        (dataset_id,),
    )
    return [row["content"] for row in rows]


def write_examples(
    db: Connection, dataset_id: int, examples: Sequence[Example], now: datetime
) -> None:
    """Insert examples; of those that exist, replace labels and boxes."""
    instant = to_micros(now)
    db.executemany(
        "INSERT INTO examples "
        "(dataset_id, content, uri, path, ml_use, labels, boxes, created, updated) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (dataset_id, content) DO UPDATE SET "
        "labels = excluded.labels, boxes = excluded.boxes, updated = excluded.updated",
        (
            (
                dataset_id,
                example.content,
                example.uri,
                str(example.path),
                example.set,
                column(example.labels),
                column(example.boxes),
                instant,
                instant,
            )
            for example in examples
        ),
    )


def label_examples(
    db: Connection, dataset_id: int, labelled: Mapping[str, Mapping[str, str]]
) -> None:
    """Add labels to images themselves, by content; a value that a key had is overwritten."""
    db.executemany(
        "UPDATE examples SET item_labels = json_patch(item_labels, ?) "
        "WHERE dataset_id = ? AND content = ?",
        ((column(labels), dataset_id, content) for content, labels in labelled.items()),
    )


def write_counts(
    db: Connection, dataset_id: int, examples: Sequence[Example], now: datetime | None
) -> None:
    """Write the number of examples of a dataset, and of each label.

    `now` becomes the time of its last update; None: that stays.
    """
    counts: dict[str, int] = {}
    for example in examples:
        for label in dict.fromkeys((*example.labels, *(box.label for box in example.boxes))):
            counts[label] = counts.get(label, 0) + 1
    db.execute("UPDATE annotation_specs SET example_count = 0 WHERE dataset_id = ?", (dataset_id,))
    for label, count in counts.items():
        db.execute(
            "INSERT INTO annotation_specs (id, dataset_id, label, example_count) "
            "VALUES (?, ?, ?, ?) ON CONFLICT (dataset_id, label) "
            "DO UPDATE SET example_count = excluded.example_count",
            (new_id(db), dataset_id, label, count),
        )
    db.execute(
        "UPDATE datasets SET example_count = ?, updated = coalesce(?, updated) WHERE id = ?",
        (len(examples), None if now is None else to_micros(now), dataset_id),
    )
