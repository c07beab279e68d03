"""Uploads local data to Cloud Storage, the only place that Google's services import from.

What the CSVs name locally is uploaded below the staging bucket's prefix, then CSVs that name the
objects instead. All objects are named by their content: what is there already is found by listing,
an interrupted upload leaves nothing to clean up, and two runs don't disturb each other.
"""

from __future__ import annotations

import base64
import hashlib
import mimetypes
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import PurePosixPath
from threading import Lock

from automl_plan.data.csv_rows import csv_line
from automl_plan.data.fingerprint import md5_version, short_digest
from automl_plan.data.import_rows import ImportRow
from automl_plan.data.local_files import os_error_text
from automl_plan.data.source_files import MAX_CSV_BYTES
from automl_plan.data.sources import SourceReader
from automl_plan.errors import NotFound, ProviderError, SourceError, StagingError
from automl_plan.files import write_whole
from automl_plan.model.source_data import SourceData
from automl_plan.providers.data_access import SCHEME, ObjectStorage, StagingBucket, is_stored

_EXTENSION = re.compile(r"\.[a-z0-9]{1,8}")
CONVERTED = ".automl-plan/imports"
"""Below the directory of a configuration, where import files of other formats become CSVs."""
_PART = MAX_CSV_BYTES // 2
"""Bytes of one CSV: it grows, as URIs are longer than paths."""


_STAGED = re.compile(rf"{SCHEME}.+/images/([0-9a-f]{{32}})(?:\.[a-z0-9]{{1,8}})?")


def staged_content(uri: str) -> str | None:
    """Return the digest of the image that such an object holds, as manifests have it."""
    match = _STAGED.fullmatch(uri)
    return None if match is None else short_digest(md5_version(bytes.fromhex(match[1])))


def staged_name(content: str) -> str:
    """Return the name that staging gives to an image of that digest, without its extension."""
    return base64.b64decode(f"{content}==").hex()


def stage(reader: SourceReader, sources: Sequence[str], data: SourceData) -> Sequence[str]:
    """Upload what the sources name, and return the URIs of import CSVs with the same meaning.

    Where the provider has no staging bucket, the sources are returned as they are, but those of a
    format that it does not import: they become files beside what it keeps. Raises SourceError for
    what can't be read or is no longer `data`, StagingError for what can't be
    uploaded.
    """
    place, sources = reader.access.staging, reader.expanded(sources)
    if place is None:
        return _converted(reader, sources)
    try:
        return _staged(reader, place, sources, data)
    except NotFound as error:
        raise StagingError(
            f"There is no bucket {SCHEME}{place.bucket}.",
            where=place.written,
            hint=place.if_missing,
        ) from error
    except ProviderError as error:
        raise StagingError(
            f"The data can't be uploaded to {SCHEME}{place.bucket}: {error.message}",
            where=error.where,
            hint=error.hint,
        ) from error


def _converted(reader: SourceReader, sources: Sequence[str]) -> Sequence[str]:
    """Return sources that the provider imports, which reads files of this machine."""
    found: list[str] = []
    for source in sources:
        if _is_imported(reader, source):
            found.append(source)
            continue
        for part in parts_of(rewritten(reader.rows([source]), {}, reader.access.set_names), _PART):
            digest = hashlib.md5(part, usedforsecurity=False).hexdigest()
            found.append(f"{CONVERTED}/{digest}.csv")
            path = reader.directory / found[-1]
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                write_whole(path, part)
            except OSError as error:
                message = f"The CSV of {source} can't be written: {os_error_text(error)}."
                raise StagingError(message, where=found[-1]) from error
    return tuple(dict.fromkeys(found))


def _is_imported(reader: SourceReader, source: str) -> bool:
    return source.lower().endswith(tuple(reader.access.formats))


def _staged(
    reader: SourceReader, place: StagingBucket, sources: Sequence[str], data: SourceData
) -> Sequence[str]:
    images = _Folder(reader.access.storage, place, "images")

    def put(image: str) -> str:
        return images.put(reader.image(image), PurePosixPath(image).suffix)

    read, contents = reader.data_of(sources, put)
    if read.fingerprint != data.fingerprint:
        raise SourceError(
            "The data changed while it was uploaded: it is no longer what was planned.",
            where=", ".join(sources),
            hint="Plan again and review the changes. Nothing was imported.",
        )
    uris = {
        image: place.uri(images.names[content])
        for image, content in contents.items()
        if not is_stored(image)
    }
    tables = _Folder(reader.access.storage, place, "imports")
    staged: list[str] = []
    for source in sources:
        own = partial(reader.rows, [source])
        is_there = is_stored(source) and _is_imported(reader, source)
        if is_there and not any(row.image in uris for row in own()):
            staged.append(source)
            continue
        parts = parts_of(rewritten(own(), uris, reader.access.set_names), _PART)
        staged += [place.uri(tables.names[tables.put(p, ".csv")]) for p in parts]
    return list(dict.fromkeys(staged))


def rewritten(
    rows: Iterable[ImportRow], uris: Mapping[str, str], uses: Mapping[str, str] | None = None
) -> Iterator[str]:
    """Yield the lines of a CSV with the same rows, with URIs in place of the images that have one.

    With `uses` they say the sets in these words; a set without one is left out.
    """
    for row in rows:
        start = row.fields[: row.column]
        if uses is not None:
            start = [uses[row.use]] if row.use in uses else []
        image = uris.get(row.image, row.image)
        yield csv_line([*start, image, *row.fields[row.column + 1 :]])


def parts_of(lines: Iterable[str], limit: int) -> Iterator[bytes]:
    """Yield the lines in as few files as possible, of up to `limit` bytes or one line each."""
    part = bytearray()
    for line in lines:
        encoded = line.encode()
        if part and len(part) + len(encoded) > limit:
            yield bytes(part)
            part.clear()
        part += encoded
    if part:
        yield bytes(part)


class _Folder:
    """A folder of objects that are named by their content. Thread-safe."""

    def __init__(self, storage: ObjectStorage, place: StagingBucket, name: str) -> None:
        self._storage = storage
        self._place = place
        self._path = f"{place.prefix}{name}/"
        self._lock = Lock()
        self._there: dict[str, str] | None = None
        self.names: dict[str, str] = {}
        """The name of the object of each content that was uploaded."""

    def put(self, content: bytes, extension: str) -> str:
        """Upload a content unless it exists, and return its version.

        It is named by its MD5, which Cloud Storage lists with each object, so that an object
        which is not what its name says is found. One content may have several extensions: which
        of them is imported does not depend on which came first.
        """
        md5 = hashlib.md5(content, usedforsecurity=False)
        known, extension = md5_version(md5.digest()), extension.lower()
        name = f"{self._path}{md5.hexdigest()}"
        if _EXTENSION.fullmatch(extension):
            name += extension
        with self._lock:
            if self._there is None:
                listed = self._storage.objects(self._place.bucket, self._path)
                self._there = {each.name: each.version for each in listed}
            there = self._there.get(name)
            self._there[name] = known
            self.names[known] = min(name, self.names.get(known, name))
        if there is None:
            kind = mimetypes.types_map.get(extension, "application/octet-stream")
            self._storage.insert(self._place.bucket, name, content, kind)
        elif there.startswith("md5:") and there != known:
            raise StagingError(
                f"{self._place.uri(name)} does not match its name: someone else wrote it.",
                where=self._place.written,
                hint=f"`{self._place.remove} {self._place.uri(name)}`, and apply again.",
            )
        return known
