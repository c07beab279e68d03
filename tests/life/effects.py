"""A command, and what the service tells of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from tests.life.service import Live, Snapshot
from tests.life.shown import Shown
from tests.life.world import Checkout, ids_of
from tests.life.zygote import Outcome

NARROWS = ("--target", "--exclude")


class Violation(Exception):
    """Something that must hold did not."""

    def __init__(self, rule: str, text: str) -> None:
        super().__init__(f"{rule}: {text}")
        self.rule = rule


@dataclass(frozen=True)
class Act:
    """A command, and all that is known of it."""

    here: Checkout
    arguments: tuple[str, ...]
    outcome: Outcome
    shown: Shown
    before: Snapshot
    after: Snapshot
    state: Mapping[str, Any]
    """The state before it."""
    now: Mapping[str, Any]
    """The state after it."""
    killed: bool = False
    stale: bool = False
    """Whether the plan that was shown may be an old one."""
    unsure: bool = False
    """Whether a journal lay beside the state before it: the state does not tell all."""

    @property
    def recorded(self) -> Mapping[str, Any]:
        """The resources of the state before it."""
        found: Mapping[str, Any] = self.state.get("resources", {})
        return found

    @property
    def recorded_now(self) -> Mapping[str, Any]:
        """The resources of the state after it."""
        found: Mapping[str, Any] = self.now.get("resources", {})
        return found

    def given(self, flag: str) -> set[str]:
        """The values that a flag was given."""
        pairs = zip(self.arguments, self.arguments[1:], strict=False)
        return {value for key, value in pairs if key == flag}

    @property
    def whole(self) -> bool:
        """Whether nothing narrows it."""
        return not any(flag in self.arguments for flag in NARROWS)

    def address_of(self, operation: str) -> str | None:
        """The address that a training bears."""
        return address_in(self.after.trainings[operation].labels)

    def homes(self) -> dict[str, set[str]]:
        """The addresses of objects, by the state before and after, and by their labels."""
        homes: dict[str, set[str]] = {}
        for recorded in (self.recorded, self.recorded_now):
            for address, record in recorded.items():
                for object_id in ids_of(record):
                    homes.setdefault(object_id, set()).add(address)
        for seen in (self.before, self.after):
            for object_id, obj in seen.objects.items():
                kind = "dataset" if object_id in seen.datasets else "model"
                if obj.address_name is not None:
                    homes.setdefault(object_id, set()).add(f"{kind}.{obj.address_name}")
        return homes


@dataclass(frozen=True)
class Effects:
    """What the service tells of a command: ids."""

    begun: tuple[str, ...]
    """Operations of trainings."""
    cancelled: tuple[str, ...]
    """The same."""
    deleted: tuple[str, ...]
    created: tuple[str, ...]
    """Datasets."""
    imported: tuple[str, ...]
    """Datasets that hold more."""
    undeployed: tuple[str, ...]
    deployed: tuple[str, ...]
    resized: tuple[str, ...]
    relabelled: tuple[str, ...]
    endpoints: tuple[str, ...]
    """Those that were made, are gone, or changed."""

    @property
    def none(self) -> bool:
        """Whether nothing was done."""
        return not any(getattr(self, each.name) for each in fields(self))

    def __str__(self) -> str:
        told = {each.name: getattr(self, each.name) for each in fields(self)}
        return json.dumps({name: ids for name, ids in told.items() if ids})


def effects_of(before: Snapshot, after: Snapshot) -> Effects:
    """What differs, but for what ends by itself: trainings and lives."""
    there, now = before.objects, after.objects
    ran = {o for o, t in before.trainings.items() if t.outcome == "running"}
    changed = {i: (o, there[i]) for i, o in now.items() if i in there and o.asked != there[i].asked}
    return Effects(
        begun=tuple(o for o in after.trainings if o not in before.trainings),
        cancelled=tuple(
            o for o, t in after.trainings.items() if t.outcome == "cancelled" and o in ran
        ),
        deleted=tuple(i for i in there if i not in now),
        created=tuple(i for i in after.datasets if i not in before.datasets),
        imported=tuple(
            i
            for i, d in after.datasets.items()
            if d.items > (before.datasets[i].items if i in before.datasets else 0)
        ),
        undeployed=tuple(m for m in before.nodes if m not in after.nodes and not after.expired(m)),
        deployed=tuple(m for m in after.nodes if m not in before.nodes),
        resized=tuple(m for m, n in after.nodes.items() if before.nodes.get(m, n) != n),
        relabelled=tuple(changed),
        endpoints=tuple(
            e
            for e in {**before.endpoints, **after.endpoints}
            if before.endpoints.get(e) != after.endpoints.get(e)
        ),
    )


def address_in(labels: Mapping[str, str]) -> str | None:
    """The address of a model that ownership labels tell."""
    name = Live("", "", labels, "").address_name
    return None if name is None else f"model.{name}"
