"""One row of an import CSV file (proto: io.proto, InputConfig; "Preparing your training data")."""

import re
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

from msgspec import Struct

from automl_plan.emulator.training.types import Box, Problem, SetName

_SETS: Mapping[str, SetName] = {
    "TRAIN": SetName.TRAIN,
    "TRAINING": SetName.TRAIN,
    "VALIDATE": SetName.VALIDATION,
    "VALIDATION": SetName.VALIDATION,
    "TEST": SetName.TEST,
    "UNASSIGNED": SetName.UNASSIGNED,
}
"""The proto writes VALIDATE, the documentation VALIDATION, other pages TRAINING or lower case."""

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
    """What a row says about one image."""

    uri: str
    set: SetName
    labels: tuple[str, ...]
    box: Box | None


def read_row(
    fields: Sequence[str], problem: Problem, multilabel: bool, *, sets_optional: bool = False
) -> Row:
    """Read the fields of a row; raises RowRefused.

    `sets_optional`: rows with boxes need not say ML_USE either, as at Vertex AI.
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
    """A row with a column for the set, and with one for each part of a box.

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
    """A field as it may stand in a message: on one line, and short."""
    return repr(text if len(text) <= longest else f"{text[:longest]}…")
