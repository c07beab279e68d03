"""What holds for every history of a model: nothing is paid for twice, something always serves."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from automl_plan.errors import UsageError
from automl_plan.model.address import model_address
from automl_plan.model.desired import Desired
from automl_plan.model.recorded import Decision, DecisionKind
from automl_plan.model.requirements import Metric, Requirements
from automl_plan.planning.command_plans import former_version, plan_promotion
from automl_plan.planning.plan import Action
from tests.planning.worlds import World, dataset, desired, model

DIGITS = model_address("digits")


@dataclass(frozen=True)
class Turn:
    """One change of the configuration, or of what a person wants, and how its gate decides."""

    data: str
    budget: int
    gate: float | None
    passes: bool
    keep: int
    days: int
    rollback: bool


TURNS = st.builds(
    Turn,
    data=st.sampled_from(["v1:a", "v1:b", "v1:c"]),
    budget=st.sampled_from([8000, 9000]),
    gate=st.sampled_from([None, 0.5, 0.9]),
    passes=st.booleans(),
    keep=st.integers(0, 2),
    days=st.sampled_from([0, 1, 40]),
    rollback=st.booleans(),
)


@given(st.lists(TURNS, max_size=8))
def test_every_history(turns: list[Turn]) -> None:
    world = World()
    for turn in turns:
        require = None if turn.gate is None else Requirements(overall={Metric.AU_PRC: turn.gate})
        wanted = desired(
            dataset(data=turn.data),
            model(
                train_budget_milli_node_hours=turn.budget,
                require=require,
                keep_versions=turn.keep,
                retrain_max_age=timedelta(days=30),
            ),
        )
        world.now += timedelta(days=turn.days)
        world.passes = turn.passes
        served = any(m.deployed for m in world.models.values())
        world.fewest_serving = 99
        plan = world.plan(wanted)
        trains = any(c.action in (Action.TRAIN, Action.RETRAIN) for c in plan.changes)
        assert not (trains and fresh(world, turn)), "what lives is paid for again"
        world.apply(wanted)
        if served:
            assert world.fewest_serving >= 1, "a moment without a serving model"
        assert sum(m.deployed for m in world.models.values()) <= 1
        numbers = [o.version for o in world.resources[DIGITS].objects]
        assert len(numbers) == len(set(numbers))
        if require is not None and not turn.passes:
            # What would have been cleared away after the gate is cleared away by the next plan.
            left = world.apply(wanted)
            assert {change.action for change in left.changes} <= {Action.DELETE}
        again = world.plan(wanted)
        assert again.empty, [(str(c.action), c.reason) for c in again.changes]
        if turn.rollback:
            roll_back(world, wanted)
            world.apply(wanted)
            assert world.plan(wanted).empty


def fresh(world: World, turn: Turn) -> bool:
    """Whether a version that is no older than its max_age was trained on just this."""
    for obj in world.resources[DIGITS].objects if DIGITS in world.resources else ():
        trained_on, kind = obj.attributes["trained_on"], obj.attributes["image_classification"]
        assert isinstance(trained_on, dict)
        assert isinstance(kind, dict)
        created = world.models[obj.id].create_time or ""
        young = (world.now - timedelta(days=30)).isoformat() <= created
        same = kind["train_budget_milli_node_hours"] == turn.budget
        if young and same and trained_on["data"] == turn.data:
            return True
    return False


def roll_back(world: World, wanted: Desired) -> None:
    """Do as `models rollback` does, if there is a former version."""
    try:
        version = former_version(DIGITS, world.recorded, world.live, world.now)
    except UsageError:
        return
    world.decision = Decision(DecisionKind.ROLLED_BACK, "now", by="me")
    plan = plan_promotion(DIGITS, version, wanted, world.recorded, world.live, "asked", world.now)
    world.carry_out(plan, wanted)
    world.decision = None
