"""Opens import CSVs: files, and objects of Cloud Storage, which are fetched once."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import BinaryIO, Self

from automl_plan.data.locations import (
    RELATIVE,
    local_path,
    object_of,
    open_regular_file,
    os_error_text,
)
from automl_plan.errors import AnswerTooLarge, NotFound, ProviderError, SourceError
from automl_plan.providers.data_access import ObjectStorage

MAX_FETCHED = 100_000_000
"""Bytes: the service takes no larger CSV, so that none is fetched."""


class SourceOpener:
    """Opens the sources of one directory. A context manager: it keeps what it has fetched."""

    def __init__(
        self, directory: Path, storage: Callable[[], ObjectStorage], *, anywhere: bool = False
    ) -> None:
        """`anywhere`: a file need not lie below the directory."""
        self._directory = directory.resolve()
        self._storage = storage
        self._anywhere = anywhere
        self._stack = ExitStack()
        self._fetched: dict[str, Path] = {}
        self._folder = Path()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stack.close()

    def __call__(self, source: str) -> BinaryIO:
        """A source's bytes, from the first. Raises SourceError, ProviderError."""
        if source.startswith("gs://"):
            return self._fetch(source).open("rb")
        try:
            if self._anywhere:
                return open_regular_file(self._directory / source)
            return open_regular_file(local_path(self._directory, source, source))
        except OSError as error:
            raise SourceError(
                f"it can't be read: {os_error_text(error)}", where=source, hint=RELATIVE
            ) from error

    def _fetch(self, source: str) -> Path:
        if source not in self._fetched:
            bucket, name = object_of(source)
            if not self._fetched:
                self._folder = Path(self._stack.enter_context(TemporaryDirectory()))
            path = self._folder / f"{len(self._fetched)}.csv"
            try:
                path.write_bytes(self._storage().content(bucket, name, MAX_FETCHED))
            except NotFound as error:
                raise SourceError("there is no such object", where=source) from error
            except AnswerTooLarge as error:
                message = "the object is larger than the 100 MB that the service takes"
                raise SourceError(message, where=source) from error
            except ProviderError as error:
                raise SourceError(error.message, where=source) from error
            except OSError as error:
                raise SourceError(
                    f"it can't be kept: {os_error_text(error)}", where=source
                ) from error
            self._fetched[source] = path
        return self._fetched[source]
