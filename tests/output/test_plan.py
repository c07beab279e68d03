"""The plan as people read it."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from automl_plan.output.plan import plan_text
from automl_plan.output.style import PLAIN, Style
from automl_plan.workspace.bound_plan import BoundPlan
from tests.output import scenes
from tests.output.golden import matches_golden

ESCAPES = re.compile(r"\x1b\[[0-9;]*m")


@pytest.mark.parametrize("scene", scenes.SCENES, ids=lambda scene: scene.__name__)
def test_plan(scene: Callable[[], BoundPlan]) -> None:
    name = scene.__name__.replace("_", "-")
    assert matches_golden(f"plan-{name}", plan_text(scene(), PLAIN))


@pytest.mark.parametrize("scene", scenes.SCENES, ids=lambda scene: scene.__name__)
def test_colour_adds_nothing_but_colour(scene: Callable[[], BoundPlan]) -> None:
    coloured = plan_text(scene(), Style(colour=True))
    assert "\x1b[" in coloured
    assert ESCAPES.sub("", coloured) == plan_text(scene(), PLAIN)


def test_what_is_deleted_is_red_and_what_is_made_is_green() -> None:
    red, green = "\x1b[31m", "\x1b[32m"
    assert red not in plan_text(scenes.create(), Style(colour=True))
    deleted = plan_text(scenes.destroy(), Style(colour=True))
    assert f"{red}- delete" in deleted
    assert green not in deleted
