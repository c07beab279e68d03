"""The state of a migration, beside the one that is migrated.

`digits.json.migrating` is an ordinary state of the same lineage, bound to the provider that takes
over. It holds the calls that ask for copies, and the ids of the copies. While it is there nothing
but the migration works on `digits.json`; it goes last. `digits.json.migrated` is what is kept of
it: which originals have stayed.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from pathlib import Path

from msgspec.structs import replace

from automl_plan.errors import StateForeign
from automl_plan.resources.json import Json
from automl_plan.resources.takeover import migrate_command
from automl_plan.state.document import State
from automl_plan.state.journal import unwritable
from automl_plan.state.store import (
    MIGRATING,
    StateSession,
    StateStore,
    beside,
    copy_state,
    read_state_file,
    write_state,
)

MIGRATED = "migrated"
"""What is kept of a migration that is complete is called so, beside the state."""


def read_migration(path: Path) -> State | None:
    """What a migration of the state at this path has done so far; None when there is none."""
    place = _place(path)
    return StateStore(place).read() if place.exists() else None


def begin_migration(
    path: Path, state: State, provider: str, migration: Mapping[str, Json] | None = None
) -> None:
    """Write the empty state of a migration of `state` to a provider, where there is none.

    `migration`: the settings of both providers, as `State` has them.
    Raises StateForeign when the one that is there is of another state or goes elsewhere.
    """
    found = read_migration(path)
    if found is None:
        write_state(_place(path), State(state.lineage, state.serial, provider, {}, migration))
        return
    give_up = f"give it up: {migrate_command(found.migration)} --abandon"
    if found.lineage != state.lineage:
        raise StateForeign(
            "The migration that is under way is of another state than the one beside it.",
            where=str(_place(path)),
            hint=f"Bring the state back that it was begun with, or {give_up}",
        )
    if found.provider != provider:
        raise StateForeign(
            f"A migration to {found.provider} is under way, and this one goes to {provider}.",
            where=str(_place(path)),
            hint=f"Go on with that one: {migrate_command(found.migration)}; or {give_up}",
        )


def open_migration(path: Path) -> StateSession:
    """The state of a migration, to be written; the lock of the other one is held meanwhile.

    What the disk does not take of it is not kept elsewhere: it is proved anew at the service.
    """
    return StateSession(_place(path), timeout=0.0, command="migrate", provable=True)


def keep_former(path: Path) -> Path:
    """Copy the state to `….before-migration`; where that is. Raises StateUnwritable.

    It is on disk when this returns: what follows replaces the state.
    """
    path = Path(os.path.realpath(path))
    kept = beside(path, "before-migration")
    copy_state(path, kept)
    return kept


def end_migration(path: Path) -> None:
    """Remove the state of a migration. Raises StateUnwritable."""
    place = _place(path)
    try:
        for each in ("journal", "backup", "new", "lock"):
            beside(place, each).unlink(missing_ok=True)
        place.unlink(missing_ok=True)
    except OSError as error:
        raise unwritable(place, error) from error


def keep_migrated(path: Path, done: State, originals: Collection[str]) -> None:
    """Keep of a migration what is needed to delete the originals that stay, by their ids.

    That is `….migrated`: which copy took over from which original, and how both providers are
    reached. Raises StateUnwritable.
    """
    kept = beside(Path(os.path.realpath(path)), MIGRATED)
    left = (
        replace(r, operations=tuple(c for c in r.operations if c.object_id in originals))
        for r in done.resources.values()
    )
    write_state(kept, replace(done, resources={r.address: r for r in left if not r.empty}))
    try:
        beside(kept, "backup").unlink(missing_ok=True)
    except OSError as error:
        raise unwritable(kept, error) from error


def former_path(path: Path) -> Path:
    """Where the state from before a migration is kept."""
    return beside(Path(os.path.realpath(path)), "before-migration")


def read_migrated(path: Path, state: State) -> State | None:
    """What is kept of a migration that is complete, where `state` is the one that it left."""
    kept = beside(Path(os.path.realpath(path)), MIGRATED)
    if not kept.exists():
        return None
    done = read_state_file(kept)
    same = (done.lineage, done.provider) == (state.lineage, state.provider)
    return done if same else None


def _place(path: Path) -> Path:
    return beside(Path(os.path.realpath(path)), MIGRATING)
