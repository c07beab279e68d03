"""The files of a configuration: which there are, and their text."""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Sequence
from pathlib import Path

from automl_plan.config.findings import visible
from automl_plan.errors import Diagnostic
from automl_plan.files import Draft

MAX_BYTES = 10_000_000
_WRITE = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH
_MAX_SOURCE_LINE = 200
_LINE_BREAK = re.compile("\r\n|[\r\n\x85\u2028\u2029]")
_NOT_PRINTABLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufeff\ufffe\uffff]"
)
"""What YAML allows in no file (all but c-printable of YAML 1.2), and byte order marks inside the
text. Written the other way round it takes ten times as long to compile, at every start."""


class Unreadable(Exception):
    """A file can't be used as it is; `diagnostic` says why."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(diagnostic.message)
        self.diagnostic = diagnostic


def shown_name(path: Path, directory: Path) -> str:
    """How messages name a file: relative to the directory where it lies inside."""
    absolute = Path(os.path.abspath(path))  # noqa: PTH100 (resolve() would follow links)
    shown = absolute.relative_to(directory) if absolute.is_relative_to(directory) else absolute
    return visible(os.fsencode(shown.as_posix()).decode("utf-8", "replace"))


def is_configuration_name(name: str) -> bool:
    """Whether a file of this name in a configuration's directory is part of it."""
    return not name.startswith(".") and (
        name in ("automl-plan.yaml", "automl-plan.yml")
        or name.endswith((".automl.yaml", ".automl.yml"))
    )


def configuration_files(directory: Path, var_files: Sequence[Path]) -> list[Path]:
    """`automl-plan.yaml` and the `*.automl.yaml` directly in the directory, by name.

    Also those that end in .yml; no hidden ones, no var-files. Raises Unreadable when the
    directory can't be listed or holds none.
    """
    shown = shown_name(directory, directory / "-")
    try:
        names = sorted(os.listdir(directory))  # noqa: PTH208 (names that are not UTF-8 sort too)
    except OSError as problem:
        message = f"the directory can't be read: {_reason(problem)}"
        raise _unreadable(shown, "directory", message) from problem
    elsewhere = {os.path.realpath(path) for path in var_files}
    found = [
        directory / name
        for name in names
        if is_configuration_name(name) and os.path.realpath(directory / name) not in elsewhere
    ]
    if not found:
        hint = "create one with automl-plan init"
        message = "the directory contains neither automl-plan.yaml nor a *.automl.yaml"
        raise _unreadable(shown, "no-configuration", message, hint)
    return found


def read(path: Path, shown: str) -> str:
    """The text of a file, without its byte order mark. Raises Unreadable."""
    try:
        # A named pipe must not make this wait for a writer.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            kind = os.fstat(descriptor).st_mode
            if not stat.S_ISREG(kind):
                what = "a directory" if stat.S_ISDIR(kind) else "not a regular file"
                hint = "rename it: this name is reserved for configuration files"
                raise _unreadable(shown, "unreadable-file", f"this is {what}", hint)
            data = _up_to(descriptor, MAX_BYTES + 1)
        finally:
            os.close(descriptor)
    except OSError as problem:
        message = f"the file can't be read: {_reason(problem)}"
        raise _unreadable(shown, "unreadable-file", message) from problem
    if len(data) > MAX_BYTES:
        hint = "split the resources into several files"
        raise _unreadable(shown, "file-size", "the file is larger than 10 MB", hint)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        before = data[: problem.start].decode("utf-8-sig", "replace")
        message = f"the byte 0x{data[problem.start]:02x} is not UTF-8"
        raise _at_end_of(before, shown, data, message, "save the file as UTF-8") from problem
    if bad := _NOT_PRINTABLE.search(text):
        message = f"the character U+{ord(bad.group()):04X} is not allowed in a YAML file"
        before = text[: bad.start()]
        raise _at_end_of(before, shown, data, message, "remove it, or write it as an escape")
    return text


def replace(path: Path, text: str, shown: str) -> None:
    """Put a text in the place of a file's own, all or nothing; what a link points to is meant.

    The file keeps its mode. Raises Unreadable when it can't be written.
    """
    target = os.path.realpath(path)
    try:
        mode = stat.S_IMODE(os.stat(target).st_mode)  # noqa: PTH116 (a name, not a Path)
        # Renaming over it would not ask; nor is root ever refused.
        if not mode & _WRITE or not os.access(target, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        with Draft(Path(target)) as draft:
            draft.set_mode(mode)
            draft.write(text.encode())
            draft.keep()
    except OSError as problem:
        message = f"the file can't be written: {_reason(problem)}"
        raise _unreadable(shown, "unwritable-file", message) from problem


def lines_of(text: str) -> list[str]:
    """The lines of a text, divided where YAML divides them."""
    return _LINE_BREAK.split(text)


def shortened_line(text: str) -> str:
    """The first line of a text, in characters that print, not longer than it can be read."""
    line = _LINE_BREAK.split(text[: _MAX_SOURCE_LINE + 1], maxsplit=1)[0]
    return visible(line if len(line) <= _MAX_SOURCE_LINE else line[: _MAX_SOURCE_LINE - 1] + "…")


def _up_to(descriptor: int, size: int) -> bytes:
    parts = []
    while size > 0 and (part := os.read(descriptor, size)):
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _unreadable(shown: str, rule: str, message: str, hint: str | None = None) -> Unreadable:
    return Unreadable(Diagnostic(shown, 0, 0, rule, message, hint))


def _at_end_of(before: str, shown: str, data: bytes, message: str, hint: str) -> Unreadable:
    lines = lines_of(before)
    source = shortened_line(lines[-1] + data.decode("utf-8-sig", "replace")[len(before) :])
    place = (len(lines), len(lines[-1]) + 1)
    return Unreadable(Diagnostic(shown, *place, "encoding", message, hint, source))


def _reason(problem: OSError) -> str:
    if problem.errno == errno.ELOOP:
        return "its symbolic links form a loop"
    return (problem.strerror or str(problem)).lower()
