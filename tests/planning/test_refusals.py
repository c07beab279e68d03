"""What is judged: the changes that are carried out, and what they make of what is declared."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from automl_plan.config.build import policy
from automl_plan.model.address import dataset_address, model_address
from automl_plan.planning.options import PlanMode, PlanOptions
from automl_plan.planning.plan import Action, Change, Unrecorded, UnrecordedKind
from automl_plan.planning.refusals import find_refusals
from tests.planning.worlds import World, dataset, desired, model

DIGITS = desired(dataset(), model())
MODEL = model_address("digits")
_ENDS = {"resume", "cancel", "undeploy", "delete", "forget", "move", "no-op"}


@pytest.mark.parametrize("action", list(Action))
@pytest.mark.parametrize(
    "rule",
    [
        {"allowed_locations": ["europe-west4"]},
        {"required_labels": ["team"]},
        {"allowed_model_types": ["mobile-versatile-1"]},
    ],
)
def test_a_part_is_judged_by_what_it_makes(action: Action, rule: dict[str, list[str]]) -> None:
    world = World()
    world.apply(DIGITS)
    grounds = replace(world.grounds(DIGITS, PlanOptions(), policy(rule)), part=True)
    refused = find_refusals([Change(MODEL, action, "because")], grounds).refused
    assert {each.rule for each in refused} == (
        set() if action in _ENDS else {f"policy/{key}" for key in rule}
    )
    assert find_refusals((), grounds).refused == ()
    assert find_refusals((), replace(grounds, part=False)).refused, (
        "a whole plan judges all declared"
    )
    destroy = replace(grounds, part=False, options=PlanOptions(mode=PlanMode.DESTROY))
    assert (
        find_refusals([Change(MODEL, Action.DELETE, "gone", object_id="M")], destroy).refused == ()
    )


def test_costs_are_those_of_the_changes() -> None:
    wanted = desired(dataset(), model(), model("other", train_budget_milli_node_hours=80_000))
    world = World()
    rule = policy({"max_training_cost": 30})
    changes = world.plan(wanted).changes
    grounds = world.grounds(wanted, PlanOptions(), rule)
    (refusal,) = find_refusals(changes, grounds).refused
    assert (refusal.rule, refusal.address) == ("policy/max_training_cost", None)
    assert "raise the limit" in refusal.text
    own = [change for change in changes if change.address == MODEL]
    assert find_refusals(own, grounds).refused == ()


def test_a_dataset_is_not_deleted_under_somebody_elses_training() -> None:
    world = World()
    world.apply(DIGITS)
    (dataset_id,) = world.datasets
    training = Unrecorded(
        UnrecordedKind.TRAINING, "T1", "dataset.digits", "wait", dataset_id=dataset_id
    )
    grounds = replace(world.grounds(DIGITS, PlanOptions()), unrecorded=(training,))
    delete = Change(dataset_address("digits"), Action.DELETE, "gone", object_id=dataset_id)
    (refusal,) = find_refusals([delete], grounds).refused
    assert (refusal.rule, refusal.address) == ("in-use", delete.address)
    assert find_refusals([replace(delete, object_id="D9")], grounds).refused == ()
