"""Each rule of a policy, against plans that go against it and plans that don't."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from automl_plan.config.build import policy as policy_of
from automl_plan.config.prices import list_prices
from automl_plan.config.schema import config_schema
from automl_plan.model.address import dataset_address, model_address
from automl_plan.model.desired import Check, Policy, PolicyRule
from automl_plan.model.model_types import Problem
from automl_plan.model.source_data import DataCounts, LabelCounts
from automl_plan.planning.adequacy import advise, unknown
from automl_plan.planning.cost import costs_of
from automl_plan.planning.plan import Costs, Violation
from automl_plan.planning.policy import Subject, violation_text, violations
from automl_plan.providers.google.automl.capabilities import AUTOML
from automl_plan.providers.google.capabilities import LIMITS
from tests.planning.worlds import World, dataset, desired, model

DATASET = dataset_address("digits")
NO_COSTS = Costs("2026-10-07")
DIGITS = desired(dataset(labels={"team": "a"}), model(labels={"team": "a"}))
CLASSES = Problem.IMAGE_CLASSIFICATION


def judged(policy: Policy, world: World | None = None) -> tuple[Violation, ...]:
    world = world or World()
    plan = world.plan(DIGITS)
    resources = world.recorded.resources
    costs = costs_of(plan.changes, DIGITS, resources, world.live, list_prices(AUTOML), None)
    return violations(Subject(policy, plan.changes, DIGITS, costs, {"location": "us-central1"}))


@pytest.mark.parametrize(
    ("rule", "against", "within", "said"),
    [
        ("max_training_cost", 27.0, 28.0, "trainings cost up to $27.72; at most $27.00 is allowed"),
        ("max_monthly_cost", 1000, 1004, "deployments cost $1,003.75 per month; at most $1,000.00"),
        ("deny", {"model.*": ["train"]}, {"model.x*": ["train"]}, "train is denied for model.*"),
        ("required_labels", ["team", "owner"], ["team"], "the label owner is missing"),
        ("allowed_model_types", ["mobile-versatile-1"], ["cloud"], "the model type cloud is"),
        ("allowed_locations", ["eu"], ["us-central1"], "the location us-central1 is not"),
    ],
)
def test_each_rule(rule: str, against: Any, within: Any, said: str) -> None:
    first, *_ = judged(policy_of({rule: against}))
    assert (first.rule, first.warns) == (rule, False)
    assert first.message.startswith(said)
    assert judged(policy_of({rule: within})) == ()
    softer = policy_of({rule: against, "warn": [rule]})
    assert all(violation.warns for violation in judged(softer))


@pytest.mark.parametrize("warns", [False, True])
def test_data_that_is_not_known_to_be_adequate(warns: bool) -> None:
    rule = "require_adequate_data"
    policy = policy_of({rule: True, "warn": [rule] if warns else []})
    subject = Subject(policy, (), DIGITS, NO_COSTS, {})
    cat, dog = LabelCounts("cat", 20), LabelCounts("dog", 4)
    poor = {DATASET: advise(DataCounts((cat, dog), images=24), LIMITS[CLASSES])}
    (violation,) = violations(replace(subject, adequacy=poor))
    assert violation.warns is warns
    assert violation_text(violation).startswith(
        "dataset.digits: its data is not adequate: 1 label has fewer than 10 images: dog, 4; "
        "add 6 images of label dog (4 of 10)"
    )
    (violation,) = violations(replace(subject, adequacy={DATASET: unknown("nobody knows")}))
    assert "not known: nobody knows" in violation_text(violation)
    enough = {
        DATASET: advise(DataCounts((cat, replace(dog, train=20)), images=40), LIMITS[CLASSES])
    }
    assert violations(replace(subject, adequacy=enough)) == ()
    off = replace(subject, policy=policy_of({rule: False}), adequacy=poor)
    assert violations(off) == ()


def test_every_rule_of_the_schema_is_one() -> None:
    schema: Any = config_schema()
    declared = schema["definitions"]["policy"]["properties"]
    keys = {key for key in declared if key != "warn"}
    assert {key for key, told in declared.items() if "x-rule" in told} == keys
    assert set(declared["warn"]["items"]["enum"]) == keys


def test_another_rule_takes_no_code() -> None:
    rules = (
        PolicyRule("cheap", Check.AT_MOST, 5, "{found} of {value}", "running_most"),
        PolicyRule("kinds", Check.ONE_OF, ["MULTILABEL"], "{found}", "dataset.classification_type"),
    )
    (found,) = judged(rules)
    assert (found.rule, found.message) == ("kinds", "MULTICLASS")
    assert found.field == "image_classification.classification_type"


def test_no_policy_forbids_nothing() -> None:
    assert judged(()) == ()


def test_what_gets_cheaper_is_allowed() -> None:
    world = World()
    world.apply(desired(dataset(), model(node_count=3)))
    assert judged(policy_of({"max_monthly_cost": 100}), world) == ()


def test_a_violation_says_where() -> None:
    violation = Violation("deny", "train is denied", False, model_address("m"), None, "a.yaml:3")
    assert violation_text(violation) == "model.m: train is denied (policy deny, a.yaml:3)"
