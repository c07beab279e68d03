"""The order of changes."""

from __future__ import annotations

from collections.abc import Sequence
from graphlib import TopologicalSorter

from automl_plan.planning.plan import Change


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
