"""What runs already: what it has cost, and which part of a plan goes on with it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from automl_plan.config.prices import list_prices
from automl_plan.model.address import dataset_address, model_address
from automl_plan.model.history import Charge, Ledger, Spending, enter
from automl_plan.model.json import Attributes, read, written
from automl_plan.model.live import CANCELLED, LiveModel, Operation, OperationError, OperationKind
from automl_plan.model.recorded import RecordedOperation, Step
from automl_plan.planning.cost import Meter, Spent, charge_of, describe_spending, spent_of
from automl_plan.planning.plan import Action, Change, Plan
from automl_plan.planning.resumption import resumption
from automl_plan.providers.google.automl.capabilities import AUTOML

BOOK = list_prices(AUTOML)
NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
METER = Meter(NOW)
CLOUD: Attributes = {
    "image_classification": {"model_type": "cloud", "train_budget_milli_node_hours": 8000}
}


def running(seconds: float, step: Step = Step.TRAIN) -> RecordedOperation:
    started = (NOW - timedelta(seconds=seconds)).isoformat()
    return RecordedOperation(step, "t", started, id="ICN1", attributes=CLOUD)


def spent_after(seconds: float, attributes: Attributes = CLOUD) -> Spent | None:
    return spent_of(replace(running(seconds), attributes=attributes), METER, BOOK)


def told_after(seconds: float) -> str:
    return describe_spending(running(seconds), METER, BOOK) or ""


def test_all_nodes_work_from_the_start_and_no_longer_than_the_budget() -> None:
    assert spent_after(0) == Spent(0.0, 27.72)
    assert spent_after(1800) == Spent(13.86, 27.72)  # 8 nodes at $3.465, half an hour
    assert spent_after(1e6) == Spent(27.72, 27.72)
    assert spent_after(1, {"image_classification": {"model_type": "of-tomorrow"}}) is None
    assert spent_after(1, {}) is None


def test_the_longest_that_a_clock_tells_counts() -> None:
    begun = (NOW - timedelta(seconds=1800)).isoformat()
    stands = Operation("ICN1", OperationKind.CREATE_MODEL, False, begun)
    ahead = Meter(NOW, NOW + timedelta(hours=9))
    assert spent_of(running(60), Meter(NOW, NOW), BOOK, stands) == Spent(13.86, 27.72)
    assert spent_of(running(60), ahead, BOOK, stands) == Spent(27.72, 27.72)
    assert spent_of(running(1800), Meter(NOW), BOOK) == Spent(13.86, 27.72)


def test_what_no_clock_tells_is_not_known() -> None:
    assert spent_of(running(1800), None, BOOK) == Spent(None, 27.72)
    assert spent_of(running(1800), None, BOOK, ended(60)) == Spent(None, 27.72)
    told = "usage unknown, at most $27.72"
    assert describe_spending(running(1800), None, BOOK) == told


def test_the_bill_of_what_has_ended_is_what_the_service_tells() -> None:
    billed = replace(ended(60), cost_milli_node_hours=6700)
    assert spent_of(running(60), None, BOOK, billed) == Spent(23.22, 23.22)
    model = LiveModel("M1", "m", "D1", None, train_cost_milli_node_hours=6700)
    for meter in (None, METER):
        assert spent_of(running(60), meter, BOOK, ended(60), model) == Spent(23.22, 23.22)
    assert describe_spending(running(60), None, BOOK, billed) == "billed $23.22 at list price"


def test_it_is_told_in_words() -> None:
    told = "running for 30 minutes, up to $13.86 so far (maximum $27.72)"
    assert told_after(1800) == told
    assert (describe_spending(running(30), METER, BOOK) or "").startswith(
        "running for less than a minute, up to $0.24"
    )
    assert (describe_spending(running(90), METER, BOOK) or "").startswith("running for 1 minute, ")
    assert (describe_spending(running(9000), METER, BOOK) or "").startswith(
        "running for 2 hours 30 minutes, "
    )
    # A clock that is behind the one that began it.
    assert (describe_spending(running(-300), METER, BOOK) or "").startswith(
        "running for less than a minute, up to $0.00"
    )
    assert describe_spending(running(60, Step.DEPLOY), METER, BOOK) is None


def ended(seconds: float) -> Operation:
    """By the clock of a service that is an hour behind."""
    begun = NOW - timedelta(hours=1)
    end = begun + timedelta(seconds=seconds)
    kind = OperationKind.CREATE_MODEL
    return Operation("ICN1", kind, True, begun.isoformat(), end.isoformat())


def test_the_count_stops_where_it_ended() -> None:
    told = describe_spending(running(9e6), METER, BOOK, ended(1800))
    assert told == "ran for 30 minutes, up to $13.86"
    going_on = replace(ended(1), done=False)
    assert describe_spending(running(1800), METER, BOOK, going_on) == told_after(1800)


def test_an_estimate_is_never_below_what_is_billed() -> None:
    nine: Attributes = {
        "image_classification": {"model_type": "cloud", "train_budget_milli_node_hours": 9000}
    }
    assert spent_after(1e6, nine) == Spent(31.19, 31.19)  # 9 hours at $3.465 are $31.185


A, B = model_address("a"), model_address("b")
RESUME_A = Change(A, Action.RESUME, "", operation_id="ICN1")
DEPLOY_A = Change(A, Action.DEPLOY, "", needs=(RESUME_A.key,))
UPDATE = Change(dataset_address("d"), Action.UPDATE, "")
TRAIN_B = Change(B, Action.TRAIN, "", needs=(UPDATE.key,))
MIXED = Change(B, Action.DELETE, "", object_id="ICN2", needs=(DEPLOY_A.key, TRAIN_B.key))
RESUME_B = Change(B, Action.RESUME, "", operation_id="ICN3")
PLAN = Plan((RESUME_A, DEPLOY_A, UPDATE, TRAIN_B, MIXED, RESUME_B))


def test_what_goes_on_is_what_is_open_and_what_needs_nothing_else() -> None:
    assert resumption(PLAN).changes == (RESUME_A, DEPLOY_A, RESUME_B)
    assert resumption(PLAN, [B]).changes == (RESUME_B,)
    assert resumption(Plan((UPDATE,))).changes == ()


def test_to_go_on_with_a_model_is_not_to_train_it_again() -> None:
    retrain = Change(A, Action.RETRAIN, "", needs=(RESUME_A.key,))
    train_b = Change(B, Action.TRAIN, "", needs=(RESUME_A.key,))
    deploy = Change(A, Action.DEPLOY, "", needs=(retrain.key,))
    assert resumption(Plan((RESUME_A, retrain, deploy, train_b))).changes == (RESUME_A, train_b)


def test_what_goes_into_the_ledger() -> None:
    def entered(answer: Operation | None, made: str | None = None) -> Charge | None:
        return charge_of(A, running(60), answer, made, None, BOOK, "2026-02-01T00:00:00Z")

    billed = replace(ended(60), cost_milli_node_hours=6700)
    found = entered(billed, "M1")
    assert found is not None
    assert (found.usd, found.known, found.model_id, found.month) == (23.22, True, None, "2026-01")
    found = entered(ended(60), "M1")
    assert found is not None
    assert (found.usd, found.known, found.model_id) == (27.72, False, "M1")
    found = entered(None, "M1")
    assert found is not None
    assert (found.usd, found.model_id, found.month) == (27.72, "M1", "2026-02")
    cancelled = replace(ended(60), error=OperationError(CANCELLED, ""))
    found = entered(cancelled)
    assert found is not None
    assert (found.usd, found.known, found.model_id) == (27.72, False, None)
    assert entered(replace(ended(60), error=OperationError(13, ""))) is None, "it is not billed"


def test_a_ledger_adds_up_by_model_and_month() -> None:
    ledger = Ledger(spent={})
    for charge in (
        Charge(A, "2026-01-30T00:00:00Z", 1.10, known=True),
        Charge(A, "2026-01-31T00:00:00Z", 2.20, known=True),
        Charge(A, "2026-02-01T00:00:00Z", 27.72, known=False, model_id="M1"),
        Charge(A, "2026-02-02T00:00:00Z", 5.0, known=False),
    ):
        ledger = enter(ledger, charge)
    assert ledger.since == "2026-01-30T00:00:00Z"
    assert ledger.spent[A] == {
        "2026-01": Spending(2, billed=3.30),
        "2026-02": Spending(2, at_most=5.0, pending={"M1": 27.72}),
    }
    assert read(json.dumps(written(ledger)).encode(), Ledger) == ledger
