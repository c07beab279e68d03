"""Manifests: what was imported into each dataset, row by row, kept beside the state.

The service can't be asked for its rows. A manifest is one gzip file of JSON Lines: a header, then
blocks of rows, column by column, with 16 bytes of a digest of each image in base64. A file is named
by the dataset object and the content that it is of, so it is written before an import is sent, and
counts once the state records that content: the state alone says what is true. A state without
manifests is as good; less is known of changes of sources then.
"""

from __future__ import annotations

import contextlib
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice, starmap
from pathlib import Path

import msgspec

from automl_plan.errors import StateUnreadable
from automl_plan.files import Draft
from automl_plan.model.address import Address, ResourceKind
from automl_plan.model.recorded import RecordedResource, Step
from automl_plan.model.source_data import SourceRow
from automl_plan.state.journal import unwritable

FORMAT_VERSION = 1
_SUFFIX = ".jsonl.gz"
_LEVEL = 6
_GZIP = 16 + zlib.MAX_WBITS
"""The format. Of digests and random names `Z_FILTERED` leaves a tenth less: what is the same in
them by chance alone is not worth a reference."""
_BLOCK = 16_384
"""Rows. Columns compress better than rows: digests not at all, names well, sets to nothing."""
_DIGITS = 22
"""Of a digest."""


class Manifests:
    """The manifests of one state, in a folder of their own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def write(self, dataset_id: str, data: str, rows: Iterable[SourceRow]) -> None:
        """Write the rows of a content (a fingerprint); they are on disk when this returns.

        Raises StateUnwritable, and what reading the rows raises; nothing is kept then.
        """
        path = self._path(dataset_id, data)
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            # The draft has one name: a run that lost the lock may still write its own.
            with Draft(path, draft=path.with_name(f"{path.name}.new")) as draft:
                # Without a name or a time in it: equal rows give equal bytes.
                packed = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP, 9, zlib.Z_FILTERED)
                draft.write(packed.compress(_line(_Header(FORMAT_VERSION, dataset_id, data))))
                for block in _blocks(rows):
                    draft.write(packed.compress(_line(block)))
                draft.write(packed.flush())
                draft.keep()
        except OSError as error:
            raise unwritable(path, error) from error

    def has(self, dataset_id: str, data: str) -> bool:
        """Whether the rows of a dataset's content are known."""
        return self._path(dataset_id, data).exists()

    def rows(self, dataset_id: str, data: str) -> Iterator[SourceRow]:
        """Yield the rows of a dataset's content. Raises StateUnreadable."""
        import gzip

        path = self._path(dataset_id, data)
        try:
            with gzip.open(path, "rb") as lines:
                header = msgspec.json.decode(next(lines), type=_Header)
                if header != _Header(FORMAT_VERSION, dataset_id, data):
                    raise StateUnreadable(
                        "The manifest is of another dataset, or of a newer format.",
                        where=str(path),
                        hint=_HINT,
                    )
                for line in lines:
                    yield from _rows(msgspec.json.decode(line, type=_Block))
        except (
            *(OSError, EOFError, zlib.error),
            *(msgspec.MsgspecError, ValueError, StopIteration),
        ) as error:
            raise StateUnreadable(
                f"The manifest can't be read: {error}.", where=str(path), hint=_HINT
            ) from error

    def prune(self, resources: Mapping[Address, RecordedResource]) -> None:
        """Remove the manifests of datasets and contents that are not recorded any more."""
        try:
            there = list(self._folder.iterdir())
        except OSError:
            return  # there are none
        wanted = {self._path(*each) for each in _recorded(resources)}
        for path in there:
            if path not in wanted and path.name.removesuffix(".new").endswith(_SUFFIX):
                with contextlib.suppress(OSError):
                    path.unlink()
        with contextlib.suppress(OSError):
            self._folder.rmdir()  # if it is empty

    def _path(self, dataset_id: str, data: str) -> Path:
        name = re.sub(r"[^A-Za-z0-9._-]", "-", f"{dataset_id}.{data}")
        return self._folder / f"{name}{_SUFFIX}"


_HINT = (
    "Remove the file: what the sources name is compared with the state by counts then. Or bring it "
    "back from version control."
)


class _Header(msgspec.Struct, forbid_unknown_fields=True):
    """The first line: of which content the rows are."""

    format_version: int
    dataset_id: str
    data: str


def _line(content: object) -> bytes:
    return msgspec.json.encode(content) + b"\n"


class _Block(msgspec.Struct):
    contents: str
    """All digests, one after the other."""
    sets: list[str]
    images: list[str]
    labels: list[tuple[str, ...]]


def _blocks(rows: Iterable[SourceRow]) -> Iterator[_Block]:
    rows = iter(rows)
    while block := list(islice(rows, _BLOCK)):
        yield _Block(
            "".join(row.content for row in block),
            [row.use for row in block],
            [row.image for row in block],
            [row.labels for row in block],
        )


def _rows(block: _Block) -> Iterator[SourceRow]:
    digests = block.contents
    contents = (digests[at : at + _DIGITS] for at in range(0, len(digests), _DIGITS))
    columns = zip(contents, block.sets, block.images, block.labels, strict=True)
    return starmap(SourceRow, columns)


def _recorded(resources: Mapping[Address, RecordedResource]) -> Iterator[tuple[str, str]]:
    """Yield the ids and contents of datasets, with those of open imports."""
    for address, record in resources.items():
        if address.kind is not ResourceKind.DATASET:
            continue
        held = [(obj.id, obj.attributes.get("data")) for obj in record.objects]
        held += [
            (operation.object_id or "", operation.attributes.get("data"))
            for operation in record.operations
            if operation.step is Step.IMPORT_DATA
        ]
        yield from ((object_id, data) for object_id, data in held if isinstance(data, str))
