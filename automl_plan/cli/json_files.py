"""`--json-into FILE`: what programs read, beside what people read.

A document takes its file's place in one step, when it is whole. Event lines are written one by
one, and each reaches the file at once. Pipes and `/dev/fd/N` are written to as they are.
"""

from __future__ import annotations

import errno
import os
import re
import select
import stat
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from automl_plan.cli.output import json_text, say, write_json_line
from automl_plan.errors import AutomlPlanError, Interrupted, OutputUnwritable, UsageError
from automl_plan.files import Draft

if TYPE_CHECKING:
    from msgspec import Struct

    from automl_plan.model.json import Json

PATIENCE = 10.0
"""Seconds that a run waits for the reader of its events before it continues without it."""
_AT_ONCE = 4096
"""Bytes that a pipe takes without waiting, once it takes any (PIPE_BUF)."""
_DESCRIPTOR = re.compile(r"/(?:dev|proc/self)/fd/([0-9]{1,9})")
_STANDARD = {"/dev/stdout": 1, "/dev/stderr": 2}


def check_apart(json_into: Path | None, plan_file: Path | None, flag: str) -> None:
    """Raise UsageError if the JSON would overwrite the plan file."""
    if json_into is None or plan_file is None or json_into.resolve() != plan_file.resolve():
        return
    raise UsageError(f"{flag} and --json-into name the same file.")


class DocumentFile:
    """A file for one JSON document, or for the error that there is instead.

    Enter it before the work begins: it fails then if the file can't be written.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._descriptor: int | None = None
        """Of a stream."""
        self._draft: Draft | None = None
        """Of a file."""

    @property
    def wanted(self) -> bool:
        """Whether --json-into was given."""
        return self._path is not None

    def __enter__(self) -> Self:
        if self._path is None:
            return self
        try:
            if _is_stream(self._path):
                self._descriptor = _opened(self._path)
                return self
            # A link is followed: what it names is replaced, not the link.
            final = Path(os.path.realpath(self._path))
            if final.is_dir():
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
            self._draft = Draft(final, mode=0o666, durable=False)
        except OSError as error:
            raise _unwritable(self._path, error) from error
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            reported = None if error is None else _reported(error)
            if reported is not None:
                self._write_error(reported)
        finally:
            self._discard()

    def write(self, document: Struct | Mapping[str, Json]) -> None:
        """Write the document, once. Raises OutputUnwritable."""
        data = json_text(document, indent=2).encode()
        descriptor, self._descriptor = self._descriptor, None
        draft, self._draft = self._draft, None
        try:
            if descriptor is not None:
                with os.fdopen(descriptor, "wb") as file:
                    file.write(data)
            elif draft is not None:
                with draft:
                    draft.write(data)
                    draft.keep()
        except OSError as error:
            assert self._path is not None  # noqa: S101 (something was opened)
            raise _unwritable(self._path, error) from error

    def _write_error(self, error: AutomlPlanError) -> None:
        from automl_plan.output.documents.commands import Error

        try:
            self.write(Error.of(error))
        except OutputUnwritable as unwritable:
            say(f"Warning: {unwritable.message}\n")  # the error itself is reported

    def _discard(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
        if self._draft is not None:
            self._draft.discard()
            self._draft = None


class EventLines:
    """What a run reports to programs, line by line: version, events, result, error.

    To standard output with --json, to the file of --json-into, both or neither. A file that
    can't be written is an error at the start, and only a warning once the run has begun.
    """

    def __init__(
        self,
        command: str,
        *,
        as_json: bool,
        into: Path | None = None,
        patience: float = PATIENCE,
    ) -> None:
        self.as_json = as_json
        """Whether standard output is for programs."""
        self._command = command
        self._path = into
        self._patience = patience
        self._descriptor: int | None = None

    def __enter__(self) -> Self:
        if self._path is None and not self.as_json:
            return self
        from automl_plan.output.documents.events import RunVersion

        version = RunVersion.filled(command=self._command)
        if self._path is not None:
            try:
                self._descriptor = _opened(self._path)
                self._put(_line(version))
            except OSError as error:
                self._close()
                raise _unwritable(self._path, error) from error
        if self.as_json:
            write_json_line(version)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        reported = None if error is None or self._descriptor is None else _reported(error)
        if reported is not None:
            from automl_plan.output.documents.commands import Error

            self.into_file(Error.of(reported))  # main reports it on standard output
        self._close()

    @property
    def wanted(self) -> bool:
        """Whether anything is written."""
        return self.as_json or self._descriptor is not None

    def __call__(self, document: Struct | Mapping[str, Json]) -> None:
        """Write one line to standard output and the file, as requested."""
        if self.as_json:
            write_json_line(document)
        self.into_file(document)

    def into_file(self, document: Struct | Mapping[str, Json]) -> None:
        """Write one line into the file only."""
        if self._descriptor is None:
            return
        try:
            self._put(_line(document))
        except OSError as error:
            self._close()
            reason = error.strerror or "it is not being read"
            say(f"Warning: {self._path} can't be written: {reason}. The run continues.\n")

    def _put(self, data: bytes) -> None:
        """Write all of it; wait for a reader that has stopped reading, but not forever."""
        assert self._descriptor is not None  # noqa: S101 (the callers check)
        poll = select.poll()
        poll.register(self._descriptor, select.POLLOUT)
        while data:
            if not poll.poll(self._patience * 1000):
                raise TimeoutError(None, "it is not being read")
            data = data[os.write(self._descriptor, data[:_AT_ONCE]) :]

    def _close(self) -> None:
        if self._descriptor is not None:
            descriptor, self._descriptor = self._descriptor, None
            os.close(descriptor)


def _line(document: Struct | Mapping[str, Json]) -> bytes:
    return json_text(document).encode()


def _reported(error: BaseException) -> AutomlPlanError | None:
    """Return the error as it is reported; None for an exit code or a bug."""
    if isinstance(error, KeyboardInterrupt):
        return Interrupted("Interrupted.")
    return error if isinstance(error, AutomlPlanError) else None


def _is_stream(path: Path) -> bool:
    """Return whether a path can't be replaced: a pipe, a device, a descriptor."""
    if str(path) in _STANDARD or _DESCRIPTOR.fullmatch(str(path)):
        return True
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def _opened(path: Path) -> int:
    """Open a file to write from its start; an open descriptor continues where it is."""
    match = _DESCRIPTOR.fullmatch(str(path))
    number = int(match[1]) if match else _STANDARD.get(str(path))
    if number is not None:
        return os.dup(number)
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o666)


def _unwritable(path: Path, error: OSError) -> OutputUnwritable:
    return OutputUnwritable(
        f"{path} can't be written: {error.strerror}.", hint="Pass another file to --json-into."
    )
