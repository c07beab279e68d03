"""Fingerprints what a dataset's import CSVs hold.

Equal data gives an equal fingerprint: the names of files and the order of rows don't matter,
every image's bytes, set and labels do. Rows are those of the proto comment on InputConfig:
`ML_USE,PATH,LABEL…`, or `ML_USE,PATH,LABEL,x,y,x,y,…` for boxes; ML_USE may be left out.
"""

from __future__ import annotations

import base64
import csv
import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from io import BufferedReader, StringIO
from pathlib import Path

from automl_plan.errors import NotFound, SourceError
from automl_plan.providers.places import (
    RELATIVE,
    in_storage,
    local_path,
    object_of,
    opened,
    reason,
)
from automl_plan.providers.storage import Storage
from automl_plan.providers.transport import AnswerTooLarge
from automl_plan.resources.data_counts import DataCounts, label_counts
from automl_plan.resources.live import SourceData

FORMAT = "v1"
_DIGITS = 60
"""Hex digits of a SHA-256 that are kept: with the format before them they fit in a label."""
MAX_CSV_BYTES = 100_000_000
MAX_IMAGE_BYTES = 30_000_000
"""The service takes no larger CSV, and no larger image (proto: InputConfig)."""
MAX_SHOWN = 5
_SETS = {
    "": "UNASSIGNED",
    "UNASSIGNED": "UNASSIGNED",
    "TRAIN": "TRAIN",
    "TRAINING": "TRAIN",
    "VALIDATE": "VALIDATION",
    "VALIDATION": "VALIDATION",
    "TEST": "TEST",
}
"""ML_USE in all its spellings: the proto writes VALIDATE, other pages of Google's TRAINING, and
those of Vertex AI lower case, too."""
_THREADS = 8
_FEW = 16
"""Images that are read one after the other sooner than threads would be started for them."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row of an import CSV: its fields as they are, and which of them names the image."""

    where: str
    fields: tuple[str, ...]
    column: int

    @property
    def use(self) -> str:
        """The set that the image is in, in one spelling."""
        return _SETS[self.fields[0].upper()] if self.column else "UNASSIGNED"

    @property
    def image(self) -> str:
        """Where the image is: `gs://…`, or a path."""
        return self.fields[self.column]

    @property
    def labels(self) -> tuple[str, ...]:
        """Labels, or a label and a box; without empty fields at the end."""
        end = len(self.fields)
        while end > self.column + 1 and not self.fields[end - 1]:
            end -= 1
        return self.fields[self.column + 1 : end]


class SourceReader:
    """Reads sources: files below a directory, and objects of Cloud Storage."""

    def __init__(self, directory: Path, storage: Storage) -> None:
        self._directory = directory.resolve()
        self.storage = storage
        """Where the objects lie."""

    def close(self) -> None:
        """Close connections."""
        self.storage.close()

    def read(self, sources: Sequence[str], *, boxes: bool = False) -> SourceData:
        """The fingerprint and the counts of all sources together. Raises SourceError.

        `boxes`: rows are those of object detection.
        """
        rows = [row for found in self.rows(sources).values() for row in found]
        contents = self.contents(rows, self._hash)
        return replace(source_data(rows, contents), counts=counts_of(rows, contents, boxes=boxes))

    def rows(self, sources: Sequence[str]) -> dict[str, list[Row]]:
        """All rows of each source. Raises SourceError."""
        found: dict[str, list[Row]] = {source: [] for source in sources}
        problems: list[SourceError] = []
        for source, rows in found.items():
            for row in self._rows(source):
                if isinstance(row, SourceError):
                    problems.append(row)
                else:
                    rows.append(row)
        if problems:
            raise _together(problems, "row")
        return found

    def _rows(self, source: str) -> Iterator[Row | SourceError]:
        try:
            text = self._csv(source).decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = error.object.count(b"\n", 0, error.start) + 1
            raise SourceError(
                "The import CSV is not UTF-8.",
                where=f"{source}:{line}",
                hint="Save the file as UTF-8.",
            ) from error
        reader = csv.reader(StringIO(text, newline=""))
        try:
            for fields in reader:
                if fields:
                    yield _row(fields, f"{source}:{reader.line_num}")
        except csv.Error as error:
            raise SourceError(
                f"The row can't be read: {error}.", where=f"{source}:{reader.line_num}"
            ) from error

    def _csv(self, source: str) -> bytes:
        too_large = SourceError(
            "The file is larger than the 100 MB that the service takes.",
            where=source,
            hint="Split it, and list the parts under sources.",
        )
        if source.startswith("gs://"):
            bucket, name = object_of(source)
            try:
                return self.storage.content(bucket, name, MAX_CSV_BYTES)
            except NotFound as error:
                raise SourceError("There is no such object.", where=source) from error
            except AnswerTooLarge as error:
                raise too_large from error
        try:
            with opened(local_path(self._directory, source, source)) as file:
                data = file.read(MAX_CSV_BYTES + 1)
        except OSError as error:
            raise SourceError(
                f"The import CSV can't be read: {reason(error)}.", where=source, hint=RELATIVE
            ) from error
        if len(data) > MAX_CSV_BYTES:
            raise too_large
        return data

    def contents(self, rows: Sequence[Row], local: Callable[[str, str], str]) -> dict[str, str]:
        """What tells the content of each image that rows name: `md5:` and base64, mostly.

        `local` tells it of an image that is no object, by its path and the place of its row; it
        is called in several threads. Raises SourceError with all SourceErrors that it raises.
        """
        first: dict[str, Row] = {}
        for row in rows:
            first.setdefault(row.image, row)
        remote = [image for image in first if image.startswith("gs://")]
        others = [image for image in first if not image.startswith("gs://")]

        def look(image: str) -> str | SourceError:
            try:
                return local(image, first[image].where)
            except SourceError as error:
                return error

        contents: dict[str, str | SourceError] = {
            image: SourceError(f"There is no object {image}.", where=first[image].where)
            for image in remote
        }
        if not remote and len(others) <= _FEW:
            contents.update((image, look(image)) for image in others)
        else:
            with ThreadPoolExecutor(_THREADS, thread_name_prefix="read") as pool:
                contents.update(self._remote(remote, pool))
                contents.update(zip(others, pool.map(look, others), strict=True))
        problems = [c for image in first if isinstance(c := contents[image], SourceError)]
        if problems:
            raise _together(problems, "image")
        return {image: c for image, c in contents.items() if isinstance(c, str)}

    def image(self, image: str, where: str) -> bytes:
        """The bytes of an image that is a file. Raises SourceError."""
        with self._reading(image, where) as file:
            data = file.read(MAX_IMAGE_BYTES + 1)
        if len(data) > MAX_IMAGE_BYTES:
            raise SourceError(f"{image} has more than the 30 MB that are taken.", where=where)
        return data

    def _hash(self, image: str, where: str) -> str:
        with self._reading(image, where) as file:
            md5 = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False))
        return told(md5.digest())

    @contextmanager
    def _reading(self, image: str, where: str) -> Iterator[BufferedReader]:
        try:
            with opened(local_path(self._directory, image, where)) as file:
                yield file
        except OSError as error:
            raise SourceError(f"{image} can't be read: {reason(error)}.", where=where) from error

    def _remote(self, images: Iterable[str], pool: ThreadPoolExecutor) -> dict[str, str]:
        """By listing the folders that the images lie in, never by asking for each image."""
        wanted: dict[tuple[str, str], set[str]] = {}
        for image in images:
            bucket, name = object_of(image)
            folder, slash, _ = name.rpartition("/")
            wanted.setdefault((bucket, folder + slash), set()).add(name)
        contents: dict[str, str] = {}
        for found in pool.map(self._folder, wanted, wanted.values()):
            contents.update(found)
        return contents

    def _folder(self, place: tuple[str, str], names: set[str]) -> dict[str, str]:
        bucket, folder = place
        try:
            return {
                f"gs://{bucket}/{each.name}": each.version
                for each in self.storage.objects(bucket, folder)
                if each.name in names
            }
        except NotFound:
            return {}  # no such bucket: the images that are not found are told


def source_data(rows: Iterable[Row], contents: Mapping[str, str]) -> SourceData:
    """The fingerprint and the counts of rows, whose images have these contents."""
    digests: set[bytes] = set()
    labelled: set[str] = set()
    free: set[str] = set()
    images: set[str] = set()
    for row in rows:
        content = contents[row.image]
        images.add(content)
        use, labels = row.use, row.labels
        digests.add(hashlib.sha256("\0".join([use, content, *labels]).encode()).digest())
        if any(labels):
            labelled.add(content)
        if use == "UNASSIGNED":
            free.add(content)
    whole = hashlib.sha256(b"".join(sorted(digests)))
    return SourceData(
        fingerprint=f"{FORMAT}:{whole.hexdigest()[:_DIGITS]}",
        examples=len(images),
        labelled_examples=len(labelled),
        assigned_examples=len(images - free),
    )


def counts_of(rows: Iterable[Row], contents: Mapping[str, str], *, boxes: bool) -> DataCounts:
    """Examples by label and set; what stands several times is counted once."""
    examples: Counter[tuple[str, str]] = Counter()
    seen: set[tuple[str, ...]] = set()
    images: set[str] = set()
    labelled: set[str] = set()
    for row in rows:
        content, labels = contents[row.image], row.labels
        images.add(content)
        for label in labels[:1] if boxes else labels:
            # A box is told from others of its label by where it is.
            key = (content, *labels) if boxes else (content, label)
            if label and key not in seen:
                seen.add(key)
                labelled.add(content)
                examples[row.use, label] += 1
    return DataCounts(
        label_counts((use, label, count) for (use, label), count in examples.items()),
        images=len(images),
        unlabelled=0 if boxes else len(images) - len(labelled),
        boxes=boxes,
    )


def told(md5: bytes) -> str:
    """A content as Cloud Storage tells it: data keeps its fingerprint when it moves there."""
    return f"md5:{base64.b64encode(md5).decode()}"


def _row(fields: list[str], where: str) -> Row | SourceError:
    """ML_USE is optional for classification: then the path comes first."""
    column = 1 if fields[0].upper() in _SETS else 0
    if len(fields) <= column or not fields[column].strip():
        return SourceError("The row names no image.", where=where)
    if any("\0" in field for field in fields):
        return SourceError("The row has a NUL character.", where=where)
    image = fields[column]
    if image.startswith("gs://") and not in_storage(image):
        return SourceError(f"{image} names no object; write gs://BUCKET/OBJECT.", where=where)
    return Row(where, tuple(fields), column)


def _together(problems: Sequence[SourceError], what: str) -> SourceError:
    """One failure that tells the first few."""
    shown = [f"{p.where}: {p.message}" for p in problems[:MAX_SHOWN]]
    if len(problems) > MAX_SHOWN:
        shown.append(f"… and {len(problems) - MAX_SHOWN} more")
    count = len(problems)
    hint = f"A row is ML_USE,PATH,LABEL. {RELATIVE}" if what == "row" else RELATIVE
    return SourceError(
        f"{count} {what}{'s' if count != 1 else ''} can't be read:\n  " + "\n  ".join(shown),
        where=problems[0].where,
        hint=hint,
    )
