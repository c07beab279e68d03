"""What the end of a version's life does to plans: it takes nothing's place, and is not deployed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from automl_plan.config.scalars import parse_duration
from automl_plan.errors import UsageError
from automl_plan.model.address import model_address
from automl_plan.model.desired import Desired, Lifecycle
from automl_plan.model.live import LiveModel
from automl_plan.model.recorded import Status
from automl_plan.model.requirements import Metric, Requirements
from automl_plan.planning.command_plans import former_version, plan_promotion
from automl_plan.planning.plan import Action, NoteKind, Plan
from automl_plan.providers.google.capabilities import LIFESPAN
from tests.planning.worlds import World, dataset, desired, model

DIGITS = model_address("digits")
GATE = Requirements(overall={Metric.AU_PRC: 0.9})
_ROUNDS = 8


def wanted(budget: int = 8000, **changes: object) -> Desired:
    return desired(
        dataset(), model("digits", "digits", train_budget_milli_node_hours=budget, **changes)
    )


def actions(plan: Plan) -> list[str]:
    return [str(change.action) for change in plan.changes]


def pass_days(world: World, days: float) -> None:
    """Time passes; the service ends the deployments of models whose life is over."""
    world.now += timedelta(days=days)
    for model_id, there in world.models.items():
        if over(there, world):
            world.models[model_id] = replace(there, deployed=False, node_count=None)


def over(there: LiveModel, world: World) -> bool:
    assert there.expires is not None
    return there.has_expired(world.now)


def deployable(world: World, plan: Plan) -> bool:
    """Whether all that a plan deploys or makes current can be deployed by then."""
    acts = (Action.DEPLOY, Action.PROMOTE, Action.GATE)
    named = [c.object_id for c in plan.changes if c.action in acts and c.object_id is not None]
    return not any(over(world.models[object_id], world) for object_id in named)


def test_a_former_version_past_its_life_does_not_come_back() -> None:
    world = World()
    world.apply(wanted(8000, keep_versions=2))
    pass_days(world, 400)
    world.apply(wanted(9000, keep_versions=2))
    pass_days(world, 180)
    plan = world.apply(wanted(8000, keep_versions=2))
    assert actions(plan)[0] == "retrain"
    assert "promote" not in actions(plan)
    assert world.trained == 3
    assert world.plan(wanted(8000, keep_versions=2)).empty


def test_nor_does_a_person_get_it_back() -> None:
    world = World()
    world.apply(wanted(8000))
    pass_days(world, 400)
    world.apply(wanted(9000))
    pass_days(world, 180)
    recorded, live, now = world.recorded, world.live, world.now
    with pytest.raises(UsageError, match=r"Version 1 of model\.digits expired on 2027-07-01"):
        plan_promotion(DIGITS, 1, wanted(9000), recorded, live, "asked", now)
    with pytest.raises(UsageError, match="Every former version"):
        former_version(DIGITS, recorded, live, now)


@pytest.mark.parametrize("require", [None, GATE])
def test_a_current_version_past_its_life_is_not_deployed(require: Requirements | None) -> None:
    world = World()
    config = wanted(require=require)
    world.apply(config)
    pass_days(world, 600)
    plan = world.plan(config)
    assert plan.empty
    (note,) = plan.notes
    assert note.kind is NoteKind.EXPIRY
    assert "can't be deployed" in note.text
    assert "before_expiry" not in note.text


def test_nor_where_the_version_that_was_to_replace_it_was_rejected() -> None:
    world = World()
    config = wanted(require=GATE, retrain_before_expiry=timedelta(days=30))
    world.apply(config)
    pass_days(world, 520)
    world.passes = False
    world.apply(config)
    pass_days(world, 100)
    plan = world.plan(config)
    assert plan.empty
    assert {note.kind for note in plan.notes} == {NoteKind.HELD, NoteKind.EXPIRY}
    assert world.trained == 2


def test_before_expiry_is_about_the_version_that_takes_over() -> None:
    """A former version that is near its end is not promoted to be replaced by the next plan."""
    world = World()
    limits = {"retrain_before_expiry": timedelta(days=60), "keep_versions": 2}
    world.apply(wanted(8000, **limits))
    pass_days(world, 450)
    world.apply(wanted(9000, **limits))
    pass_days(world, 50)
    plan = world.apply(wanted(8000, **limits))
    assert actions(plan)[0] == "retrain"
    assert plan.changes[0].field == "retrain.before_expiry"
    assert world.plan(wanted(8000, **limits)).empty


@pytest.mark.parametrize("status", [Status.REJECTED, Status.WITHDRAWN])
def test_the_end_of_a_version_that_is_held_back_trains_nothing(status: Status) -> None:
    world = World()
    world.apply(wanted(8000, require=GATE))
    pass_days(world, 10)
    world.passes = status is not Status.REJECTED
    world.apply(wanted(9000, require=GATE))
    if status is Status.WITHDRAWN:
        record = world.resources[DIGITS]
        assert record.current is not None
        v1 = replace(record.others[0], status=None)
        v2 = replace(record.current, status=Status.WITHDRAWN)
        world.resources[DIGITS] = replace(record, current=v1, others=(v2,))
    pass_days(world, 600)
    assert not {"train", "retrain"} & set(actions(world.plan(wanted(9000, require=GATE))))


@settings(max_examples=60)
@given(st.data())
def test_whatever_is_declared_at_any_time_can_be_deployed(data: st.DataObject) -> None:
    """Random declarations over years: no plan deploys the dead, and each plan settles."""
    world = World()
    days = st.integers(1, 700)
    ages = st.sampled_from([None, timedelta(days=30), LIFESPAN.shortest - timedelta(days=1)])
    for _ in range(data.draw(st.integers(1, _ROUNDS))):
        config = wanted(
            data.draw(st.sampled_from([8000, 9000])),
            keep_versions=data.draw(st.integers(0, 2)),
            require=data.draw(st.sampled_from([None, GATE])),
            retrain_before_expiry=data.draw(ages),
            retrain_max_age=data.draw(ages),
            node_count=data.draw(st.sampled_from([None, 1])),
        )
        world.passes = data.draw(st.booleans())
        plan = world.plan(config)
        assert deployable(world, plan)
        before = world.trained
        world.carry_out(plan, config)
        again = world.plan(config)
        assert not {"deploy", "promote"} & set(actions(again))
        if world.passes or "gate" not in actions(plan):  # else age may ask for another version
            assert not {"train", "retrain"} & set(actions(again))
        assert world.trained <= before + 1
        pass_days(world, data.draw(days))


@given(st.datetimes(timezones=st.just(UTC), max_value=datetime(9998, 6, 30)))  # noqa: DTZ001 - hypothesis adds the zone
def test_no_life_is_shorter_than_the_shortest(born: datetime) -> None:
    assert LIFESPAN.shortest <= LIFESPAN.expires(born) - born <= timedelta(days=550)


@pytest.mark.parametrize(("text", "taken"), [("545d", True), ("546d", False), ("78w", False)])
def test_ages_are_shorter_than_the_shortest_life(text: str, taken: bool) -> None:
    age = parse_duration(text)
    assert age is not None
    assert (age < LIFESPAN.shortest) is taken


DEPLOYED = st.sampled_from([None, 1, 2])


@given(DEPLOYED, DEPLOYED, DEPLOYED, st.sampled_from(["deploy", "deploy.node_count"]))
def test_a_part_that_is_ignored_is_not_the_whole(
    before: int | None, there: int | None, after: int | None, ignored: str
) -> None:
    """An ignored number of nodes hides neither that `deploy` came or went, nor an undeployment."""
    world = World()
    life = Lifecycle(ignore_changes=(ignored,))
    world.apply(wanted(node_count=before, lifecycle=life))
    ((model_id, live),) = world.models.items()
    world.models[model_id] = replace(live, deployed=there is not None, node_count=there)
    found = [str(c.action) for c in world.plan(wanted(node_count=after, lifecycle=life)).changes]
    if ignored == "deploy" or (there is None) == (after is None):
        assert found == []
    else:
        assert found == ["deploy" if there is None else "undeploy"]
