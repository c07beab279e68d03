"""Narrows a plan to the requested addresses, without splitting what belongs together. Pure.

A narrowed plan keeps the changes of the requested addresses, except those that need a change of
another one. A model is kept whole or not at all: nothing of it is ended for a successor that is
left out. Pairs of two addresses are both kept, or the plan is refused.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from automl_plan.errors import UsageError
from automl_plan.model.address import Address, ResourceKind
from automl_plan.model.desired import Desired
from automl_plan.model.recorded import Recorded, RecordedResource
from automl_plan.planning import commands
from automl_plan.planning.options import PlanMode, PlanOptions
from automl_plan.planning.plan import Action, Change

_NARROWING = f"{commands.TARGET} or {commands.EXCLUDE}"
_REPLACED_WITH_IT = frozenset({Action.RETRAIN, Action.CANCEL})
"""Changes of a model by which it follows a dataset that is replaced."""


class Part(Struct, frozen=True):
    """The changes that are kept, and the addresses that were left out, in whole or in part."""

    changes: tuple[Change, ...]
    left_out: tuple[Address, ...]


def check_addresses(options: PlanOptions, known: Collection[Address]) -> None:
    """Raise UsageError for an address of the options that is neither declared nor recorded."""
    for flag, asked in (
        (commands.TARGET, options.targets),
        (commands.EXCLUDE, options.excludes),
        (commands.REPLACE, options.replaces),
    ):
        for address in sorted(asked):
            if address not in known:
                near = difflib.get_close_matches(str(address), map(str, known), n=1)
                hint = f"Did you mean {near[0]}?" if near else f"{commands.STATE_LIST} lists them."
                raise UsageError(
                    f"{flag} {address}: no such resource is declared or recorded.", hint=hint
                )


def renamed(options: PlanOptions, block_changes: Sequence[Change]) -> PlanOptions:
    """The options with addresses that are moved by this plan under their new names."""
    moved = {change.origin: change.address for change in block_changes if change.origin is not None}
    if not moved:
        return options

    def new(addresses: Collection[Address]) -> frozenset[Address]:
        return frozenset(moved.get(address, address) for address in addresses)

    return replace(
        options,
        targets=new(options.targets),
        excludes=new(options.excludes),
        replaces=new(options.replaces),
    )


def allowed_addresses(
    desired: Desired, recorded: Recorded, known: Collection[Address], options: PlanOptions
) -> set[Address]:
    """Return the selected addresses: targets with what they need, without excluded ones.

    Raises UsageError when no target is left, and for a replacement that is left out or not
    declared.
    """
    allowed = set(known)
    if options.targets:
        allowed = set(options.targets)
        if options.mode is PlanMode.DESTROY:
            users = recorded_users(recorded)
            for address in options.targets:
                record = recorded.resources.get(address) or RecordedResource(address)
                for obj in record.objects:
                    allowed.update(users.get(obj.id, ()))
        else:
            allowed.update(desired.models[a].dataset for a in options.targets & {*desired.models})
    allowed -= options.excludes
    if options.mode is PlanMode.NORMAL:
        allowed -= {a for a, model in desired.models.items() if model.dataset in options.excludes}
    if options.targets and not allowed & options.targets:
        raise UsageError(
            f"{commands.TARGET} and {commands.EXCLUDE} leave nothing to plan.",
            hint="A model needs its dataset: excluding a dataset excludes its models.",
        )
    for address in sorted(options.replaces):
        if address not in desired.datasets and address not in desired.models:
            raise UsageError(f"{commands.REPLACE} {address}: not declared.")
        if address not in allowed:
            raise UsageError(
                f"{commands.REPLACE} {address}: left out by {_NARROWING}.",
                hint=f"Add {commands.TARGET} {address}, or do not exclude it.",
            )
    return allowed


def narrowed(
    changes: Sequence[Change],
    allowed: Collection[Address],
    desired: Desired,
    known: Iterable[Address],
    options: PlanOptions,
) -> Part:
    """The changes, which are in order, of the allowed addresses.

    `known` are all addresses that are declared, or recorded. Raises UsageError where that would
    part what belongs together.
    """
    left_out = set(known) - set(allowed)
    if not left_out:
        return Part(tuple(changes), ())
    _check_adoptions(changes, allowed)
    kept = _within(changes, left_out)
    while models := {c.address for c in changes if _parted(c, kept, left_out)}:
        left_out |= models
        kept = _within(changes, left_out)
    _check_replaced(changes, kept, desired, options)
    left_out |= {change.address for change in changes if change.key not in kept}
    return Part(tuple(kept.values()), tuple(sorted(left_out)))


def _within(changes: Sequence[Change], left_out: Collection[Address]) -> dict[str, Change]:
    """The changes that are not of these addresses, and need none that is not kept."""
    kept: dict[str, Change] = {}
    dropped: set[str] = set()
    for change in changes:
        if change.address not in left_out and dropped.isdisjoint(change.needs):
            kept[change.key] = change
        else:
            dropped.add(change.key)
    return kept


def _parted(change: Change, kept: Mapping[str, Change], left_out: Collection[Address]) -> bool:
    model = change.address.kind is ResourceKind.MODEL
    return model and change.key not in kept and change.address not in left_out


def _check_adoptions(changes: Sequence[Change], allowed: Collection[Address]) -> None:
    """Raise UsageError when only one side of a handover between addresses is selected."""
    given_up = {
        (change.address.kind, change.object_id): change.address
        for change in changes
        if change.action is Action.FORGET
    }
    for change in changes:
        former = given_up.get((change.address.kind, change.object_id))
        if change.action is not Action.IMPORT or former is None:
            continue
        if (former in allowed) != (change.address in allowed):
            raise UsageError(
                f"{change.object_id} moves from {former} to {change.address}, but one of them is "
                "left "
                f"out by {_NARROWING}.",
                hint="Include both, or neither.",
            )


def _check_replaced(
    changes: Sequence[Change], kept: Mapping[str, Change], desired: Desired, options: PlanOptions
) -> None:
    """Raise UsageError when a requested replacement leaves out models of the dataset.

    The configuration does not require it: no later plan would know that the rest is missing.
    """
    for change in changes:
        model = desired.models.get(change.address)
        if model is None or change.key in kept or model.dataset not in options.replaces:
            continue
        if change.action in _REPLACED_WITH_IT:
            raise UsageError(
                f"{commands.REPLACE} {model.dataset}: {change.address} is trained on it, but is "
                "left "
                f"out by {_NARROWING}.",
                hint=f"Include {change.address}: it is retrained on the new dataset.",
            )


def recorded_users(recorded: Recorded) -> dict[str, list[Address]]:
    """The recorded models, or trainings, of each live dataset, by its id."""
    users: dict[str, list[Address]] = {}
    for address, resource in sorted(recorded.resources.items()):
        ids = {obj.dataset_id for obj in resource.objects}
        ids |= {operation.dataset_id for operation in resource.operations}
        for dataset_id in ids:
            if dataset_id is not None:
                users.setdefault(dataset_id, []).append(address)
    return users
