"""Copies what lives at AutoML to Vertex AI, as Google's migration service does.

The originals stay. Whether Google's service takes labels along is not told anywhere; this one
does not, and no copy is deployed.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from sqlite3 import Connection, Row
from typing import cast

from msgspec import Struct
from msgspec.structs import replace

from automl_plan.emulator.clock import Clock
from automl_plan.emulator.errors import Code, ServiceError
from automl_plan.emulator.ids import new_id
from automl_plan.emulator.instants import from_micros, to_micros
from automl_plan.emulator.jobs import Cancellation
from automl_plan.emulator.objects import (
    Api,
    Failure,
    ObjectKind,
    ObjectRef,
    Operation,
    OperationKind,
    Scope,
)
from automl_plan.emulator.operations import Operations
from automl_plan.emulator.rows import (
    dataset_of,
    insert_dataset,
    insert_model,
    model_of,
    select_dataset,
    select_model,
)
from automl_plan.emulator.store import Store
from automl_plan.emulator.training.types import Problem

HOMES: Mapping[str, str] = {"us-central1": "us-central1", "europe-west4": "eu"}
"""Vertex AI's locations, and where AutoML had what can be migrated there."""


class Migratable(Struct, frozen=True):
    """An object that can be migrated, and when that was last begun."""

    source: ObjectRef
    problem: Problem
    display_name: str
    updated: datetime
    migrated: datetime | None


class Wish(Struct, frozen=True):
    """One object to migrate, and what its copy is to be called (empty: as the original)."""

    source: ObjectRef
    problem: Problem
    display_name: str


class Copied(Struct, frozen=True):
    """What came of one wish: the copy, or why there is none; neither while it is under way."""

    wish: Wish
    copy: ObjectRef | None
    failure: Failure | None


class Migrations:
    """Finds and copies what lives at AutoML."""

    def __init__(self, store: Store, clock: Clock, operations: Operations) -> None:
        self._store = store
        self._clock = clock
        self._operations = operations
        operations.register(OperationKind.MIGRATE, self._run)

    def search(self, scope: Scope) -> list[Migratable]:
        """All that can be migrated to a location of Vertex AI, newest first."""
        home = _home(scope)
        found: list[Migratable] = []
        with self._store.reading() as db:
            when = {
                (row["kind"], row["source_id"]): from_micros(row["at"])
                for row in db.execute("SELECT * FROM migrations ORDER BY seq")
            }
            for row in _rows(db, "models", home):
                model = model_of(row)
                ref = ObjectRef(ObjectKind.MODEL, model.id)
                found.append(
                    Migratable(ref, model.problem, model.display_name, model.updated, when.get(ref))
                )
            for row in _rows(db, "datasets", home):
                dataset = dataset_of(row)
                ref = ObjectRef(ObjectKind.DATASET, dataset.id)
                found.append(
                    Migratable(
                        ref,
                        dataset.problem,
                        dataset.display_name,
                        dataset.created,
                        when.get(ref),
                    )
                )
        return found

    def migrate(self, scope: Scope, wishes: Sequence[Wish]) -> Operation:
        """Copy each object that is wished for; what can't be copied fails alone."""

        def prepare(db: Connection) -> tuple[Mapping[str, object], Sequence[ObjectRef]]:
            asked = [
                [wish.source.kind, wish.source.id, wish.problem, wish.display_name, new_id(db)]
                for wish in wishes
            ]
            return {"wishes": asked}, [wish.source for wish in wishes]

        return self._operations.begin(scope, None, OperationKind.MIGRATE, prepare)

    def _run(self, operation: Operation, _: Cancellation) -> None:
        home = _home(operation.scope)
        now = self._clock.now()
        with self._store.transaction() as db:
            # Datasets first, so that a model's copy can name the copy of its dataset.
            order = sorted(_wishes(operation), key=lambda each: each[0].source.kind)
            told: dict[ObjectRef, str] = {}
            for wish, copy in order:
                try:
                    _copy(db, operation.scope, home, wish, copy, now)
                except ServiceError as error:
                    told[copy] = f"{int(error.code)} {error.message}"
                    continue
                db.execute(
                    "INSERT INTO migrations (kind, source_id, target_id, at) VALUES (?, ?, ?, ?)",
                    (*wish.source, copy.id, to_micros(now)),
                )
            texts = [told.get(copy, "") for _, copy in _wishes(operation)]
            self._operations.finish(db, operation, output=json.dumps(texts))


def copies(operation: Operation) -> list[Copied]:
    """What came of each wish of a migration, in the order in which they were asked for."""
    wishes = _wishes(operation)
    texts = json.loads(operation.output) if operation.output else [None] * len(wishes)
    found = []
    for (wish, copy), text in zip(wishes, texts, strict=True):
        failure = None
        if text:
            code, _, message = text.partition(" ")
            failure = Failure(Code(int(code)), message)
        found.append(Copied(wish, copy if text == "" else None, failure))
    return found


def _wishes(operation: Operation) -> list[tuple[Wish, ObjectRef]]:
    asked = cast("list[tuple[str, int, str, str, int]]", operation.spec["wishes"])
    return [
        (
            Wish(ObjectRef(ObjectKind(kind), source_id), Problem(problem), name),
            ObjectRef(ObjectKind(kind), copy_id),
        )
        for kind, source_id, problem, name, copy_id in asked
    ]


def _home(scope: Scope) -> Scope:
    return Scope(Api.AUTOML, scope.project, HOMES[scope.location])


def _rows(db: Connection, table: str, home: Scope) -> list[Row]:
    return db.execute(
        f"SELECT * FROM {table} WHERE api = ? AND project = ? AND location = ? "  # noqa: S608 - ours
        "ORDER BY seq DESC",
        tuple(home),
    ).fetchall()


def _copy(
    db: Connection, scope: Scope, home: Scope, wish: Wish, copy: ObjectRef, now: datetime
) -> None:
    if wish.source.kind is ObjectKind.DATASET:
        _copy_dataset(db, scope, home, wish, copy.id, now)
    else:
        _copy_model(db, scope, home, wish, copy.id, now)


def _copy_dataset(
    db: Connection, scope: Scope, home: Scope, wish: Wish, copy_id: int, now: datetime
) -> None:
    dataset = select_dataset(db, home, wish.source.id)
    if dataset is None:
        raise ServiceError(Code.NOT_FOUND, "The dataset does not exist at AutoML.")
    copy = replace(
        dataset,
        id=copy_id,
        scope=scope,
        display_name=wish.display_name or dataset.display_name,
        labels={},
        version=1,
        created=now,
    )
    insert_dataset(db, copy)
    db.execute(
        "INSERT INTO examples (dataset_id, content, uri, path, ml_use, labels, boxes) "
        "SELECT ?, content, uri, path, ml_use, labels, boxes FROM examples "
        "WHERE dataset_id = ? ORDER BY seq",
        (copy_id, dataset.id),
    )
    rows = db.execute(
        "SELECT label, example_count FROM annotation_specs WHERE dataset_id = ? ORDER BY seq",
        (dataset.id,),
    ).fetchall()
    db.executemany(
        "INSERT INTO annotation_specs (id, dataset_id, label, example_count) VALUES (?, ?, ?, ?)",
        [(new_id(db), copy_id, row["label"], row["example_count"]) for row in rows],
    )


def _copy_model(
    db: Connection, scope: Scope, home: Scope, wish: Wish, copy_id: int, now: datetime
) -> None:
    model = select_model(db, home, wish.source.id)
    if model is None:
        raise ServiceError(Code.NOT_FOUND, "The model does not exist at AutoML.")
    insert_model(
        db,
        replace(
            model,
            id=copy_id,
            scope=scope,
            dataset_id=_migrated(db, ObjectRef(ObjectKind.DATASET, model.dataset_id)),
            display_name=wish.display_name or model.display_name,
            base_model_id=None,
            labels={},
            version=1,
            created=now,
            updated=now,
            deployed=False,
            node_count=0,
        ),
    )
    db.execute(
        "INSERT INTO artefacts SELECT ?, content FROM artefacts WHERE model_id = ?",
        (copy_id, model.id),
    )
    rows = db.execute(
        "SELECT * FROM evaluations WHERE model_id = ? ORDER BY seq", (model.id,)
    ).fetchall()
    db.executemany(
        "INSERT INTO evaluations (id, model_id, api, project, location, annotation_spec_id, "
        "created, evaluation) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                new_id(db),
                copy_id,
                *scope,
                row["annotation_spec_id"],
                row["created"],
                row["evaluation"],
            )
            for row in rows
        ],
    )


def _migrated(db: Connection, source: ObjectRef) -> int:
    """The latest copy of an object; 0 when there is none."""
    row = db.execute(
        "SELECT target_id FROM migrations WHERE kind = ? AND source_id = ? ORDER BY seq DESC",
        tuple(source),
    ).fetchone()
    return 0 if row is None else int(row["target_id"])
