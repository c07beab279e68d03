"""Read import CSV files and merge their examples into a dataset.

Sources: io.proto, InputConfig; "Preparing your training data".
"""

from __future__ import annotations

import csv
import hashlib
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath

from msgspec import Struct
from msgspec.structs import replace

from automl_plan.emulator.training.types import Box, Example, Problem, SetName

_SETS: Mapping[str, SetName] = {
    "TRAIN": SetName.TRAIN,
    "TRAINING": SetName.TRAIN,
    "VALIDATE": SetName.VALIDATION,
    "VALIDATION": SetName.VALIDATION,
    "TEST": SetName.TEST,
    "UNASSIGNED": SetName.UNASSIGNED,
}
"""The proto has VALIDATE, the documentation VALIDATION, other pages TRAINING or lower case."""

_EXTENSIONS: Mapping[Problem, frozenset[str]] = {
    Problem.IMAGE_CLASSIFICATION: frozenset(
        {".jpeg", ".jpg", ".gif", ".png", ".webp", ".bmp", ".tiff", ".tif", ".ico"}
    ),
    Problem.IMAGE_OBJECT_DETECTION: frozenset({".jpeg", ".jpg", ".gif", ".png"}),
}
_LABEL = re.compile(r"[A-Za-z0-9_]{1,32}")
_COORDINATE = re.compile(r"(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_DETECTION_FIELDS = 11
_MIN_EDGE = 0.01
"""proto: io.proto, a box's edges are at least 0.01 of the image's sides."""
_ROUNDING = 1e-9


class RowRefused(Exception):
    """A row that can't be imported; the text says why."""


class Row(Struct, frozen=True):
    """The content of a row: one image, with its labels or a box."""

    uri: str
    set: SetName
    labels: tuple[str, ...]
    box: Box | None


def read_row(
    fields: Sequence[str], problem: Problem, multilabel: bool, *, sets_optional: bool = False
) -> Row:
    """Read the fields of a row; raises RowRefused.

    `sets_optional`: ML_USE may be missing from rows with boxes too, as in Vertex AI.
    """
    if problem is Problem.IMAGE_OBJECT_DETECTION:
        return _detection(_with_column(fields) if sets_optional else fields)
    return _classification(fields, multilabel)


def _classification(fields: Sequence[str], multilabel: bool) -> Row:
    """`[ML_USE,]PATH[,LABEL…]`; the first column may be left out or empty."""
    chosen = _SETS.get(fields[0].upper())
    has_column = chosen is not None or fields[0] == ""
    rest = fields[1:] if has_column else fields
    if not rest:
        raise RowRefused("The row names no image.")
    if not has_column and not _is_image(rest[0], Problem.IMAGE_CLASSIFICATION):
        raise RowRefused(
            f"{_quoted(fields[0])} is neither one of {', '.join(_SETS)} nor the path of an image."
        )
    _check_path(rest[0], Problem.IMAGE_CLASSIFICATION)
    labels = tuple(dict.fromkeys(_label(each) for each in rest[1:] if each))
    if len(labels) > 1 and not multilabel:
        raise RowRefused(
            f"The image has {len(labels)} labels, but in a MULTICLASS dataset it has at most one."
        )
    return Row(rest[0], chosen or SetName.UNASSIGNED, labels, None)


def _with_column(fields: Sequence[str]) -> Sequence[str]:
    """A row with a column for the set, and one for each part of a box, added if missing.

    `[ML_USE],PATH,[LABEL],[BOX]` (page "Prepare image training data for object detection").
    """
    if fields[0].upper() not in _SETS:
        fields = [SetName.UNASSIGNED.upper(), *(fields if fields[0] else fields[1:])]
    alone = len(fields) == 2
    return [*fields, *[""] * (_DETECTION_FIELDS - 2)] if alone else fields


def _detection(fields: Sequence[str]) -> Row:
    """`ML_USE,PATH,[LABEL],BOX`; a box is eight fields, all empty when there is no object."""
    if len(fields) != _DETECTION_FIELDS:
        raise RowRefused(f"The row has {len(fields)} fields instead of {_DETECTION_FIELDS}.")
    chosen = _SETS.get(fields[0].upper())
    if chosen is None:
        raise RowRefused(f"{_quoted(fields[0])} is not one of {', '.join(_SETS)}.")
    uri, label, corners = fields[1], fields[2], fields[3:]
    _check_path(uri, Problem.IMAGE_OBJECT_DETECTION)
    if not label and not any(corners):
        return Row(uri, chosen, (), None)
    if not label:
        raise RowRefused("The box has no label.")
    return Row(uri, chosen, (), _box(_label(label), corners))


def _box(label: str, corners: Sequence[str]) -> Box:
    points = list(zip(corners[::2], corners[1::2], strict=True))
    opposite = points[1] == points[3] == ("", "")
    given = [points[0], points[2]] if opposite else points
    numbers = [(_coordinate(x), _coordinate(y)) for x, y in given]
    xs, ys = {x for x, _ in numbers}, {y for _, y in numbers}
    box = Box(label, min(xs), min(ys), max(xs), max(ys))
    if not opposite and set(numbers) != {(x, y) for x in xs for y in ys}:
        raise RowRefused("The four vertices are not the corners of an upright rectangle.")
    if min(box.x_max - box.x_min, box.y_max - box.y_min) < _MIN_EDGE - _ROUNDING:
        raise RowRefused(f"An edge of the box is shorter than {_MIN_EDGE} of the image's side.")
    return box


def _coordinate(text: str) -> float:
    number = float(text) if _COORDINATE.fullmatch(text) else -1.0
    if not 0 <= number <= 1:
        raise RowRefused(f"The coordinate {_quoted(text)} is not a number from 0 to 1.")
    return number


def _label(text: str) -> str:
    if not _LABEL.fullmatch(text):
        raise RowRefused(
            f"The label {_quoted(text)} is not made of 1 to 32 characters A-Z, a-z, 0-9 and _."
        )
    return text


def _check_path(uri: str, problem: Problem) -> None:
    if not uri:
        raise RowRefused("The row names no image.")
    if not _is_image(uri, problem):
        endings = ", ".join(sorted(_EXTENSIONS[problem]))
        raise RowRefused(f"{_quoted(uri)} doesn't end as an image does: {endings}.")


def _is_image(uri: str, problem: Problem) -> bool:
    return PurePosixPath(uri).suffix.lower() in _EXTENSIONS[problem]


def _quoted(text: str, longest: int = 80) -> str:
    """A field as messages show it: on one line, and shortened."""
    return repr(text if len(text) <= longest else f"{text[:longest]}…")


MAX_CSV_BYTES = 100_000_000
MAX_IMAGE_BYTES = 30_000_000
MAX_BOXES = 500
"""Per image. All three from io.proto, InputConfig."""


class ImportFailed(Exception):
    """Raised by `read_csv` when nothing can be imported, by `resolve` for a URI without a file."""


class Imported(Struct, frozen=True):
    """The examples of a file, one per image, and the texts of the rows that were left out."""

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
    """Read one import file; images of equal content are one example with all their labels.

    The first row of an image sets its path and its set (the service's choice is undefined). A
    failure is the text `<uri> line <n>: <reason>`. Raises ImportFailed when the file can't be
    read, or when more than half of its rows are bad: then nothing is imported.
    """
    path = resolve(uri)
    examples = _Examples(multilabel=multilabel, resolve=resolve)
    failures: list[str] = []
    rows = bad = 0
    for line, fields in _lines(uri, path):
        rows += 1
        try:
            examples.add(read_row(fields, problem, multilabel, sets_optional=sets_optional))
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


def _lines(uri: str, path: Path) -> Iterator[tuple[int, list[str]]]:
    """The rows of a file with the number of their first line; blank lines are skipped."""
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
