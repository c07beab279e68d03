"""The part of a plan that goes on with what runs already. Pure."""

from __future__ import annotations

from collections.abc import Collection

from msgspec.structs import replace

from automl_plan.planning.plan import Action, Plan
from automl_plan.resources.address import Address

_TRAININGS = (Action.TRAIN, Action.RETRAIN)


def resumption(plan: Plan, addresses: Collection[Address] = ()) -> Plan:
    """What is open (of these addresses, or of all), and what depends on that and nothing else."""
    all_keys = {change.key for change in plan.changes}
    kept: set[str] = set()
    resumed = {change.address for change in plan.changes if change.action is Action.RESUME}
    for change in plan.changes:  # in order: each after what it needs
        if change.action in _TRAININGS and change.address in resumed:
            continue  # what its address had begun has ended; another one is not going on
        open_ = change.action is Action.RESUME and (not addresses or change.address in addresses)
        needs = all_keys.intersection(change.needs)
        if open_ or (needs and needs <= kept):
            kept.add(change.key)
    return replace(
        plan,
        changes=tuple(c for c in plan.changes if c.key in kept),
        drift=(),
        notes=(),
    )
