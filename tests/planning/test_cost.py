"""The money in a plan."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from automl_plan.config.prices import list_prices
from automl_plan.planning.costing import costs_of
from automl_plan.planning.costs import Costs, costs_from_json, costs_to_json
from automl_plan.resources.address import model_address
from automl_plan.resources.desired import Desired
from automl_plan.resources.live import LiveModel
from automl_plan.resources.model_types import Problem
from automl_plan.resources.refactoring import Removal, RemovalAction
from tests.planning.worlds import World, dataset, desired, model

BOOK = list_prices()
MONTH = 1003.75
"""One node for classification."""


def costs(world: World, wanted: Desired) -> Costs:
    plan = world.plan(wanted)
    return costs_of(plan.changes, wanted, world.recorded.resources, world.live, BOOK, None)


def test_a_first_training_and_its_deployment() -> None:
    total = costs(World(), desired(dataset(), model())).total
    assert (total.training, total.monthly_before, total.monthly_after) == (27.72, 0.0, MONTH)


def test_a_swap_costs_a_training_and_as_much_a_month() -> None:
    world = World()
    world.apply(desired(dataset(), model()))
    wanted = desired(dataset(), model(train_budget_milli_node_hours=9000))
    total = costs(world, wanted).total
    assert (total.training, total.monthly_before, total.monthly_after) == (31.19, MONTH, MONTH)
    assert total.training >= 9 * 3.465, "rounded upwards"


@pytest.mark.parametrize(("nodes", "after"), [(None, 0.0), (1, MONTH), (3, 3 * MONTH)])
def test_other_numbers_of_nodes(nodes: int | None, after: float) -> None:
    world = World()
    world.apply(desired(dataset(), model()))
    total = costs(world, desired(dataset(), model(node_count=nodes))).total
    assert (total.training, total.monthly_before, total.monthly_after) == (0.0, MONTH, after)


def test_what_is_deleted_costs_nothing_any_more() -> None:
    world = World()
    world.apply(desired(dataset(), model()))
    total = costs(world, desired()).total
    assert (total.monthly_before, total.monthly_after) == (MONTH, 0.0)


def test_what_is_forgotten_goes_on_costing() -> None:
    world = World()
    world.apply(desired(dataset(), model()))
    removal = Removal(model_address("digits"), RemovalAction.FORGET)
    total = costs(world, replace(desired(dataset()), removals=(removal,))).total
    assert (total.monthly_before, total.monthly_after) == (MONTH, MONTH)


def test_what_lies_idle() -> None:
    world = World()
    world.models["M9"] = LiveModel(
        "M9", "left", "D9", Problem.IMAGE_OBJECT_DETECTION, deployed=True, node_count=2
    )
    (idle,) = costs(world, desired()).idle
    assert (idle.object_id, idle.monthly) == ("M9", 2922.92)


def test_json_and_back() -> None:
    world = World()
    found = costs(world, desired(dataset(), model(), model("other")))
    assert costs_from_json(costs_to_json(found)) == found
    assert costs_to_json(replace(found, lines=()))["total"] == costs_to_json(Costs(""))["total"]
