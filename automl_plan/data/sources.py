"""Reads what a dataset's import CSVs name: files below a directory, objects of Cloud Storage."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from io import BufferedReader
from pathlib import Path

from automl_plan.data.fingerprint import md5_version, short_digest, source_data
from automl_plan.data.import_rows import ImportRow, broken, rows_of, together
from automl_plan.data.locations import (
    RELATIVE,
    local_path,
    object_of,
    open_regular_file,
    os_error_text,
)
from automl_plan.data.row_layout import HINTS, NAMES_COLUMNS, names_columns
from automl_plan.errors import AnswerTooLarge, NotFound, SourceError
from automl_plan.model.source_data import SourceData, SourceRow
from automl_plan.providers.data_access import DataAccess

MAX_CSV_BYTES = 100_000_000
MAX_IMAGE_BYTES = 30_000_000
"""The service takes no larger CSV, and no larger image (proto: InputConfig)."""
_SMALL = 1_000_000
"""Bytes of an import CSV that is kept rather than read again; what is fetched always is."""
_THREADS = 8
_FEW = 16
"""Images that are read one after the other sooner than threads would be started for them."""


Rows = Callable[[], Iterable[SourceRow]]
"""Reads rows, and may be called again."""
TakeRows = Callable[[SourceData, Rows], None]
"""Is given what sources hold, and what reads their rows, before what they name is forgotten."""


class SourceReader:
    """Reads sources: files below a directory, and objects of Cloud Storage."""

    def __init__(self, directory: Path, access: DataAccess) -> None:
        self._directory = directory.resolve()
        self.access = access

    def read(
        self, sources: Sequence[str], *, boxes: bool = False, take: TakeRows | None = None
    ) -> SourceData:
        """The fingerprint and the counts of all sources together. Raises SourceError.

        `boxes`: rows are those of object detection. Rows are read twice, and not kept; once more
        for `take`, as far as it reads them.
        """
        tables = self.tables(sources)
        data, contents = self.data_of(tables, self._hash, boxes=boxes)
        if take is not None:
            take(data, partial(_source_rows, tables, contents))
        return data

    def data_of(
        self, tables: Mapping[str, bytes], local: Callable[[str], str], *, boxes: bool = False
    ) -> tuple[SourceData, dict[str, str]]:
        """What import CSVs hold, and what tells the content of each image. Raises SourceError.

        A content is `md5:` and base64, mostly. `local` tells that of an image that is no object;
        it is called in several threads, and may raise SourceError.
        """
        images = dict.fromkeys(row.image for row in rows_of(tables))
        contents, wrong = self._contents(images, local)
        if wrong:
            placed = _placed(wrong, rows_of(tables))
            is_header = placed[0].hint == HINTS["header-line"]
            raise together(placed, "row" if is_header else "image")
        return source_data(rows_of(tables), contents, boxes=boxes), contents

    def tables(self, sources: Iterable[str]) -> Mapping[str, bytes]:
        """The bytes of import CSVs, by their names. Raises SourceError, also when they are read."""
        return _Tables(sources, self._csv)

    def _csv(self, source: str) -> bytes:
        too_large = SourceError(
            "The file is larger than the 100 MB that the service takes.",
            where=source,
            hint="Split it, and list the parts under sources.",
        )
        if source.startswith("gs://"):
            bucket, name = object_of(source)
            try:
                return self.access.storage.content(bucket, name, MAX_CSV_BYTES)
            except NotFound as error:
                raise SourceError("There is no such object.", where=source) from error
            except AnswerTooLarge as error:
                raise too_large from error
        try:
            with open_regular_file(local_path(self._directory, source, source)) as file:
                data = file.read(MAX_CSV_BYTES + 1)
        except OSError as error:
            raise SourceError(
                f"The import CSV can't be read: {os_error_text(error)}.",
                where=source,
                hint=RELATIVE,
            ) from error
        if len(data) > MAX_CSV_BYTES:
            raise too_large
        return data

    def _contents(
        self, images: Collection[str], local: Callable[[str], str]
    ) -> tuple[dict[str, str], dict[str, SourceError]]:
        """The content of each image, or what is wrong with it."""
        remote = [image for image in images if image.startswith("gs://")]
        others = [image for image in images if not image.startswith("gs://")]
        wrong: dict[str, SourceError] = {}

        def look(image: str) -> str | None:
            try:
                return local(image)
            except SourceError as error:
                wrong[image] = error
                return None

        contents: dict[str, str] = {}
        if not remote and len(others) <= _FEW:
            found = list(map(look, others))
        else:
            with ThreadPoolExecutor(_THREADS, thread_name_prefix="read") as pool:
                contents = self._remote(remote, pool)
                found = list(pool.map(look, others))
        contents.update((i, c) for i, c in zip(others, found, strict=True) if c is not None)
        for image in remote:
            if image not in contents:
                wrong[image] = SourceError(
                    f"There is no object {image}.",
                    hint="Correct the URI, or put the object there.",
                )
        return contents, wrong

    def image(self, image: str) -> bytes:
        """The bytes of an image that is a file. Raises SourceError."""
        with self._reading(image) as file:
            data = file.read(MAX_IMAGE_BYTES + 1)
        if len(data) > MAX_IMAGE_BYTES:
            raise SourceError(f"{image} has more than the 30 MB that are taken.")
        return data

    def _hash(self, image: str) -> str:
        with self._reading(image) as file:
            md5 = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False))
        return md5_version(md5.digest())

    @contextmanager
    def _reading(self, image: str) -> Iterator[BufferedReader]:
        try:
            with open_regular_file(local_path(self._directory, image, image)) as file:
                yield file
        except OSError as error:
            raise SourceError(f"{image} can't be read: {os_error_text(error)}.") from error

    def _remote(self, images: Sequence[str], pool: ThreadPoolExecutor) -> dict[str, str]:
        """By listing the folders that the images lie in, never by asking for each image."""
        wanted: dict[str, set[str]] = {}
        for image in images:
            wanted.setdefault(image[: image.rindex("/") + 1], set()).add(image)
        contents: dict[str, str] = {}
        for found in pool.map(self._folder, wanted, wanted.values()):
            contents.update(found)
        return contents

    def _folder(self, folder: str, images: set[str]) -> dict[str, str]:
        bucket, _, path = folder.removeprefix("gs://").partition("/")
        found: dict[str, str] = {}
        try:
            for each in self.access.storage.objects(bucket, path):
                uri = f"gs://{bucket}/{each.name}"
                if uri in images:
                    found[uri] = each.version
        except NotFound:
            return {}  # no such bucket: the images that are not found are told
        return found


def _source_rows(tables: Mapping[str, bytes], contents: Mapping[str, str]) -> Iterator[SourceRow]:
    for row in rows_of(tables):
        yield SourceRow(short_digest(contents[row.image]), row.use, row.image, tuple(row.labels))


def _placed(wrong: Mapping[str, SourceError], rows: Iterable[ImportRow]) -> list[SourceError]:
    """What is wrong with images, in the order of the rows, each at the first that names it."""
    placed: dict[str, SourceError] = {}
    source = None
    for row in rows:
        problem = wrong.get(row.image)
        if problem is not None and row.image not in placed:
            problem.where = row.where
            if row.source != source and names_columns(row.fields):
                problem = broken("header-line", NAMES_COLUMNS, row.where)
            placed[row.image] = problem
        source = row.source
    return list(placed.values())


class _Tables(Mapping[str, bytes]):
    """Import CSVs. Large files are read each time they are asked for, and not kept."""

    def __init__(self, sources: Iterable[str], read: Callable[[str], bytes]) -> None:
        self._sources = dict.fromkeys(sources)
        self._read = read
        self._kept: dict[str, bytes] = {}
        self._checksums: dict[str, int] = {}

    def __iter__(self) -> Iterator[str]:
        return iter(self._sources)

    def __len__(self) -> int:
        return len(self._sources)

    def __getitem__(self, source: str) -> bytes:
        if source not in self._sources:
            raise KeyError(source)
        if source in self._kept:
            return self._kept[source]
        data = self._read(source)
        if len(data) <= _SMALL or source.startswith("gs://"):
            self._kept[source] = data
            return data
        checksum = zlib.crc32(data)
        if self._checksums.setdefault(source, checksum) != checksum:
            raise SourceError(
                "The import CSV changed while it was read.",
                where=source,
                hint="Run the command again, when nothing writes to it.",
            )
        return data
