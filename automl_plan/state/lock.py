"""The lock of a state: held by the operating system, so that a dead process releases it."""

from __future__ import annotations

import fcntl
import getpass
import json
import os
import socket
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from automl_plan.errors import StateLocked
from automl_plan.state.journal import unwritable

_POLL_SECONDS = 0.1
_BRIEF = "watch"
"""The command that holds the lock only while it records and sends."""
_BRIEF_SECONDS = 30.0
"""Seconds to wait for a command that holds the lock briefly."""


class StateLock:
    """An exclusive lock on `<state file>.lock`, whose content says who holds it.

    The lock is held as long as that path is the file that was locked: removing, moving or
    replacing it takes the lock away, though the system goes on to lock the former file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[str] | None = None

    def acquire(self, *, timeout: float, command: str) -> None:
        """Take the lock within `timeout` seconds. Raises StateLocked or StateUnwritable.

        A `watch` that holds it is waited for in any case.
        """
        begun = time.monotonic()
        tries = 0
        while True:
            file = self._opened()
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                tries += 1
                # Who takes it signs a moment later, and who asks for the holder has it a moment:
                # one more try tells.
                brief = tries == 1 or _command(file) == _BRIEF
                patience = max(timeout, _BRIEF_SECONDS if brief else 0.0)
                holder = _holder(file)
                file.close()
                if time.monotonic() < begun + patience:
                    time.sleep(_POLL_SECONDS)
                    continue
                raise StateLocked(
                    f"The state is locked by {holder}.",
                    where=str(self._path),
                    hint="Wait for that run to end, or give --lock-timeout. `automl-plan "
                    "force-unlock` takes the lock from a run that hangs.",
                ) from None
            self._file = file
            if self.held:
                break
            self.release()  # it was taken away while this one was opened: the next file counts
        try:
            self._sign(command)
        except OSError as error:
            self.release()
            raise unwritable(self._path, error) from error

    @property
    def held(self) -> bool:
        """Whether this lock is still held. For any thread, at any time."""
        try:
            return self._is_there()
        except OSError:
            return False

    def check(self) -> None:
        """Raise StateLocked when this lock is not held any more.

        Raise StateUnwritable when that can't be known: its directory is gone, or does not answer.
        """
        try:
            if self._is_there():
                return
        except OSError as error:
            if not isinstance(error, FileNotFoundError) or not self._path.parent.is_dir():
                raise unwritable(self._path, error) from error
        holder = holder_of(self._path)
        raise StateLocked(
            "This run lost the lock of the state"
            + (f", which is now held by {holder}" if holder else "")
            + ". It sends and records nothing more.",
            where=str(self._path),
            hint="`force-unlock` did that, or the file was removed or replaced. What was sent "
            "continues at the service, and the next run finds it there. See `automl-plan plan`.",
        )

    def _is_there(self) -> bool:
        """Return whether the path is the file that is locked. Raises OSError."""
        file = self._file
        if file is None:
            return False
        try:
            ours = os.fstat(file.fileno())
        except ValueError:  # released in between
            return False
        return os.path.samestat(ours, self._path.stat())

    def release(self) -> None:
        """Release the lock."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _opened(self) -> IO[str]:
        try:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise unwritable(self._path, error) from error
        return os.fdopen(descriptor, "r+", encoding="utf-8", errors="replace")

    def _sign(self, command: str) -> None:
        assert self._file is not None  # noqa: S101 (acquire has just set it)
        self._file.seek(0)
        self._file.truncate()
        json.dump(
            {
                "who": f"{_user()}@{socket.gethostname()}",
                "pid": os.getpid(),
                "command": command,
                "since": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            },
            self._file,
        )
        self._file.flush()


def holder_of(path: Path) -> str | None:
    """Return who holds a lock, in words; None when it is free."""
    try:
        with path.open("r+", encoding="utf-8", errors="replace") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return _holder(file)
    except FileNotFoundError:
        return None
    return None


def take_away(path: Path) -> None:
    """Take a lock away from the process that holds it. Raises StateUnwritable."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise unwritable(path, error) from error


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


def _command(file: IO[str]) -> str | None:
    """Return the command that holds the lock, as far as the file says."""
    try:
        file.seek(0)
        note = json.load(file)
    except (ValueError, OSError):
        return None
    return str(note.get("command")) if isinstance(note, dict) else None


def _holder(file: IO[str]) -> str:
    """Return the holder in words; the file may be empty or invalid."""
    try:
        file.seek(0)
        note = json.load(file)
        who, pid, since = note["who"], note["pid"], note["since"]
        command = note["command"] or "automl-plan"
    except (ValueError, KeyError, TypeError, OSError):
        return "another process"
    return f"{who} ({command}, process {pid}, since {since})"
