"""Reads sources: their rows, and the content of the images that they name."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO, Self

from automl_plan.data.fingerprint import md5_version, short_digest, source_data
from automl_plan.data.folders import FolderRows
from automl_plan.data.import_rows import ImportRow, broken, rows_of, together
from automl_plan.data.local_files import local_path, open_regular_file, os_error_text
from automl_plan.data.row_layout import HINTS
from automl_plan.data.source_files import MAX_CSV_BYTES, SourceFiles, changed, too_large
from automl_plan.errors import NotFound, SourceError
from automl_plan.model.source_data import SourceData, SourceRow
from automl_plan.providers.data_access import (
    SCHEME,
    DataAccess,
    StoredObject,
    is_stored,
    object_uri,
)

MAX_IMAGE_BYTES = 30_000_000
"""The service takes no larger image (proto: InputConfig)."""
_THREADS = 8
_FEW = 16
"""Up to this number, local images are read without threads."""


Rows = Callable[[], Iterable[SourceRow]]
"""Reads rows, and may be called again."""
TakeRows = Callable[[SourceData, Rows], None]
"""Receives what sources contain, and what reads their rows."""


class SourceReader:
    """Reads sources as they are when each is first opened."""

    def __init__(self, directory: Path, access: DataAccess) -> None:
        self.directory = directory.resolve()
        """Of the configuration."""
        self.access = access
        self.files = SourceFiles(directory, lambda: access.storage)
        self.objects: dict[str, StoredObject] = {}
        """By URI, the images in Cloud Storage of all sources that were read: listed once."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Remove what was fetched."""
        self.files.close()

    def read(
        self, sources: Sequence[str], *, boxes: bool = False, take: TakeRows | None = None
    ) -> SourceData:
        """Return the fingerprint and the counts of all sources together. Raises SourceError.

        `boxes`: rows are those of object detection. Rows are read twice, and not kept; once more
        for `take`, as far as it reads them.
        """
        data, contents = self.data_of(sources, self._hash, boxes=boxes)
        if take is not None:
            take(data, partial(self._source_rows, sources, contents))
        return data

    def data_of(
        self, sources: Sequence[str], local: Callable[[str], str], *, boxes: bool = False
    ) -> tuple[SourceData, dict[str, str]]:
        """Return what sources contain, and by image what identifies its content.

        That is `md5:` and base64, mostly. `local` returns it for an image that is no object; it is
        called in several threads, and may raise SourceError. Raises SourceError.
        """
        images = dict.fromkeys(row.image for row in self.rows(sources))
        contents, wrong = self._contents(images, local)
        if wrong:
            placed = _placed(wrong, self.rows(sources))
            is_header = placed[0].hint == HINTS["header-line"]
            raise together(placed, "row" if is_header else "image")
        return source_data(self.rows(sources), contents, boxes=boxes), contents

    def rows(self, sources: Iterable[str]) -> Iterator[ImportRow]:
        """Yield the rows of sources; one that is listed twice is read once. Raises SourceError."""
        return rows_of(self.expanded(sources), self._open)

    def expanded(self, sources: Iterable[str]) -> Sequence[str]:
        """Return sources with the objects that wildcards name, each once. Raises SourceError."""
        named = dict.fromkeys(each for source in sources for each in self.files.expand(source))
        return tuple(named)

    def _open(self, source: str) -> BinaryIO:
        file = self.files.open(source)
        if isinstance(file, FolderRows):
            return file
        if file.seek(0, 2) > MAX_CSV_BYTES:
            file.close()
            raise too_large(source)
        file.seek(0)
        return file

    def _source_rows(
        self, sources: Sequence[str], contents: Mapping[str, str]
    ) -> Iterator[SourceRow]:
        for row in self.rows(sources):
            content = contents.get(row.image)
            if content is None:
                raise changed(row.source)
            yield SourceRow(short_digest(content), row.use, row.image, tuple(row.labels))

    def _contents(
        self, images: Collection[str], local: Callable[[str], str]
    ) -> tuple[dict[str, str], dict[str, SourceError]]:
        """Return the content of each image, or why it can't be read."""
        remote = [image for image in images if is_stored(image)]
        others = [image for image in images if not is_stored(image)]
        wrong: dict[str, SourceError] = {}

        def read(image: str) -> str | None:
            try:
                return local(image)
            except SourceError as error:
                wrong[image] = error
                return None

        if not remote and len(others) <= _FEW:
            found = list(map(read, others))
        else:
            with ThreadPoolExecutor(_THREADS, thread_name_prefix="read") as pool:
                self._list_objects(remote, pool)
                found = list(pool.map(read, others))
        contents = {i: c for i, c in zip(others, found, strict=True) if c is not None}
        for image in remote:
            if image in self.objects:
                contents[image] = self.objects[image].version
            else:
                wrong[image] = SourceError(
                    f"There is no object {image}.",
                    hint="Correct the URI, or put the object there.",
                )
        return contents, wrong

    def image(self, image: str) -> bytes:
        """Return the bytes of an image that is a file. Raises SourceError."""
        with self._reading(image) as file:
            data = file.read(MAX_IMAGE_BYTES + 1)
        if len(data) > MAX_IMAGE_BYTES:
            raise SourceError(f"{image} is larger than the 30 MB that the service takes.")
        return data

    def _hash(self, image: str) -> str:
        if known := self.files.contents.get(image):
            return md5_version(known)
        with self._reading(image) as file:
            md5 = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False))
        return md5_version(md5.digest())

    @contextmanager
    def _reading(self, image: str) -> Iterator[BufferedReader]:
        try:
            with open_regular_file(local_path(self.directory, image, image)) as file:
                yield file
        except OSError as error:
            raise SourceError(f"{image} can't be read: {os_error_text(error)}.") from error

    def _list_objects(self, images: Sequence[str], pool: ThreadPoolExecutor) -> None:
        """List the folders that the images are in, rather than ask for each image."""
        wanted: dict[str, set[str]] = {}
        for image in images:
            if image not in self.objects:
                wanted.setdefault(image[: image.rindex("/") + 1], set()).add(image)
        for found in pool.map(self._folder, wanted, wanted.values()):
            self.objects.update(found)

    def _folder(self, folder: str, images: set[str]) -> dict[str, StoredObject]:
        bucket, _, path = folder.removeprefix(SCHEME).partition("/")
        found: dict[str, StoredObject] = {}
        try:
            for each in self.access.storage.objects(bucket, path):
                uri = object_uri(bucket, each.name)
                if uri in images:
                    found[uri] = each
        except NotFound:
            return {}  # no such bucket: the images are reported as missing
        return found


def _placed(wrong: Mapping[str, SourceError], rows: Iterable[ImportRow]) -> list[SourceError]:
    """Return the errors of images in the order of the rows, each at its first row."""
    placed: dict[str, SourceError] = {}
    for row in rows:
        problem = wrong.get(row.image)
        if problem is not None and row.image not in placed:
            problem.where = row.where
            if row.faults and row.faults[0].rule == "header-line":
                problem = broken(row.faults[0].rule, row.faults[0].message, row.where)
            placed[row.image] = problem
    return list(placed.values())
