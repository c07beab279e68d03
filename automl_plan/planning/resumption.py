"""The part of a plan that goes on with what runs already. Pure."""

from __future__ import annotations

from collections.abc import Collection

from msgspec.structs import replace

from automl_plan.planning.plan import Action, Change, Plan
from automl_plan.resources.address import Address

_TRAININGS = (Action.TRAIN, Action.RETRAIN)
_OPEN = (Action.RESUME, Action.CANCEL)


def resumption(plan: Plan, addresses: Collection[Address] = ()) -> Plan:
    """What is open (of these addresses, or of all), and what depends on that and nothing else.

    What was started and is not what is declared is followed to its end and recorded, and nothing
    goes on from there: it is not cancelled, and neither it nor another version becomes current.
    The same holds where something would go on from it with other variables. `otherwise` keeps both.
    What is open at an address that is moved is moved with it, as the plan knows it by its new name.
    """
    asked = {
        (each.address, each.operation_id): each
        for each in plan.otherwise
        if not addresses or each.address in addresses
    }
    about = {
        change.key: asked[change.address, change.operation_id]
        for change in plan.changes
        if change.action in _OPEN and (change.address, change.operation_id) in asked
    }
    differing = {key for key, each in about.items() if each.differs}
    elsewise = {about[key].address for key in differing}
    could = _going_on(plan, addresses, differing, elsewise)
    sure = _going_on(plan, addresses, about.keys(), elsewise)
    left_out = [c for c in plan.changes if c.key in could - sure - about.keys()]
    held = differing | about.keys() & {need for change in left_out for need in change.needs}
    open_at = {c.address for c in plan.changes if c.key in {*held, *sure, *about}}
    moves = {c.key for c in plan.changes if c.action is Action.MOVE and c.address in open_at}
    changes = []
    for change in plan.changes:
        if change.key in held:
            changes.append(_only_followed(change, moves))
        elif change.key in {*sure, *about, *moves}:
            changes.append(change)
    return replace(
        plan,
        changes=tuple(changes),
        drift=(),
        notes=(),
        otherwise=tuple(about[key] for key in sorted(held)),
    )


def _only_followed(change: Change, moves: Collection[str]) -> Change:
    """Wait for its end. Without `after` it is not sent again, and what it makes is a candidate."""
    needs = tuple(need for need in change.needs if need in moves)
    return replace(change, action=Action.RESUME, after=None, needs=needs)


def _going_on(
    plan: Plan,
    addresses: Collection[Address],
    without: Collection[str],
    elsewise: Collection[Address],
) -> set[str]:
    """The keys of what goes on: not from what is `without`, and of `elsewise` only what is open."""
    all_keys = {change.key for change in plan.changes}
    kept: set[str] = set()
    resumed = {change.address for change in plan.changes if change.action is Action.RESUME}
    for change in plan.changes:  # in order: each after what it needs
        if change.key in without:
            continue
        if change.action in _TRAININGS and change.address in resumed:
            continue  # what its address had begun has ended; another one is not going on
        open_ = change.action is Action.RESUME and (not addresses or change.address in addresses)
        needs = all_keys.intersection(change.needs)
        goes_on = needs and needs <= kept and change.address not in elsewise
        if open_ or goes_on:
            kept.add(change.key)
    return kept
