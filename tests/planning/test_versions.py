"""Which version becomes current, what is trained for it, and what is kept."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from automl_plan.errors import UsageError
from automl_plan.model.address import model_address
from automl_plan.model.desired import Lifecycle
from automl_plan.model.evaluation import Evaluation
from automl_plan.model.recorded import Decision, DecisionKind, RecordedOperation, Status, Step
from automl_plan.model.requirements import Metric, Requirements
from automl_plan.model.transitions import with_current, with_operation
from automl_plan.planning.command_plans import former_version, plan_promotion
from automl_plan.planning.options import PlanOptions
from automl_plan.planning.plan import Action, HeldBy, NoteKind, Plan
from tests.planning.worlds import World, dataset, desired, model

DIGITS = model_address("digits")
GATE = Requirements(overall={Metric.AU_PRC: 0.9})
FIRST = desired(dataset(), model(require=GATE))
WORSE = desired(dataset(data="v1:bb"), model(require=GATE))
BETTER = desired(dataset(data="v1:cc"), model(require=GATE))


def actions(plan: Plan) -> list[str]:
    return [f"{c.address} {c.action}" for c in plan.changes]


def statuses(world: World) -> dict[int | None, str]:
    return {o.version: str(o.status or "current") for o in world.resources[DIGITS].objects}


@pytest.fixture
def turned_down() -> World:
    """Version 1 serves, version 2 was trained on worse data and turned down."""
    world = World()
    world.apply(FIRST)
    world.passes = False
    world.apply(WORSE)
    world.passes = True
    return world


def test_a_gate_stands_between_training_and_serving() -> None:
    plan = World().plan(FIRST)
    assert actions(plan)[2:] == [
        "model.digits train",
        "model.digits gate",
        "model.digits deploy",
    ]
    assert plan.changes[4].needs == ("model.digits gate",)


def test_a_version_that_is_turned_down_leaves_the_old_one_serving(turned_down: World) -> None:
    assert statuses(turned_down) == {1: "current", 2: "rejected"}
    (serving,) = [m.id for m in turned_down.models.values() if m.deployed]
    current = turned_down.resources[DIGITS].current
    assert current is not None
    assert current.id == serving


def test_it_is_not_paid_for_again(turned_down: World) -> None:
    plan = turned_down.plan(WORSE)
    assert plan.empty
    assert [note.kind for note in plan.notes] == [NoteKind.HELD]
    assert turned_down.trained == 2


@pytest.fixture
def undecided() -> World:
    """Version 1 serves; on version 2 its gate could not decide."""
    world = World()
    world.apply(FIRST)
    world.passes = None
    world.apply(WORSE)
    return world


def test_an_undecided_version_is_kept_undeployed_and_not_trained_again(undecided: World) -> None:
    assert statuses(undecided) == {1: "current", 2: "candidate"}
    (serving,) = [m.id for m in undecided.models.values() if m.deployed]
    current = undecided.resources[DIGITS].current
    assert current is not None
    assert current.id == serving
    for _ in range(2):
        plan = undecided.apply(WORSE)
        assert plan.empty
        (note,) = plan.notes
        assert (note.kind, note.by) == (NoteKind.HELD, HeldBy.UNDECIDED)
        assert "does not report what these requirements need: au_prc." in note.text
        assert "models promote digits 2" in note.text
    assert undecided.trained == 2


def test_a_person_settles_what_is_undecided(undecided: World) -> None:
    undecided.decision = Decision(DecisionKind.PROMOTED, "now", by="ann")
    plan = plan_promotion(
        DIGITS, 2, WORSE, undecided.recorded, undecided.live, "asked for", undecided.now
    )
    undecided.carry_out(plan, WORSE)
    assert statuses(undecided) == {2: "current", 1: "former"}
    assert actions(undecided.apply(WORSE)) == ["dataset.digits delete"]
    assert undecided.plan(WORSE).empty
    assert undecided.trained == 2


def test_other_requirements_have_an_undecided_version_judged_again(undecided: World) -> None:
    undecided.passes = True
    softer = desired(
        dataset(data="v1:bb"), model(require=Requirements(overall={Metric.RECALL: 0.5}))
    )
    assert actions(undecided.apply(softer))[0] == "model.digits gate"
    assert statuses(undecided) == {2: "current", 1: "former"}
    assert undecided.trained == 2


@pytest.mark.parametrize(
    ("area", "found"),
    [(0.95, "current"), (0.5, "rejected"), (None, "candidate")],
    ids=["enough", "too-little", "not-reported"],
)
def test_an_undecided_version_is_judged_again_once_the_number_is_reported(
    undecided: World, area: float | None, found: str
) -> None:
    (held,) = undecided.resources[DIGITS].others
    read = replace(undecided.models[held.id], evaluations=(Evaluation("e", None, 9, area),))
    undecided.models[held.id] = read
    undecided.passes = None if area is None else area >= 0.9
    gates = [c for c in undecided.apply(WORSE).changes if c.action is Action.GATE]
    assert len(gates) == (0 if area is None else 1)
    assert all("now reports" in change.reason for change in gates)
    assert statuses(undecided)[2] == found
    assert undecided.trained == 2
    assert undecided.plan(WORSE).empty


def test_an_expired_undecided_version_is_neither_judged_nor_trained_again(
    undecided: World,
) -> None:
    (held,) = undecided.resources[DIGITS].others
    reported = (Evaluation("e", None, 9, 0.95),)
    gone = undecided.now
    read = replace(undecided.models[held.id], evaluations=reported, expires=gone)
    undecided.models[held.id] = read
    assert undecided.plan(WORSE).empty


def test_an_undecided_version_outlives_the_next_one(undecided: World) -> None:
    """It was paid for: what it was trained on may be declared again."""
    undecided.passes = True
    undecided.apply(BETTER)
    assert statuses(undecided) == {3: "current", 1: "former", 2: "candidate"}
    assert undecided.plan(WORSE).notes[0].by is HeldBy.UNDECIDED


LEFT_OUT = [
    {"requirement": "au_prc", "required": 0.9, "met": False, "note": "there are no test examples"},
    {"requirement": "f1 at 0.5", "required": 0.9, "actual": 0.0, "met": False, "low": 0.0},
    {"requirement": "mean_average_precision", "required": 0.5, "actual": 0.8, "met": False},
]
MISSED = {"requirement": "recall at 0.5", "required": 0.9, "actual": 0.8, "met": False, "low": 0.7}


@pytest.mark.parametrize("row", LEFT_OUT, ids=lambda row: str(row["requirement"]))
def test_what_was_rejected_for_a_missing_number_is_judged_again(
    turned_down: World, row: dict[str, Any]
) -> None:
    """Once: as versions before this one recorded it, which took it for 0."""

    def recorded(*rows: dict[str, Any]) -> None:
        old = Decision(DecisionKind.REJECTED, "then", require=GATE.to_json(), rows=rows)
        record = turned_down.resources[DIGITS]
        others = tuple(replace(o, decision=old) for o in record.others)
        turned_down.resources[DIGITS] = replace(record, others=others)

    recorded(row, MISSED)
    assert turned_down.plan(WORSE).empty
    recorded(row, {**row, "met": True})
    turned_down.passes = False
    plan = turned_down.apply(WORSE)
    assert actions(plan)[0] == "model.digits gate"
    assert plan.changes[0].reason.startswith("rejected for numbers that the service did not report")
    assert turned_down.plan(WORSE).empty
    assert turned_down.trained == 2


def test_nor_when_the_first_version_is_turned_down() -> None:
    world = World(passes=False)
    world.apply(FIRST)
    assert statuses(world) == {1: "rejected"}
    assert world.plan(FIRST).empty


def test_other_requirements_have_the_gate_asked_again(turned_down: World) -> None:
    softer = desired(
        dataset(data="v1:bb"), model(require=Requirements(overall={Metric.AU_PRC: 0.5}))
    )
    assert actions(turned_down.apply(softer))[0] == "model.digits gate"
    assert statuses(turned_down) == {2: "current", 1: "former"}
    assert turned_down.trained == 2
    assert turned_down.plan(softer).empty


def test_without_a_gate_any_more_it_is_taken(turned_down: World) -> None:
    open_ = desired(dataset(data="v1:bb"), model())
    assert actions(turned_down.apply(open_))[0] == "model.digits promote"
    assert turned_down.trained == 2


def test_better_data_makes_a_new_version_and_keeps_the_old_ones(turned_down: World) -> None:
    turned_down.apply(BETTER)
    assert statuses(turned_down) == {3: "current", 1: "former", 2: "rejected"}
    assert turned_down.plan(BETTER).empty


def test_declaring_former_inputs_again_costs_no_training() -> None:
    world = World()
    world.apply(FIRST)
    world.apply(BETTER)
    plan = world.apply(FIRST)
    assert "model.digits retrain" not in actions(plan)
    assert statuses(world) == {1: "current", 2: "former"}
    assert world.trained == 2
    assert world.plan(FIRST).empty
    world.apply(BETTER)
    assert statuses(world) == {2: "current", 1: "former"}
    assert world.trained == 2


@pytest.mark.parametrize("keep", [0, 1, 2])
def test_so_many_former_versions_are_kept(keep: int) -> None:
    world = World()
    for data in "abcd":
        wanted = desired(dataset(data=f"v1:{data}"), model(keep_versions=keep))
        world.apply(wanted)
    kept = {1: "former", 2: "former", 3: "former"}
    expected = {4: "current"} | dict(list(kept.items())[3 - keep :])
    assert statuses(world) == expected
    assert sum(m.deployed for m in world.models.values()) == 1
    assert world.plan(wanted).empty


def test_numbers_are_never_given_twice() -> None:
    world = World()
    for data in "abc":
        wanted = desired(dataset(data=f"v1:{data}"), model())
        world.apply(wanted)
    current = world.resources[DIGITS].current
    assert current is not None
    del world.models[current.id]
    world.apply(wanted)
    assert statuses(world) == {4: "current", 2: "former"}


def test_what_serves_is_replaced_without_a_gap() -> None:
    world = World()
    world.apply(FIRST)
    world.fewest_serving = 99
    world.apply(BETTER)
    world.apply(WORSE)
    world.apply(FIRST)
    assert world.fewest_serving >= 1


def test_a_resumed_retraining_is_no_removal() -> None:
    lifecycle = Lifecycle(prevent_destroy=True)
    world = World()
    world.apply(desired(dataset(), model(lifecycle=lifecycle, keep_versions=0)))
    wanted = desired(
        dataset(),
        model(lifecycle=lifecycle, keep_versions=0, train_budget_milli_node_hours=9000),
    )
    record = world.resources[DIGITS]
    attributes = {
        k: v
        for k, v in wanted.models[DIGITS].attributes(next(iter(wanted.datasets.values()))).items()
        if k != "deploy"
    }
    running = RecordedOperation(
        Step.TRAIN, "t", "2026-01-01T00:00:00Z", id="O1", attributes=attributes, version=2
    )
    world.resources[DIGITS] = with_operation(record, running)
    assert world.plan(wanted).refused == ()


# -- age -------------------------------------------------------------------------------------


def test_age_trains_anew_once_it_is_due() -> None:
    wanted = desired(dataset(), model(retrain_max_age=timedelta(days=90)))
    world = World()
    world.apply(wanted)
    world.now += timedelta(days=90)
    assert world.plan(wanted).empty
    world.now += timedelta(hours=1)
    plan = world.apply(wanted)
    assert plan.changes[0].field == "retrain.max_age"
    assert world.trained == 2
    assert world.plan(wanted).empty


def test_the_end_of_a_life_trains_anew_in_time() -> None:
    wanted = desired(dataset(), model(retrain_before_expiry=timedelta(days=30)))
    world = World()
    world.apply(wanted)
    world.now = world.now.replace(year=2027, month=5, day=31)  # it ends on 2027-07-01
    plan = world.plan(wanted)
    assert plan.empty
    assert [note.kind for note in plan.notes] == [NoteKind.EXPIRY]
    world.now += timedelta(days=1)
    assert world.apply(wanted).changes[0].field == "retrain.before_expiry"
    assert world.plan(wanted).notes == ()


def test_one_attempt_is_made_for_each_time_that_it_is_due() -> None:
    wanted = desired(dataset(), model(require=GATE, retrain_before_expiry=timedelta(days=30)))
    world = World()
    world.apply(wanted)
    world.now = world.now.replace(year=2027, month=6, day=10)
    world.passes = False
    world.apply(wanted)
    plan = world.plan(wanted)
    assert plan.empty
    assert {note.kind for note in plan.notes} == {NoteKind.HELD, NoteKind.EXPIRY}
    assert world.trained == 2


def test_nobody_asked_for_an_early_training_by_default() -> None:
    world = World()
    world.apply(desired(dataset(), model()))
    world.now += timedelta(days=540)
    plan = world.plan(desired(dataset(), model()))
    assert plan.empty
    assert [note.kind for note in plan.notes] == [NoteKind.EXPIRY]


@pytest.mark.parametrize(
    "told", [None, "", "yesterday", "2026-01-01T00:00:00", "9999-12-31T00:00:00Z"]
)
def test_an_age_that_is_told_badly_or_not_at_all(told: str | None) -> None:
    wanted = desired(dataset(), model(retrain_max_age=timedelta(days=90)))
    world = World()
    world.apply(wanted)
    (live,) = world.models.values()
    world.models[live.id] = replace(live, create_time=told)
    assert world.plan(wanted).empty


# -- by hand ---------------------------------------------------------------------------------


def rolled_back() -> World:
    world = World()
    world.apply(FIRST)
    world.apply(BETTER)
    record = world.resources[DIGITS]
    decision = Decision(DecisionKind.ROLLED_BACK, "now", by="me")
    first = next(o for o in record.others if o.version == 1)
    world.resources[DIGITS] = with_current(record, first.id, decision)
    return world


def test_a_rollback_is_not_undone() -> None:
    world = rolled_back()
    assert statuses(world) == {1: "current", 2: "withdrawn"}
    plan = world.apply(BETTER)  # the labels and the deployment follow
    assert "model.digits retrain" not in actions(plan)
    plan = world.plan(BETTER)
    assert plan.empty
    assert [note.kind for note in plan.notes] == [NoteKind.HELD]
    assert "models promote digits 2" in plan.notes[0].text


def test_age_does_not_undo_a_rollback() -> None:
    world = rolled_back()
    wanted = desired(dataset(data="v1:cc"), model(require=GATE, retrain_max_age=timedelta(days=90)))
    world.apply(wanted)
    world.now += timedelta(days=100)
    assert world.plan(wanted).empty
    assert world.trained == 2


def test_something_else_declared_ends_the_hold() -> None:
    world = rolled_back()
    world.apply(WORSE)
    assert statuses(world) == {3: "current", 1: "former"}, "what served last is the way back"
    assert world.trained == 3


def test_a_promotion_deploys_before_it_undeploys() -> None:
    world = World()
    world.apply(FIRST)
    world.apply(BETTER)
    assert former_version(DIGITS, world.recorded, world.live, world.now) == 1
    plan = plan_promotion(DIGITS, 1, BETTER, world.recorded, world.live, "asked", world.now)
    assert actions(plan) == [
        "model.digits promote",
        "model.digits deploy",
        "model.digits undeploy",
    ]
    assert "model.digits deploy" in plan.changes[2].needs[1]


@pytest.mark.parametrize(
    ("version", "said"),
    [(2, "is already current"), (7, "was never trained")],
)
def test_versions_that_can_not_be_chosen(version: int, said: str) -> None:
    world = World()
    world.apply(FIRST)
    world.apply(BETTER)
    with pytest.raises(UsageError, match=said):
        plan_promotion(DIGITS, version, BETTER, world.recorded, world.live, "asked", world.now)


def test_a_deleted_version_is_told_from_one_that_never_was() -> None:
    world = World()
    for data in "abc":
        wanted = desired(dataset(data=f"v1:{data}"), model(keep_versions=0))
        world.apply(wanted)
    with pytest.raises(UsageError, match=r"Version 1 of model\.digits no longer exists: it was"):
        plan_promotion(DIGITS, 1, wanted, world.recorded, world.live, "asked", world.now)
    with pytest.raises(UsageError, match="no former version"):
        former_version(DIGITS, world.recorded, world.live, world.now)


def test_a_version_deleted_by_hand_is_forgotten() -> None:
    world = World()
    world.apply(FIRST)
    world.apply(BETTER)
    former = next(o.id for o in world.resources[DIGITS].others)
    del world.models[former]
    assert actions(world.apply(BETTER)) == ["model.digits forget"]
    assert world.plan(BETTER).empty


def test_asked_for_it_trains_whatever_stands() -> None:
    world = World()
    world.apply(FIRST)
    options = PlanOptions(replaces=frozenset({DIGITS}))
    assert "model.digits retrain" in actions(world.apply(FIRST, options))
    assert world.trained == 2
    assert world.plan(FIRST).empty


def test_a_candidate_left_by_a_killed_run_is_gated_not_trained() -> None:
    world = World()
    world.apply(FIRST)
    record = world.resources[DIGITS]
    assert record.current is not None
    candidate = replace(record.current, status=Status.CANDIDATE)
    world.resources[DIGITS] = replace(record, current=None, others=(candidate,))
    assert actions(world.plan(FIRST))[0] == "model.digits gate"
