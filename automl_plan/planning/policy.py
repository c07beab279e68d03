"""Checks a plan against the team's policy. Pure.

Rules are data (keys of the schema); each kind of rule has one check here.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from msgspec import Struct, field

from automl_plan.model.address import Address
from automl_plan.model.desired import (
    Check,
    Desired,
    DesiredDataset,
    DesiredModel,
    Policy,
    PolicyRule,
)
from automl_plan.model.json import Json
from automl_plan.planning.adequacy import Adequacy, Advice, graver
from automl_plan.planning.plan import Change, Costs, Violation

_OF_KIND = ("classification_type", "model_type", "base_model_id")
"""Fields that are written below the kind of problem."""


class Subject(Struct, frozen=True):
    """What a policy is checked against."""

    policy: Policy
    changes: Sequence[Change]
    desired: Desired
    costs: Costs
    provider: Mapping[str, Json]
    """Its settings; without `location` for a provider that has none."""
    adequacy: Mapping[Address, Advice] = field(default_factory=dict)
    """Of each dataset that is imported or trained on."""


def violations(subject: Subject) -> tuple[Violation, ...]:
    """Return every violation of the policy."""
    return tuple(found for rule in subject.policy for found in _CHECKS[rule.check](rule, subject))


def violation_text(violation: Violation) -> str:
    """`model.digits: retrain is denied for model.* (policy deny, main.yaml:12)`."""
    what = "" if violation.address is None else f"{violation.address}: "
    place = "" if violation.where is None else f", {violation.where}"
    return f"{what}{violation.message} (policy {violation.rule}{place})"


_WAYS = {
    Check.AT_MOST: "reduce the plan, or raise the limit",
    Check.NO_ACTION: "drop the change, or change the rule",
    Check.HAS_KEYS: "declare it, or change the rule",
    Check.ONE_OF: "use an allowed value, or change the rule",
    Check.ADEQUATE: "add data, or change the rule",
}


def refusal_text(violation: Violation, policy: Policy) -> str:
    """Return a violation as a sentence that says what to do about it."""
    check = next(rule.check for rule in policy if rule.key == violation.rule)
    return f"{violation_text(violation)}: {_WAYS[check]}."


def _violation(
    rule: PolicyRule,
    found: str,
    value: str,
    address: Address | None = None,
    field: str | None = None,
) -> Violation:
    message = rule.message.replace("{found}", found).replace("{value}", value)
    return Violation(rule.key, message, rule.warns, address, field)


def _at_most(rule: PolicyRule, subject: Subject) -> Iterator[Violation]:
    total, limit = subject.costs.total, rule.value
    found: float = getattr(total, rule.of)
    before: float = getattr(total, rule.grows_from) if rule.grows_from else float("-inf")
    if isinstance(limit, int | float) and found > limit and found > before:
        yield _violation(rule, f"${found:,.2f}", f"${limit:,.2f}")


def _no_action(rule: PolicyRule, subject: Subject) -> Iterator[Violation]:
    globs = rule.value if isinstance(rule.value, dict) else {}
    for change in subject.changes:
        for glob, actions in sorted(globs.items()):
            denied = str(change.action) in _texts(actions)
            if denied and fnmatch.fnmatchcase(str(change.address), glob):
                yield _violation(rule, str(change.action), glob, change.address)
                break


def _has_keys(rule: PolicyRule, subject: Subject) -> Iterator[Violation]:
    for resource in _resources(subject.desired):
        there = getattr(resource, rule.of)
        for key in _texts(rule.value):
            if key not in there:
                yield _violation(rule, key, "", resource.address)


def _one_of(rule: PolicyRule, subject: Subject) -> Iterator[Violation]:
    allowed = _texts(rule.value)
    kind, _, name = rule.of.partition(".")
    if not allowed:
        return
    if kind == "provider":
        found = subject.provider.get(name)
        if found is not None and str(found) not in allowed:
            yield _violation(rule, str(found), ", ".join(allowed), field=rule.of)
        return
    for resource in _resources(subject.desired):
        found = getattr(resource, name) if str(resource.address.kind) == kind else None
        if found is not None and str(found) not in allowed:
            field = f"{resource.problem}.{name}" if name in _OF_KIND else name
            yield _violation(rule, str(found), ", ".join(allowed), resource.address, field)


def _adequate(rule: PolicyRule, subject: Subject) -> Iterator[Violation]:
    """Data of unknown adequacy violates it, too: a training is paid for in any case."""
    if rule.value is not True:
        return
    for address, advice in sorted(subject.adequacy.items()):
        if advice.verdict in (Adequacy.NOT_ADEQUATE, Adequacy.UNKNOWN):
            why = "; ".join(reason.text for reason in graver(advice))
            change = "" if advice.change is None else f"; {advice.change}"
            found = f"{advice.verdict}: {why}{change}"
            yield _violation(rule, found, "", address, f"policy.{rule.key}")


def _resources(desired: Desired) -> Iterable[DesiredDataset | DesiredModel]:
    yield from (dataset for _, dataset in sorted(desired.datasets.items()))
    yield from (model for _, model in sorted(desired.models.items()))


def _texts(value: Json) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list) else []


_CHECKS: dict[Check, Callable[[PolicyRule, Subject], Iterator[Violation]]] = {
    Check.AT_MOST: _at_most,
    Check.NO_ACTION: _no_action,
    Check.HAS_KEYS: _has_keys,
    Check.ONE_OF: _one_of,
    Check.ADEQUATE: _adequate,
}
