"""What runs already: what it has cost, and which part of a plan goes on with it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from automl_plan.config.prices import list_prices
from automl_plan.planning.plan import Action, Change, Plan
from automl_plan.planning.resumption import resumption
from automl_plan.planning.spending import so_far, spent_usd
from automl_plan.resources.address import dataset_address, model_address
from automl_plan.resources.json import Attributes
from automl_plan.resources.live import Operation, OperationKind
from automl_plan.resources.recorded import RecordedOperation, Step

BOOK = list_prices()
NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
CLOUD: Attributes = {
    "image_classification": {"model_type": "cloud", "train_budget_milli_node_hours": 8000}
}


def running(seconds: float, step: Step = Step.TRAIN) -> RecordedOperation:
    started = (NOW - timedelta(seconds=seconds)).isoformat()
    return RecordedOperation(step, "t", started, id="ICN1", attributes=CLOUD)


def told_after(seconds: float) -> str:
    return so_far(running(seconds), NOW, BOOK) or ""


def test_all_nodes_work_from_the_start_and_no_longer_than_the_budget() -> None:
    assert spent_usd(CLOUD, 0, BOOK) == (0.0, 27.72)
    assert spent_usd(CLOUD, 1800, BOOK) == (
        13.86,
        27.72,
    )  # 8 nodes at $3.465, half an hour
    assert spent_usd(CLOUD, 1e6, BOOK) == (27.72, 27.72)
    assert spent_usd({"image_classification": {"model_type": "of-tomorrow"}}, 1, BOOK) is None
    assert spent_usd({}, 1, BOOK) is None


def test_it_is_told_in_words() -> None:
    told = "running for 30 minutes, up to $13.86 of at most $27.72 so far"
    assert told_after(1800) == told
    assert (so_far(running(30), NOW, BOOK) or "").startswith(
        "running for less than a minute, up to $0.24"
    )
    assert (so_far(running(90), NOW, BOOK) or "").startswith("running for 1 minute, ")
    assert (so_far(running(9000), NOW, BOOK) or "").startswith("running for 2 hours 30 minutes, ")
    # A clock that is behind the one that began it.
    assert (so_far(running(-300), NOW, BOOK) or "").startswith(
        "running for less than a minute, up to $0.00"
    )
    assert so_far(running(60, Step.DEPLOY), NOW, BOOK) is None


def ended(seconds: float) -> Operation:
    """By the clock of a service that is an hour behind."""
    begun = NOW - timedelta(hours=1)
    end = begun + timedelta(seconds=seconds)
    kind = OperationKind.CREATE_MODEL
    return Operation("ICN1", kind, True, begun.isoformat(), end.isoformat())


def test_the_count_stops_where_it_ended() -> None:
    told = so_far(running(9e6), NOW, BOOK, ended(1800))
    assert told == "ran for 30 minutes, up to $13.86"
    going_on = replace(ended(1), done=False)
    assert so_far(running(1800), NOW, BOOK, going_on) == told_after(1800)


def test_an_estimate_is_never_below_what_is_billed() -> None:
    nine: Attributes = {
        "image_classification": {"model_type": "cloud", "train_budget_milli_node_hours": 9000}
    }
    assert spent_usd(nine, 1e6, BOOK) == (31.19, 31.19)  # 9 hours at $3.465 are $31.185


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
