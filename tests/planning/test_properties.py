"""What holds for every plan."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import asdict

from automl_plan.model.desired import Desired, DesiredDataset, DesiredModel, OnSourceChange
from automl_plan.model.model_types import ClassificationType
from automl_plan.planning.options import PlanMode, PlanOptions
from automl_plan.planning.plan import Plan
from tests.planning.worlds import World, dataset, desired, model

NAMES = ("a", "b", "c")
labels = st.dictionaries(st.sampled_from(("team", "env")), st.sampled_from(("x", "y", "")))


@st.composite
def configurations(draw: st.DrawFn) -> Desired:
    resources: list[DesiredDataset | DesiredModel] = []
    for name in draw(st.sets(st.sampled_from(NAMES))):
        managed = draw(st.booleans())
        resources.append(
            dataset(
                name,
                labels=draw(labels),
                classification_type=draw(st.sampled_from(ClassificationType)),
                on_source_change=draw(st.sampled_from(OnSourceChange)),
                sources=("x.csv",) if managed else (),
                data=draw(st.sampled_from(("v1:1", "v1:2"))) if managed else None,
            )
        )
        for suffix in draw(st.sets(st.sampled_from(("_one", "_two")))):
            resources.append(  # noqa: PERF401 (drawing inside a comprehension reads badly)
                model(
                    name + suffix,
                    of=name,
                    labels=draw(labels),
                    train_budget_milli_node_hours=draw(st.sampled_from((8000, 9000))),
                    node_count=draw(st.sampled_from((None, 1, 2))),
                )
            )
    return desired(*resources)


def as_bytes(plan: Plan) -> bytes:
    return json.dumps(asdict(plan), default=str, sort_keys=True).encode()


@given(st.lists(configurations(), min_size=1, max_size=4))
def test_a_plan_after_apply_is_empty(steps: list[Desired]) -> None:
    world = World()
    for wanted in steps:
        world.apply(wanted)
        plan = world.plan(wanted)
        assert plan.empty, plan.changes
        assert plan.drift == ()


@given(configurations(), configurations())
def test_nothing_is_left_after_destroy(first: Desired, second: Desired) -> None:
    world = World()
    world.apply(first)
    world.apply(second, PlanOptions(mode=PlanMode.DESTROY))
    assert not world.resources
    assert not world.datasets
    assert not world.models


@given(configurations(), configurations(), st.randoms(use_true_random=False))
def test_order_changes_no_byte(first: Desired, second: Desired, random: object) -> None:
    world = World()
    world.apply(first)
    datasets, models = list(second.datasets.items()), list(second.models.items())
    shuffle = random.shuffle  # type: ignore[attr-defined]  # hypothesis types it as object-like
    shuffle(datasets)
    shuffle(models)
    shuffled = Desired(dict(datasets), dict(models))
    assert as_bytes(world.plan(second)) == as_bytes(world.plan(shuffled))


@given(configurations(), configurations())
def test_only_training_inputs_train(first: Desired, second: Desired) -> None:
    world = World()
    world.apply(first)
    inputs = {
        address: {k: v for k, v in r.current.attributes.items() if k not in MUTABLE}
        for address, r in world.resources.items()
        if r.current is not None
    }
    for change in world.plan(second).changes:
        if change.action == "retrain" and change.differences:
            after = {k: v for k, v in (change.after or {}).items() if k not in MUTABLE}
            assert inputs[change.address] != after


MUTABLE = ("display_name", "labels", "description", "deploy")


@given(configurations(), configurations(), st.data())
def test_a_part_is_a_part_of_the_whole(
    first: Desired, second: Desired, data: st.DataObject
) -> None:
    world = World()
    world.apply(first)
    addresses = sorted({*second.datasets, *second.models})
    chosen = frozenset(data.draw(st.sets(st.sampled_from(addresses)))) if addresses else frozenset()
    whole = {change.key for change in world.plan(second).changes}
    for options in (PlanOptions(targets=chosen), PlanOptions(excludes=chosen)):
        part = world.plan(second, options).changes
        kept = {change.key for change in part}
        assert kept <= whole
        for change in part:
            assert set(change.needs) & whole <= kept
    world.apply(second, PlanOptions(excludes=chosen))
    world.apply(second)
    assert world.plan(second).empty
