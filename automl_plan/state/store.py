"""A state: read without a lock, written by one session at a time, a step after the other."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Self

from msgspec.structs import replace

from automl_plan.errors import StateConflict, StateLocked, StateUnwritable
from automl_plan.model.address import Address, ResourceKind
from automl_plan.model.history import Charge, EndedOperation
from automl_plan.model.notices import Notice
from automl_plan.model.recorded import RecordedResource
from automl_plan.state.document import State, new_lineage
from automl_plan.state.file import beside, kept_elsewhere, read_with_journal, write_state
from automl_plan.state.journal import (
    Journal,
    JournalStep,
    LineageStep,
    NoticedStep,
    NoticeStep,
    ProviderStep,
    SentStep,
    apply_step,
    counts,
    resource_step,
    unwritable,
)
from automl_plan.state.lock import StateLock, holder_of, take_away
from automl_plan.state.manifests import Manifests

MANIFESTS = "manifests"
Moment = tuple[str, int, int]
"""Which state: lineage, serial, and the number of its steps in the journal."""
UNRECORDED = (StateUnwritable, StateLocked)
"""What a session raises when it can record nothing more."""


class StateStore:
    """The state kept in one file."""

    def __init__(self, path: Path) -> None:
        # Renaming over a symbolic link would replace the link: its target is what is meant.
        self._path = Path(os.path.realpath(path))
        self._read_at: Moment | None = None
        """Of the first read since the state was last opened."""

    def read(self) -> State:
        """Return the state, with the steps of an interrupted run.

        The serial is the one that the file will have once those steps are folded in, so that a
        plan made of it fits then. Raises StateUnreadable, StateMigrating.
        """
        state, steps = read_with_journal(self._path)
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
        """Return who holds the lock, in words; None when it is free."""
        return holder_of(beside(self._path, "lock"))

    def break_lock(self) -> None:
        """Take the lock away from the run that holds it. Raises StateUnwritable."""
        take_away(beside(self._path, "lock"))


class StateSession:
    """A locked state. `state` is up to date even when the disk refuses to take it."""

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
            self._state, left_over = read_with_journal(path)
            self.moved = read_at not in (None, _moment(self._state, left_over))
            """Whether another run recorded something since the store was read. The serial does
            not show it: it is the same from a run's first step to its end."""
            self._journal = Journal(beside(path, "journal"), self._lock.check)
            # A run that lost the lock can write its open files, but not into the state any more.
            try:
                beside(path, "new").unlink(missing_ok=True)
                if not left_over:
                    self._journal.remove()  # without steps, or folded in already
            except OSError as error:
                raise unwritable(path, error) from error
            if left_over:
                self._write()
            self._addresses = _Addresses(self._state.resources)
            self._changed = self._counts = False
            self._together = False
        except BaseException:
            self._lock.release()
            raise

    @property
    def state(self) -> State:
        """The present state."""
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
        """Raise StateLocked when it is not: another run took the lock, or the session is closed.

        A run that lost the lock sends and writes nothing more.
        """
        self._lock.check()

    def bind(self, provider: str) -> None:
        """Bind the state to a provider's identity. Raises StateForeign."""
        self._state.check_provider(provider)
        if self._state.provider is None:
            self._step(ProviderStep(provider))

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
        self._step(resource_step(resource, ended, notice, charge=charge))

    def move(self, resource: RecordedResource, origin: Address) -> None:
        """Record under its address what was recorded under `origin`, in one step.

        Raises as `record`.
        """
        self._addresses.check(resource, origin=origin)
        self._addresses.replace(self._state.resources.get(origin), resource)
        self._step(resource_step(resource, origin=origin))

    def check_free(self, resource: RecordedResource) -> None:
        """Raise StateConflict when another address records one of its objects."""
        self._addresses.check(resource)

    def record_sent(self, key: str, receiver: str) -> None:
        """Record that a receiver has a message. Raises StateUnwritable."""
        self._step(SentStep(key, receiver))

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
        """Record a lasting finding and, in the same step, its message.

        Raises StateUnwritable.
        """
        self._step(NoticedStep(key, notice[1].when, NoticeStep(*notice)))

    def record_cleared(self, key: str) -> None:
        """Record that a finding is resolved: it is reported again when it recurs.

        Raises StateUnwritable.
        """
        self._step(NoticedStep(key, None))

    def close(self) -> None:
        """Fold the journal into the file and release the lock.

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

    def __exit__(self, *_: object) -> None:
        self.close()

    def _step(self, step: JournalStep) -> None:
        continued = self._state
        first = not continued.lineage
        if first:
            self._state = replace(self._state, lineage=new_lineage())
        self._state = apply_step(self._state, step)
        self._changed = True
        self._counts = self._counts or counts(step)
        if first:
            self._journal.append(continued, LineageStep(self._state.lineage))
        self._journal.append(continued, step)
        if not self._together:
            self.sync()

    def _write(self) -> None:
        write_state(self._path, self._state, self._lock)
        self.check()  # else the journal may be the next run's
        try:
            self._journal.remove()
        except OSError as error:
            raise unwritable(self._path, error) from error


def _moment(state: State, steps: Sequence[JournalStep]) -> Moment:
    return state.lineage, state.serial, sum(map(counts, steps))


class _Addresses:
    """The addresses of recorded objects, updated with each step: a scan would be quadratic.

    A state of version 0.1 may record an object twice; that is read, but never written again.
    """

    def __init__(self, resources: Mapping[Address, RecordedResource]) -> None:
        self._holders: dict[tuple[ResourceKind, str], set[Address]] = {}
        for resource in resources.values():
            self._add(resource)

    def check(self, resource: RecordedResource, *, origin: Address | None = None) -> None:
        """Raise StateConflict when another address than `origin` records one of its objects."""
        address = resource.address
        for obj in resource.objects:
            holders = self._holders.get((address.kind, obj.id), set()) - {origin}
            if holders and address not in holders:
                other = min(holders)
                raise StateConflict(
                    f"{obj.id} is recorded as {other} and can't also be recorded as {address}.",
                    where=str(address),
                    hint="One object belongs to one address. Plan again; "
                    f"`automl-plan state rm {other}` removes that record.",
                )

    def replace(self, former: RecordedResource | None, resource: RecordedResource) -> None:
        """Replace the former record of a resource."""
        if former is not None:
            for obj in former.objects:
                self._holders[former.address.kind, obj.id].discard(former.address)
        self._add(resource)

    def _add(self, resource: RecordedResource) -> None:
        for obj in resource.objects:
            key = (resource.address.kind, obj.id)
            self._holders.setdefault(key, set()).add(resource.address)
