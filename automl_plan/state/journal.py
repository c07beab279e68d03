"""The journal beside a state file: one line for each step, on disk before what follows from it.

The first line says which state it continues, the second in which format its steps are: a line
of its own, which version 0.1 refuses (its journals, of format 1, have none). A line is a checksum
and a JSON value, so a line that was cut off is known as such. Appending costs the same however
large the state is.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from automl_plan.errors import StateUnreadable, StateUnwritable
from automl_plan.model.address import Address
from automl_plan.model.history import Charge, EndedOperation, enter, remember
from automl_plan.model.json import Json
from automl_plan.model.notices import Notice, mark_sent
from automl_plan.model.recorded import RecordedResource, Step
from automl_plan.state import values
from automl_plan.state.document import (
    FORMAT_VERSION,
    State,
    check_format,
    resource_from_json,
    resource_to_json,
)
from automl_plan.state.history import (
    charge_from_json,
    charge_to_json,
    ended_from_json,
    ended_to_json,
)
from automl_plan.state.outbox import notice_from_json, notice_to_json, set_noticed

_FORMAT = "format_version"
_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"))


def resource_entry(
    resource: RecordedResource,
    ended: tuple[str, EndedOperation] | None = None,
    notice: tuple[str, Notice] | None = None,
    origin: Address | None = None,
    charge: Charge | None = None,
) -> dict[str, Json]:
    """The step that sets one resource, or removes it when nothing is left of it.

    `ended` is the operation whose end did that, with its key in the history; `notice` the message
    that is to be sent of it; `origin` the address that it was moved from, which is removed;
    `charge` what a training that ended has cost.
    """
    entry = None if resource.empty else resource_to_json(resource)
    step: dict[str, Json] = {"address": str(resource.address), "resource": entry}
    if origin is not None:
        step["origin"] = str(origin)
    if ended is not None:
        key, operation = ended
        step["ended"] = {
            "key": key,
            "step": str(operation.work.step),
            "operation": ended_to_json(operation),
        }
    if charge is not None:
        step["charge"] = charge_to_json(charge)
    if notice is not None:
        step["notice"] = {"id": notice[0], "notice": notice_to_json(notice[1])}
    return step


def sent_entry(key: str, receiver: str) -> dict[str, Json]:
    """The step that takes a message out of the outbox."""
    return {"sent": key, "to": receiver}


def provider_entry(identity: str) -> dict[str, Json]:
    """The step that binds the state to a provider."""
    return {"provider": identity}


def lineage_entry(lineage: str) -> dict[str, Json]:
    """The step that gives a new state its identity."""
    return {"new_lineage": lineage}


def counts(entry: dict[str, Any]) -> bool:
    """Whether a step makes another state, to which no plan of the former one fits.

    What is told, and was, does not: no plan looks at it. Such a step may be applied twice.
    """
    return "sent" not in entry and "noticed" not in entry


def apply_entry(state: State, entry: dict[str, Any]) -> State:
    """The state after one step, which changes resources and history in place: a copy at each
    step would make a run of many steps quadratic.

    Raises KeyError, TypeError or ValueError for a wrong step.
    """
    if "provider" in entry:
        return replace(state, provider=values.text(entry["provider"]))
    if "new_lineage" in entry:
        return replace(state, lineage=values.text(entry["new_lineage"]))
    if "sent" in entry:
        assert isinstance(state.outbox, dict)  # noqa: S101 (as below)
        mark_sent(state.outbox, values.text(entry["sent"]), values.text(entry["to"]))
        return state
    if "noticed" in entry:
        assert isinstance(state.noticed, dict)  # noqa: S101 (as below)
        assert isinstance(state.outbox, dict)  # noqa: S101 (as below)
        set_noticed(state.noticed, state.outbox, entry)
        return state
    address = Address.parse(values.text(entry["address"]))
    assert isinstance(state.resources, dict)  # noqa: S101 (whoever calls this made it one)
    if entry["resource"] is None:
        state.resources.pop(address, None)
    else:
        state.resources[address] = resource_from_json(address, entry["resource"])
    if "origin" in entry:
        state.resources.pop(Address.parse(values.text(entry["origin"])), None)
    if "ended" in entry:
        assert isinstance(state.history, dict)  # noqa: S101 (as above)
        ended = values.mapping(entry["ended"])
        operation = ended_from_json(Step(ended["step"]), ended["operation"])
        remember(state.history, values.text(ended["key"]), operation)
    if "notice" in entry:
        assert isinstance(state.outbox, dict)  # noqa: S101 (as above)
        notice = values.mapping(entry["notice"])
        state.outbox[values.text(notice["id"])] = notice_from_json(notice["notice"])
    if "charge" in entry:
        return replace(state, ledger=enter(state.ledger, charge_from_json(entry["charge"])))
    return state


class Journal:
    """The journal file of one state, open for appending by the one who holds the lock."""

    def __init__(self, path: Path, check: Callable[[], None]) -> None:
        """`check` raises when the lock is not held any more: then nothing is written."""
        self._path = path
        self._check = check
        self._descriptor: int | None = None
        self._lines: list[bytes] = []
        """Steps that are not on disk."""
        self._size = 0
        """The bytes that are on disk."""

    def append(self, state: State, entry: dict[str, Json]) -> None:
        """Take one step, which is on disk after `sync`. `state` is the one continued."""
        if self._descriptor is None and not self._lines:
            self._lines.append(_line({"lineage": state.lineage, "serial": state.serial}))
            self._lines.append(_line({_FORMAT: FORMAT_VERSION}))
        self._lines.append(_line(entry))

    def sync(self) -> None:
        """Bring to disk what was taken since.

        Raises StateUnwritable or StateLocked; none of it is written then, and it is not tried
        again.
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


def read_journal(path: Path) -> tuple[dict[str, Any] | None, list[dict[str, Any]]]:
    """The head and the steps of a journal; (None, []) when there is none.

    A cut-off last line is left out: its step was never promised. Raises StateUnreadable when
    anything before it is damaged, or when a newer version wrote it.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None, []
    except OSError as error:
        raise StateUnreadable(
            f"The journal can't be read: {error.strerror}.", where=str(path)
        ) from error
    entries = list(_entries(data, path))
    if not entries:
        return None, []
    head, *steps = entries
    if steps and _FORMAT in steps[0]:
        check_format(steps.pop(0)[_FORMAT], what="journal", where=str(path))
    return head, steps


def unwritable(path: Path, error: OSError) -> StateUnwritable:
    """The error for a state file, or one beside it, that can't be written."""
    return StateUnwritable(
        f"The state can't be written: {error.strerror or error}.",
        where=str(path),
        hint="Make room or give the right to write there; what was recorded before is kept.",
    )


def _line(entry: dict[str, Json]) -> bytes:
    body = _ENCODER.encode(entry).encode()
    return b"%08x %s\n" % (zlib.crc32(body), body)


def _entries(data: bytes, path: Path) -> Iterator[dict[str, Any]]:
    *lines, rest = data.split(b"\n")
    for number, line in enumerate(lines, 1):
        checksum, _, body = line.partition(b" ")
        if checksum != b"%08x" % zlib.crc32(body):
            if number == len(lines) and not rest:
                return
            raise _damaged(number, path)
        yield _step(body, number, path)


def _step(body: bytes, number: int, path: Path) -> dict[str, Any]:
    """What a sound line says. Raises StateUnreadable where that is no step."""
    try:
        entry = values.read_json(body)
    except (ValueError, RecursionError) as error:
        raise _damaged(number, path) from error
    if not isinstance(entry, dict):
        raise _damaged(number, path)
    return entry


def _damaged(number: int, path: Path) -> StateUnreadable:
    return StateUnreadable(
        f"Line {number} of the journal is damaged.",
        where=str(path),
        hint="Steps are recorded in it that the state file does not hold yet. Mend or "
        "remove that line; then plan, and compare with the live objects.",
    )


def sync_directory(path: Path) -> None:
    """Bring to disk which files are in a folder. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
