"""Plans in the terms of their provider: its unit of training budgets, whether it bills."""

from __future__ import annotations

from msgspec.structs import replace

from automl_plan.model.capabilities import BUDGET, MILLI_NODE_HOURS, BudgetUnit, Capabilities
from automl_plan.model.json import Attributes, Json
from automl_plan.planning.plan import Change, Difference
from automl_plan.providers.registry import PROVIDERS
from automl_plan.workspace.bound_plan import BoundPlan


def capabilities_of(planned: BoundPlan) -> Capabilities | None:
    """Return those of a plan's provider; None when a saved plan's is not known here."""
    provider = planned.provider
    if provider.name not in PROVIDERS:
        return None
    return PROVIDERS[provider.name].capabilities(provider.settings)


def is_free(planned: BoundPlan) -> bool:
    """Return whether nothing of a plan is billed."""
    capabilities = capabilities_of(planned)
    return capabilities is not None and capabilities.free


def in_budget_unit(planned: BoundPlan) -> BoundPlan:
    """Return a plan whose changes have training budgets as the configuration writes them."""
    capabilities = capabilities_of(planned)
    unit = MILLI_NODE_HOURS if capabilities is None else capabilities.budget_unit
    if unit.field == BUDGET:
        return planned
    changes = tuple(_change(change, unit) for change in planned.plan.changes)
    return replace(planned, plan=replace(planned.plan, changes=changes))


def _change(change: Change, unit: BudgetUnit) -> Change:
    return replace(
        change,
        reason=change.reason.replace(BUDGET, unit.field),
        differences=tuple(_difference(each, unit) for each in change.differences),
        after=None if change.after is None else _attributes(change.after, unit),
    )


def _difference(found: Difference, unit: BudgetUnit) -> Difference:
    if not found.path.endswith(BUDGET):
        return found
    path = found.path.removesuffix(BUDGET) + unit.field
    return Difference(path, _written(found.before, unit), _written(found.after, unit))


def _attributes(attributes: Attributes, unit: BudgetUnit) -> dict[str, Json]:
    written: dict[str, Json] = {}
    for key, value in attributes.items():
        if key == BUDGET:
            written[unit.field] = _written(value, unit)
        else:
            written[key] = _attributes(value, unit) if isinstance(value, dict) else value
    return written


def _written(value: Json, unit: BudgetUnit) -> Json:
    return unit.written(value) if isinstance(value, int) else value
