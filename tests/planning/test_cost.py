"""The money in a plan."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from automl_plan.config.prices import list_prices
from automl_plan.model.address import model_address
from automl_plan.model.desired import Desired, Removal, RemovalAction
from automl_plan.model.live import LiveModel
from automl_plan.model.model_types import Problem
from automl_plan.model.ownership_labels import ADDRESS, address_digest
from automl_plan.planning.cost import costs_of
from automl_plan.planning.plan import Costs
from automl_plan.planning.unrecorded import known_to, unrecorded
from automl_plan.providers.google.automl.capabilities import AUTOML
from automl_plan.workspace.plan_entries import CostEntry
from tests.documents import read_again
from tests.planning.worlds import LINEAGE, World, dataset, desired, model

BOOK = list_prices(AUTOML)
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


_NODES = st.integers(0, 3)


@given(
    ours=st.tuples(_NODES, _NODES, _NODES),
    unmanaged=st.tuples(_NODES, _NODES, _NODES),
    labelled=st.tuples(_NODES, _NODES, _NODES),
)
def test_each_deployment_is_counted_once(**nodes: tuple[int, int, int]) -> None:
    """At home and at two other endpoints: of a recorded model, an unmanaged and an unrecorded."""
    world = World()
    wanted = desired(dataset(), model(node_count=nodes["ours"][0] or None))
    world.apply(wanted)
    record = world.resources[model_address("digits")]
    assert record.current is not None
    address = f"{LINEAGE[:12]}-{address_digest(model_address('other'))}-other"
    for name, (home, *elsewhere) in nodes.items():
        object_id = record.current.id if name == "ours" else name
        there = world.models.get(object_id) or LiveModel(
            object_id,
            name,
            "D9",
            Problem.IMAGE_CLASSIFICATION,
            labels={ADDRESS: address} if name == "labelled" else {},
        )
        places = {f"endpoint-{i}": n for i, n in enumerate(elsewhere) if n}
        world.models[object_id] = replace(
            there, deployed=bool(home), node_count=home or None, foreign_deployments=places
        )
    found = unrecorded(world.live, known_to(world.resources), LINEAGE, world.resources, (), BOOK)
    plan = world.plan(wanted)
    total = costs_of(plan.changes, wanted, world.resources, world.live, BOOK, None, found)
    counted = total.total.monthly_before + total.idle_monthly + sum(e.monthly for e in found)
    assert counted == pytest.approx(MONTH * sum(map(sum, nodes.values())))


def test_json_and_back() -> None:
    world = World()
    found = costs(world, desired(dataset(), model(), model("other")))
    assert read_again(CostEntry.of(found)).costs() == found
    assert CostEntry.of(replace(found, lines=())).total == CostEntry.of(Costs("")).total
