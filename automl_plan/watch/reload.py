"""Reopens a workspace when a file of its configuration has changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Self

from automl_plan.config.files import Unreadable, configuration_files
from automl_plan.errors import ConfigurationError
from automl_plan.workspace.workspace import Workspace

_Signature = tuple[tuple[str, int, int, int], ...]


class ReloadingWorkspace:
    """The workspace of a directory, always as its files are now."""

    def __init__(
        self, open_: Callable[[], Workspace], directory: Path, var_files: Sequence[Path]
    ) -> None:
        """Open the workspace. Raises ConfigurationError."""
        self._open = open_
        self._files = (directory, tuple(var_files))
        self._read_signature = self._signature()
        self._workspace = open_()

    def current(self) -> Workspace:
        """Return the workspace. Raises ConfigurationError when the files are invalid now."""
        signature = self._signature()
        if signature != self._read_signature:
            opened = self._open()
            self.close()
            self._workspace, self._read_signature = opened, signature
        return self._workspace

    def close(self) -> None:
        """Close what is open."""
        self._workspace.__exit__(None, None, None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _signature(self) -> _Signature:
        directory, var_files = self._files
        try:
            files = [*configuration_files(directory, var_files), *var_files]
        except Unreadable as error:
            raise ConfigurationError([error.diagnostic]) from error
        found = []
        for path in files:
            try:
                there = path.stat()
            except OSError:
                continue  # loading reports what is wrong with it
            found.append((str(path), there.st_ino, there.st_size, there.st_mtime_ns))
        return tuple(found)
