"""What is planned for which difference, and why."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from automl_plan.errors import UsageError
from automl_plan.model.address import Address, dataset_address, model_address
from automl_plan.model.desired import OnSourceChange
from automl_plan.model.live import Operation, OperationKind
from automl_plan.model.model_types import ClassificationType
from automl_plan.model.recorded import RecordedOperation, RecordedResource, Step
from automl_plan.model.transitions import with_operation
from automl_plan.planning.options import PlanMode, PlanOptions
from automl_plan.planning.plan import Action, Plan
from tests.planning.worlds import World, dataset, desired, model

DIGITS = desired(dataset(), model())


@pytest.fixture
def world() -> World:
    """A world in which DIGITS was applied."""
    world = World()
    world.apply(DIGITS)
    return world


def actions(plan: Plan) -> list[str]:
    return [f"{c.address} {c.action}" for c in plan.changes]


def test_everything_is_new() -> None:
    plan = World().plan(DIGITS)
    assert actions(plan) == [
        "dataset.digits create",
        "dataset.digits import-data",
        "model.digits train",
        "model.digits deploy",
    ]
    assert plan.changes[2].needs == ("dataset.digits create", "dataset.digits import-data")


def test_nothing_to_do_after_apply(world: World) -> None:
    plan = world.plan(DIGITS)
    assert plan.empty
    assert plan.drift == ()
    assert plan.unchanged == (dataset_address("digits"), model_address("digits"))


def test_labels_are_patched(world: World) -> None:
    plan = world.plan(desired(dataset(labels={"team": "vision"}), model()))
    assert actions(plan) == ["dataset.digits update"]
    assert plan.changes[0].reason == "labels.team changed"
    assert plan.changes[0].differences[0].after == "vision"


def test_a_rename_never_trains(world: World) -> None:
    renamed = desired(dataset(display_name="numbers"), model(display_name="numbers"))
    assert actions(world.apply(renamed)) == ["dataset.digits update", "model.digits update"]
    assert world.trained == 1
    assert world.plan(renamed).empty


def test_a_training_input_retrains_and_swaps(world: World) -> None:
    wanted = desired(dataset(), model(train_budget_milli_node_hours=9000, keep_versions=0))
    plan = world.apply(wanted)
    assert actions(plan) == [
        "model.digits retrain",
        "model.digits deploy",
        "model.digits undeploy",
        "model.digits delete",
    ]
    assert plan.changes[0].field == "image_classification.train_budget_milli_node_hours"
    assert plan.changes[2].needs[-1] == "model.digits deploy", "the old one serves until then"
    assert world.plan(wanted).empty
    assert len(world.models) == 1


def test_changed_data_replaces_the_dataset(world: World) -> None:
    wanted = desired(dataset(data="v1:bb"), model(keep_versions=0))
    plan = world.apply(wanted)
    assert actions(plan) == [
        "dataset.digits create",
        "dataset.digits import-data",
        "model.digits retrain",
        "model.digits deploy",
        "model.digits undeploy",
        "model.digits delete",
        "dataset.digits delete",
    ]
    assert plan.changes[0].field == "data"
    assert plan.changes[2].reason == "its data changed"
    assert len(world.datasets) == 1
    assert world.plan(wanted).empty


def test_changed_data_is_appended_when_declared_so(world: World) -> None:
    wanted = desired(dataset(data="v1:bb", on_source_change=OnSourceChange.APPEND), model())
    assert actions(world.apply(wanted))[:3] == [
        "dataset.digits import-data",
        "dataset.digits update",  # its label tells what it holds
        "model.digits retrain",
    ]
    assert world.plan(wanted).empty


def test_an_immutable_field_of_the_dataset_retrains_its_models(world: World) -> None:
    wanted = desired(dataset(classification_type=ClassificationType.MULTILABEL), model())
    plan = world.plan(wanted)
    assert "dataset.digits create" in actions(plan)
    retrain = next(c for c in plan.changes if c.action == "retrain")
    assert retrain.reason == "its dataset changed"


def test_a_dataset_without_managed_data_that_is_replaced_retrains() -> None:
    world = World()
    plain = dataset(data=None, sources=())
    world.apply(desired(plain, model()))
    options = PlanOptions(replaces=frozenset({dataset_address("digits")}))
    assert "model.digits retrain" in actions(world.plan(desired(plain, model()), options))


def test_deployment_follows_the_configuration(world: World) -> None:
    assert actions(world.plan(desired(dataset(), model(node_count=2)))) == ["model.digits deploy"]
    assert actions(world.apply(desired(dataset(), model(node_count=None)))) == [
        "model.digits undeploy"
    ]
    assert actions(world.plan(DIGITS)) == ["model.digits deploy"]


def test_removed_resources_are_deleted_in_reverse(world: World) -> None:
    plan = world.apply(desired())
    assert actions(plan) == [
        "model.digits undeploy",
        "model.digits delete",
        "dataset.digits delete",
    ]
    assert plan.changes[0].reason == "no longer in the configuration"
    assert not world.resources


def test_destroy_deletes_what_is_declared(world: World) -> None:
    plan = world.plan(DIGITS, PlanOptions(mode=PlanMode.DESTROY))
    assert actions(plan)[-1] == "dataset.digits delete"
    assert {c.reason for c in plan.changes} == {"destroy requested"}


def test_a_dataset_deleted_outside_is_made_again_without_training(world: World) -> None:
    world.datasets.clear()
    plan = world.apply(DIGITS)
    assert actions(plan) == [
        "dataset.digits forget",
        "dataset.digits create",
        "dataset.digits import-data",
    ]
    assert [d.gone for d in plan.drift] == [True]
    assert world.plan(DIGITS).empty


def test_a_model_deleted_outside_is_trained_again(world: World) -> None:
    world.models.clear()
    plan = world.apply(DIGITS)
    assert actions(plan) == ["model.digits forget", "model.digits train", "model.digits deploy"]
    assert world.plan(DIGITS).empty


def test_drift_is_told_and_undone(world: World) -> None:
    (live,) = world.models.values()
    world.models[live.id] = replace(live, deployed=False, node_count=None, labels={"x": "y"})
    plan = world.plan(DIGITS)
    expected_labels = ("address", "data", "inputs", "status", "version")
    lost = {f"ownership_labels.{mark}" for mark in expected_labels}
    assert {d.path for d in plan.drift[0].differences} == {"deploy", "labels.x", *lost}
    assert actions(plan) == ["model.digits update", "model.digits deploy"]
    assert world.plan(DIGITS, PlanOptions(mode=PlanMode.REFRESH_ONLY)).empty


def test_ownership_labels_are_no_drift(world: World) -> None:
    (live,) = world.models.values()
    noise = {**live.labels, "automl-plan-token": "abc"}
    world.models[live.id] = replace(live, labels=noise, etag="new", update_time="2027")
    assert world.plan(DIGITS).empty
    assert world.plan(DIGITS).drift == ()


@pytest.mark.parametrize("redeploys", [False, True])
def test_another_number_of_nodes(world: World, redeploys: bool) -> None:
    plan = world.plan(desired(dataset(), model(node_count=2, redeploys=redeploys)))
    (change,) = plan.changes
    why = (
        ": requires a new deployment, which takes over before the current one ends"
        if redeploys
        else ""
    )
    assert str(change.action) == "deploy"
    assert change.reason == f"deploy.node_count changed{why}"


def test_a_deployment_on_untold_nodes_is_as_recorded(world: World) -> None:
    (live,) = world.models.values()
    world.models[live.id] = replace(live, node_count=None)
    assert world.plan(DIGITS).empty


def training(world: World, *, budget: int = 8000) -> RecordedOperation:
    """A training that an earlier run left open."""
    wanted = model(train_budget_milli_node_hours=budget)
    attributes = wanted.attributes(dataset())
    attributes.pop("deploy")
    return RecordedOperation(
        Step.TRAIN,
        token="1" * 32,
        started="2026-01-01T00:00:00Z",
        id="ICN77",
        attributes=attributes,
        dataset_id="D1",
    )


def test_a_running_training_is_resumed_and_not_planned_again() -> None:
    world = World()
    world.apply(desired(dataset()))
    address = model_address("digits")
    world.resources[address] = with_operation(RecordedResource(address), training(world))
    plan = world.plan(DIGITS)
    assert actions(plan) == ["model.digits resume", "model.digits deploy"]
    assert plan.changes[1].needs == ("model.digits resume ICN77",)


@pytest.mark.parametrize("declared", [True, False])
def test_a_running_training_that_is_not_wanted_is_cancelled(declared: bool) -> None:
    world = World()
    world.apply(desired(dataset()))
    address = model_address("digits")
    operation = training(world, budget=9000)
    world.resources[address] = with_operation(RecordedResource(address), operation)
    plan = world.plan(DIGITS if declared else desired(dataset()))
    follow = ["model.digits train", "model.digits deploy"] if declared else []
    assert actions(plan) == ["model.digits cancel", *follow]


def test_target_takes_what_it_needs_and_exclude_what_needs_it() -> None:
    world = World()
    wanted = desired(dataset(), model(), dataset("other"), model("other", of="other"))
    target = PlanOptions(targets=frozenset({model_address("other")}))
    assert {str(c.address) for c in world.plan(wanted, target).changes} == {
        "dataset.other",
        "model.other",
    }
    exclude = PlanOptions(excludes=frozenset({dataset_address("other")}))
    assert {str(c.address) for c in world.plan(wanted, exclude).changes} == {
        "dataset.digits",
        "model.digits",
    }


def test_targeting_a_dataset_trains_nothing(world: World) -> None:
    wanted = desired(dataset(data="v1:bb"), model())
    plan = world.apply(wanted, PlanOptions(targets=frozenset({dataset_address("digits")})))
    assert actions(plan) == ["dataset.digits create", "dataset.digits import-data"]
    assert "model.digits retrain" in actions(world.apply(wanted))
    assert world.plan(wanted).empty


def test_destroying_a_target_takes_its_models_along(world: World) -> None:
    options = PlanOptions(mode=PlanMode.DESTROY, targets=frozenset({dataset_address("digits")}))
    assert actions(world.plan(DIGITS, options))[-1] == "dataset.digits delete"


@pytest.mark.parametrize("flag", ["targets", "excludes", "replaces"])
def test_unknown_addresses_are_refused_with_the_near_one(flag: str) -> None:
    unknown = frozenset({Address.parse("model.digit")})
    options = PlanOptions(**{flag: unknown})  # type: ignore[arg-type]  # one flag of three alike
    with pytest.raises(UsageError) as caught:
        World().plan(DIGITS, options)
    assert caught.value.hint == "Did you mean model.digits?"


def test_without_refresh_what_is_recorded_is_taken_to_live(world: World) -> None:
    from automl_plan.planning.planner import make_plan

    assert make_plan(DIGITS, world.recorded, None, PlanOptions()).empty


@pytest.mark.parametrize("left", [0, None, 3])
def test_a_dataset_whose_creation_has_ended_gets_the_labels_of_what_is_declared_by_now(
    world: World, left: int | None
) -> None:
    """They were chosen when it was begun: other data may be declared since.

    What an import of the former data left in it, as one that was cancelled, can't be taken back:
    then there is another dataset.
    """
    world.apply(desired(dataset()))
    record = world.resources[dataset_address("digits")]
    assert record.current is not None
    created = {k: v for k, v in record.current.attributes.items() if k != "data"}
    begun = RecordedOperation(Step.CREATE, "t", "2026-01-01T00:00:00Z", "OP1", attributes=created)
    world.resources[record.address] = replace(record, current=None, operations=(begun,))
    world.operations["OP1"] = Operation(
        "OP1", OperationKind.CREATE_DATASET, done=True, result_id=record.current.id
    )
    there = world.datasets[record.current.id]
    world.datasets[there.id] = replace(there, example_count=left)
    changes = world.plan(desired(dataset(data="v1:bb"))).changes
    if left:
        assert [change.action for change in changes] == [
            *(Action.RESUME, Action.CREATE, Action.IMPORT_DATA, Action.DELETE)
        ]
        same = world.plan(desired(dataset())).changes
        assert [change.action for change in same] == [Action.RESUME, Action.IMPORT_DATA]
        return
    (update,) = [change for change in changes if change.action is Action.UPDATE]
    assert [d.path for d in update.differences] == ["ownership_labels.data"]
    assert [change.action for change in changes] == [
        Action.RESUME,
        Action.IMPORT_DATA,
        Action.UPDATE,
    ]


def test_a_dataset_of_a_model_that_is_gone_goes_with_it(world: World) -> None:
    """Its data changed, too: nothing is left for the next plan."""
    world.apply(desired(dataset(), model()))
    world.models.clear()
    wanted = desired(dataset(data="v1:bb"))
    world.apply(wanted)
    assert len(world.datasets) == 1
    assert world.plan(wanted).empty
