"""Replaces a state: with a copy that is newer, with a rebuilt one, or with a new and empty one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from msgspec.structs import replace

from automl_plan.errors import StateForeign, StateUnreadable, UsageError
from automl_plan.state.document import State, new_lineage
from automl_plan.state.file import beside, check_at_rest, read_state_file, write_state
from automl_plan.state.lock import StateLock
from automl_plan.state.store import StateStore


def push(path: Path, source: Path) -> State:
    """Replace the state at `path` with a copy; the former one becomes the backup.

    Raises StateUnreadable for what is no state, StateForeign for another lineage, UsageError for
    a copy that is older than what is there, StateLocked, StateUnwritable.
    """
    path = Path(os.path.realpath(path))
    pushed = read_state_file(source)
    with _locked(path, "state push") as lock:
        present = _present(path)
        if present is not None and present.lineage not in ("", pushed.lineage):
            raise StateForeign(
                f"{source} belongs to another state (its lineage differs).", where=str(path)
            )
        if present is not None and pushed.serial < present.serial:
            raise UsageError(
                f"{source} is older (serial {pushed.serial}) than the existing state (serial "
                f"{present.serial}).",
                where=str(path),
                hint=f"To use it anyway, move {path} away first.",
            )
        if present is None:
            for each in (path, beside(path, "journal")):
                if each.exists():
                    each.replace(beside(each, "damaged"))
        state = replace(pushed, serial=pushed.serial + 1)
        write_state(path, state, lock)
        beside(path, "journal").unlink(missing_ok=True)
    return state


def put_rebuilt(path: Path, state: State) -> None:
    """Write a rebuilt state where none exists.

    Raises UsageError when there is one, StateLocked, StateUnwritable.
    """
    path = Path(os.path.realpath(path))
    with _locked(path, "state rebuild") as lock:
        _check_free(path)
        write_state(path, state, lock)


def begin_new(path: Path) -> State:
    """Write an empty state of a new lineage where none exists.

    Raises UsageError when there is one, StateLocked, StateUnwritable.
    """
    path = Path(os.path.realpath(path))
    with _locked(path, "state new") as lock:
        _check_free(path)
        state = State(lineage=new_lineage())
        write_state(path, state, lock)
    return state


def _check_free(path: Path) -> None:
    if path.exists() or beside(path, "journal").exists():
        raise UsageError(
            "A state already exists.",
            where=str(path),
            hint=f"To replace it, move {path} away first.",
        )


def _present(path: Path) -> State | None:
    """Return the existing state with its journal; None when it is damaged."""
    try:
        return StateStore(path).read()
    except StateUnreadable:
        return None


@contextmanager
def _locked(path: Path, command: str) -> Iterator[StateLock]:
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = StateLock(beside(path, "lock"))
    lock.acquire(timeout=0.0, command=command)
    try:
        check_at_rest(path)
        yield lock
    finally:
        lock.release()
