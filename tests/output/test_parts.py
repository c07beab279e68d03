"""A part is called a part, and what is held back is no "no changes": wherever a plan is shown."""

from __future__ import annotations

import json
from html import unescape
from typing import Any

import pytest
from msgspec.structs import replace

from automl_plan.model.address import Address, dataset_address, model_address
from automl_plan.model.desired import Desired
from automl_plan.model.requirements import Metric, Requirements
from automl_plan.output.annotations import Home, plan_report
from automl_plan.output.code_hosts.comments import Origin
from automl_plan.output.html.page import plan_html
from automl_plan.output.markdown import plan_markdown
from automl_plan.output.plan import plan_text
from automl_plan.output.style import PLAIN
from automl_plan.planning.options import PlanMode, PlanOptions
from automl_plan.workspace.bound_plan import BoundPlan
from automl_plan.workspace.plan_file import planned_to_json
from tests.output.scenes import bound
from tests.planning.worlds import World, dataset, desired, model

D, M = dataset_address("digits"), model_address("m")
WHOLE = "match the configuration"


def shown(planned: BoundPlan) -> dict[str, str]:
    """The plan in all its forms, on one line each."""
    forms = {
        "text": plan_text(planned, PLAIN),
        "markdown": plan_markdown(planned, Origin("k")),
        "html": plan_html(planned),
    }
    return {form: " ".join(unescape(text).split()) for form, text in forms.items()}


def part_of(world: World, wanted: Desired, **options: Any) -> BoundPlan:
    asked = PlanOptions(**options)
    return replace(bound(world.plan(wanted, asked), wanted), options=asked)


def waiting() -> tuple[World, Desired]:
    """A retraining waits."""
    world = World()
    world.apply(desired(dataset(), model("m")))
    return world, desired(dataset(), model("m", train_budget_milli_node_hours=9000))


PARTS: list[dict[str, Any]] = [
    {"targets": frozenset({D})},
    {"excludes": frozenset({M})},
    {"targets": frozenset({D}), "mode": PlanMode.REFRESH_ONLY},
]


@pytest.mark.parametrize("options", PARTS)
def test_an_empty_part_claims_nothing_of_what_was_left_out(options: dict[str, Any]) -> None:
    planned = part_of(*waiting(), **options)
    assert planned.empty
    for form, text in shown(planned).items():
        assert WHOLE not in text, form
        assert "Only a part was planned" in text, form
        assert "model.m" in text, form
    document = json.loads(json.dumps(planned_to_json(planned)))
    assert document["not_planned"] == ["model.m"]
    assert document["unchanged"] == ["dataset.digits"]


def test_a_part_with_changes_says_so_too() -> None:
    world, wanted = waiting()
    wanted = replace(wanted, datasets={D: dataset(labels={"team": "vision"})})
    planned = part_of(world, wanted, excludes=frozenset({M}))
    for form, text in shown(planned).items():
        assert "Only a part was planned" in text, form
        assert "model.m" in text, form
    (said,) = [a.message for a in report(planned) if a.rule == "plan/part"]
    assert "model.m" in said


def test_the_whole_says_nothing_of_parts() -> None:
    planned = part_of(*waiting())
    for form, text in shown(planned).items():
        assert "Only a part" not in text, form
    assert "not_planned" not in planned_to_json(planned)
    assert not [a for a in report(planned) if a.rule == "plan/part"]


def report(planned: BoundPlan) -> Any:
    def place(_: Address) -> None:
        return None

    return plan_report(planned, place, Home("/")).annotations


def test_what_a_gate_holds_back_is_no_lack_of_changes() -> None:
    world = World()
    world.apply(desired(dataset(), model("m"), model("k")))
    gated = [
        model(name, train_budget_milli_node_hours=9000, require=Requirements({Metric.AU_PRC: 0.9}))
        for name in ("m", "k")
    ]
    world.passes = False
    for held, said in ((gated[:1], "1 model is"), (gated, "2 models are")):
        rest = [] if len(held) == 2 else [model("k")]
        wanted = desired(dataset(), *held, *rest)
        world.apply(wanted)
        planned = bound(world.plan(wanted), wanted)
        assert planned.empty
        for form, text in shown(planned).items():
            assert f"Nothing to do: {said} held back by its gate." in text, form
            assert "No changes" not in text, form
            assert WHOLE not in text, form
