"""What the service would charge, were it the cloud: a meter that no deletion turns back.

The rules are those of Vertex AI's pricing page. A training is billed for what it used when it
ends, also when it was cancelled, but not when it failed. A deployed model is billed per node and
hour until it is undeployed or its life is over, also while the service is down. Hours are those
of the service's clock, by its time scale.
"""

import json
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from sqlite3 import Connection, Row
from typing import cast

from msgspec import Struct

from automl_plan.emulator.clock import Clock, from_micros, to_micros
from automl_plan.emulator.errors import Code
from automl_plan.emulator.limits import DEPLOYMENT_USD_PER_NODE_HOUR, MODEL_TYPES
from automl_plan.emulator.objects import Model, Operation, OperationKind
from automl_plan.emulator.rows import insert, json_text
from automl_plan.emulator.store import Store
from automl_plan.emulator.training.types import Problem

_USD_DIGITS = 6
"""Milli node hours at rates of tenths of a cent: that is exact."""

_MOST = 2**63 - 1
"""What the database can hold: centuries at the highest time scale are more."""


class ChargeKind(StrEnum):
    """What is charged for."""

    TRAINING = "training"
    DEPLOYMENT = "deployment"


class Outcome(StrEnum):
    """What came of what is charged for. A deployment runs, or has ended."""

    RUNNING = "running"
    TRAINED = "trained"
    CANCELLED = "cancelled"
    FAILED = "failed"
    ENDED = "ended"


class Charge(Struct, frozen=True):
    """A training, or an interval in which a model was deployed on so many nodes.

    `operation_id` is the operation that began it. `began` is None while a training waits for its
    turn; `ended` while it runs. Names and labels are those of when it began.
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
        """US dollars."""
        if self.kind is ChargeKind.TRAINING:
            rate = MODEL_TYPES[self.problem][self.model_type].usd_per_node_hour
        else:
            rate = DEPLOYMENT_USD_PER_NODE_HOUR[self.problem]
        return round(self.milli_node_hours / 1000 * rate, _USD_DIGITS)


def total_usd(charges: Sequence[Charge]) -> float:
    """What they come to, in US dollars."""
    return round(sum(charge.usd for charge in charges), _USD_DIGITS)


class Billing:
    """The meter. What writes is called inside the transaction of what it charges for."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def charges(self, kind: ChargeKind) -> list[Charge]:
        """All charges of a kind, the oldest first, with what has run up until now."""
        with self._store.reading() as db:
            rows = db.execute("SELECT * FROM charges WHERE kind = ? ORDER BY seq", (kind,))
            return [self._charge(row) for row in rows]

    def asked(self, db: Connection, operation: Operation) -> None:
        """An operation was recorded: if it is a training, its row begins."""
        if operation.kind is not OperationKind.CREATE_MODEL:
            return
        spec = operation.spec
        problem, model_type = cast("Problem", operation.problem), cast("str", spec["model_type"])
        insert(
            db,
            "charges",
            {
                "kind": ChargeKind.TRAINING,
                "project": operation.scope.project,
                "operation_id": operation.id,
                "model_id": spec["model_id"],
                "problem": problem,
                "model_type": model_type,
                "display_name": spec["display_name"],
                "labels": json_text(spec["labels"]),
                "nodes": MODEL_TYPES[problem][model_type].nodes,
                "began": None if operation.started is None else to_micros(operation.started),
                "outcome": Outcome.RUNNING,
                "milli_node_hours": 0,
            },
        )

    def began(self, db: Connection, operation: Operation) -> None:
        """An operation got its turn; until then nothing is used."""
        if operation.started is not None:
            db.execute(
                "UPDATE charges SET began = ? WHERE operation_id = ? AND kind = ?",
                (to_micros(operation.started), operation.id, ChargeKind.TRAINING),
            )

    def trained(self, db: Connection, operation: Operation, milli_node_hours: int) -> None:
        """A training succeeded, and cost so much."""
        self._end(db, operation, Outcome.TRAINED, milli_node_hours)

    def failed(self, db: Connection, operation: Operation, code: Code) -> None:
        """An operation ended without a result; a cancelled training is billed nevertheless."""
        if code is not Code.CANCELLED:
            self._end(db, operation, Outcome.FAILED, 0)
            return
        row = db.execute(
            "SELECT began, nodes FROM charges WHERE operation_id = ? AND kind = ?",
            (operation.id, ChargeKind.TRAINING),
        ).fetchone()
        if row is not None:
            used = 0
            if row["began"] is not None:
                used = self._milli_node_hours(
                    from_micros(row["began"]), self._clock.now(), row["nodes"]
                )
            budget = cast("int", operation.spec["budget"])
            self._end(db, operation, Outcome.CANCELLED, min(budget, used))

    def deployed(self, db: Connection, operation: Operation, model: Model, node_count: int) -> None:
        """A model runs on so many nodes from now on; 0: on none any more."""
        now = self._clock.now()
        self.stopped(db, model.id, now)
        if node_count:
            insert(
                db,
                "charges",
                {
                    "kind": ChargeKind.DEPLOYMENT,
                    "project": operation.scope.project,
                    "operation_id": operation.id,
                    "model_id": model.id,
                    "problem": model.problem,
                    "model_type": model.model_type,
                    "display_name": model.display_name,
                    "labels": json_text(dict(model.labels)),
                    "nodes": node_count,
                    "began": to_micros(now),
                    "outcome": Outcome.RUNNING,
                    "milli_node_hours": 0,
                },
            )

    def stopped(self, db: Connection, model_id: int, ended: datetime) -> None:
        """A model runs on no node any more, since that instant."""
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
            "WHERE operation_id = ? AND kind = ? AND outcome = ?",
            (
                to_micros(self._clock.now()),
                outcome,
                milli_node_hours,
                operation.id,
                ChargeKind.TRAINING,
                Outcome.RUNNING,
            ),
        )

    def _milli_node_hours(self, began: datetime, ended: datetime, nodes: int) -> int:
        return min(int(self._clock.hours(began, ended) * nodes * 1000), _MOST)

    def _charge(self, row: Row) -> Charge:
        kind, outcome = ChargeKind(row["kind"]), Outcome(row["outcome"])
        began = None if row["began"] is None else from_micros(row["began"])
        used: int = row["milli_node_hours"]
        if kind is ChargeKind.DEPLOYMENT and outcome is Outcome.RUNNING and began is not None:
            used = self._milli_node_hours(began, self._clock.now(), row["nodes"])
        return Charge(
            kind=kind,
            project=row["project"],
            operation_id=row["operation_id"],
            model_id=row["model_id"],
            problem=Problem(row["problem"]),
            model_type=row["model_type"],
            display_name=row["display_name"],
            labels=json.loads(row["labels"]),
            nodes=row["nodes"],
            began=began,
            ended=None if row["ended"] is None else from_micros(row["ended"]),
            outcome=outcome,
            milli_node_hours=used,
        )
