"""The one way to write a file whole: a draft beside it takes its place, or nothing happens."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Self

_NAME = 50
"""Characters of the file's name in that of its draft: a longer name may be no name."""


class Draft:
    """A new content of a file, open for writing until it is kept or discarded.

    What exists at the draft's own path before is removed. Every method raises OSError.
    """

    def __init__(
        self, path: Path, *, mode: int = 0o600, draft: Path | None = None, durable: bool = True
    ) -> None:
        """`draft` is where the content is written first, in the folder of the file; `durable`:
        whether it is on disk when it is kept, and not only in the system's memory."""
        self._path = path
        self._draft = draft or path.with_name(f".{path.name[:_NAME]}.{os.getpid()}.tmp")
        self._durable = durable
        self._draft.unlink(missing_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        self._file = os.fdopen(os.open(self._draft, flags, mode), "wb")
        self._status = os.fstat(self._file.fileno())
        self._kept = False

    def write(self, content: bytes) -> None:
        """Write what comes next."""
        self._file.write(content)

    def set_mode(self, mode: int) -> None:
        """Set the permissions of the file, whatever the umask is."""
        os.fchmod(self._file.fileno(), mode)

    def keep(self, ready: Callable[[], None] | None = None) -> None:
        """Put the content in the place of the file. `ready` is called when it is complete: where
        that raises, the file stays as it was."""
        self._file.flush()
        if self._durable:
            os.fsync(self._file.fileno())
        self._file.close()
        if ready is not None:
            ready()
        self._draft.replace(self._path)
        self._kept = True
        if self._durable:
            sync_directory(self._path.parent)

    def discard(self) -> None:
        """Remove the draft, unless it was kept or another process put its own there."""
        with contextlib.suppress(OSError):
            self._file.close()
        if not self._kept:
            with contextlib.suppress(OSError):
                if os.path.samestat(self._draft.lstat(), self._status):
                    self._draft.unlink()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.discard()


def write_whole(
    path: Path, parts: bytes | Iterable[bytes], *, mode: int = 0o600, durable: bool = True
) -> None:
    """Write a file: all of it or nothing. Raises OSError, and what making the parts raises."""
    with Draft(path, mode=mode, durable=durable) as draft:
        for part in (parts,) if isinstance(parts, bytes) else parts:
            draft.write(part)
        draft.keep()


def sync_directory(path: Path) -> None:
    """Bring to disk which files are in a folder. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
