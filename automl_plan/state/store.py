"""State files: read without a lock, written by one session at a time, never in place.

Beside `digits.json` lie `digits.json.journal` while a run is under way (or was cut off),
`digits.json.backup`, the version before, `digits.json.lock`, and `digits.json.manifests`, a folder
with the rows that were imported.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from msgspec.structs import replace

from automl_plan.errors import StateLocked, StateUnreadable, StateUnwritable
from automl_plan.model.address import Address
from automl_plan.model.history import Charge, EndedOperation
from automl_plan.model.json import Json
from automl_plan.model.notices import Notice
from automl_plan.model.recorded import RecordedResource
from automl_plan.state.addresses import Addresses
from automl_plan.state.document import State, decode, encode, new_lineage, unfinished_migration
from automl_plan.state.emergency import kept_elsewhere
from automl_plan.state.journal import (
    Journal,
    apply_entry,
    counts,
    lineage_entry,
    provider_entry,
    read_journal,
    resource_entry,
    sent_entry,
    sync_directory,
    unwritable,
)
from automl_plan.state.lock import StateLock, holder_of, take_away
from automl_plan.state.manifests import Manifests
from automl_plan.state.outbox import cleared_entry, noticed_entry

MANIFESTS = "manifests"
Moment = tuple[str, int, int]
"""Which state: lineage, serial, and how many steps of it are in the journal."""
UNRECORDED = (StateUnwritable, StateLocked)
"""What a session raises when it can record nothing more."""


class StateStore:
    """The state kept in one file."""

    def __init__(self, path: Path) -> None:
        # Renaming over a symbolic link would replace the link: its target is what is meant.
        self._path = Path(os.path.realpath(path))
        self._read_at: Moment | None = None
        """Of the first of what was read since it was opened last."""

    def read(self) -> State:
        """What is recorded, with the steps of a run that was cut off.

        The serial is the one that the file will have once those steps are folded in, so that a
        plan made of it fits then. Raises StateUnreadable, StateMigrating.
        """
        state, steps = _read(self._path)
        self._read_at = self._read_at or _moment(state, steps)
        return state

    def open(self, *, timeout: float = 0.0, command: str = "") -> StateSession:
        """Lock the state for writing; wait for at most `timeout` seconds.

        Raises StateLocked, StateUnreadable, StateUnwritable, StateMigrating.
        """
        read_at, self._read_at = self._read_at, None
        return StateSession(self._path, timeout=timeout, command=command, read_at=read_at)

    @property
    def manifests(self) -> Manifests:
        """What was imported, row by row."""
        return Manifests(beside(self._path, MANIFESTS))

    def lock_holder(self) -> str | None:
        """Who works on the state, in words; None when nobody does."""
        return holder_of(beside(self._path, "lock"))

    def break_lock(self) -> None:
        """Let the next run work on the state, whoever does now. Raises StateUnwritable."""
        take_away(beside(self._path, "lock"))


class StateSession:
    """A locked state. Memory is what happened, even when the disk refuses to take it."""

    def __init__(
        self, path: Path, *, timeout: float, command: str, read_at: Moment | None = None
    ) -> None:
        self._path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise unwritable(path, error) from error
        self._lock = StateLock(beside(path, "lock"))
        self._lock.acquire(timeout=timeout, command=command)
        try:
            self._state, left_over = _read(path)
            self.moved = read_at not in (None, _moment(self._state, left_over))
            """Whether another run recorded something since the store was read. The serial does
            not tell: it is the same from a run's first step to its end."""
            self._journal = Journal(beside(path, "journal"), self._lock.check)
            # What a run that lost the lock still has open has no way to the state any more.
            try:
                beside(path, "new").unlink(missing_ok=True)
                if not left_over:
                    self._journal.remove()  # without steps, or folded in already
            except OSError as error:
                raise unwritable(path, error) from error
            if left_over:
                self._write()
            self._addresses = Addresses(self._state.resources)
            self._changed = self._counts = False
            self._together = False
        except BaseException:
            self._lock.release()
            raise

    @property
    def state(self) -> State:
        """The state as it stands now."""
        return self._state

    @property
    def manifests(self) -> Manifests:
        """What was imported, row by row."""
        return Manifests(beside(self._path, MANIFESTS))

    @property
    def held(self) -> bool:
        """Whether the lock is still this session's. For any thread, also after `close`."""
        return self._lock.held

    def check(self) -> None:
        """Raise StateLocked when it is not: somebody took the lock away, or the session is over.

        Whoever lost the lock sends nothing more, and writes nothing.
        """
        self._lock.check()

    def bind(self, provider: str) -> None:
        """Bind the state to a provider's identity. Raises StateForeign."""
        self._state.check_provider(provider)
        if self._state.provider is None:
            self._step(provider_entry(provider))

    def record(
        self,
        resource: RecordedResource,
        ended: tuple[str, EndedOperation] | None = None,
        notice: tuple[str, Notice] | None = None,
        charge: Charge | None = None,
    ) -> None:
        """Record a resource; it is on disk when this returns, but see `together`.

        In the same step `ended` goes into the history, an operation with its key, `notice` into
        the outbox, a message with its id, and `charge` into the ledger. Raises StateUnwritable,
        and StateConflict before anything is written when another address records one of its
        objects.
        """
        self.check_free(resource)
        self._addresses.replace(self._state.resources.get(resource.address), resource)
        self._step(resource_entry(resource, ended, notice, charge=charge))

    def move(self, resource: RecordedResource, origin: Address) -> None:
        """Record under its address what was recorded under `origin`, in one step.

        Raises as `record`.
        """
        self._addresses.check(resource, origin=origin)
        self._addresses.replace(self._state.resources.get(origin), resource)
        self._step(resource_entry(resource, origin=origin))

    def check_free(self, resource: RecordedResource) -> None:
        """Raise StateConflict when another address records one of its objects."""
        self._addresses.check(resource)

    def record_sent(self, key: str, receiver: str) -> None:
        """Record that a receiver has a message. Raises StateUnwritable."""
        self._step(sent_entry(key, receiver))

    @contextlib.contextmanager
    def together(self) -> Iterator[None]:
        """Bring all steps that are recorded inside to disk at once, before this ends.

        Nothing may be sent inside that follows from one of them, unless `sync` was called. Raises
        StateUnwritable when the disk does not take them.
        """
        self._together = True
        try:
            yield
        finally:
            self._together = False
            self.sync()

    def sync(self) -> None:
        """Bring to disk what is recorded. Raises StateUnwritable."""
        self._journal.sync()

    def record_noticed(self, key: str, notice: tuple[str, Notice]) -> None:
        """Record that something lasting was found, and in the same step the message of it.

        Raises StateUnwritable.
        """
        self._step(noticed_entry(key, notice))

    def record_cleared(self, key: str) -> None:
        """Record that it lasts no more: it is told again when it comes back.

        Raises StateUnwritable.
        """
        self._step(cleared_entry(key))

    def close(self) -> None:
        """Fold the journal into the file and give the lock back.

        Raises StateLocked when the lock was taken away, and StateUnwritable, which names the
        emergency file when one could be written.
        """
        try:
            if self._changed:
                self._state = replace(self._state, serial=self._state.serial + self._counts)
                try:
                    self._write()
                except StateUnwritable as error:
                    with contextlib.suppress(StateUnwritable):
                        self.check()  # a copy would contradict what the next run records
                    raise kept_elsewhere(self._path, self._state, error) from error
                self.manifests.prune(self._state.resources)
        finally:
            self._journal.close()
            self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _step(self, entry: dict[str, Json]) -> None:
        continued = self._state
        first = not continued.lineage
        if first:
            self._state = replace(self._state, lineage=new_lineage())
        self._state = apply_entry(self._state, entry)
        self._changed = True
        self._counts = self._counts or counts(entry)
        if first:
            self._journal.append(continued, lineage_entry(self._state.lineage))
        self._journal.append(continued, entry)
        if not self._together:
            self.sync()

    def _write(self) -> None:
        write_state(self._path, self._state, self._lock)
        self.check()  # else the journal may be the next run's
        try:
            self._journal.remove()
        except OSError as error:
            raise unwritable(self._path, error) from error


def check_at_rest(path: Path) -> None:
    """Raise StateMigrating where version 0.1 keeps a migration that it has not ended."""
    place = beside(path, "migrating")
    if place.exists():
        raise unfinished_migration(str(place))


def write_state(path: Path, state: State, lock: StateLock) -> None:
    """Put a state in the place of the file: whole or not at all.

    Raises StateLocked when the lock was taken away, StateUnwritable.
    """
    temporary, content = beside(path, "new"), encode(state)
    lock.check()
    try:
        temporary.unlink(missing_ok=True)  # a run that lost the lock may still write it
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        lock.check()
        if path.exists():
            _keep(path, beside(path, "backup"))
            lock.check()
        temporary.replace(path)
        sync_directory(path.parent)
    except OSError as error:
        if lock.held:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
        raise unwritable(path, error) from error


def read_state_file(path: Path) -> State:
    """One state document, whatever lies beside it. Raises StateUnreadable, StateMigrating."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise StateUnreadable(
            f"The state can't be read: {error.strerror}.", where=str(path)
        ) from error
    return decode(data, where=str(path))


def _moment(state: State, steps: Sequence[dict[str, Any]]) -> Moment:
    return state.lineage, state.serial, sum(map(counts, steps))


def _read(path: Path) -> tuple[State, Sequence[dict[str, Any]]]:
    """The state with its journal's steps, and these."""
    check_at_rest(path)
    state = _read_file(path)
    state = replace(
        state,
        resources=dict(state.resources),
        history=dict(state.history),
        ledger=replace(state.ledger, spent=dict(state.ledger.spent)),
        outbox=dict(state.outbox),
        noticed=dict(state.noticed),
    )
    journal = beside(path, "journal")
    head, steps = read_journal(journal)
    if head is None or not steps:
        return state, ()
    if not _continues(head, state):
        if head.get("serial") == state.serial - 1 and head.get("lineage") in ("", state.lineage):
            return state, ()  # folded in already: the run ended before it removed the file
        raise StateUnreadable(
            "The journal belongs to another state than the file beside it.",
            where=str(journal),
            hint=f"Was {path.name} replaced or restored while a run was cut off? Bring the file "
            "back that the journal continues, or move the journal away.",
        )
    try:
        for step in steps:
            state = apply_entry(state, step)
    except (KeyError, TypeError, ValueError) as error:
        raise StateUnreadable(
            f"The journal holds a step that can't be read: {error}.", where=str(journal)
        ) from error
    # Steps that don't count may be folded in twice, when a run ended before it removed the file.
    return replace(state, serial=state.serial + any(map(counts, steps))), steps


def _continues(head: dict[str, Any], state: State) -> bool:
    return head.get("lineage") == state.lineage and head.get("serial") == state.serial


def _read_file(path: Path) -> State:
    backup = beside(path, "backup")
    if not path.exists():
        if not backup.exists():
            return State()
        raise StateUnreadable(
            "The state file is missing, and the version before it is still there.",
            where=str(path),
            hint=_restore(backup),
        )
    try:
        return read_state_file(path)
    except StateUnreadable as error:
        error.hint = error.hint or _restore(backup)
        raise


def _restore(backup: Path) -> str | None:
    """How to bring the version before back, if it is sound."""
    try:
        good = read_state_file(backup)
    except StateUnreadable:
        return "Bring the last good version back from version control."
    return (
        f"{backup} is sound (serial {good.serial}, {len(good.resources)} resources): bring it back "
        f"with `automl-plan state push {backup}`. It is one run older: compare the next plan."
    )


def beside(path: Path, suffix: str) -> Path:
    """The path of what is kept beside a state file."""
    return path.with_name(f"{path.name}.{suffix}")


def _keep(path: Path, backup: Path) -> None:
    """Keep the present version; a copy, so that the file itself is never missing."""
    draft = beside(backup, "new")
    shutil.copyfile(path, draft)
    draft.chmod(0o600)
    draft.replace(backup)
