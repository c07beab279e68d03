"""The one list of rules that can refuse changes. Pure.

Every path to a paid or irreversible call asks `find_refusals` first. To add a rule, write
a function, list it in `_RULES` and describe it in `plan.REFUSAL_RULES`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from automl_plan.model.address import Address
from automl_plan.model.capabilities import Capabilities
from automl_plan.model.desired import Check, Desired, Policy
from automl_plan.model.homes import homes_of
from automl_plan.model.live import Live
from automl_plan.model.prices import PriceBook
from automl_plan.model.recorded import Recorded
from automl_plan.model.source_data import SourceData
from automl_plan.planning.cost import Meter, costs_of
from automl_plan.planning.data_findings import DataFindings, advice_of
from automl_plan.planning.endpoints import traffic_refusals
from automl_plan.planning.options import PlanMode, PlanOptions
from automl_plan.planning.plan import (
    POLICY,
    UNKNOWN_STATE,
    Action,
    Change,
    Costs,
    Note,
    Refusal,
    Unrecorded,
    Violation,
)
from automl_plan.planning.policy import Subject, refusal_text, violations
from automl_plan.planning.safety import large_change, protection
from automl_plan.planning.shared_objects import shared_objects, sharing_refusals
from automl_plan.planning.source_changes import (
    AppendedImport,
    Compared,
    append_refusals,
    appended_imports,
    count_notes,
)
from automl_plan.planning.trainable import (
    PlannedTraining,
    training_notes,
    training_refusals,
    trainings,
)
from automl_plan.planning.unrecorded import in_use, without_imported
from automl_plan.planning.unrecorded import refusals as unrecorded_refusals

Place = Callable[[Address | None, str | None], str | None]
"""Where a field is written, `main.yaml:12`; of the configuration as a whole without an address."""

_ENDS = frozenset(
    {
        Action.RESUME,
        Action.CANCEL,
        Action.UNDEPLOY,
        Action.DELETE,
        Action.FORGET,
        Action.MOVE,
        Action.NO_OP,
    }
)
"""Actions that make nothing of what is declared: how it is declared refuses none of them."""


_FOLLOWS = frozenset(
    {Action.RESUME, Action.CANCEL, Action.FORGET, Action.MOVE, Action.NO_OP, Action.UPDATE}
)
"""Actions that whether a model is deployed does not matter to."""


class RefusalContext(Struct, frozen=True):
    """Everything that rules check changes against."""

    desired: Desired
    """With the fingerprints of the data."""
    recorded: Recorded
    """As blocks of the configuration (moved, removed, imports) leave it."""
    live: Live
    options: PlanOptions
    policy: Policy
    provider: Mapping[str, Any]
    """Its settings."""
    prices: PriceBook
    meter: Meter | None
    sources: Mapping[Address, SourceData]
    place: Place
    capabilities: Capabilities
    unrecorded: Sequence[Unrecorded] = ()
    """Objects with this state's ownership labels that are not in it."""
    part: bool = False
    """Whether only changes are judged, and not all that is declared."""
    chosen_by_user: bool = False
    """Whether the user chose the objects: then any version of a protected model is protected."""
    compared: Compared = {}
    """What sources hold beside the rows that were imported; by content, where those are known."""
    data_findings: Mapping[Address, DataFindings] = {}
    """By dataset: lint findings in import data; empty where it was not linted."""


class Refusals(Struct, frozen=True):
    """What refuses changes, and what violates the policy."""

    refused: tuple[Refusal, ...] = ()
    violations: tuple[Violation, ...] = ()
    """Of the policy, with those that only warn."""


def costs_within(changes: Sequence[Change], context: RefusalContext) -> Costs:
    """The money in these changes alone."""
    return costs_of(
        changes,
        context.desired,
        context.recorded.resources,
        context.live,
        context.prices,
        context.meter,
        without_imported(context.unrecorded, changes),
    )


def find_refusals(changes: Sequence[Change], context: RefusalContext) -> Refusals:
    """Return what refuses these changes when they are carried out together."""
    if context.options.mode is PlanMode.REFRESH_ONLY:
        return Refusals()  # it changes nothing but the state
    found = _violations(changes, context)
    refused = [refusal for rule in _RULES for refusal in rule(changes, context)]
    refused += [
        Refusal(POLICY + v.rule, refusal_text(v, context.policy), v.address, v.field, v.where)
        for v in found
        if not v.warns
    ]
    refused += _lint(changes, context)
    return Refusals(tuple(refused), found)


# -- rules -----------------------------------------------------------------------------------


def _protection(changes: Sequence[Change], context: RefusalContext) -> Iterator[Refusal]:
    for refusal in protection(
        changes,
        context.desired,
        context.recorded,
        context.live,
        destroy=context.options.mode is PlanMode.DESTROY,
        chosen_by_user=context.chosen_by_user,
    ):
        yield replace(refusal, where=context.place(refusal.address, refusal.field))


def _large_change(changes: Sequence[Change], context: RefusalContext) -> Iterable[Refusal]:
    if context.options.allow_large_change:
        return ()
    return large_change(changes, context.recorded)


def _sharing(changes: Sequence[Change], context: RefusalContext) -> Iterable[Refusal]:
    destroy = context.options.mode is PlanMode.DESTROY
    wanted = Desired({}, {}) if destroy else context.desired
    declared = {*wanted.datasets, *wanted.models}
    shared = shared_objects(context.recorded, context.live, declared)
    return sharing_refusals(changes, context.recorded.resources, shared)


def _unrecorded(changes: Sequence[Change], context: RefusalContext) -> Iterator[Refusal]:
    left = without_imported(context.unrecorded, changes)
    yield from unrecorded_refusals(left, changes, context.recorded.lineage)
    yield from in_use(left, context.live, context.recorded.resources, changes)


def _unknown_states(changes: Sequence[Change], context: RefusalContext) -> Iterator[Refusal]:
    """Refuse what depends on whether a model is deployed, where that is unknown."""
    for address in sorted({c.address for c in changes if c.action not in _FOLLOWS}):
        record = context.recorded.resources.get(address)
        for obj in () if record is None else record.objects:
            there = context.live.models.get(obj.id)
            if there is not None and there.deployment_state is not None:
                yield Refusal(
                    UNKNOWN_STATE,
                    f"{address}: the service reports the deployment of {obj.id} as "
                    f"{there.deployment_state}, which this version of automl-plan does not know: "
                    "nothing of it is trained, deployed, undeployed or deleted. Look at it in "
                    "the service's console, and update automl-plan.",
                    address,
                )


def _append_only(changes: Sequence[Change], context: RefusalContext) -> Iterator[Refusal]:
    found = append_refusals(_appended(changes, context))
    return (_with_place(refusal, context) for refusal in found)


def _appended(changes: Sequence[Change], context: RefusalContext) -> Iterator[AppendedImport]:
    return appended_imports(
        changes,
        context.desired,
        context.recorded.resources,
        context.live,
        context.sources,
        context.compared,
    )


def _trainings(changes: Sequence[Change], context: RefusalContext) -> Iterator[Refusal]:
    found = training_refusals(
        _trained(changes, context),
        context.live,
        context.capabilities,
        refreshed=context.options.refresh,
        with_less=context.options.allow_partial_import,
    )
    return (_with_place(refusal, context) for refusal in found)


def _with_place(refusal: Refusal, context: RefusalContext) -> Refusal:
    """Add the place to edit, also to the text."""
    where = context.place(refusal.address, refusal.field)
    text = refusal.text if where is None else f"{refusal.text.removesuffix('.')} ({where})."
    return replace(refusal, text=text, where=where)


def _trained(changes: Sequence[Change], context: RefusalContext) -> list[PlannedTraining]:
    resources = context.recorded.resources
    return list(trainings(changes, context.desired, resources, context.live, context.sources))


def data_notes(changes: Sequence[Change], context: RefusalContext) -> list[Note]:
    """Return the notes on data that is imported or trained on."""
    uncertain = count_notes(_appended(changes, context))
    return [*uncertain, *training_notes(_trained(changes, context))]


def _traffic(changes: Sequence[Change], context: RefusalContext) -> Iterable[Refusal]:
    resources = context.recorded.resources
    homes = homes_of(resources, context.live.models, context.recorded.lineage)
    hint = context.capabilities.traffic_hint
    return traffic_refusals(changes, resources, homes, context.live, hint)


def _lint(changes: Sequence[Change], context: RefusalContext) -> Iterator[Refusal]:
    imported = {change.address for change in changes if change.action is Action.IMPORT_DATA}
    for address in sorted(imported):
        found = context.data_findings.get(address)
        refusal = None if found is None else found.refusal(address)
        if refusal is not None:
            yield refusal


_RULES: tuple[Callable[[Sequence[Change], RefusalContext], Iterable[Refusal]], ...] = (
    _protection,
    _large_change,
    _sharing,
    _traffic,
    _unrecorded,
    _unknown_states,
    _append_only,
    _trainings,
)
"""All but the policy and the lint, in the order in which a plan shows them."""


# -- the team's policy -----------------------------------------------------------------------


def _violations(changes: Sequence[Change], context: RefusalContext) -> tuple[Violation, ...]:
    policy = context.policy
    if not policy:
        return ()
    part = context.part or context.options.narrowed
    makes = {change.address for change in changes if change.action not in _ENDS}
    desired = _of(makes, context.desired) if part else context.desired
    adequate = any(rule.check is Check.ADEQUATE for rule in policy)
    subject = Subject(
        policy,
        changes,
        desired,
        costs_within(changes, context),
        context.provider if makes or not part else {},
        advice_of(changes, context.desired, context.sources, context.capabilities.limits)
        if adequate
        else {},
    )
    return tuple(replace(v, where=_where(v, context)) for v in violations(subject))


def _of(addresses: set[Address], desired: Desired) -> Desired:
    return Desired(
        {a: d for a, d in desired.datasets.items() if a in addresses},
        {a: m for a, m in desired.models.items() if a in addresses},
    )


def _where(violation: Violation, context: RefusalContext) -> str | None:
    field, address, rule = violation.field, violation.address, f"policy.{violation.rule}"
    if (field is None and address is None) or (field or "").startswith("policy."):
        return context.place(None, rule)
    return context.place(address, field) or context.place(None, rule)
