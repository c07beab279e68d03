"""Holds a plan against the team's policy. Pure.

A rule is a function from a plan to its violations, with the name of its key in the
configuration's `policy`. To add one, write it here and its key into the schema.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from automl_plan.planning.costs import Costs
from automl_plan.planning.plan import Change, Violation
from automl_plan.resources.address import Address
from automl_plan.resources.desired import Desired
from automl_plan.resources.policy import Policy


@dataclass(frozen=True, slots=True)
class Subject:
    """What is held against a policy."""

    policy: Policy
    changes: Sequence[Change]
    desired: Desired
    costs: Costs
    location: str | None
    """Where the provider is; None for one that is nowhere."""


Rule = Callable[[Subject], Iterator[Violation]]
RULES: dict[str, Rule] = {}
"""All rules, by their keys."""


def _rule(check: Rule) -> Rule:
    RULES[check.__name__.removeprefix("_")] = check
    return check


def violations(subject: Subject) -> tuple[Violation, ...]:
    """Everything in which a plan goes against the policy."""
    return tuple(found for rule in RULES.values() for found in rule(subject))


def violation_text(violation: Violation) -> str:
    """`model.digits: retrain is denied for model.* (policy deny, main.yaml:12)`."""
    what = "" if violation.address is None else f"{violation.address}: "
    place = "" if violation.where is None else f", {violation.where}"
    return f"{what}{violation.message} (policy {violation.rule}{place})"


def _violation(
    subject: Subject, rule: str, message: str, address: Address | None = None, field: str = ""
) -> Violation:
    return Violation(rule, message, rule in subject.policy.warn, address, field or None)


@_rule
def _max_training_cost(subject: Subject) -> Iterator[Violation]:
    limit, total = subject.policy.max_training_cost, subject.costs.total.training
    if limit is not None and total > limit:
        message = f"trainings cost up to ${total:,.2f}, and ${limit:,.2f} are allowed"
        yield _violation(subject, "max_training_cost", message)


@_rule
def _max_monthly_cost(subject: Subject) -> Iterator[Violation]:
    limit, total = subject.policy.max_monthly_cost, subject.costs.total
    # What costs too much already may be made cheaper.
    grows = total.monthly_after > total.monthly_before
    if limit is not None and total.monthly_after > limit and grows:
        after = f"${total.monthly_after:,.2f}"
        message = f"deployments cost {after} a month, and ${limit:,.2f} are allowed"
        yield _violation(subject, "max_monthly_cost", message)


@_rule
def _deny(subject: Subject) -> Iterator[Violation]:
    for change in subject.changes:
        for glob, actions in sorted(subject.policy.deny.items()):
            if str(change.action) in actions and fnmatch.fnmatchcase(str(change.address), glob):
                message = f"{change.action} is denied for {glob}"
                yield _violation(subject, "deny", message, change.address)
                break


@_rule
def _required_labels(subject: Subject) -> Iterator[Violation]:
    for address, labels in _labels(subject.desired):
        missing = [key for key in subject.policy.required_labels if key not in labels]
        if missing:
            message = f"the label{'s' if len(missing) > 1 else ''} {', '.join(missing)} is missing"
            yield _violation(subject, "required_labels", message, address)


@_rule
def _allowed_model_types(subject: Subject) -> Iterator[Violation]:
    allowed = subject.policy.allowed_model_types
    for address, model in sorted(subject.desired.models.items()):
        if allowed and model.model_type not in allowed:
            message = f"the model type {model.model_type} is not among {', '.join(allowed)}"
            field = f"{model.problem}.model_type"
            yield _violation(subject, "allowed_model_types", message, address, field)


@_rule
def _allowed_locations(subject: Subject) -> Iterator[Violation]:
    allowed, location = subject.policy.allowed_locations, subject.location
    if allowed and location is not None and location not in allowed:
        message = f"the location {location} is not among {', '.join(allowed)}"
        yield _violation(subject, "allowed_locations", message)


def _labels(desired: Desired) -> Iterator[tuple[Address, Mapping[str, str]]]:
    for address, dataset in sorted(desired.datasets.items()):
        yield address, dataset.labels
    for address, model in sorted(desired.models.items()):
        yield address, model.labels
