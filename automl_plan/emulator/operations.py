"""Long-running operations: begun in one transaction, finished in another, run in between."""

import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from sqlite3 import Connection

from automl_plan.emulator.billing import Billing
from automl_plan.emulator.clock import Clock, to_micros
from automl_plan.emulator.errors import Code, ServiceError, not_found
from automl_plan.emulator.faults import current_call
from automl_plan.emulator.jobs import Cancellation, JobCancelled, JobInterrupted, Jobs
from automl_plan.emulator.limits import IMPORTS_AT_ONCE, TRAININGS_AT_ONCE
from automl_plan.emulator.objects import (
    CANCELLABLE,
    Failure,
    ObjectRef,
    Operation,
    OperationKind,
    Scope,
    new_id,
)
from automl_plan.emulator.rows import insert_operation, json_text, operation_of
from automl_plan.emulator.sql_filters import CreatedUntil, Term
from automl_plan.emulator.store import Page, Store, Window, select_page
from automl_plan.emulator.training.types import Problem

MAX_FAILURES = 20
"""proto: OperationMetadata.partial_failures, at most 20."""

POOLS: Mapping[str, int] = {
    "changes": 1,  # one at a time, in the order in which they were asked for
    "exports": 2,
    "imports": IMPORTS_AT_ONCE,
    "trainings": TRAININGS_AT_ONCE,
}
_POOL_OF = {
    OperationKind.IMPORT_DATA: "imports",
    OperationKind.CREATE_MODEL: "trainings",
    OperationKind.EXPORT_DATA: "exports",
    OperationKind.EXPORT_MODEL: "exports",
}


Runner = Callable[[Operation, Cancellation], None]
"""Does an operation's work and ends by calling `Operations.finish`, or raises ServiceError when
it failed, JobCancelled when it was cancelled."""


class Operations:
    """The operations of all scopes."""

    def __init__(self, store: Store, clock: Clock, jobs: Jobs, billing: Billing) -> None:
        self._store = store
        self._clock = clock
        self._billing = billing
        self._jobs = jobs
        self._runners: dict[OperationKind, Runner] = {}
        self._finished = threading.Condition()

    def register(self, kind: OperationKind, runner: Runner) -> None:
        """Say what runs a kind of operation."""
        self._runners[kind] = runner

    def resume(self) -> None:
        """Run again what had not finished when the service ended; cancel what was to be."""
        with self._store.reading() as db:
            rows = db.execute("SELECT * FROM operations WHERE done = 0 ORDER BY seq").fetchall()
        for operation in map(operation_of, rows):
            if operation.cancel_requested:
                self._fail(operation, _CANCELLED)
            else:
                self._submit(operation)

    def begin(
        self,
        scope: Scope,
        problem: Problem | None,
        kind: OperationKind,
        prepare: Callable[[Connection], tuple[Mapping[str, object], Sequence[ObjectRef]]],
    ) -> Operation:
        """Record an operation, and run it in the background.

        `prepare` checks, inside the same transaction, that it may begin, and gives its spec and
        the objects it works on.
        """
        now = self._clock.now()
        with self._store.transaction() as db:
            spec, works_on = prepare(db)
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
                done=False,
                cancel_requested=False,
                error=None,
                result=None,
                output="",
                failures=(),
                fails_with=None if failing is None else failing.code,
                stubborn=stubborn is not None,
            )
            insert_operation(db, operation, works_on)
            self._billing.asked(db, operation)
        self._submit(operation)
        return operation

    def start(self, operation: Operation) -> Operation:
        """Record when an operation got its turn, unless it had it when it was asked for."""
        with self._store.transaction() as db:
            db.execute(
                "UPDATE operations SET started = coalesce(started, ?) WHERE id = ?",
                (to_micros(self._clock.now()), operation.id),
            )
            row = db.execute("SELECT * FROM operations WHERE id = ?", (operation.id,)).fetchone()
            operation = operation_of(row)
            self._billing.began(db, operation)
        return operation

    def finish(
        self,
        db: Connection,
        operation: Operation,
        *,
        result: ObjectRef | None = None,
        output: str = "",
        failures: Sequence[str] = (),
    ) -> None:
        """Record success, in the same transaction as the operation's effect."""
        db.execute(
            "UPDATE operations SET done = 1, updated = ?, result_kind = ?, result_id = ?, "
            "output = ?, failures = ? WHERE id = ?",
            (
                to_micros(self._clock.now()),
                *(result or (None, None)),
                output,
                json_text(failures[:MAX_FAILURES]),
                operation.id,
            ),
        )
        _drop_if_forgotten(db, operation.id)

    def get(self, scope: Scope, operation_id: int) -> Operation:
        """The operation of that id."""
        with self._store.reading() as db:
            row = db.execute(
                "SELECT * FROM operations WHERE id = ? AND api = ? AND project = ? "
                "AND location = ? AND forgotten = 0",
                (operation_id, *scope),
            ).fetchone()
        if row is None:
            raise not_found("The operation does not exist.")
        return operation_of(row)

    def list(self, scope: Scope, terms: Sequence[Term], window: Window) -> Page[Operation]:
        """Operations, newest first; by a fault, those begun lately are missing."""
        late = current_call().seconds("late")
        if late:
            terms = [*terms, CreatedUntil(self._clock.now() - timedelta(seconds=late))]
        with self._store.reading() as db:
            rows, more = select_page(db, "operations", scope, terms, window)
        return Page(tuple(map(operation_of, rows)), more)

    def cancel(self, scope: Scope, operation_id: int) -> None:
        """Ask an import or a training to stop; others, and finished ones, go on as they were."""
        operation = self.get(scope, operation_id)
        if operation.done or operation.stubborn or operation.kind not in CANCELLABLE:
            return
        with self._store.transaction() as db:
            db.execute(
                "UPDATE operations SET cancel_requested = 1 WHERE id = ? AND done = 0",
                (operation_id,),
            )
        if self._jobs.cancel(operation_id):
            self._fail(operation, _CANCELLED)

    def delete(self, scope: Scope, operation_id: int) -> None:
        """Forget the record. A running operation goes on (google.longrunning: DeleteOperation)."""
        self.get(scope, operation_id)
        with self._store.transaction() as db:
            db.execute("UPDATE operations SET forgotten = 1 WHERE id = ?", (operation_id,))
            _drop_if_forgotten(db, operation_id)

    def wait(self, scope: Scope, operation_id: int, seconds: float) -> Operation:
        """The operation when it is done, or as it is after so many seconds."""
        end = time.monotonic() + seconds
        with self._finished:
            while True:
                operation = self.get(scope, operation_id)
                remaining = end - time.monotonic()
                if operation.done or remaining <= 0 or self._jobs.stopping:
                    return operation
                self._finished.wait(remaining)

    def wake(self) -> None:
        """Let those who wait look again: an operation finished, or the service stops."""
        with self._finished:
            self._finished.notify_all()

    def running_on(
        self, db: Connection, target: ObjectRef, kinds: Sequence[OperationKind]
    ) -> Operation | None:
        """A running operation of one of these kinds that works on the object."""
        marks = ", ".join("?" * len(kinds))
        row = db.execute(
            "SELECT o.* FROM works_on w JOIN operations o ON o.id = w.operation_id "  # noqa: S608 - only marks
            f"WHERE w.kind = ? AND w.object_id = ? AND o.done = 0 AND o.kind IN ({marks})",
            (*target, *kinds),
        ).fetchone()
        return None if row is None else operation_of(row)

    def _has_room(self, db: Connection, kind: OperationKind) -> bool:
        """Whether an operation that can be cancelled has its turn at once.

        That is decided with its record, not by its thread: a clock that is advanced right after
        the answer must not make it begin later.
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
        self._jobs.submit(
            pool, operation.id, lambda cancellation: self._run(operation, cancellation)
        )

    def _run(self, operation: Operation, cancellation: Cancellation) -> None:
        if operation.fails_with is not None:
            message = "The operation met a fault that was set."
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
            self._billing.failed(db, operation, failure.code)
            _drop_if_forgotten(db, operation.id)
        self.wake()


_CANCELLED = Failure(Code.CANCELLED, "The operation was cancelled.")


def _drop_if_forgotten(db: Connection, operation_id: int) -> None:
    db.execute(
        "DELETE FROM operations WHERE id = ? AND forgotten = 1 AND done = 1", (operation_id,)
    )
