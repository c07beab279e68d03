"""Reading import CSV files (proto: io.proto, InputConfig; "Preparing your training data")."""

import csv
import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from automl_plan.emulator.training.import_row import Row, RowRefused, read_row
from automl_plan.emulator.training.types import Example, Problem

MAX_CSV_BYTES = 100_000_000
MAX_IMAGE_BYTES = 30_000_000
MAX_BOXES = 500
"""Per image. All three from io.proto, InputConfig."""


class ImportFailed(Exception):
    """Raised by `read_csv` when nothing can be imported, by `resolve` when a URI has no file."""


class Imported(Struct, frozen=True):
    """The examples of a file, each image once, and the texts of the rows that were left out."""

    examples: tuple[Example, ...]
    failures: tuple[str, ...]


def read_csv(
    uri: str,
    problem: Problem,
    multilabel: bool,
    resolve: Callable[[str], Path],
    *,
    sets_optional: bool = False,
) -> Imported:
    """Read one import file; images of equal content are one example, with all their labels.

    The first row of an image decides its path and its set (the service's choice is undefined).
    A failure is the text `<uri> line <n>: <reason>`. Raises ImportFailed when the file can't be
    read, or when more than half of its rows are bad: then nothing is imported.
    """
    path = resolve(uri)
    gathered = _Gathered(multilabel=multilabel, resolve=resolve)
    failures: list[str] = []
    rows = bad = 0
    for line, fields in _lines(uri, path):
        rows += 1
        try:
            gathered.add(read_row(fields, problem, multilabel, sets_optional=sets_optional))
        except _Repeated as error:  # reported like a bad row, but nothing is wrong with it
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
    return Imported(gathered.examples, tuple(failures))


class _Repeated(Exception):
    """A row that says what an earlier one said."""

    def __init__(self) -> None:
        super().__init__("The label is already a ground truth.")


class _Gathered:
    """The examples so far, by content."""

    def __init__(self, *, multilabel: bool, resolve: Callable[[str], Path]) -> None:
        self._multilabel = multilabel
        self._resolve = resolve
        self._files: dict[str, tuple[Path, str]] = {}
        self._examples: dict[str, Example] = {}

    @property
    def examples(self) -> tuple[Example, ...]:
        """In the order in which their images first came."""
        return tuple(self._examples.values())

    def add(self, row: Row) -> None:
        """Take a row in; raises ImportFailed, RowRefused or _Repeated, and then leaves it out."""
        if row.uri not in self._files:
            path = self._resolve(row.uri)
            self._files[row.uri] = path, _content(row.uri, path)
        path, content = self._files[row.uri]
        boxes = tuple(box for box in (row.box,) if box is not None)
        old = self._examples.get(content)
        if old is None:
            example = Example(row.uri, path, row.set, row.labels, boxes, content)
            self._examples[content] = example
            return
        labels = tuple(label for label in row.labels if label not in old.labels)
        boxes = tuple(box for box in boxes if box not in old.boxes)
        if (row.labels or row.box) and not (labels or boxes):
            raise _Repeated
        if labels and old.labels and not self._multilabel:
            raise RowRefused(f"The image already has the label {old.labels[0]}.")
        if len(old.boxes) + len(boxes) > MAX_BOXES:
            raise RowRefused(f"The image already has {MAX_BOXES} boxes.")
        joined = replace(old, labels=old.labels + labels, boxes=old.boxes + boxes)
        self._examples[content] = joined


def _lines(uri: str, path: Path) -> Iterator[tuple[int, list[str]]]:
    """The rows of a file with the line on which each begins; blank lines are left out."""
    if not uri.lower().endswith(".csv"):
        raise ImportFailed(f"{uri}: The name of an import file ends in .csv.")
    try:
        if path.stat().st_size > MAX_CSV_BYTES:
            raise ImportFailed(f"{uri}: An import file has at most {MAX_CSV_BYTES} bytes.")
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader, line = csv.reader(file, strict=True), 1
            for fields in reader:
                if fields:
                    yield line, fields
                line = reader.line_num + 1
    except UnicodeDecodeError as error:
        raise ImportFailed(f"{uri}: The file is not UTF-8 text.") from error
    except csv.Error as error:
        raise ImportFailed(f"{uri} line {reader.line_num}: {error}.") from error
    except OSError as error:
        raise ImportFailed(f"{uri}: The file can't be read: {error.strerror}.") from error


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
