"""Long-running operations: recorded in one transaction, run, and finished in another."""

import contextlib
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from sqlite3 import Connection
from typing import NamedTuple, cast

from msgspec.structs import replace

from automl_plan.emulator.billing import Billing
from automl_plan.emulator.call_readings import (
    CANCEL,
    CANCEL_OF_ENDED,
    DEPLOYMENT_TIME,
    DISPLAY_NAMES,
    LIST_ORDER,
    ROW_FAILURES,
    UPDATE_TIME,
)
from automl_plan.emulator.clock import Clock, to_micros
from automl_plan.emulator.errors import Code, ServiceError, precondition, required
from automl_plan.emulator.faults import current_call
from automl_plan.emulator.jobs import Cancellation, JobCancelled, JobInterrupted, Jobs
from automl_plan.emulator.lifespan import Lifespans
from automl_plan.emulator.limits import BATCHES_AT_ONCE, IMPORTS_AT_ONCE, TRAININGS_AT_ONCE
from automl_plan.emulator.objects import (
    CANCELLABLE,
    Counts,
    Dataset,
    Failure,
    Model,
    ObjectRef,
    Operation,
    OperationKind,
    Scope,
    new_id,
)
from automl_plan.emulator.readings import Readings
from automl_plan.emulator.rows import (
    Page,
    Window,
    column,
    insert_operation,
    is_named,
    read_operation,
    select,
    select_page,
)
from automl_plan.emulator.sql_filters import Term, created_until
from automl_plan.emulator.store import Store
from automl_plan.emulator.training.types import Problem

MAX_FAILURES = 20
"""The most texts that an operation reports (proto: OperationMetadata.partial_failures)."""

POOLS: Mapping[str, int] = {
    "changes": 1,  # one at a time, in the order of the requests
    "deployments": 32,
    "exports": 2,
    "imports": IMPORTS_AT_ONCE,
    "trainings": TRAININGS_AT_ONCE,
    "batches": BATCHES_AT_ONCE,
}
_POOL_OF = {
    OperationKind.IMPORT_DATA: "imports",
    OperationKind.CREATE_MODEL: "trainings",
    OperationKind.EXPORT_DATA: "exports",
    OperationKind.EXPORT_MODEL: "exports",
    OperationKind.BATCH_PREDICT: "batches",
}
_RECORDS = {OperationKind.DELETE_TRAINING: "pipeline_id", OperationKind.DELETE_BATCH: "job_id"}
"""Operations that delete the record of another one, and the field of their request with its id."""


Runner = Callable[[Operation, Cancellation], None]
"""Does an operation's work and ends by calling `Operations.finish`. Raises ServiceError when it
fails, JobCancelled when it is cancelled."""


class Operations:
    """The operations of all scopes."""

    def __init__(
        self, store: Store, clock: Clock, jobs: Jobs, billing: Billing, readings: Readings
    ) -> None:
        self._store = store
        self._readings = readings
        self._clock = clock
        self._billing = billing
        self._jobs = jobs
        self._runners: dict[OperationKind, Runner] = dict.fromkeys(_RECORDS, self._run_deletion)
        self._finished = threading.Condition()

    def register(self, kind: OperationKind, runner: Runner) -> None:
        """Register the function that runs a kind of operation."""
        self._runners[kind] = runner

    def resume(self) -> None:
        """Run what was unfinished when the service stopped, or cancel it if that was requested."""
        with self._store.reading() as db:
            rows = db.execute("SELECT * FROM operations WHERE done = 0 ORDER BY seq").fetchall()
        for operation in map(read_operation, rows):
            if operation.cancel_requested:
                self._fail(operation, _CANCELLED)
            else:
                self._submit(operation)

    def begin(
        self,
        db: Connection,
        scope: Scope,
        kind: OperationKind,
        problem: Problem | None,
        spec: Mapping[str, object],
        works_on: Sequence[ObjectRef],
    ) -> Operation:
        """Record an operation in the caller's transaction, and run it once that is committed."""
        now = self._clock.now()
        failing, stubborn = current_call().take("fail"), current_call().take("stubborn")
        operation = Operation(
            id=new_id(db),
            scope=scope,
            problem=problem,
            kind=kind,
            spec=spec,
            created=now,
            updated=now,
            started=now if self._has_room(db, kind) else None,
            fails_with=None if failing is None else failing.code,
            stubborn=stubborn is not None,
        )
        insert_operation(db, operation, works_on)
        self._billing.operation_created(db, operation)
        self._store.on_commit(lambda: self._submit(operation))
        return operation

    def start(self, operation: Operation) -> Operation:
        """Record when an operation left the queue, unless it never had to wait."""
        with self._store.transaction() as db:
            db.execute(
                "UPDATE operations SET started = coalesce(started, ?) WHERE id = ?",
                (to_micros(self._clock.now()), operation.id),
            )
            row = db.execute("SELECT * FROM operations WHERE id = ?", (operation.id,)).fetchone()
            operation = read_operation(row)
            self._billing.operation_started(db, operation)
        return operation

    def set_budget(self, operation: Operation, milli_node_hours: int) -> None:
        """Record the most that a batch prediction costs, also when it is cancelled."""
        with self._store.transaction() as db:
            db.execute(
                "UPDATE operations SET spec = json_set(spec, '$.budget', ?) WHERE id = ?",
                (milli_node_hours, operation.id),
            )

    def finish(
        self,
        db: Connection,
        operation: Operation,
        *,
        result: ObjectRef | None = None,
        output: str = "",
        files: Sequence[str] = (),
        failures: Sequence[str] = (),
        counts: Counts | None = None,
    ) -> None:
        """Record success, in the same transaction as the operation's effect."""
        db.execute(
            "UPDATE operations SET done = 1, updated = ?, result_kind = ?, result_id = ?, "
            "output = ?, files = ?, failures = ?, counts = ? WHERE id = ?",
            (
                to_micros(self._clock.now()),
                *(result or (None, None)),
                output,
                column(tuple(files)),
                column(self._reported(failures)),
                column(counts),
                operation.id,
            ),
        )
        _drop_if_forgotten(db, operation.id)

    def _reported(self, failures: Sequence[str]) -> tuple[str, ...]:
        """What an operation says of rows that were left out."""
        match self._readings[ROW_FAILURES]:
            case "each":
                return tuple(failures)
            case "summed":
                return (f"{len(failures)} rows could not be imported.",) if failures else ()
        return tuple(failures[:MAX_FAILURES])

    def get(
        self, scope: Scope, operation_id: int, missing: str = "The operation does not exist."
    ) -> Operation:
        """Return the operation of that id; `missing` is the text of the error without one."""
        with self._store.reading() as db:
            found = select(db, Operation, scope, operation_id)
        return required(found, missing)

    def list(self, scope: Scope, terms: Sequence[Term], window: Window) -> Page[Operation]:
        """Return operations, newest first; the fault `late` hides the latest ones."""
        late = current_call().seconds("late")
        if late:
            terms = [*terms, created_until(self._clock.now() - timedelta(seconds=late))]
        with self._store.reading() as db:
            return select_page(db, Operation, scope, terms, in_order(window, self._readings))

    def cancel(self, scope: Scope, operation_id: int) -> None:
        """Ask an import or a training to stop; without effect on others and on finished ones."""
        operation = self.get(scope, operation_id)
        if operation.done and self._readings[CANCEL_OF_ENDED] == "refused":
            raise precondition("The operation has ended: it can't be cancelled.")
        if operation.done or operation.stubborn or operation.kind not in CANCELLABLE:
            return
        match self._readings[CANCEL]:
            case "refused":
                raise precondition("The operation can't be cancelled any more.")
            case "too-late":
                return
        self._stop(operation)

    def stop_on(self, target: ObjectRef, kinds: Sequence[OperationKind]) -> None:
        """Cancel all operations of these kinds that work on an object."""
        marks = ", ".join("?" * len(kinds))
        with self._store.reading() as db:
            rows = db.execute(
                "SELECT o.* FROM works_on w JOIN operations o ON o.id = w.operation_id "  # noqa: S608 - only marks
                f"WHERE w.kind = ? AND w.object_id = ? AND o.done = 0 AND o.kind IN ({marks})",
                (*target, *kinds),
            ).fetchall()
        for row in rows:
            self._stop(read_operation(row))

    def _stop(self, operation: Operation) -> None:
        operation_id = operation.id
        with self._store.transaction() as db:
            db.execute(
                "UPDATE operations SET cancel_requested = 1 WHERE id = ? AND done = 0",
                (operation_id,),
            )
        if self._jobs.cancel(operation_id):
            self._fail(operation, _CANCELLED)

    def delete(self, scope: Scope, operation_id: int) -> None:
        """Delete the record; a running operation continues (proto: DeleteOperation)."""
        self.get(scope, operation_id)
        with self._store.transaction() as db:
            db.execute("UPDATE operations SET forgotten = 1 WHERE id = ?", (operation_id,))
            _drop_if_forgotten(db, operation_id)

    def begin_deletion(self, record: Operation, kind: OperationKind) -> Operation:
        """Start to delete the record of an operation that is done, by an operation of a kind."""
        spec = {_RECORDS[kind]: record.id}
        with self._store.transaction() as db:
            return self.begin(db, record.scope, kind, record.problem, spec, [])

    def _run_deletion(self, operation: Operation, _: Cancellation) -> None:
        record = cast("int", operation.spec[_RECORDS[operation.kind]])
        with contextlib.suppress(ServiceError):  # it may be gone already
            self.delete(operation.scope, record)
        with self._store.transaction() as db:
            self.finish(db, operation)

    def wait(self, scope: Scope, operation_id: int, seconds: float) -> Operation:
        """Return the operation when it is done, or its state after that many seconds."""
        end = time.monotonic() + seconds
        with self._finished:
            while True:
                operation = self.get(scope, operation_id)
                remaining = end - time.monotonic()
                if operation.done or remaining <= 0 or self._jobs.stopping:
                    return operation
                self._finished.wait(remaining)

    def wake(self) -> None:
        """Wake all `wait` calls: an operation finished, or the service stops."""
        with self._finished:
            self._finished.notify_all()

    def running_on(
        self, db: Connection, target: ObjectRef, kinds: Sequence[OperationKind]
    ) -> Operation | None:
        """Return a running operation of one of these kinds that works on the object, if any."""
        marks = ", ".join("?" * len(kinds))
        row = db.execute(
            "SELECT o.* FROM works_on w JOIN operations o ON o.id = w.operation_id "  # noqa: S608 - only marks
            f"WHERE w.kind = ? AND w.object_id = ? AND o.done = 0 AND o.kind IN ({marks})",
            (*target, *kinds),
        ).fetchone()
        return None if row is None else read_operation(row)

    def _has_room(self, db: Connection, kind: OperationKind) -> bool:
        """Whether an operation that can be cancelled starts at once.

        This is decided when it is recorded, not by its thread: a test that advances the clock
        right after the answer must not make it start later.
        """
        if kind not in CANCELLABLE:
            return False
        row = db.execute(
            "SELECT count(*) FROM operations WHERE kind = ? AND done = 0 AND started IS NOT NULL",
            (kind,),
        ).fetchone()
        return bool(row[0] < POOLS[_POOL_OF[kind]])

    def _submit(self, operation: Operation) -> None:
        pool = _POOL_OF.get(operation.kind, "changes")
        if operation.kind in DEPLOYS and self._readings[DEPLOYMENT_TIME] != "at-once":
            pool = "deployments"
        self._jobs.submit(
            pool, operation.id, lambda cancellation: self._run(operation, cancellation)
        )

    def _run(self, operation: Operation, cancellation: Cancellation) -> None:
        if operation.fails_with is not None:
            message = "The operation failed because of a fault that was set."
            self._fail(operation, Failure(operation.fails_with, message))
            return
        try:
            self._runners[operation.kind](operation, cancellation)
        except JobInterrupted:
            return
        except JobCancelled:
            self._fail(operation, _CANCELLED)
        except ServiceError as error:
            self._fail(operation, Failure(error.code, error.message))
        except Exception:  # noqa: BLE001 - whatever it is, the operation must end
            traceback.print_exc(file=sys.stderr)
            self._fail(operation, Failure(Code.INTERNAL, "INTERNAL"))
        self.wake()

    def _fail(self, operation: Operation, failure: Failure) -> None:
        with self._store.transaction() as db:
            db.execute(
                "UPDATE operations SET done = 1, updated = ?, error_code = ?, error_message = ? "
                "WHERE id = ? AND done = 0",
                (to_micros(self._clock.now()), failure.code, failure.message, operation.id),
            )
            self._billing.operation_failed(db, operation, failure.code)
            _drop_if_forgotten(db, operation.id)
        self.wake()


_CANCELLED = Failure(Code.CANCELLED, "The operation was cancelled.")


def _drop_if_forgotten(db: Connection, operation_id: int) -> None:
    db.execute(
        "DELETE FROM operations WHERE id = ? AND forgotten = 1 AND done = 1", (operation_id,)
    )


DEPLOYS = (OperationKind.DEPLOY_MODEL, OperationKind.DEPLOY_TO_ENDPOINT)
_DEPLOYMENT_HOURS = {"at-once": 0.0, "minutes": 1 / 6, "hour": 1.0}


def in_order(window: Window, readings: Readings) -> Window:
    """Return the window of a list in the order in which the service lists."""
    return replace(window, order=readings[LIST_ORDER])


class Context(NamedTuple):
    """The parts of the engine that datasets, models, endpoints and trainings share."""

    store: Store
    clock: Clock
    operations: Operations
    billing: Billing
    lifespans: Lifespans
    readings: Readings


class Manager:
    """Base of the classes that manage one kind of objects."""

    def __init__(self, context: Context, runners: Mapping[OperationKind, Runner]) -> None:
        self._store, self._clock, self._operations, self._billing = context[:4]
        self._lifespans, self._readings = context[4:]
        for kind, runner in runners.items():
            self._operations.register(kind, runner)

    def _updated(self, model: Model) -> datetime:
        """When a model was last changed, after a deployment of it begins or ends now."""
        moves = self._readings[UPDATE_TIME] == "moves"
        return self._clock.now() if moves else model.updated

    def _check_free(
        self, db: Connection, kind: type[Dataset | Model], scope: Scope, display_name: str
    ) -> None:
        """Refuse a second object of a display name, where those are unique."""
        if self._readings[DISPLAY_NAMES] == "unique" and is_named(db, kind, scope, display_name):
            raise ServiceError(Code.ALREADY_EXISTS, f"The name {display_name} is taken.")

    def _wait_for_nodes(self, operation: Operation, cancellation: Cancellation) -> None:
        """Wait as long as a deployment takes. Raises JobInterrupted when the service stops."""
        hours = _DEPLOYMENT_HOURS[self._readings[DEPLOYMENT_TIME]]
        if hours:
            ready = self._clock.after(operation.created, hours)
            self._clock.wait_until(ready, cancellation.requested)
            cancellation.check()
