"""The state of a migration, beside the one that is migrated.

`digits.json.migrating` is an ordinary state of the same lineage, bound to the provider that takes
over. It holds the calls that ask for copies, and the ids of the copies. While it is there nothing
but the migration works on `digits.json`; it goes last.
"""

from __future__ import annotations

import os
from pathlib import Path

from automl_plan.errors import StateForeign
from automl_plan.state.document import State
from automl_plan.state.journal import unwritable
from automl_plan.state.store import (
    MIGRATING,
    StateSession,
    StateStore,
    beside,
    copy_state,
    write_state,
)


def read_migration(path: Path) -> State | None:
    """What a migration of the state at this path has done so far; None when there is none."""
    place = _place(path)
    return StateStore(place).read() if place.exists() else None


def begin_migration(path: Path, state: State, provider: str) -> None:
    """Write the empty state of a migration of `state` to a provider, where there is none.

    Raises StateForeign when the one that is there is of another state or goes elsewhere.
    """
    found = read_migration(path)
    if found is None:
        write_state(_place(path), State(state.lineage, state.serial, provider))
        return
    give_up = "give it up: automl-plan migrate --to vertex --abandon"
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
            hint=f"Give the flags that it was begun with, or {give_up}",
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


def _place(path: Path) -> Path:
    return beside(Path(os.path.realpath(path)), MIGRATING)
