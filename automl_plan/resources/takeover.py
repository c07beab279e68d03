"""Taking over what lives at another service: what can be copied, and what came of asking for it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from msgspec import Struct

from automl_plan.resources.address import ResourceKind
from automl_plan.resources.json import Json
from automl_plan.resources.live import Operation, OperationError


class Migratable(Struct, frozen=True):
    """An object of the other service that can be copied."""

    kind: ResourceKind
    id: str
    """As the other service's provider gives it."""
    name: str
    """Its whole name there."""
    last_migrated: str | None = None
    """When a copy of it was last asked for (RFC 3339, the service's clock)."""


class Wish(Struct, frozen=True):
    """One object to copy, and the display name that its copy is to bear."""

    kind: ResourceKind
    name: str
    display_name: str


class Copied(Struct, frozen=True):
    """What came of one wish so far: the copy's id, or why there is none."""

    display_name: str
    """The one that was asked for."""
    made: str | None = None
    error: OperationError | None = None


class Copying(Struct, frozen=True):
    """An operation that copies, with its wishes as far as the service tells them."""

    operation: Operation
    copied: tuple[Copied, ...] = ()


def migrate_command(migration: Mapping[str, Json] | None) -> str:
    """The command that goes on with a migration, with the flags that it needs.

    `migration` has the settings of the two providers by their names, below `from` and `to`.
    """
    words = ["automl-plan", "migrate", "--to", "vertex"]
    former, target = (_named(migration, key) for key in ("from", "to"))
    for key in ("project", "location", "endpoint"):
        value = target[1].get(key)
        if target[0] == "vertex" and isinstance(value, str):
            if key == "project" and former[1].get(key) == value:
                continue
            words += [f"--{key}", value]
    return shlex.join(words)


def _named(migration: Mapping[str, Json] | None, key: str) -> tuple[str, Mapping[str, Json]]:
    found = (migration or {}).get(key)
    for name, settings in found.items() if isinstance(found, dict) else ():
        return name, settings if isinstance(settings, dict) else {}
    return "", {}
