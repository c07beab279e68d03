"""Database rows to objects and back. Every function works inside the caller's transaction."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec

from automl_plan.emulator.clock import from_micros, to_micros
from automl_plan.emulator.errors import Code
from automl_plan.emulator.objects import (
    KEPT_ROWS,
    AnnotationSpec,
    Api,
    Dataset,
    Failure,
    Model,
    ModelEvaluation,
    ObjectKind,
    ObjectRef,
    Operation,
    OperationKind,
    Scope,
)
from automl_plan.emulator.training.types import (
    Box,
    ClassificationMetrics,
    DetectionMetrics,
    DetectionThreshold,
    Evaluation,
    Example,
    IouEntry,
    Problem,
    SetName,
    Threshold,
)


def dump_evaluation(evaluation: Evaluation) -> str:
    """The text that `load_evaluation` reads."""
    return msgspec.json.encode(evaluation).decode()


def load_evaluation(text: str) -> Evaluation:
    """The evaluation that was dumped."""
    fields = json.loads(text)
    metrics = fields["metrics"]
    return Evaluation(
        label=fields["label"],
        evaluated_example_count=fields["evaluated_example_count"],
        metrics=_detection(metrics) if "entries" in metrics else _classification(metrics),
    )


def _classification(fields: dict[str, Any]) -> ClassificationMetrics:
    thresholds, confusion = fields.pop("thresholds"), fields.pop("confusion")
    return ClassificationMetrics(
        **fields,
        thresholds=tuple(Threshold(**entry) for entry in thresholds),
        confusion=None if confusion is None else tuple(tuple(row) for row in confusion),
    )


def _detection(fields: dict[str, Any]) -> DetectionMetrics:
    entries = []
    for entry in fields.pop("entries"):
        thresholds = tuple(DetectionThreshold(**each) for each in entry.pop("thresholds"))
        entries.append(IouEntry(**entry, thresholds=thresholds))
    return DetectionMetrics(**fields, entries=tuple(entries))


_TEXTS = msgspec.json.Decoder(tuple[str, ...])
_BOXES = msgspec.json.Decoder(tuple[Box, ...])


def json_text(value: object) -> str:
    """A value as a column keeps it."""
    return msgspec.json.encode(value).decode()


def insert(db: sqlite3.Connection, table: str, values: dict[str, object]) -> None:
    """Add a row; columns that aren't given are null."""
    columns, marks = ", ".join(values), ", ".join("?" * len(values))
    db.execute(
        f"INSERT INTO {table} ({columns}) VALUES ({marks})",  # noqa: S608 - names are ours
        tuple(values.values()),
    )


def scope_of(row: sqlite3.Row) -> Scope:
    """The scope of any object's row."""
    return Scope(Api(row["api"]), row["project"], row["location"])


def insert_dataset(db: sqlite3.Connection, dataset: Dataset) -> None:
    """Add a dataset."""
    insert(
        db,
        "datasets",
        {
            "id": dataset.id,
            **dataset.scope._asdict(),
            "problem": dataset.problem,
            "multilabel": dataset.multilabel,
            "display_name": dataset.display_name,
            "description": dataset.description,
            "labels": json_text(dict(dataset.labels)),
            "version": dataset.version,
            "created": to_micros(dataset.created),
            "example_count": dataset.example_count,
        },
    )


@lru_cache(KEPT_ROWS)
def dataset_of(row: sqlite3.Row) -> Dataset:
    """The dataset of a row."""
    return Dataset(
        id=row["id"],
        scope=scope_of(row),
        problem=Problem(row["problem"]),
        multilabel=bool(row["multilabel"]),
        display_name=row["display_name"],
        description=row["description"],
        labels=msgspec.json.decode(row["labels"]),
        version=row["version"],
        created=from_micros(row["created"]),
        example_count=row["example_count"],
    )


def select_dataset(db: sqlite3.Connection, scope: Scope, dataset_id: int) -> Dataset | None:
    """The dataset of that id, if the scope has one."""
    row = db.execute(
        "SELECT * FROM datasets WHERE id = ? AND api = ? AND project = ? AND location = ?",
        (dataset_id, *scope),
    ).fetchone()
    return None if row is None else dataset_of(row)


def select_specs(db: sqlite3.Connection, dataset_id: int) -> list[AnnotationSpec]:
    """The labels of a dataset, in the order in which they came."""
    return [
        AnnotationSpec(row["id"], row["dataset_id"], row["label"], row["example_count"])
        for row in db.execute(
            "SELECT * FROM annotation_specs WHERE dataset_id = ? ORDER BY seq", (dataset_id,)
        )
    ]


def select_examples(db: sqlite3.Connection, dataset_id: int) -> list[Example]:
    """The examples of a dataset, in the order in which they came."""
    return [
        example_of(row)
        for row in db.execute(
            "SELECT * FROM examples WHERE dataset_id = ? ORDER BY seq", (dataset_id,)
        )
    ]


def select_own_contents(db: sqlite3.Connection, dataset_id: int) -> list[str]:
    """The contents of images that this dataset alone has."""
    rows = db.execute(
        "SELECT content FROM examples WHERE dataset_id = ?1 "
        "EXCEPT SELECT content FROM examples WHERE dataset_id <> ?1",
        (dataset_id,),
    )
    return [row["content"] for row in rows]


def example_of(row: sqlite3.Row) -> Example:
    """The example of a row."""
    return Example(
        uri=row["uri"],
        path=Path(row["path"]),
        set=SetName(row["ml_use"]),
        labels=_TEXTS.decode(row["labels"]),
        boxes=_BOXES.decode(row["boxes"]),
        content=row["content"],
    )


def write_examples(db: sqlite3.Connection, dataset_id: int, examples: Sequence[Example]) -> None:
    """Add examples; one with content that stands already gets the new labels and boxes."""
    db.executemany(
        "INSERT INTO examples (dataset_id, content, uri, path, ml_use, labels, boxes) "
        "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (dataset_id, content) "
        "DO UPDATE SET labels = excluded.labels, boxes = excluded.boxes",
        (
            (
                dataset_id,
                example.content,
                example.uri,
                str(example.path),
                example.set,
                json_text(example.labels),
                json_text(example.boxes),
            )
            for example in examples
        ),
    )


def insert_model(db: sqlite3.Connection, model: Model) -> None:
    """Add a model."""
    insert(
        db,
        "models",
        {
            "id": model.id,
            **model.scope._asdict(),
            "dataset_id": model.dataset_id,
            "problem": model.problem,
            "multilabel": model.multilabel,
            "model_type": model.model_type,
            "budget": model.budget_milli_node_hours,
            "base_model_id": model.base_model_id,
            "display_name": model.display_name,
            "labels": json_text(dict(model.labels)),
            "version": model.version,
            "created": to_micros(model.created),
            "updated": to_micros(model.updated),
            "cost": model.cost_milli_node_hours,
            "stop_reason": model.stop_reason,
            "node_qps": model.node_qps,
            "deployed": model.deployed,
            "node_count": model.node_count,
            "trainer": model.trainer,
            "specs": json_text(model.specs),
        },
    )


@lru_cache(KEPT_ROWS)
def model_of(row: sqlite3.Row) -> Model:
    """The model of a row."""
    return Model(
        id=row["id"],
        scope=scope_of(row),
        dataset_id=row["dataset_id"],
        problem=Problem(row["problem"]),
        multilabel=bool(row["multilabel"]),
        model_type=row["model_type"],
        budget_milli_node_hours=row["budget"],
        base_model_id=row["base_model_id"],
        display_name=row["display_name"],
        labels=msgspec.json.decode(row["labels"]),
        version=row["version"],
        created=from_micros(row["created"]),
        updated=from_micros(row["updated"]),
        cost_milli_node_hours=row["cost"],
        stop_reason=row["stop_reason"],
        node_qps=row["node_qps"],
        deployed=bool(row["deployed"]),
        node_count=row["node_count"],
        trainer=row["trainer"],
        specs=tuple((spec_id, label) for spec_id, label in msgspec.json.decode(row["specs"])),
    )


def select_model(db: sqlite3.Connection, scope: Scope, model_id: int) -> Model | None:
    """The model of that id, if the scope has one."""
    row = db.execute(
        "SELECT * FROM models WHERE id = ? AND api = ? AND project = ? AND location = ?",
        (model_id, *scope),
    ).fetchone()
    return None if row is None else model_of(row)


def evaluation_of(row: sqlite3.Row) -> ModelEvaluation:
    """The evaluation of a row."""
    return ModelEvaluation(
        id=row["id"],
        model_id=row["model_id"],
        annotation_spec_id=row["annotation_spec_id"],
        created=from_micros(row["created"]),
        evaluation=load_evaluation(row["evaluation"]),
    )


def insert_operation(
    db: sqlite3.Connection, operation: Operation, works_on: Sequence[ObjectRef]
) -> None:
    """Add an operation that has just begun."""
    insert(
        db,
        "operations",
        {
            "id": operation.id,
            **operation.scope._asdict(),
            "problem": operation.problem or "",
            "kind": operation.kind,
            "spec": json_text(dict(operation.spec)),
            "created": to_micros(operation.created),
            "updated": to_micros(operation.updated),
            "started": None if operation.started is None else to_micros(operation.started),
            "done": operation.done,
            "cancel_requested": operation.cancel_requested,
            "forgotten": False,
            "output": operation.output,
            "failures": json_text(operation.failures),
            "fails_with": operation.fails_with,
            "stubborn": operation.stubborn,
        },
    )
    for target in works_on:
        db.execute("INSERT INTO works_on VALUES (?, ?, ?)", (operation.id, *target))


def operation_of(row: sqlite3.Row) -> Operation:
    """The operation of a row."""
    code, result_kind = row["error_code"], row["result_kind"]
    return Operation(
        id=row["id"],
        scope=scope_of(row),
        problem=Problem(row["problem"]) if row["problem"] else None,
        kind=OperationKind(row["kind"]),
        spec=msgspec.json.decode(row["spec"]),
        created=from_micros(row["created"]),
        updated=from_micros(row["updated"]),
        started=None if row["started"] is None else from_micros(row["started"]),
        done=bool(row["done"]),
        cancel_requested=bool(row["cancel_requested"]),
        error=None if code is None else Failure(Code(code), row["error_message"]),
        result=None
        if result_kind is None
        else ObjectRef(ObjectKind(result_kind), row["result_id"]),
        output=row["output"],
        failures=_TEXTS.decode(row["failures"]),
        fails_with=None if row["fails_with"] is None else Code(row["fails_with"]),
        stubborn=bool(row["stubborn"]),
    )
