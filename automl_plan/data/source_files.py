"""Opens sources and images: files below a directory, and objects of Cloud Storage."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from fnmatch import fnmatchcase
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO, Self

from automl_plan.data.folders import Folder, read_folder
from automl_plan.data.local_files import (
    RELATIVE,
    local_path,
    open_regular_file,
    os_error_text,
)
from automl_plan.errors import AnswerTooLarge, NotFound, SourceError
from automl_plan.model.source_data import is_folder
from automl_plan.providers.data_access import (
    SCHEME,
    ObjectStorage,
    bucket_and_object,
    is_stored,
    object_uri,
)

MAX_CSV_BYTES = 100_000_000
"""The service takes no larger import file (proto: InputConfig)."""
FORMATS = (".csv", ".jsonl")
"""How the names of import files end."""
_WILDCARD = re.compile(r"[*?\[]")


class SourceFiles:
    """Opens the sources of one directory, which must stay as they are; fetches an object once.

    A context manager: what was fetched is in temporary files until it is closed.
    """

    def __init__(
        self, directory: Path, storage: Callable[[], ObjectStorage], *, anywhere: bool = False
    ) -> None:
        """`anywhere`: a file may be outside of the directory."""
        self._directory = directory.resolve()
        self._storage = storage
        self._anywhere = anywhere
        self._temporary: TemporaryDirectory[str] | None = None
        self._fetched: dict[str, Path] = {}
        self._opened: dict[str, tuple[int, ...]] = {}
        """What was seen of each file when it was first opened."""
        self._expanded: dict[str, tuple[str, ...]] = {}
        self._folders: dict[str, Folder] = {}
        self.contents: dict[str, bytes] = {}
        """The MD5 of images in folders that were opened, by path."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Remove what was fetched."""
        if self._temporary is not None:
            self._temporary.cleanup()
            self._temporary = None
            self._fetched.clear()

    def expand(self, source: str) -> tuple[str, ...]:
        """Return the objects that a source with a wildcard names, and any other source as it is.

        They are listed once. Wildcards are those of Cloud Storage's tools, in the last part of a
        name. Raises SourceError where there is no such object, and ProviderError.
        """
        if not is_stored(source) or not _WILDCARD.search(source):
            return (source,)
        if source not in self._expanded:
            self._expanded[source] = self._matching(source)
        return self._expanded[source]

    def _matching(self, source: str) -> tuple[str, ...]:
        bucket, name = object_of(source)
        head, slash, pattern = name.rpartition("/")
        if _WILDCARD.search(bucket + head) or "**" in pattern:
            raise SourceError(
                "A wildcard can be in the last part of the name only.",
                where=source,
                hint=f"Write {SCHEME}BUCKET/FOLDER/part-*.csv, and list each folder under sources.",
            )
        try:
            listed = [each.name for each in self._storage().objects(bucket, head + slash)]
        except NotFound:
            listed = []
        found = [each for each in listed if fnmatchcase(each[len(head + slash) :], pattern)]
        if name in listed:
            found = [name]  # the object has such a name itself
        if not found:
            raise SourceError(
                "There is no object of such a name.",
                where=source,
                hint="Correct the URI, or put the objects there.",
            )
        return tuple(object_uri(bucket, each) for each in sorted(found))

    def open(self, source: str) -> BinaryIO:
        """Open an import file, or that which a folder means, from its first byte.

        Raises SourceError, also when a file changed since it was opened before, and ProviderError.
        """
        if is_stored(source):
            return self._fetch(source).open("rb")
        if is_folder(source):
            return self._folder(source).open()
        try:
            if self._anywhere:
                file = open_regular_file(self._directory / source)
            else:
                file = open_regular_file(local_path(self._directory, source, source))
        except OSError as error:
            raise unreadable(source, error) from error
        now = os.fstat(file.fileno())
        seen = (now.st_dev, now.st_ino, now.st_size, now.st_mtime_ns, now.st_ctime_ns)
        if self._opened.setdefault(source, seen) != seen:
            file.close()
            raise changed(source)
        return file

    def _folder(self, source: str) -> Folder:
        if source not in self._folders:
            self._folders[source] = read_folder(self._directory, source)
            self.contents |= self._folders[source].contents
        return self._folders[source]

    def _fetch(self, source: str) -> Path:
        if source not in self._fetched:
            bucket, name = object_of(source)
            try:
                content = self._storage().content(bucket, name, MAX_CSV_BYTES)
            except NotFound as error:
                raise SourceError("There is no such object.", where=source) from error
            except AnswerTooLarge as error:
                raise too_large(source) from error
            try:
                if self._temporary is None:
                    self._temporary = TemporaryDirectory()
                path = Path(self._temporary.name, f"{len(self._fetched)}.csv")
                path.write_bytes(content)
            except OSError as error:
                raise SourceError(
                    f"The import file can't be kept: {os_error_text(error)}.", where=source
                ) from error
            self._fetched[source] = path
        return self._fetched[source]


def unreadable(source: str, error: OSError) -> SourceError:
    """Return the error of an import file that can't be read."""
    why = os_error_text(error)
    if "*" in source and isinstance(error, FileNotFoundError):
        why += f"; only names of objects ({SCHEME}) may have wildcards, so list each file"
    return SourceError(f"The import file can't be read: {why}.", where=source, hint=RELATIVE)


def too_large(source: str) -> SourceError:
    """Return the error of an import file that the service does not take."""
    return SourceError(
        "The file is larger than the 100 MB that the service takes.",
        where=source,
        hint="Split it, and list the parts under sources.",
    )


def changed(source: str) -> SourceError:
    """Return the error of an import file that is no longer what it was."""
    return SourceError(
        "The import file changed while it was read.",
        where=source,
        hint="Run the command again, when nothing writes to it.",
    )


def object_of(uri: str) -> tuple[str, str]:
    """Return the bucket and the object of a URI. Raises SourceError."""
    found = bucket_and_object(uri)
    if found is None:
        raise SourceError("It names no object.", where=uri, hint=f"Write {SCHEME}BUCKET/OBJECT.")
    return found
