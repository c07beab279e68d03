"""Checks one row field by field: its faults, and what it says where there are none."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from msgspec import Struct, field

from automl_plan.data.dataset_kinds import (
    FIELDS_OF_BOX_ROWS,
    NUMBER,
    ROUNDING,
    DatasetKind,
    has_box,
)
from automl_plan.data.lint_rules import REFUSED
from automl_plan.data.row_layout import SPELLINGS, USES, extension, has_index, no_set, quoted
from automl_plan.data.source_files import bucket_and_object
from automl_plan.model.capabilities import DataLimits

_SHAPE = "row-shape"
UNMEASURED = ("nan", "nan", "nan", "nan")
"""A box with invalid coordinates."""


class CheckedRow(Struct):
    """The content of a row, as far as it can be read, and its faults."""

    use: str = "UNASSIGNED"
    path: str = ""
    """Empty where the row names no image."""
    labels: tuple[str, ...] = ()
    box: tuple[str, ...] = ()
    """x, y, x, y of two opposite vertices; empty where there is no object."""
    faults: list[tuple[str, int, str]] = field(default_factory=list)
    """A rule, the number of the field from 0, and a message."""


def read_row(
    fields: Sequence[str],
    kind: DatasetKind,
    limits: DataLimits,
    bucket: str | None,
    refused: Collection[str] = REFUSED,
) -> CheckedRow:
    """Check a row; `bucket` is that of its CSV, None for a file; `limits` are the provider's.

    `refused`: rules that no row may break. For an invalid shape nothing else is reported:
    the meaning of its fields is only a guess.
    """
    skipped = int(has_index(fields))
    row, fields = CheckedRow(), fields[skipped:]
    boxes = kind is DatasetKind.DETECTION
    place = _read_box(row, fields, limits.box_edge) if boxes else _read_labels(row, fields, kind)
    if row.path:
        _check_path(row, place, limits.image_extensions, bucket)
    if skipped:
        row.faults = [(rule, at + skipped, message) for rule, at, message in row.faults]
        row.faults.insert(0, ("index-column", 0, "the row begins with a number of its own"))
    if _SHAPE in refused:
        shape = [fault for fault in row.faults if fault[0] == _SHAPE]
        row.faults = shape or row.faults
    return row


def _read_labels(row: CheckedRow, fields: Sequence[str], kind: DatasetKind) -> int:
    """`ML_USE,PATH,LABEL,…`, where the first column may be left out; the path's place."""
    place = _use(row, fields)
    if place >= len(fields) or not fields[place]:
        row.faults.append(("no-image", place, "the row names no image"))
    else:
        row.path = fields[place]
    end = len(fields)
    if has_box(fields) and any(fields[2:]):
        row.faults.append((_SHAPE, 0, "the row has a box, but this is classification"))
        end = place + 2  # the box is no labels
    labels = []
    for at, label in enumerate(fields[place + 1 : end], place + 1):
        if label in labels:
            message = f"the label {quoted(label)} occurs twice in the row"
            row.faults.append(("row-repeated", at, message))
        elif label:
            _label(row, label, at)
            labels.append(label)
    if kind is DatasetKind.MULTICLASS and len(labels) > 1:
        row.faults.append(("several-labels", place + 2, f"the image has {len(labels)} labels"))
    row.labels = tuple(labels)
    return place


def _use(row: CheckedRow, fields: Sequence[str]) -> int:
    """Read ML_USE; the place of the path."""
    written = fields[0]
    use = USES.get(written)
    if use is None and written.upper() in SPELLINGS:
        use = SPELLINGS[written.upper()]
        message = f"{quoted(written)} is not how the API spells {use}"
        row.faults.append(("ml-use-spelling", 0, message))
    if use is not None:
        row.use = use
        return 1
    if written == "":
        return 1
    fault = no_set(fields)
    if fault is not None:
        _unknown_use(row, fault)
    return int(fault is not None)


def _unknown_use(row: CheckedRow, message: str) -> None:
    row.use = UNKNOWN
    row.faults.append(("ml-use", 0, message))


def _read_box(row: CheckedRow, fields: Sequence[str], edge: float) -> int:
    """`ML_USE,PATH,[LABEL],BOX`; a box is eight fields, all empty when there is no object."""
    if len(fields) != FIELDS_OF_BOX_ROWS:
        return _read_other_shape(row, fields)
    use = SPELLINGS.get(fields[0].upper())
    if use is None:
        _unknown_use(row, no_set(fields) or f"{quoted(fields[0])} is none of {', '.join(USES)}")
    else:
        _use(row, fields)
    row.path, label, corners = fields[1], fields[2], fields[3:]
    if not row.path:
        row.faults.append(("no-image", 1, "the row names no image"))
    if label:
        _label(row, label, 2)
        row.labels = (label,)
    if bool(label) != any(corners):
        what = "the label has no box" if label else "the box has no label"
        row.faults.append(("box-label", 2, what))
    if any(corners):
        row.box = UNMEASURED
        _check_box(row, corners, edge)
    return 1


def _read_other_shape(row: CheckedRow, fields: Sequence[str]) -> int:
    """Read the image and the label of a row with more or fewer fields than a box has."""
    message = f"the row has {len(fields)} fields instead of {FIELDS_OF_BOX_ROWS}"
    row.faults.append((_SHAPE, 0, message))
    place = _use(row, fields)
    if not fields[0]:
        _unknown_use(row, "the row has no ML_USE")
    path, label, *corners = [*fields[place : place + 3], "", "", ""][:3]
    row.path = path
    if not path:
        row.faults.append(("no-image", place, "the row names no image"))
    if label and not NUMBER.fullmatch(label):
        _label(row, label, place + 1)
        row.labels = (label,)
    row.box = UNMEASURED if any(corners) else ()
    return place


def _check_box(row: CheckedRow, corners: Sequence[str], edge: float) -> None:
    points = list(zip(corners[::2], corners[1::2], strict=True))
    opposite = points[1] == points[3] == ("", "")
    given = [0, 2] if opposite else [0, 1, 2, 3]
    numbers: list[tuple[float, float]] = []
    for place in given:
        for side, text in enumerate(points[place]):
            at = 3 + 2 * place + side
            if text == "":
                row.faults.append(("box-vertices", at, "a vertex has no coordinate"))
                return
            if not NUMBER.fullmatch(text) or float(text) > 1:
                message = f"the coordinate {quoted(text)} is not a number from 0 to 1"
                row.faults.append(("box-coordinates", at, message))
                return
        numbers.append((float(points[place][0]), float(points[place][1])))
    xs, ys = {x for x, _ in numbers}, {y for _, y in numbers}
    corners_of_it = {(x, y) for x in xs for y in ys}
    if not opposite and (len(corners_of_it) > 4 or set(numbers) != corners_of_it):
        message = "the four vertices are not the corners of an upright rectangle"
        row.faults.append(("box-vertices", 3, message))
    row.box = tuple(map(str, (min(xs), min(ys), max(xs), max(ys))))
    if min(max(xs) - min(xs), max(ys) - min(ys)) < edge - ROUNDING:
        message = f"an edge of the box is shorter than {edge} of the image's side"
        row.faults.append(("box-size", 3, message))


def _label(row: CheckedRow, label: str, at: int) -> None:
    fault = label_fault(label)
    if fault is not None:
        rule, how = fault
        row.faults.append((rule, at, f"the label {quoted(label)} {how}"))


def _check_path(
    row: CheckedRow, place: int, extensions: Collection[str], bucket: str | None
) -> None:
    path = row.path
    fault = path_fault(path, in_storage=bucket is not None)
    if fault is not None:
        row.faults.append(("image-path", place, f"{quoted(path)} {fault}"))
    if extension(path) not in extensions:
        message = f"{quoted(path)} has no extension that this kind of dataset supports"
        row.faults.append(("image-type", place, message))
    elif fault is None and bucket is not None and bucket_of(path) != bucket:
        message = f"{quoted(path)} is in another bucket than its CSV"
        row.faults.append(("bucket-mismatch", place, message))


SETS = ("TRAIN", "VALIDATION", "TEST")
UNKNOWN = "?"
"""The set of an image with an invalid ML_USE: no rule on sets counts it."""
LABEL = re.compile(r"[A-Za-z0-9_]{1,32}")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def label_fault(label: str) -> tuple[str, str] | None:
    """Return the rule that a label breaks, and a message."""
    if LABEL.fullmatch(label):
        return None
    if label.startswith(_FORMULA):
        return "label-injection", "begins like a spreadsheet formula"
    return "label-syntax", "is not 1 to 32 characters of A-Z, a-z, 0-9 and _"


def named(label: str) -> str:
    """Return a label as it is shown in messages, quoted if it is invalid."""
    return label if LABEL.fullmatch(label) else quoted(label)


def bucket_of(uri: str) -> str | None:
    """Return the bucket of gs://BUCKET/OBJECT; None for another text."""
    found = bucket_and_object(uri)
    return None if found is None else found[0]


def path_fault(path: str, *, in_storage: bool) -> str | None:
    """Return why a path is invalid; `in_storage`: its CSV is an object of Cloud Storage."""
    if _CONTROL.search(path):
        return "has a control character"
    if path.strip(" \t") != path:
        return "begins or ends with a space"
    if path.startswith("gs://"):
        return None if bucket_of(path) else "names no object"
    if in_storage:
        return "is not a gs:// URI, though its CSV is in Cloud Storage"
    if "://" in path:
        return "has a scheme other than gs://"
    if path.startswith("/"):
        return "is an absolute path"
    depth = 0
    for part in path.split("/"):
        depth += (part not in ("", ".", "..")) - (part == "..")
        if depth < 0:
            return "leads out of the configuration's directory"
    return None
