"""A state in files: read with its journal, written whole, saved elsewhere when the disk is full.

Beside `digits.json` are `digits.json.journal` while a run is under way (or was interrupted),
`digits.json.backup`, the version before, `digits.json.lock`, and `digits.json.manifests`, a folder
with the rows that were imported.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from msgspec.structs import replace

from automl_plan.errors import StateUnreadable, StateUnwritable
from automl_plan.files import Draft, write_whole
from automl_plan.state.document import State, decode, encode, unfinished_migration
from automl_plan.state.journal import (
    Head,
    JournalStep,
    apply_step,
    counts,
    read_journal,
    read_steps,
    unwritable,
)
from automl_plan.state.lock import StateLock


def beside(path: Path, suffix: str) -> Path:
    """Return the path of a file that belongs to a state file."""
    return path.with_name(f"{path.name}.{suffix}")


def check_at_rest(path: Path) -> None:
    """Raise StateMigrating where version 0.1 keeps a migration that it has not ended."""
    place = beside(path, "migrating")
    if place.exists():
        raise unfinished_migration(str(place))


def write_state(path: Path, state: State, lock: StateLock) -> None:
    """Put a state in the place of the file: whole or not at all.

    Raises StateLocked when the lock was taken away, StateUnwritable.
    """
    content = encode(state)

    def keep_backup() -> None:
        lock.check()
        if path.exists():
            backup = beside(path, "backup")
            with Draft(backup, draft=beside(backup, "new"), durable=False) as copy:
                copy.write(path.read_bytes())  # a copy: the file itself is never missing
                copy.keep()
            lock.check()

    lock.check()
    try:
        # The draft has one name: a run that lost the lock may still write its own.
        with Draft(path, draft=beside(path, "new")) as draft:
            draft.write(content)
            draft.keep(keep_backup)
    except OSError as error:
        raise unwritable(path, error) from error


def read_state_file(path: Path) -> State:
    """Read a state file without its journal. Raises StateUnreadable, StateMigrating."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise StateUnreadable(
            f"The state can't be read: {error.strerror}.", where=str(path)
        ) from error
    return decode(data, where=str(path))


def read_with_journal(path: Path) -> tuple[State, Sequence[JournalStep]]:
    """Return the state with its journal's steps, and these.

    Raises StateUnreadable, StateMigrating.
    """
    check_at_rest(path)
    state = _read_file(path)
    journal = beside(path, "journal")
    head, lines = read_journal(journal)
    if head is None or not lines:
        return state, ()
    if not _continues(head, state):
        if head.serial == state.serial - 1 and head.lineage in ("", state.lineage):
            return state, ()  # folded in: the run ended before it removed the file
        raise StateUnreadable(
            "The journal belongs to another state than the file beside it.",
            where=str(journal),
            hint=f"Was {path.name} replaced or restored after a run was interrupted? Restore the "
            "file that the journal continues, or move the journal away.",
        )
    steps = read_steps(lines, journal)
    for step in steps:
        state = apply_step(state, step)
    # Steps that don't count may be folded in twice, when a run ended before it removed the file.
    return replace(state, serial=state.serial + any(map(counts, steps))), steps


def _continues(head: Head, state: State) -> bool:
    return head.lineage == state.lineage and head.serial == state.serial


def _read_file(path: Path) -> State:
    backup = beside(path, "backup")
    if not path.exists():
        if not backup.exists():
            return State()
        raise StateUnreadable(
            "The state file is missing, but its backup exists.",
            where=str(path),
            hint=_restore(backup),
        )
    try:
        return read_state_file(path)
    except StateUnreadable as error:
        error.hint = error.hint or _restore(backup)
        raise


def _restore(backup: Path) -> str | None:
    """Return how to restore the backup, if it is valid."""
    try:
        good = read_state_file(backup)
    except StateUnreadable:
        return "Restore the last good version from version control."
    return (
        f"{backup} is valid (serial {good.serial}, {len(good.resources)} resources): restore it "
        f"with `automl-plan state push {backup}`. It is one run older: review the next plan."
    )


def kept_elsewhere(path: Path, state: State, cause: StateUnwritable) -> StateUnwritable:
    """Save a state that could not be written elsewhere; return the error that says where."""
    kept = _keep(f"{path.stem}.emergency-{state.lineage[:8]}-{state.serial}.json", path, state)
    if kept is None:
        return StateUnwritable(
            f"{cause.message} It could not be saved elsewhere either.",
            where=str(path),
            hint="Free disk space and plan: what the journal lacks is looked up at the service.",
        )
    return StateUnwritable(
        f"{cause.message} The complete state was saved to {kept}.",
        where=str(path),
        hint=f"Free disk space, then restore it: automl-plan state push {kept}",
    )


def _keep(name: str, path: Path, state: State) -> Path | None:
    content = encode(state)
    for directory in _places(path):
        with contextlib.suppress(OSError):
            write_whole(directory / name, content)
            return directory / name
    return None


def _places(path: Path) -> Iterator[Path]:
    """Yield the directories to try, in this order, without those that are unknown."""
    yield path.parent
    for place in (Path.cwd, tempfile.gettempdir, Path.home):
        with contextlib.suppress(OSError, RuntimeError):
            yield Path(place())
