"""Attributes as text, each on one line; budgets in the unit of the plan's provider."""

from __future__ import annotations

import json
from collections.abc import Iterator

from msgspec.structs import replace

from automl_plan.model.capabilities import BUDGET, MILLI_NODE_HOURS, BudgetUnit, Capabilities
from automl_plan.model.json import Attributes, Json
from automl_plan.output.style import Style, clean
from automl_plan.planning.plan import Change, Difference
from automl_plan.providers.registry import PROVIDERS
from automl_plan.workspace.bound_plan import BoundPlan

_SHOWN = 200
"""Characters of one value that are shown."""
_FINGERPRINTS = ("v1:", "v1-")
"""As attributes and as labels have them."""
_SHOWN_OF_FINGERPRINT = 15


def leaves(attributes: Attributes, prefix: str = "") -> Iterator[tuple[str, Json]]:
    """Every value that is no mapping, by its path. Empty texts and labels say nothing."""
    for key, value in sorted(attributes.items()):
        if isinstance(value, dict) and (value or key == "labels"):
            yield from leaves(value, f"{prefix}{key}.")
        elif value != "":
            yield f"{prefix}{key}", value


def shown(value: Json) -> str:
    """A value as JSON, made harmless and cut; of fingerprints, what tells two apart."""
    if value is None:
        return "(none)"
    if isinstance(value, str) and value.startswith(_FINGERPRINTS):
        text = clean(value)
        cut = text[:_SHOWN_OF_FINGERPRINT]
        return text if len(text) <= len(cut) + 1 else f"{cut}…"
    text = clean(json.dumps(value, ensure_ascii=False, sort_keys=True))
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def shown_difference(difference: Difference, style: Style, width: int = 0) -> str:
    """`path  before -> after`, the path filled up to a width."""
    path = f"{clean(difference.path):<{width}}"
    before, after = difference.before, difference.after
    if before is None:
        return f"{path}  {style.green(shown(after))}"
    if after is None:
        return f"{path}  {style.red(shown(before))} -> (none)"
    return f"{path}  {shown(before)} -> {style.yellow(shown(after))}"


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
