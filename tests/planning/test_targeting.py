"""A narrowed plan is refused, or is a part that the whole plan completes."""

from __future__ import annotations

from collections import Counter
from typing import Any, cast

import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from automl_plan.errors import UsageError
from automl_plan.model.address import Address, ResourceKind, dataset_address, model_address
from automl_plan.model.desired import (
    Adoption,
    Desired,
    DesiredDataset,
    Move,
    Removal,
    RemovalAction,
)
from automl_plan.model.json import Json
from automl_plan.model.recorded import RecordedObject
from automl_plan.planning.options import PlanMode, PlanOptions
from automl_plan.planning.plan import Action, Plan
from automl_plan.planning.refactoring import RefactoringImpossible
from tests.depth import times
from tests.planning.test_refactoring import actions
from tests.planning.worlds import World, dataset, desired, model

D, M, B, Y = dataset_address("digits"), model_address("m"), model_address("b"), model_address("y")
TRAININGS = {Action.TRAIN, Action.RETRAIN}
ENDS = {Action.DELETE, Action.UNDEPLOY, Action.CANCEL}


def only(*addresses: Address) -> PlanOptions:
    return PlanOptions(targets=frozenset(addresses))


def without(*addresses: Address, **options: Any) -> PlanOptions:
    return PlanOptions(excludes=frozenset(addresses), **options)


# -- examples --------------------------------------------------------------------------------


def goes_over() -> tuple[World, Desired]:
    """What model.b was is adopted as model.y."""
    world = World()
    world.apply(desired(dataset(), model("b", display_name="m")))
    (made,) = world.models
    return world, replace(
        desired(dataset(), model("y", display_name="m")),
        removals=(Removal(B, RemovalAction.FORGET),),
        adoptions=(Adoption(Y, made),),
    )


@pytest.mark.parametrize("options", [only(Y), only(B), without(B), without(Y)])
def test_what_goes_over_to_another_address_is_not_parted(options: PlanOptions) -> None:
    world, wanted = goes_over()
    with pytest.raises(UsageError, match=r"moves from model\.b to model\.y"):
        world.plan(wanted, options)


@pytest.mark.parametrize("options", [only(Y, B), PlanOptions()])
def test_both_go_over_together(options: PlanOptions) -> None:
    world, wanted = goes_over()
    plan = world.apply(wanted, options)
    forget, adopt = plan.changes[:2]
    assert (forget.action, adopt.action) == (Action.FORGET, Action.IMPORT)
    assert forget.key in adopt.needs
    assert world.plan(wanted).empty
    assert world.trained == 1


@pytest.mark.parametrize("options", [only(D), without(B, Y)])
def test_and_stay_together(options: PlanOptions) -> None:
    world, wanted = goes_over()
    plan = world.plan(wanted, options)
    assert plan.empty
    assert plan.not_planned == (B, Y)


def running() -> tuple[World, Desired]:
    """A training runs, and the data of its dataset has changed since."""
    world = World()
    before = desired(dataset(), model("m"))
    world.detached = True
    world.apply(before)
    assert world.resources[M].operations
    return world, desired(dataset(data="v1:bb"), model("m"))


def test_an_outdated_training_is_cancelled_with_its_successor() -> None:
    world, wanted = running()
    assert {"model.m cancel", "model.m train"} <= {*actions(world.plan(wanted))}
    plan = world.plan(wanted, without(D))
    assert plan.empty
    assert plan.not_planned == (D, M)


@pytest.mark.parametrize("options", [without(M), only(D)])
def test_what_is_replaced_by_a_flag_takes_what_is_trained_on_it(options: PlanOptions) -> None:
    world = World()
    wanted = desired(dataset(data=None), model("m"))  # what is in it, nobody knows
    world.apply(wanted)
    asked = replace(options, replaces=frozenset({D}))
    with pytest.raises(UsageError, match=r"model\.m is trained on it"):
        world.plan(wanted, asked)
    assert "model.m retrain" in actions(
        world.plan(wanted, replace(asked, excludes=frozenset(), targets=frozenset()))
    )


def test_new_data_can_be_imported_before_it_is_trained_on() -> None:
    world = World()
    world.apply(desired(dataset(), model("m")))
    wanted = desired(dataset(data="v1:bb"), model("m"))
    plan = world.apply(wanted, only(D))
    assert actions(plan) == ["dataset.digits create", "dataset.digits import-data"]
    assert plan.not_planned == (D, M), "its deletion waits for the model"
    world.apply(wanted)
    assert world.plan(wanted).empty
    assert (len(world.datasets), world.trained) == (1, 2)


def test_what_is_left_out_is_no_part_of_what_is_unchanged() -> None:
    world = World()
    first = desired(dataset(), model("m"), model("k"))
    world.apply(first)
    wanted = desired(dataset(), model("m", train_budget_milli_node_hours=9000))
    for options, left_out in (
        (only(D), (model_address("k"), M)),
        (without(M, model_address("k")), (model_address("k"), M)),
    ):
        plan = world.plan(wanted, options)
        assert (plan.empty, plan.unchanged, plan.not_planned) == (True, (D,), left_out)
    whole = world.plan(first)
    assert (whole.unchanged, whole.not_planned) == ((D, model_address("k"), M), ())


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (PlanOptions(targets=frozenset({M}), excludes=frozenset({M})), "nothing to plan"),
        (PlanOptions(targets=frozenset({M}), excludes=frozenset({D})), "nothing to plan"),
        (PlanOptions(targets=frozenset({D}), replaces=frozenset({M})), "--replace model.m"),
        (without(M, replaces=frozenset({M})), "--replace model.m"),
        (without(D, replaces=frozenset({M})), "--replace model.m"),
        (PlanOptions(replaces=frozenset({B})), "--replace model.b: not declared"),
    ],
)
def test_options_that_contradict_each_other(options: PlanOptions, said: str) -> None:
    world = World()
    world.apply(desired(dataset(), model("m"), model("b")))
    with pytest.raises(UsageError, match=said):
        world.plan(desired(dataset(), model("m")), options)


# -- whatever is left out --------------------------------------------------------------------

NAMES = ("a", "b", "c")


@st.composite
def configurations(draw: st.DrawFn) -> Desired:
    resources: list[DesiredDataset] = []
    for name in sorted(draw(st.sets(st.sampled_from(NAMES), min_size=1))):
        data = draw(st.sampled_from((None, "v1:1", "v1:2")))
        resources.append(dataset(name, display_name="d", data=data))
    datasets = [r.address.name for r in resources]
    models = [
        model(
            name,
            of=draw(st.sampled_from(datasets)),
            display_name="m",
            train_budget_milli_node_hours=draw(st.sampled_from((8000, 9000))),
            node_count=draw(st.sampled_from((None, 1))),
            keep_versions=draw(st.sampled_from((0, 1))),
        )
        for name in sorted(draw(st.sets(st.sampled_from(NAMES))))
    ]
    return desired(*resources, *models)


def rearranged(draw: st.DrawFn, world: World, wanted: Desired) -> Desired:
    """With blocks for what is recorded and not declared, where there is a place for it."""
    declared = {*wanted.datasets, *wanted.models}
    free = sorted(declared - {*world.resources})
    moves, removals, adoptions = [], [], []
    for address in sorted({*world.resources} - declared):
        record = world.resources[address]
        fate = draw(st.sampled_from(("deleted", "moved", "goes over", "forgotten")))
        place = next((a for a in free if a.kind is address.kind), None)
        if fate == "forgotten" and not record.operations:
            removals.append(Removal(address, RemovalAction.FORGET))
        if place is None or fate not in ("moved", "goes over"):
            continue
        if fate == "moved":
            moves.append(Move(address, place))
        elif record.current is not None and not record.operations:
            removals.append(Removal(address, RemovalAction.FORGET))
            adoptions.append(Adoption(place, record.current.id))
        else:
            continue
        free.remove(place)
    return replace(wanted, moves=tuple(moves), removals=tuple(removals), adoptions=tuple(adoptions))


@st.composite
def worlds(draw: st.DrawFn) -> tuple[World, Desired]:
    """Something was applied, some trainings run; something else is declared now."""
    world = World()
    for wanted in draw(st.lists(configurations(), min_size=1, max_size=2)):
        world.apply(wanted)
    world.detached = draw(st.booleans())
    if world.detached:
        world.apply(draw(configurations()))
        world.detached = False
    for object_id in sorted(world.models):
        if draw(st.integers(0, 9)) == 0:
            del world.models[object_id]
    return world, rearranged(draw, world, draw(configurations()))


def addresses_of(world: World) -> dict[tuple[ResourceKind, str], list[Address]]:
    found: dict[tuple[ResourceKind, str], list[Address]] = {}
    for address, record in world.resources.items():
        for obj in record.objects:
            found.setdefault((address.kind, obj.id), []).append(address)
    return found


def trained_on(world: World, address: Address) -> set[str]:
    """The datasets of a model's current version, and of its open trainings."""
    record = world.resources.get(address)
    if record is None:
        return set()
    on = {operation.dataset_id for operation in record.operations}
    on |= {record.current.dataset_id} if record.current else set()
    return {dataset_id for dataset_id in on if dataset_id is not None}


def end_of(world: World, wanted: Desired) -> dict[str, object]:
    """All that matters of a world, but for ids.

    A former dataset may be kept longer: it depends on when what an open training on it made was
    recorded. What an adopted model was trained on is taken from what its dataset holds by then.
    """
    adopted = {adoption.object_id for adoption in wanted.adoptions}

    def said(obj: RecordedObject) -> str:
        trained_on = dict(cast(dict[str, Json], obj.attributes["trained_on"]))
        if obj.id in adopted:
            trained_on.pop("data", None)
        return repr({**obj.attributes, "trained_on": trained_on})

    return {
        "recorded": {
            address: (
                record.current.attributes if record.current else None,
                Counter((str(obj.status), said(obj)) for obj in record.others)
                if address.kind is ResourceKind.MODEL
                else None,
                len(record.operations),
            )
            for address, record in world.resources.items()
        },
        "serving": Counter((m.display_name, m.deployed) for m in world.models.values()),
        "trained": world.trained,
        "cancelled": sorted(world.cancelled),
    }


def complete(world: World, wanted: Desired) -> None:
    """Apply the whole; what an open training makes is retired by the plan after it."""
    for _ in range(3):
        if world.apply(wanted).empty:
            return
    raise AssertionError(world.plan(wanted).changes)


def check_part(part: Plan, whole: Plan) -> None:
    kept, keys = {c.key for c in part.changes}, {c.key for c in whole.changes}
    assert kept <= keys
    for change in part.changes:
        assert {*change.needs} & keys <= kept
        if change.action is Action.CANCEL:
            successors = {
                c.key
                for c in whole.changes
                if c.address == change.address and c.action in TRAININGS
            }
            assert successors <= kept, "a training is cancelled without its successor"
    ended = {c.key for c in whole.changes if c.action in ENDS}
    assert {c.key for c in part.changes if c.action in ENDS} <= ended
    assert not {*part.unchanged} & {*part.not_planned}
    assert {*part.unchanged} <= {*whole.unchanged}


@settings(max_examples=times(150, 900))
@given(worlds(), st.data())
def test_a_part_is_refused_or_completed_by_the_whole(
    made: tuple[World, Desired], data: st.DataObject
) -> None:
    world, wanted = made
    known = sorted({*wanted.datasets, *wanted.models, *world.resources})
    some = st.frozensets(st.sampled_from(known), max_size=3)
    options = PlanOptions(
        targets=data.draw(some), excludes=data.draw(some), replaces=data.draw(some)
    )
    note(f"{options}")
    other = world.copy()
    try:
        whole = world.plan(wanted, PlanOptions(replaces=options.replaces))
        part = world.plan(wanted, options)
    except (UsageError, RefactoringImpossible):
        return
    check_part(part, whole)
    # The whole takes the dataset, too, from a model of which it changes nothing.
    changed = {change.address for change in whole.changes} & {*part.not_planned}
    left = {on for a in changed for on in trained_on(world, a) if on in world.datasets}
    world.carry_out(part, wanted)
    assert left <= {*world.datasets}, "what a model that is left out was trained on is deleted"
    assert all(len(held) == 1 for held in addresses_of(world).values())
    complete(world, wanted)
    other.carry_out(whole, wanted)
    complete(other, wanted)
    assert end_of(world, wanted) == end_of(other, wanted)


@given(configurations(), st.data())
def test_a_part_is_destroyed_with_what_is_made_of_it(wanted: Desired, data: st.DataObject) -> None:
    world = World()
    world.apply(wanted)
    known = sorted(world.resources)
    some = st.frozensets(st.sampled_from(known), max_size=3)
    options = PlanOptions(mode=PlanMode.DESTROY, targets=data.draw(some), excludes=data.draw(some))
    try:
        part = world.apply(wanted, options)
    except UsageError:
        return
    assert {*world.resources} == {*part.not_planned}
    for record in world.resources.values():
        for obj in record.objects:
            assert obj.dataset_id is None or obj.dataset_id in world.datasets
