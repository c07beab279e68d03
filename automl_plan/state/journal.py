"""The journal beside a state file: one line for each step, on disk before what follows from it.

The first line says which state it continues, the second in which format its steps are: a line
of its own, which version 0.1 refuses (its journals, of format 1, have none). A line is a checksum
and a JSON value, so an incomplete line is recognized. Appending costs the same however
large the state is.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeAlias

from msgspec import Raw, Struct
from msgspec.structs import replace

from automl_plan.errors import StateUnreadable, StateUnwritable
from automl_plan.files import sync_directory
from automl_plan.model.address import Address
from automl_plan.model.history import Charge, EndedOperation, HistoryEntry, enter, remember
from automl_plan.model.json import Damaged, Document, read, read_plain, written
from automl_plan.model.notices import Notice, mark_sent
from automl_plan.model.recorded import RecordedResource, ResourceEntry, Step
from automl_plan.state.document import (
    FORMAT_VERSION,
    State,
    check_format,
    check_resource,
    check_time,
)

_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"))


class Head(Struct, frozen=True):
    """The first line: which state the journal continues."""

    lineage: str
    serial: int


class EndedStep(Document, frozen=True):
    """An operation whose end a step records, with its key in the history."""

    key: str
    step: Step
    operation: HistoryEntry


class NoticeStep(Document, frozen=True):
    """A message that a step puts into the outbox."""

    id: str
    notice: Notice


class ResourceStep(Document, frozen=True, kw_only=True):
    """Sets one resource, or removes it."""

    address: Address
    resource: ResourceEntry | None
    """None when nothing is left of it."""
    origin: Address | None = None
    """The address that it was moved from, which is removed."""
    ended: EndedStep | None = None
    """The operation whose end did that."""
    notice: NoticeStep | None = None
    """The message of it."""
    charge: Charge | None = None
    """What a training that ended has cost."""


class ProviderStep(Document, frozen=True):
    """Binds the state to a provider."""

    provider: str


class LineageStep(Document, frozen=True):
    """Gives a new state its identity."""

    new_lineage: str


class SentStep(Document, frozen=True):
    """Takes a receiver off a message in the outbox."""

    sent: str
    to: str


class NoticedStep(Document, frozen=True):
    """Records that something lasting was reported, or that it is no more."""

    noticed: str
    when: str | None
    """None: it is no more."""
    message: NoticeStep | None = None


JournalStep: TypeAlias = ResourceStep | ProviderStep | LineageStep | SentStep | NoticedStep
_KINDS: dict[str, type[JournalStep]] = {
    "address": ResourceStep,
    "provider": ProviderStep,
    "new_lineage": LineageStep,
    "sent": SentStep,
    "noticed": NoticedStep,
}
"""By the field that only one kind of step has."""


class _Format(Struct, frozen=True):
    """The second line."""

    format_version: int


def resource_step(
    resource: RecordedResource,
    ended: tuple[str, EndedOperation] | None = None,
    notice: tuple[str, Notice] | None = None,
    origin: Address | None = None,
    charge: Charge | None = None,
) -> ResourceStep:
    """Return the step that sets one resource, or removes it when nothing is left of it."""
    return ResourceStep(
        address=resource.address,
        resource=None if resource.empty else resource.entry,
        origin=origin,
        ended=None if ended is None else EndedStep(ended[0], ended[1].step, ended[1].entry),
        notice=None if notice is None else NoticeStep(*notice),
        charge=charge,
    )


def counts(step: JournalStep) -> bool:
    """Whether a step makes another state, to which no plan of the former one fits.

    Messages don't: no plan looks at them. Such a step may be applied twice.
    """
    return not isinstance(step, SentStep | NoticedStep)


def apply_step(state: State, step: JournalStep) -> State:
    """Return the state after one step, which changes its mappings in place: a copy at each step
    would make a run of many steps quadratic."""
    match step:
        case ProviderStep():
            return replace(state, provider=step.provider)
        case LineageStep():
            return replace(state, lineage=step.new_lineage)
        case SentStep():
            mark_sent(state.outbox, step.sent, step.to)
        case NoticedStep():
            if step.when is None:
                state.noticed.pop(step.noticed, None)
                return state
            state.noticed[step.noticed] = step.when
            if step.message is not None:
                state.outbox[step.message.id] = step.message.notice
        case ResourceStep():
            return _set_resource(state, step)
    return state


def _set_resource(state: State, step: ResourceStep) -> State:
    if step.resource is None:
        state.resources.pop(step.address, None)
    else:
        state.resources[step.address] = step.resource.at(step.address)
    if step.origin is not None:
        state.resources.pop(step.origin, None)
    if step.ended is not None:
        remember(state.history, step.ended.key, step.ended.operation.of(step.ended.step))
    if step.notice is not None:
        state.outbox[step.notice.id] = step.notice.notice
    if step.charge is not None:
        return replace(state, ledger=enter(state.ledger, step.charge))
    return state


class Journal:
    """The journal file of one state, open for appending by the one who holds the lock."""

    def __init__(self, path: Path, check: Callable[[], None]) -> None:
        """`check` raises when the lock is not held any more: then nothing is written."""
        self._path = path
        self._check = check
        self._descriptor: int | None = None
        self._lines: list[bytes] = []
        """Steps that are not on disk yet."""
        self._size = 0
        """The bytes that are on disk."""

    def append(self, state: State, step: JournalStep) -> None:
        """Add one step, which is on disk after `sync`. `state` is the one that it continues."""
        if self._descriptor is None and not self._lines:
            self._lines.append(_line(Head(state.lineage, state.serial)))
            self._lines.append(_line(_Format(FORMAT_VERSION)))
        self._lines.append(_line(step))

    def sync(self) -> None:
        """Write the added steps to disk.

        Raises StateUnwritable or StateLocked; none of them is written then, nor later.
        """
        if not self._lines:
            return
        self._check()
        lines, self._lines = b"".join(self._lines), []
        try:
            if self._descriptor is None:
                self._begin(lines)
            else:
                self._write(self._descriptor, lines)
        except OSError as error:
            raise unwritable(self._path, error) from error

    def close(self) -> None:
        """Close the file; it stays."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def remove(self) -> None:
        """Remove the file, after its steps were folded in."""
        self.close()
        self._path.unlink(missing_ok=True)

    def _begin(self, lines: bytes) -> None:
        self._size = 0
        self._descriptor = os.open(
            self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600
        )
        try:
            self._write(self._descriptor, lines)
            sync_directory(self._path.parent)
        except OSError:
            self.remove()
            raise

    def _write(self, descriptor: int, lines: bytes) -> None:
        try:
            written = os.write(descriptor, lines)
            while written < len(lines):
                written += os.write(descriptor, lines[written:])  # or says why there is no room
            os.fsync(descriptor)
        except OSError:
            os.ftruncate(descriptor, self._size)
            os.lseek(descriptor, self._size, os.SEEK_SET)
            raise
        self._size += written


def read_journal(path: Path) -> tuple[Head | None, Sequence[bytes]]:
    """Return the head and the steps of a journal, for `read_steps`; (None, ()) when there is none.

    An incomplete last line is left out: its step was not on disk when the run ended. Raises
    StateUnreadable when anything before it is damaged, or when a newer version wrote it.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None, ()
    except OSError as error:
        raise StateUnreadable(
            f"The journal can't be read: {error.strerror}.", where=str(path)
        ) from error
    lines = list(_sound_lines(data, path))
    if not lines:
        return None, ()
    head, *steps = lines
    try:
        if steps and "format_version" in (first := read(steps[0], dict[str, Raw])):
            version = read_plain(bytes(first["format_version"]))
            check_format(version, what="journal", where=str(path))
            del steps[0]
        return read(head, Head), steps
    except (ValueError, RecursionError) as error:
        raise _damaged(1, path) from error


def read_steps(lines: Sequence[bytes], path: Path) -> list[JournalStep]:
    """Return the steps of a journal. Raises StateUnreadable."""
    try:
        return [_step(line) for line in lines]
    except (ValueError, RecursionError) as error:
        raise StateUnreadable(
            f"The journal has a step that can't be read: {error}.", where=str(path)
        ) from error


def _step(line: bytes) -> JournalStep:
    """Raises ValueError or RecursionError."""
    fields = read(line, dict[str, Raw])
    kind = next((kind for field, kind in _KINDS.items() if field in fields), None)
    if kind is None:
        raise Damaged("$: no step of this version")
    step = read(line, kind)
    match step:
        case ResourceStep():
            if step.resource is not None:
                check_resource(step.resource.at(step.address), "$.resource")
            if step.ended is not None:
                check_time(step.ended.operation.ended, "$.ended.operation.ended")
            if step.charge is not None:
                check_time(step.charge.ended, "$.charge.ended")
            message = step.notice
        case NoticedStep():
            message = step.message
        case _:
            message = None
    if message is not None:
        check_time(message.notice.when, "$.notice.when")
    return step


def unwritable(path: Path, error: OSError) -> StateUnwritable:
    """Return the error for a state file, or one beside it, that can't be written."""
    return StateUnwritable(
        f"The state can't be written: {error.strerror or error}.",
        where=str(path),
        hint="Free disk space or grant write access; what was recorded before is unchanged.",
    )


def _line(content: Struct) -> bytes:
    body = _ENCODER.encode(written(content)).encode()
    return b"%08x %s\n" % (zlib.crc32(body), body)


def _sound_lines(data: bytes, path: Path) -> Iterator[bytes]:
    *lines, rest = data.split(b"\n")
    for number, line in enumerate(lines, 1):
        checksum, _, body = line.partition(b" ")
        if checksum != b"%08x" % zlib.crc32(body):
            if number == len(lines) and not rest:
                return
            raise _damaged(number, path)
        yield body


def _damaged(number: int, path: Path) -> StateUnreadable:
    return StateUnreadable(
        f"Line {number} of the journal is damaged.",
        where=str(path),
        hint="It has steps that the state file does not have yet. Fix or remove that line, then "
        "plan and compare the plan with the live objects.",
    )
