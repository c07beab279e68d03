"""Read import files, and merge their examples into a dataset."""

from __future__ import annotations

import csv
import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from automl_plan.emulator.training.import_rows import Row, RowReader, RowRefused
from automl_plan.emulator.training.types import Box, Example

MAX_CSV_BYTES = 100_000_000
MAX_IMAGE_BYTES = 30_000_000
MAX_BOXES = 500
"""Per image. All three from io.proto, InputConfig."""


class ImportFailed(Exception):
    """Raised by `read_file` when nothing can be imported, by `resolve` for a URI without a file."""


class Imported(Struct, frozen=True):
    """The examples of a file, one per image, and the texts of the rows that were left out."""

    examples: tuple[Example, ...]
    failures: tuple[str, ...]


def read_file(uri: str, reader: RowReader, resolve: Callable[[str], Path]) -> Imported:
    """Read one import file; images of equal content are one example with all their labels.

    The first row of an image sets its path and its set (the service's choice is undefined). A
    failure is the text `<uri> line <n>: <reason>`. Raises ImportFailed when the file can't be
    read, or when more than half of its rows are bad: then nothing is imported.
    """
    if not uri.lower().endswith(reader.rules.formats):
        endings = " or ".join(reader.rules.formats)
        raise ImportFailed(f"{uri}: The name of an import file ends in {endings}.")
    path = resolve(uri)
    examples = _Examples(multilabel=reader.multilabel, resolve=resolve)
    failures: list[str] = []
    rows = bad = 0
    lines = _json_rows if uri.lower().endswith(".jsonl") else _csv_rows
    for line, row in lines(uri, path, reader):
        rows += 1
        try:
            examples.add(row())
        except _NothingNew as error:  # reported like a bad row, but not counted as one
            failures.append(f"{uri} line {line}: {error}")
        except (RowRefused, ImportFailed) as error:
            bad += 1
            failures.append(f"{uri} line {line}: {error}")
    if rows == 0:
        raise ImportFailed(f"{uri}: The file names no images.")
    if bad * 2 > rows:
        raise ImportFailed(
            f"ImportData stopped due to too many errors. {bad} of {rows} rows are bad; "
            f"the first: {failures[0]}"
        )
    return Imported(examples.examples, tuple(failures))


class _NothingNew(RowRefused):
    """Raised for labels and boxes that the image has already."""

    def __init__(self) -> None:
        super().__init__("The label is already a ground truth.")


def _add(old: Example, labels: Sequence[str], boxes: Sequence[Box], *, multilabel: bool) -> Example:
    """The example with labels and boxes added. Raises _NothingNew or RowRefused.

    Without `multilabel`, an image that has a label can't get another one.
    """
    new_labels = tuple(label for label in labels if label not in old.labels)
    new_boxes = tuple(box for box in boxes if box not in old.boxes)
    if (labels or boxes) and not (new_labels or new_boxes):
        raise _NothingNew
    if new_labels and old.labels and not multilabel:
        raise RowRefused(f"The image already has the label {old.labels[0]}.")
    return replace(old, labels=old.labels + new_labels, boxes=old.boxes + new_boxes)


class _Examples:
    """The examples of a file so far, by content."""

    def __init__(self, *, multilabel: bool, resolve: Callable[[str], Path]) -> None:
        self._multilabel = multilabel
        self._resolve = resolve
        self._files: dict[str, tuple[Path, str]] = {}
        self._by_content: dict[str, Example] = {}

    @property
    def examples(self) -> tuple[Example, ...]:
        """All examples, in the order of their first rows."""
        return tuple(self._by_content.values())

    def add(self, row: Row) -> None:
        """Add a row, or leave it out and raise ImportFailed, RowRefused or _NothingNew."""
        if row.uri not in self._files:
            path = self._resolve(row.uri)
            self._files[row.uri] = path, _content(row.uri, path)
        path, content = self._files[row.uri]
        boxes = () if row.box is None else (row.box,)
        old = self._by_content.get(content)
        if old is None:
            example = Example(row.uri, path, row.set, row.labels, boxes, content)
        else:
            example = _add(old, row.labels, boxes, multilabel=self._multilabel)
            if len(example.boxes) > MAX_BOXES:
                raise RowRefused(f"The image already has {MAX_BOXES} boxes.")
        self._by_content[content] = example


class Merged(Struct, frozen=True):
    """The result of an import into a dataset: all examples, oldest first, and the changed ones."""

    examples: tuple[Example, ...]
    changed: tuple[Example, ...]
    failures: tuple[str, ...]
    """Texts of the examples that were left out."""


def merge_examples(known: Iterable[Example], new: Sequence[Example], *, multilabel: bool) -> Merged:
    """Add imported examples to those of a dataset; images of equal content are one example."""
    examples = {example.content: example for example in known}
    changed: dict[str, Example] = {}
    failures = []
    for example in new:
        old = examples.get(example.content)
        merged = example
        if old is not None:
            try:
                merged = _add(old, example.labels, example.boxes, multilabel=multilabel)
            except RowRefused as error:
                failures.append(f"{example.uri}: {error}")
                continue
        if merged != old:
            examples[example.content] = changed[example.content] = merged
    return Merged(tuple(examples.values()), tuple(changed.values()), tuple(failures))


_Rows = Iterator[tuple[int, Callable[[], Row]]]
"""Numbers of lines, and what returns the row or raises RowRefused."""


def _csv_rows(uri: str, path: Path, reader: RowReader) -> _Rows:
    """The rows of a file with the number of their first line; blank lines are skipped."""
    try:
        _check_size(uri, path)
        with path.open(encoding="utf-8-sig", newline="") as file:
            table, line = csv.reader(file, strict=True), 1
            for fields in table:
                if fields:
                    yield line, partial(reader.read, fields)
                line = table.line_num + 1
    except UnicodeDecodeError as error:
        raise ImportFailed(f"{uri}: The file is not UTF-8 text.") from error
    except csv.Error as error:
        raise ImportFailed(f"{uri} line {table.line_num}: {error}.") from error
    except OSError as error:
        raise ImportFailed(f"{uri}: The file can't be read: {error.strerror}.") from error


def _json_rows(uri: str, path: Path, reader: RowReader) -> _Rows:
    try:
        _check_size(uri, path)
        with path.open(encoding="utf-8-sig") as file:
            for number, line in enumerate(file, 1):
                if not line.strip():
                    continue
                try:
                    rows = reader.read_line(line)
                except RowRefused as error:
                    yield number, partial(_refuse, error)
                    continue
                for row in rows:
                    yield number, row
    except UnicodeDecodeError as error:
        raise ImportFailed(f"{uri}: The file is not UTF-8 text.") from error
    except OSError as error:
        raise ImportFailed(f"{uri}: The file can't be read: {error.strerror}.") from error


def _refuse(error: RowRefused) -> Row:
    raise error


def _check_size(uri: str, path: Path) -> None:
    if path.stat().st_size > MAX_CSV_BYTES:
        raise ImportFailed(f"{uri}: An import file has at most {MAX_CSV_BYTES} bytes.")


def _content(uri: str, path: Path) -> str:
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size == 0:
                raise RowRefused(f"{uri}: The image is empty.")
            if size > MAX_IMAGE_BYTES:
                raise RowRefused(f"{uri}: An image has at most {MAX_IMAGE_BYTES} bytes.")
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise RowRefused(f"{uri}: The image can't be read: {error.strerror}.") from error
