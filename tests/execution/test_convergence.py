"""For random configurations a plan after apply is empty, and both APIs have the same world."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from automl_plan.planning.options import PlanMode, PlanOptions
from automl_plan.workspace.bound_plan import BoundPlan
from automl_plan.workspace.plan_file import encode_plan
from tests.execution.final_world import endpoints, same_world
from tests.execution.fronts import Front, Fronts

labels = st.dictionaries(st.sampled_from(("team", "env")), st.sampled_from(("x", "y")))
SOURCES = {"one.csv": {"cat": 4, "dog": 4}, "two.csv": {"cat": 5, "dog": 4}}


@st.composite
def configurations(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, Any]]:
    datasets: dict[str, Any] = {}
    models: dict[str, Any] = {}
    for name in draw(st.sets(st.sampled_from(("a", "b")))):
        kind = draw(st.sampled_from(("MULTICLASS", "MULTILABEL")))
        datasets[name] = {
            "image_classification": {"classification_type": kind},
            "sources": [f"gs://images/{draw(st.sampled_from(sorted(SOURCES)))}"],
            "on_source_change": draw(st.sampled_from(("append", "replace"))),
            "labels": draw(labels),
        }
        if draw(st.booleans()):
            budget = draw(st.sampled_from((8000, 9000)))
            models[name] = {
                "dataset": name,
                "image_classification": {"train_budget_milli_node_hours": budget},
                "labels": draw(labels),
            }
            if draw(st.booleans()):
                models[name]["deploy"] = {"node_count": draw(st.sampled_from((1, 2)))}
    return datasets, models


def lost(before: dict[str, Any], after: dict[str, Any]) -> bool:
    """Whether images are in the sources before that are not in those after."""
    had, has = (SOURCES[each["sources"][0].rpartition("/")[2]] for each in (before, after))
    return any(count > has[label] for label, count in had.items())


@pytest.fixture
def empty(fronts: Fronts) -> Fronts:
    for name, content in SOURCES.items():
        fronts.write_data(name, content)
    return fronts


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(configurations(), min_size=2, max_size=3))
def test_a_plan_after_apply_is_empty(
    empty: Fronts, steps: list[tuple[dict[str, Any], dict[str, Any]]]
) -> None:
    before: dict[str, Any] = {}
    for datasets, models in steps:
        for name in datasets.keys() & before.keys():
            if lost(before[name], datasets[name]):  # append is refused: see test_sources
                datasets[name]["on_source_change"] = "replace"
        before = datasets
        empty.write(datasets, models)
        failed = [f"{each}" for result in empty.both(Front.apply) for each in result.failed]
        assert failed == []
        for front in empty.each:
            planned = front.plan()
            assert planned.empty, planned.plan.changes
            assert planned.plan.drift == ()
        same_world(empty)
    destroyed = empty.both(lambda front: front.apply(PlanOptions(mode=PlanMode.DESTROY)))
    assert not any(result.failed for result in destroyed)
    for front in empty.each:
        with front.workspace() as workspace:
            live = workspace.provider.live()
        assert not live.datasets
        assert not live.models
    assert endpoints(empty.each[1]) == []


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(configurations(), st.randoms(use_true_random=False))
def test_order_of_keys_and_files_changes_no_byte_of_the_plan(
    empty: Fronts, configuration: tuple[dict[str, Any], dict[str, Any]], random: Random
) -> None:
    project = empty.each[0]  # nothing is applied: the API makes no difference
    project.write(*configuration)
    first = project.plan()

    def at_one_moment(planned: BoundPlan) -> bytes:
        return encode_plan(replace(planned, moment=first.moment, made=first.made))

    whole = at_one_moment(first)
    path = project.directory / "automl-plan.yaml"
    document = json.loads(path.read_text(encoding="utf-8"))
    other = project.directory / "more.automl.yml"
    try:
        path.write_text(shuffled({"datasets": document.pop("datasets")}, random), encoding="utf-8")
        other.write_text(shuffled(document, random), encoding="utf-8")
        assert at_one_moment(project.plan()) == whole
    finally:
        other.unlink()


def shuffled(value: Any, random: Random) -> str:
    """JSON with the keys of all its objects in another order."""

    def turned(node: Any) -> Any:
        if not isinstance(node, dict):
            return node
        keys = list(node)
        random.shuffle(keys)
        return {key: turned(node[key]) for key in keys}

    return json.dumps(turned(value))
