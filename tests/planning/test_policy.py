"""Each rule of a policy, against plans that go against it and plans that don't."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from automl_plan.config.prices import list_prices
from automl_plan.planning.costing import costs_of
from automl_plan.planning.plan import Violation
from automl_plan.planning.policy import RULES, Subject, violation_text, violations
from automl_plan.resources.address import model_address
from automl_plan.resources.policy import Policy
from tests.planning.worlds import World, dataset, desired, model

DIGITS = desired(dataset(labels={"team": "a"}), model(labels={"team": "a"}))


def judged(policy: Policy, world: World | None = None) -> tuple[Violation, ...]:
    world = world or World()
    plan = world.plan(DIGITS)
    resources = world.recorded.resources
    costs = costs_of(plan.changes, DIGITS, resources, world.live, list_prices(), world.now)
    return violations(Subject(policy, plan.changes, DIGITS, costs, "us-central1"))


@pytest.mark.parametrize(
    ("rule", "against", "within", "said"),
    [
        ("max_training_cost", 27.0, 28.0, "trainings cost up to $27.72, and $27.00 are allowed"),
        ("max_monthly_cost", 1000, 1004, "deployments cost $1,003.75 a month, and $1,000.00"),
        ("deny", {"model.*": ("train",)}, {"model.x*": ("train",)}, "train is denied for model.*"),
        ("required_labels", ("team", "owner"), ("team",), "the label owner is missing"),
        ("allowed_model_types", ("mobile-versatile-1",), ("cloud",), "the model type cloud is"),
        ("allowed_locations", ("eu",), ("us-central1",), "the location us-central1 is not"),
    ],
)
def test_each_rule(rule: str, against: Any, within: Any, said: str) -> None:
    assert rule in RULES
    first, *_ = judged(replace(Policy(), **{rule: against}))
    assert (first.rule, first.warns) == (rule, False)
    assert first.message.startswith(said)
    assert judged(replace(Policy(), **{rule: within})) == ()
    softer = replace(Policy(), **{rule: against}, warn=frozenset({rule}))
    assert all(violation.warns for violation in judged(softer))


def test_no_policy_forbids_nothing() -> None:
    assert judged(Policy()) == ()


def test_what_gets_cheaper_is_allowed() -> None:
    world = World()
    world.apply(desired(dataset(), model(node_count=3)))
    assert judged(Policy(max_monthly_cost=100), world) == ()


def test_a_violation_says_where() -> None:
    violation = Violation("deny", "train is denied", False, model_address("m"), None, "a.yaml:3")
    assert violation_text(violation) == "model.m: train is denied (policy deny, a.yaml:3)"
