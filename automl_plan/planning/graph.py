"""The order of changes, and the choice of some of them."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Sequence
from graphlib import TopologicalSorter

from automl_plan.errors import UsageError
from automl_plan.planning.plan import Change
from automl_plan.resources.address import Address


def in_order(changes: Sequence[Change]) -> tuple[Change, ...]:
    """The changes, each after what it needs, else as given. Needs without a change are met."""
    by_key = {change.key: change for change in changes}
    place = {key: i for i, key in enumerate(by_key)}
    sorter: TopologicalSorter[str] = TopologicalSorter(
        {c.key: [k for k in c.needs if k in by_key] for c in changes}
    )
    sorter.prepare()
    ordered: list[Change] = []
    while sorter.is_active():
        for key in sorted(sorter.get_ready(), key=place.__getitem__):
            ordered.append(by_key[key])
            sorter.done(key)
    return tuple(ordered)


def within(changes: Sequence[Change], allowed: Collection[Address]) -> tuple[Change, ...]:
    """The changes of allowed addresses, less those that need a change of another one.

    `changes` are in order.
    """
    kept: dict[str, Change] = {}
    dropped: set[str] = set()
    for change in changes:
        if change.address in allowed and dropped.isdisjoint(change.needs):
            kept[change.key] = change
        else:
            dropped.add(change.key)
    return tuple(kept.values())


def check_addresses(flag: str, asked: Iterable[Address], known: Collection[Address]) -> None:
    """Raise UsageError for an address that is neither declared nor recorded."""
    for address in sorted(asked):
        if address not in known:
            near = difflib.get_close_matches(str(address), map(str, known), n=1)
            raise UsageError(
                f"{flag} {address}: no such resource is declared or recorded.",
                hint=f"Did you mean {near[0]}?" if near else "`automl-plan state list` lists them.",
            )
