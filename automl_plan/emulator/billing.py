"""The bill: what the cloud would charge for trainings, deployments and batch predictions.

Deletions don't lower it.

The rules are those of Vertex AI's pricing page. A training is charged when it ends, for what it
used: also when it was cancelled, but not when it failed. So is a batch prediction. A deployed model
is charged per node and hour until it is undeployed or expires, also while the service is down.
Hours are those of the service's clock, by its time scale.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from sqlite3 import Connection, Row
from typing import cast

from msgspec import Struct
from msgspec.structs import replace

from automl_plan.emulator.clock import Clock, from_micros, to_micros
from automl_plan.emulator.errors import Code
from automl_plan.emulator.limits import (
    BATCH_USD_PER_NODE_HOUR,
    DEPLOYMENT_USD_PER_NODE_HOUR,
    MODEL_TYPES,
)
from automl_plan.emulator.objects import Model, Operation, OperationKind
from automl_plan.emulator.rows import insert, read_row
from automl_plan.emulator.store import Store
from automl_plan.emulator.training.types import Problem

_USD_DIGITS = 6
"""Exact: milli node hours at rates of tenths of a cent."""

_MOST = 2**63 - 1
"""The most that the database can store, which high time scales can exceed."""


class ChargeKind(StrEnum):
    """What a charge is for."""

    TRAINING = "training"
    DEPLOYMENT = "deployment"
    BATCH = "batch"


class Outcome(StrEnum):
    """The state of a charge. A deployment is RUNNING or ENDED."""

    RUNNING = "running"
    TRAINED = "trained"
    PREDICTED = "predicted"
    CANCELLED = "cancelled"
    FAILED = "failed"
    ENDED = "ended"


_CHARGED = {
    OperationKind.CREATE_MODEL: ChargeKind.TRAINING,
    OperationKind.BATCH_PREDICT: ChargeKind.BATCH,
}


class Charge(Struct, frozen=True):
    """A training, a batch prediction, or a time in which a model was deployed on some nodes.

    `operation_id` is the operation that started it. `began` is None while it is queued, `ended` is
    None while it runs. Names and labels are those of the model at its start.
    """

    kind: ChargeKind
    project: str
    operation_id: int
    model_id: int
    problem: Problem
    model_type: str
    display_name: str
    labels: dict[str, str]
    nodes: int
    began: datetime | None
    ended: datetime | None
    outcome: Outcome
    milli_node_hours: int

    @property
    def usd(self) -> float:
        """The amount in US dollars."""
        if self.kind is ChargeKind.TRAINING:
            rate = MODEL_TYPES[self.problem][self.model_type].usd_per_node_hour
        elif self.kind is ChargeKind.BATCH:
            rate = BATCH_USD_PER_NODE_HOUR[self.problem]
        else:
            rate = DEPLOYMENT_USD_PER_NODE_HOUR[self.problem]
        return round(self.milli_node_hours / 1000 * rate, _USD_DIGITS)


def total_usd(charges: Sequence[Charge]) -> float:
    """Return the sum of charges in US dollars."""
    return round(sum(charge.usd for charge in charges), _USD_DIGITS)


class Billing:
    """Records charges. Methods that write are called in the transaction of what they charge for."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def charges(self, kind: ChargeKind) -> list[Charge]:
        """Return all charges of a kind, oldest first, including running ones up to now."""
        with self._store.reading() as db:
            rows = db.execute("SELECT * FROM charges WHERE kind = ? ORDER BY seq", (kind,))
            return [self._charge(row) for row in rows]

    def operation_created(self, db: Connection, operation: Operation) -> None:
        """Start the charge of a training or a batch prediction; other operations have none."""
        charged = _CHARGED.get(operation.kind)
        if charged is None:
            return
        problem, spec = cast("Problem", operation.problem), operation.spec
        model_type = cast("str", spec["model_type"])
        columns = {key: spec[key] for key in ("model_id", "model_type", "display_name", "labels")}
        trains = charged is ChargeKind.TRAINING
        columns |= {
            "problem": problem,
            "nodes": MODEL_TYPES[problem][model_type].nodes if trains else 1,
            "began": operation.started,
        }
        _start(db, charged, operation, columns)

    def operation_started(self, db: Connection, operation: Operation) -> None:
        """Record the start of what is charged; until then nothing is."""
        if operation.started is not None:
            db.execute(
                "UPDATE charges SET began = ? WHERE operation_id = ? AND kind <> ?",
                (to_micros(operation.started), operation.id, ChargeKind.DEPLOYMENT),
            )

    def operation_succeeded(
        self, db: Connection, operation: Operation, milli_node_hours: int
    ) -> None:
        """Charge a training or a batch prediction for what it used."""
        trains = operation.kind is OperationKind.CREATE_MODEL
        outcome = Outcome.TRAINED if trains else Outcome.PREDICTED
        self._end(db, operation, outcome, milli_node_hours)

    def operation_failed(self, db: Connection, operation: Operation, code: Code) -> None:
        """End the charge of what has no result: cancelled, it pays for what it used."""
        if code is not Code.CANCELLED:
            self._end(db, operation, Outcome.FAILED, 0)
            return
        # A batch prediction knows its budget only when it has read its input.
        row = db.execute(
            "SELECT c.began, c.nodes, coalesce(json_extract(o.spec, '$.budget'), 0) AS budget "
            "FROM charges c JOIN operations o ON o.id = c.operation_id "
            "WHERE c.operation_id = ? AND c.kind <> ?",
            (operation.id, ChargeKind.DEPLOYMENT),
        ).fetchone()
        if row is not None:
            used = 0
            if row["began"] is not None:
                used = self._milli_node_hours(
                    from_micros(row["began"]), self._clock.now(), row["nodes"]
                )
            self._end(db, operation, Outcome.CANCELLED, min(row["budget"], used))

    def deployment_changed(
        self, db: Connection, operation: Operation, model: Model, node_count: int
    ) -> None:
        """Charge a model for that number of nodes from now on."""
        now = self._clock.now()
        self.deployment_ended(db, model.id, now)
        if node_count:
            columns = {
                "model_id": model.id,
                "problem": model.problem,
                "model_type": model.model_type,
                "display_name": model.display_name,
                "labels": model.labels,
                "nodes": node_count,
                "began": now,
            }
            _start(db, ChargeKind.DEPLOYMENT, operation, columns)

    def deployment_ended(self, db: Connection, model_id: int, ended: datetime) -> None:
        """End the running charge of a model's deployment, if any, as of that time."""
        running = db.execute(
            "SELECT * FROM charges WHERE model_id = ? AND kind = ? AND outcome = ?",
            (model_id, ChargeKind.DEPLOYMENT, Outcome.RUNNING),
        ).fetchone()
        if running is not None:
            used = self._milli_node_hours(from_micros(running["began"]), ended, running["nodes"])
            db.execute(
                "UPDATE charges SET ended = ?, outcome = ?, milli_node_hours = ? WHERE seq = ?",
                (to_micros(ended), Outcome.ENDED, used, running["seq"]),
            )

    def _end(
        self, db: Connection, operation: Operation, outcome: Outcome, milli_node_hours: int
    ) -> None:
        db.execute(
            "UPDATE charges SET ended = ?, outcome = ?, milli_node_hours = ? "
            "WHERE operation_id = ? AND kind <> ? AND outcome = ?",
            (
                to_micros(self._clock.now()),
                outcome,
                milli_node_hours,
                operation.id,
                ChargeKind.DEPLOYMENT,
                Outcome.RUNNING,
            ),
        )

    def _milli_node_hours(self, began: datetime, ended: datetime, nodes: int) -> int:
        return min(int(self._clock.hours(began, ended) * nodes * 1000), _MOST)

    def _charge(self, row: Row) -> Charge:
        charge = read_row(row, Charge)
        running = charge.kind is ChargeKind.DEPLOYMENT and charge.outcome is Outcome.RUNNING
        if running and charge.began is not None:
            used = self._milli_node_hours(charge.began, self._clock.now(), charge.nodes)
            return replace(charge, milli_node_hours=used)
        return charge


def _start(
    db: Connection, kind: ChargeKind, operation: Operation, columns: Mapping[str, object]
) -> None:
    common = {
        "kind": kind,
        "project": operation.scope.project,
        "operation_id": operation.id,
        "outcome": Outcome.RUNNING,
        "milli_node_hours": 0,
    }
    insert(db, "charges", {**common, **columns})
