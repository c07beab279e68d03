"""Fingerprints what a dataset's import CSVs hold.

Equal data gives an equal fingerprint: the names of files and the order of rows don't matter,
every image's bytes, set and labels do. Rows are those of the proto comment on InputConfig:
`ML_USE,PATH,LABEL…`, or `ML_USE,PATH,LABEL,x,y,x,y,…` for boxes; ML_USE may be left out.
"""

from __future__ import annotations

import base64
import csv
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from io import StringIO
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
from automl_plan.resources.live import SourceData

FORMAT = "v1"
_DIGITS = 60
"""Hex digits of a SHA-256 that are kept: with the format before them they fit in a label."""
MAX_CSV_BYTES = 100_000_000
"""The service takes no larger CSV (proto: InputConfig)."""
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


@dataclass(frozen=True, slots=True)
class _Row:
    where: str
    use: str
    image: str
    labels: tuple[str, ...]


class SourceReader:
    """Reads sources: files below a directory, and objects of Cloud Storage."""

    def __init__(self, directory: Path, storage: Storage) -> None:
        self._directory = directory.resolve()
        self.storage = storage
        """Where the objects lie."""

    def close(self) -> None:
        """Close connections."""
        self.storage.close()

    def read(self, sources: Sequence[str]) -> SourceData:
        """The fingerprint and the counts of all sources together. Raises SourceError."""
        rows: list[_Row] = []
        problems: list[SourceError] = []
        for source in sources:
            for row in self._rows(source):
                if isinstance(row, SourceError):
                    problems.append(row)
                else:
                    rows.append(row)
        if problems:
            raise _together(problems, "row")
        contents = self._contents(rows)
        digests: set[bytes] = set()
        labelled: set[str] = set()
        free: set[str] = set()
        for row in rows:
            content = contents[row.image]
            fields = [row.use, content, *row.labels]
            digests.add(hashlib.sha256("\0".join(fields).encode()).digest())
            if any(row.labels):
                labelled.add(content)
            if row.use == "UNASSIGNED":
                free.add(content)
        images = set(contents.values())
        whole = hashlib.sha256(b"".join(sorted(digests)))
        return SourceData(
            fingerprint=f"{FORMAT}:{whole.hexdigest()[:_DIGITS]}",
            examples=len(images),
            labelled_examples=len(labelled),
            assigned_examples=len(images - free),
        )

    def _rows(self, source: str) -> Iterator[_Row | SourceError]:
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

    def _contents(self, rows: Sequence[_Row]) -> dict[str, str]:
        """What tells the content of each image that rows name: `md5:` and base64, mostly."""
        first: dict[str, _Row] = {}
        for row in rows:
            first.setdefault(row.image, row)
        remote = [image for image in first if image.startswith("gs://")]
        local = [image for image in first if not image.startswith("gs://")]
        with ThreadPoolExecutor(_THREADS, thread_name_prefix="read") as pool:
            contents: dict[str, str | SourceError] = {
                image: SourceError(f"There is no object {image}.", where=first[image].where)
                for image in remote
            }
            contents.update(self._remote(remote, pool))
            read = pool.map(lambda image: self._hash(image, first[image].where), local)
            contents.update(zip(local, read, strict=True))
        problems = [c for image in first if isinstance(c := contents[image], SourceError)]
        if problems:
            raise _together(problems, "image")
        return {image: c for image, c in contents.items() if isinstance(c, str)}

    def _hash(self, image: str, where: str) -> str | SourceError:
        try:
            with opened(local_path(self._directory, image, where)) as file:
                digest = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False))
        except OSError as error:
            return SourceError(f"{image} can't be read: {reason(error)}.", where=where)
        except SourceError as error:
            return error
        # As Cloud Storage gives it, so that data keeps its fingerprint when it moves there.
        return f"md5:{base64.b64encode(digest.digest()).decode()}"

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


def _row(fields: list[str], where: str) -> _Row | SourceError:
    """ML_USE is optional for classification: then the path comes first."""
    use, rest = (fields[0].upper(), fields[1:]) if fields[0].upper() in _SETS else ("", fields)
    if not rest or not rest[0].strip():
        return SourceError("The row names no image.", where=where)
    if any("\0" in field for field in fields):
        return SourceError("The row has a NUL character.", where=where)
    if rest[0].startswith("gs://") and not in_storage(rest[0]):
        return SourceError(f"{rest[0]} names no object; write gs://BUCKET/OBJECT.", where=where)
    labels = rest[1:]
    while labels and not labels[-1]:
        labels.pop()
    return _Row(where, _SETS[use], rest[0], tuple(labels))


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
