"""Moves, removals, adoptions, protection, ignored fields: nothing is made or trained for them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec.structs import replace

from automl_plan.errors import UsageError
from automl_plan.model.address import dataset_address, model_address
from automl_plan.model.desired import Adoption, Desired, Lifecycle, Move, Removal, RemovalAction
from automl_plan.model.live import LiveDataset, LiveModel
from automl_plan.model.model_types import ClassificationType, Problem
from automl_plan.model.ownership_labels import DATA
from automl_plan.planning.command_plans import plan_forgetting, plan_move
from automl_plan.planning.options import PlanMode, PlanOptions
from automl_plan.planning.plan import Action, NoteKind, Plan
from automl_plan.planning.refactoring import RefactoringImpossible
from tests.planning.worlds import World, dataset, desired, model

OLD, NEW = model_address("old"), model_address("new")
PROTECTED = Lifecycle(prevent_destroy=True)


def actions(plan: Plan) -> list[str]:
    return [f"{c.address} {c.action}" for c in plan.changes]


def moved(*moves: Move, to: str = "new") -> Desired:
    wanted = desired(dataset(), model(to, display_name="m"))
    return replace(wanted, moves=moves)


@pytest.fixture
def world() -> World:
    world = World()
    world.apply(desired(dataset(), model("old", display_name="m")))
    return world


def test_a_move_trains_nothing(world: World) -> None:
    wanted = moved(Move(OLD, NEW))
    assert actions(world.apply(wanted)) == ["model.new move", "model.new update"]
    assert world.trained == 1
    assert world.plan(wanted).empty, "a block that is carried out does nothing"


def test_moves_are_followed_to_the_end(world: World) -> None:
    world.apply(moved(Move(OLD, model_address("between")), Move(model_address("between"), NEW)))
    assert world.trained == 1
    assert NEW in world.resources


def test_a_move_and_a_return_to_a_former_version_are_one_plan(world: World) -> None:
    again = desired(dataset(), model("old", display_name="m", train_budget_milli_node_hours=9000))
    world.apply(again)
    back = replace(desired(dataset(), model("new")), moves=(Move(OLD, NEW),))
    plan = world.apply(back)
    assert "model.new promote" in actions(plan)
    assert len({change.key for change in plan.changes}) == len(plan.changes)
    assert world.trained == 2
    assert world.plan(back).empty


def test_without_a_move_it_is_said_what_to_write(world: World) -> None:
    plan = world.plan(moved())
    assert [note.kind for note in plan.notes] == [NoteKind.RENAME]
    assert "moved: [{from: model.old, to: model.new}]" in plan.notes[0].text


def test_a_move_to_what_is_recorded_is_refused(world: World) -> None:
    both = desired(dataset(), model("old", display_name="m"), model("new"))
    world.apply(both)
    with pytest.raises(RefactoringImpossible) as caught:
        world.plan(moved(Move(OLD, NEW)))
    (problem,) = caught.value.problems
    assert (problem.section, problem.index) == ("moved", 0)


def test_a_move_that_was_cut_off_halfway_is_made_again(world: World) -> None:
    world.resources[NEW] = replace(world.resources[OLD], address=NEW)
    wanted = moved(Move(OLD, NEW))
    world.apply(wanted)
    assert OLD not in world.resources
    assert world.plan(wanted).empty


def test_what_is_forgotten_lives_on(world: World) -> None:
    wanted = replace(desired(dataset()), removals=(Removal(OLD, RemovalAction.FORGET),))
    plan = world.plan(wanted)
    assert actions(plan) == ["model.old forget"]
    assert {d.path for d in plan.changes[0].differences} >= {"ownership_labels.address"}


def test_by_hand_too(world: World) -> None:
    assert actions(plan_move(OLD, NEW, world.recorded, world.live)) == [
        "model.new move",
        "model.new update",
    ]
    assert actions(plan_forgetting(OLD, world.recorded, world.live)) == ["model.old forget"]
    for source, target in ((NEW, OLD), (OLD, dataset_address("x")), (OLD, OLD)):
        with pytest.raises(UsageError):
            plan_move(source, target, world.recorded, world.live)
    with pytest.raises(UsageError):
        plan_forgetting(NEW, world.recorded, world.live)


# -- imports ---------------------------------------------------------------------------------


def chosen_by_user() -> World:
    """Somebody made a dataset and a model in the console."""
    world = World()
    kind = ClassificationType.MULTICLASS
    world.datasets["D7"] = LiveDataset(
        "D7", "digits", Problem.IMAGE_CLASSIFICATION, kind, example_count=1
    )
    world.models["M7"] = LiveModel(
        "M7",
        "digits",
        "D7",
        Problem.IMAGE_CLASSIFICATION,
        deployed=True,
        node_count=1,
        model_type="cloud",
        train_budget_milli_node_hours=8000,
        create_time=datetime(2026, 1, 1, tzinfo=UTC).isoformat(),
    )
    return world


def importing(*blocks: Adoption) -> Desired:
    return replace(desired(dataset(), model()), adoptions=blocks)


BOTH = (
    Adoption(model_address("digits"), "M7"),
    Adoption(dataset_address("digits"), "D7"),
)


def test_imports_make_and_train_nothing() -> None:
    world = chosen_by_user()
    wanted = importing(*BOTH)
    assert actions(world.apply(wanted)) == ["dataset.digits import", "model.digits import"]
    assert world.trained == 0
    assert world.plan(wanted).empty


def test_content_of_another_size_is_not_taken_for_the_declared_one() -> None:
    world = chosen_by_user()
    world.datasets["D7"] = replace(world.datasets["D7"], example_count=5)
    assert actions(world.plan(importing(*BOTH)))[:3] == [
        "dataset.digits import",
        "model.digits import",
        "dataset.digits import-data",
    ]


@pytest.mark.parametrize(
    ("block", "said"),
    [
        (Adoption(model_address("digits"), "D7"), "D7 is a dataset, not a model"),
        (Adoption(dataset_address("digits"), "M7"), "M7 is a model, not a dataset"),
        (Adoption(model_address("digits"), "M8"), "there is no model M8"),
    ],
)
def test_imports_that_can_not_be(block: Adoption, said: str) -> None:
    with pytest.raises(RefactoringImpossible, match=said):
        chosen_by_user().plan(importing(block))


def test_an_import_for_what_is_recorded_is_refused(world: World) -> None:
    world.models["M7"] = chosen_by_user().models["M7"]
    wanted = desired(dataset(), model("old", display_name="m"))
    with pytest.raises(RefactoringImpossible, match="already recorded"):
        world.plan(replace(wanted, adoptions=(Adoption(OLD, "M7"),)))


def test_destroy_does_not_adopt_what_it_would_delete() -> None:
    plan = chosen_by_user().plan(importing(*BOTH), PlanOptions(mode=PlanMode.DESTROY))
    assert plan.changes == ()


def test_an_import_that_was_replaced_since_does_nothing() -> None:
    world = chosen_by_user()
    world.apply(importing(*BOTH))
    retrained = replace(
        desired(dataset(), model(train_budget_milli_node_hours=9000, keep_versions=0)),
        adoptions=BOTH,
    )
    world.apply(retrained)
    assert "M7" not in world.models
    assert world.plan(retrained).empty


@pytest.mark.parametrize("deleted", [False, True])
@pytest.mark.parametrize("forged", [False, True])
def test_a_model_goes_over_with_the_data_that_its_labels_prove(
    world: World, forged: bool, deleted: bool
) -> None:
    """Its dataset was forgotten, and one of the same content is made: the content is known."""
    del world.resources[dataset_address("digits")]
    if deleted:
        world.datasets.clear()
    (there,) = world.models.values()
    if forged:  # somebody wrote other data into the label
        labels = {**there.labels, DATA: "v1-bb"}
        world.models[there.id] = replace(there, labels=labels)
    wanted = replace(
        desired(dataset(), model("new", display_name="m")),
        removals=(Removal(OLD, RemovalAction.FORGET),),
        adoptions=(Adoption(NEW, there.id),),
    )
    plan = world.apply(wanted)
    assert (Action.RETRAIN in {change.action for change in plan.changes}) == forged
    assert world.trained == 1 + forged


def test_a_move_elsewhere_does_not_keep_targets_from_their_changes(world: World) -> None:
    wanted = replace(
        desired(
            dataset(),
            dataset("d2"),
            model("new", display_name="m"),
            model("other", of="d2"),
        ),
        moves=(Move(OLD, NEW),),
    )
    other = PlanOptions(targets=frozenset({model_address("other")}))
    assert "model.other train" in actions(world.plan(wanted, other))
    assert "model.new move" not in actions(world.plan(wanted, other))
    old = PlanOptions(targets=frozenset({OLD}))
    assert actions(world.plan(wanted, old)) == ["model.new move", "model.new update"]


# -- protection ------------------------------------------------------------------------------


def protected() -> World:
    world = World()
    world.apply(desired(dataset(), model(lifecycle=PROTECTED)))
    return world


def test_protection_holds_without_its_block() -> None:
    (said,) = protected().plan(desired(dataset())).refused
    assert (said.rule, said.address) == ("protected", model_address("digits"))
    assert "is protected" in said.text
    assert "removed: [{from: model.digits, action: delete}]" in said.text


def test_and_when_only_the_label_is_left() -> None:
    world = protected()
    address = model_address("digits")
    world.resources[address] = replace(world.resources[address], protected=False)
    assert world.plan(desired(dataset())).refused


def test_and_against_destroy() -> None:
    world = protected()
    wanted = desired(dataset(), model(lifecycle=PROTECTED))
    assert world.plan(wanted, PlanOptions(mode=PlanMode.DESTROY)).refused


def test_it_is_lifted_by_saying_so() -> None:
    world = protected()
    removal = Removal(model_address("digits"), RemovalAction.DELETE)
    assert not world.plan(replace(desired(dataset()), removals=(removal,))).refused
    world.apply(desired(dataset(), model()))
    assert not world.plan(desired(dataset())).refused


def test_a_protected_model_is_trained_anew_all_the_same() -> None:
    world = protected()
    wanted = desired(
        dataset(), model(lifecycle=PROTECTED, train_budget_milli_node_hours=9000, keep_versions=0)
    )
    assert world.plan(wanted).refused == ()


def test_a_protected_dataset_is_not_replaced() -> None:
    world = World()
    world.apply(desired(dataset(lifecycle=PROTECTED)))
    assert world.plan(desired(dataset(lifecycle=PROTECTED, data="v1:bb"))).refused


# -- large changes ---------------------------------------------------------------------------


def many(count: int, budget: int = 8000, changed: int = 0) -> Desired:
    models = [
        model(f"m{i}", train_budget_milli_node_hours=budget if i < changed else 8000)
        for i in range(count)
    ]
    return desired(dataset(), *models)


@pytest.mark.parametrize(
    ("count", "changed", "refused"), [(9, 3, False), (9, 4, True), (8, 8, False)]
)
def test_much_at_once_is_refused(count: int, changed: int, refused: bool) -> None:
    world = World()
    world.apply(many(count))
    wanted = many(count, 9000, changed)
    assert bool(world.plan(wanted).refused) is refused
    assert not world.plan(wanted, PlanOptions(allow_large_change=True)).refused


# -- ignored fields --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ignored", "changed"),
    [
        ("labels", {"labels": {"team": "other"}}),
        ("labels.team", {"labels": {"team": "other"}}),
        ("display_name", {"display_name": "other"}),
        ("deploy.node_count", {"node_count": 3}),
        (
            "image_classification.train_budget_milli_node_hours",
            {"train_budget_milli_node_hours": 9000},
        ),
    ],
)
def test_ignored_fields_of_a_model(ignored: str, changed: dict[str, Any]) -> None:
    world = World()
    world.apply(desired(dataset(), model()))
    assert not world.plan(desired(dataset(), model(**changed))).empty
    lifecycle = Lifecycle(ignore_changes=(ignored,))
    assert world.plan(desired(dataset(), model(**changed, lifecycle=lifecycle))).empty


def test_ignored_data() -> None:
    world = World()
    world.apply(desired(dataset(), model()))
    lifecycle = Lifecycle(ignore_changes=("sources",))
    assert world.plan(desired(dataset(data="v1:bb", lifecycle=lifecycle), model())).empty
    only_model = model(lifecycle=Lifecycle(ignore_changes=("dataset",)))
    plan = world.plan(desired(dataset(data="v1:bb"), only_model))
    assert "model.digits retrain" not in actions(plan)


@pytest.mark.parametrize("why", ["gone", "asked", "another type"])
def test_a_dataset_that_is_made_anew_takes_what_its_sources_hold(why: str) -> None:
    world = World()
    world.apply(desired(dataset(), model()))
    declared = dataset(data="v1:bb", lifecycle=Lifecycle(ignore_changes=("sources",)))
    options = PlanOptions()
    if why == "gone":
        world.datasets.clear()
    elif why == "asked":
        options = PlanOptions(replaces=frozenset({declared.address}))
    else:
        declared = replace(declared, classification_type=ClassificationType.MULTILABEL)
    changes = world.plan(desired(declared, model()), options).changes
    (created,) = (c for c in changes if c.action is Action.CREATE)
    assert created.after is not None
    assert created.after["data"] == "v1:bb"


def test_what_was_trained_on_our_dataset_by_hand_is_told(world: World) -> None:
    (ours,) = world.datasets
    world.models["M9"] = LiveModel("M9", "digits", ours, Problem.IMAGE_CLASSIFICATION)
    wanted = desired(dataset(), model("old", display_name="m"))
    (drift,) = world.plan(wanted).drift
    assert (drift.trained, drift.object_id) == ("digits", "M9")
    address = dataset_address("digits")
    world.resources[address] = replace(world.resources[address], foreign=("M9",))
    assert world.plan(wanted).drift == ()
