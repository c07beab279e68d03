"""Whatever a plan would change in place because others changed it is drift."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from automl_plan.model.desired import Lifecycle
from automl_plan.model.live import LiveDataset, LiveModel
from automl_plan.model.ownership_labels import OWNERSHIP_LABELS
from automl_plan.planning.drift import acceptable
from automl_plan.planning.findings import drift_findings
from automl_plan.planning.options import PlanMode, PlanOptions
from automl_plan.planning.plan import Action
from tests.depth import times
from tests.planning.worlds import World, dataset, desired, model

FIRST = desired(dataset(labels={"team": "a"}), model(labels={"team": "a"}, keep_versions=2))
SECOND = desired(
    dataset(labels={"team": "a"}, description="photos"),
    model(labels={"team": "a"}, keep_versions=2, train_budget_milli_node_hours=9000),
)
IN_PLACE = {Action.UPDATE, Action.DEPLOY, Action.UNDEPLOY}
_Live = TypeVar("_Live", LiveDataset, LiveModel)


def two_versions() -> World:
    """A dataset and a model with a former version; nothing is planned for them."""
    world = World()
    world.apply(FIRST)
    world.apply(SECOND)
    assert world.plan(SECOND).empty
    return world


def relabelled(obj: _Live, key: str, value: str | None) -> _Live:
    labels = {k: v for k, v in obj.labels.items() if k != key}
    return replace(obj, labels=labels if value is None else {**labels, key: value})


KEYS = st.sampled_from([*OWNERSHIP_LABELS, "team", "other"])
VALUES = st.sampled_from([None, "x", "current", "former", "1", "true"])
ON_BOTH: st.SearchStrategy[Callable[[LiveDataset | LiveModel], LiveDataset | LiveModel]] = (
    st.one_of(
        st.builds(lambda key, value: lambda obj: relabelled(obj, key, value), KEYS, VALUES),
        st.just(lambda obj: replace(obj, display_name="other")),
    )
)
NODES = st.sampled_from([None, 1, 2])
SHARES = st.sampled_from([None, 0, 40, 100])
ON_MODELS = st.one_of(
    ON_BOTH,
    st.builds(
        lambda nodes, share: (
            lambda obj: replace(
                obj,
                deployed=nodes is not None,
                node_count=nodes,
                traffic_percent=None if nodes is None else share,
            )
        ),
        NODES,
        SHARES,
    ),
)


@settings(max_examples=times(150, 900))
@given(st.data())
def test_what_a_plan_changes_back_is_drift(data: st.DataObject) -> None:
    world = two_versions()
    for _ in range(data.draw(st.integers(1, 4))):
        chosen = data.draw(st.sampled_from(sorted({*world.datasets, *world.models})))
        if chosen in world.datasets:
            world.datasets[chosen] = data.draw(ON_BOTH)(world.datasets[chosen])  # type: ignore[assignment]
        else:
            world.models[chosen] = data.draw(ON_MODELS)(world.models[chosen])
    plan = world.plan(SECOND)
    changed = {(c.address, c.object_id) for c in plan.changes if c.action in IN_PLACE}
    drifted = {(d.address, d.object_id) for d in plan.drift}
    assert changed <= drifted
    looked_at = world.plan(SECOND, PlanOptions(mode=PlanMode.REFRESH_ONLY)).drift
    assert {(d.address, d.object_id) for d in looked_at} == drifted
    assert acceptable(looked_at) <= len(looked_at)


def test_a_message_names_labels_that_others_took_away_but_not_what_a_run_left_behind() -> None:
    world = two_versions()
    ((dataset_id, there),) = world.datasets.items()
    world.datasets[dataset_id] = relabelled(there, "automl-plan-data", "v1-00ff")
    assert drift_findings(world.plan(SECOND).drift) == ()
    world.datasets[dataset_id] = relabelled(there, "automl-plan-address", None)
    (found,) = drift_findings(world.plan(SECOND).drift)
    assert "ownership_labels.address" in found.text


@settings(max_examples=times(75, 450))
@given(st.data())
def test_nothing_is_left_to_be_changed_back(data: st.DataObject) -> None:
    """Also where the versions whose labels others changed are replaced by the same plan."""
    world = two_versions()
    for model_id in sorted(world.models):
        key, value = data.draw(KEYS), data.draw(VALUES)
        if key in OWNERSHIP_LABELS:
            world.models[model_id] = relabelled(world.models[model_id], key, value)
    wanted = desired(
        dataset(labels={"team": "a"}, description="photos"),
        model(
            labels={"team": "a"},
            keep_versions=data.draw(st.integers(0, 3)),
            train_budget_milli_node_hours=data.draw(st.sampled_from([8000, 9000, 10000])),
            lifecycle=Lifecycle(prevent_destroy=data.draw(st.booleans())),
        ),
    )
    world.apply(wanted)
    assert [c.key for c in world.plan(wanted).changes] == []
