"""Fingerprints what a dataset's import CSVs hold.

Equal data gives an equal fingerprint: the names of files and the order of rows don't matter,
every image's bytes, set and labels do. Rows are those of the proto comment on InputConfig:
`ML_USE,PATH,LABEL…`, or `ML_USE,PATH,LABEL,x,y,x,y,…` for boxes; ML_USE may be left out.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from automl_plan.errors import NotFound, SourceError
from automl_plan.providers.storage import Storage
from automl_plan.resources.live import SourceData

FORMAT = "v1"
MAX_CSV_BYTES = 100_000_000
"""The service takes no larger CSV (proto: InputConfig)."""
MAX_SHOWN = 5
_SETS = frozenset({"", "TRAIN", "TRAINING", "VALIDATE", "VALIDATION", "TEST", "UNASSIGNED"})
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
        self._storage = storage

    def close(self) -> None:
        """Close connections."""
        self._storage.close()

    def read(self, sources: Sequence[str]) -> SourceData:
        """The fingerprint and the counts of all sources together. Raises SourceError."""
        rows = [row for source in sources for row in self._rows(source)]
        contents = self._contents(rows)
        digests: set[bytes] = set()
        labelled: set[str] = set()
        for row in rows:
            content = contents[row.image]
            fields = [row.use, content, *row.labels]
            digests.add(hashlib.sha256("\0".join(fields).encode()).digest())
            if any(row.labels):
                labelled.add(content)
        whole = hashlib.sha256(b"".join(sorted(digests)))
        return SourceData(
            fingerprint=f"{FORMAT}:{whole.hexdigest()}",
            examples=len(set(contents.values())),
            labelled_examples=len(labelled),
        )

    def _rows(self, source: str) -> Iterator[_Row]:
        try:
            text = self._csv(source).decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise SourceError(
                f"{source} is not UTF-8 (byte {error.start}).",
                where=source,
                hint="Save the file as UTF-8.",
            ) from error
        reader = csv.reader(io.StringIO(text, newline=""))
        try:
            for fields in reader:
                if fields:
                    yield _row(fields, f"{source}:{reader.line_num}")
        except csv.Error as error:
            raise SourceError(f"{error}", where=f"{source}:{reader.line_num}") from error

    def _csv(self, source: str) -> bytes:
        if source.startswith("gs://"):
            bucket, name = _object(source)
            try:
                data = self._storage.content(bucket, name)
            except NotFound as error:
                raise SourceError("There is no such object.", where=source) from error
        else:
            path = self._local(source, source)
            try:
                data = path.read_bytes()
            except OSError as error:
                raise SourceError(
                    f"The import CSV can't be read: {error.strerror}.",
                    where=source,
                    hint="Sources are relative to the directory of the configuration.",
                ) from error
        if len(data) > MAX_CSV_BYTES:
            raise SourceError(
                "The file is larger than the 100 MB that the service takes.",
                where=source,
                hint="Split it, and list the parts under sources.",
            )
        return data

    def _contents(self, rows: Sequence[_Row]) -> dict[str, str]:
        """What tells the content of each image that rows name: `md5:` and base64, mostly."""
        first = {row.image: row for row in reversed(rows)}
        remote = [image for image in first if image.startswith("gs://")]
        contents = self._remote(remote)
        local = [image for image in first if not image.startswith("gs://")]
        problems: list[SourceError] = []
        with ThreadPoolExecutor(_THREADS, thread_name_prefix="read") as pool:
            read = pool.map(lambda image: self._hash(image, first[image].where), local)
            for image, content in zip(local, read, strict=True):
                if isinstance(content, SourceError):
                    problems.append(content)
                else:
                    contents[image] = content
        problems += [
            SourceError(f"there is no object {image}", where=first[image].where)
            for image in remote
            if image not in contents
        ]
        if problems:
            raise _together(problems)
        return contents

    def _hash(self, image: str, where: str) -> str | SourceError:
        try:
            with self._local(image, where).open("rb") as file:
                digest = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False))
        except OSError as error:
            return SourceError(f"{image}: {error.strerror}", where=where)
        except SourceError as error:
            return error
        # As Cloud Storage gives it, so that data keeps its fingerprint when it moves there.
        return f"md5:{base64.b64encode(digest.digest()).decode()}"

    def _remote(self, images: Sequence[str]) -> dict[str, str]:
        """By listing the folders that the images lie in, never by asking for each image."""
        wanted: dict[tuple[str, str], set[str]] = {}
        for image in images:
            bucket, name = _object(image)
            folder = name.rpartition("/")[0]
            prefix = f"{folder}/" if folder else ""
            wanted.setdefault((bucket, prefix), set()).add(name)
        contents: dict[str, str] = {}
        for (bucket, prefix), names in sorted(wanted.items()):
            for name, version in self._storage.versions(bucket, prefix):
                if name in names:
                    contents[f"gs://{bucket}/{name}"] = version
        return contents

    def _local(self, relative: str, where: str) -> Path:
        """A file below the directory, also when symbolic links are followed."""
        try:
            path = Path(os.path.realpath(self._directory / relative))
        except (OSError, ValueError) as error:
            raise SourceError(f"{relative!r} is no path.", where=where) from error
        if Path(relative).is_absolute() or not path.is_relative_to(self._directory):
            raise SourceError(
                f"{relative} leads out of the configuration's directory.",
                where=where,
                hint="Keep the data below that directory, or in Cloud Storage (gs://).",
            )
        return path


def _row(fields: list[str], where: str) -> _Row:
    """ML_USE is optional for classification: then the path comes first."""
    use, rest = (fields[0], fields[1:]) if fields[0] in _SETS else ("", fields)
    if not rest or not rest[0].strip():
        raise SourceError(
            "The row names no image.",
            where=where,
            hint="A row is ML_USE,PATH,LABEL.",
        )
    labels = rest[1:]
    while labels and not labels[-1]:
        labels.pop()
    return _Row(where, use or "UNASSIGNED", rest[0], tuple(labels))


def _object(uri: str) -> tuple[str, str]:
    bucket, _, name = uri.removeprefix("gs://").partition("/")
    if not bucket or not name:
        raise SourceError(f"{uri} names no object.", hint="Write gs://BUCKET/OBJECT.")
    return bucket, name


def _together(problems: Sequence[SourceError]) -> SourceError:
    shown = [f"{p.where}: {p.message}" for p in problems[:MAX_SHOWN]]
    if len(problems) > MAX_SHOWN:
        shown.append(f"… and {len(problems) - MAX_SHOWN} more")
    count = len(problems)
    return SourceError(
        f"{count} image{'s' if count != 1 else ''} can't be read:\n  " + "\n  ".join(shown),
        hint="Paths in a CSV are relative to the directory of the configuration.",
    )
