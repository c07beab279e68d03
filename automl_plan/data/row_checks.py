"""Checks one row field by field: what its values say, and which of them break a rule."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from msgspec import Struct, field

from automl_plan.data.dataset_kinds import (
    FIELDS_OF_BOX,
    NUMBER,
    ROUNDING,
    DatasetKind,
    has_box,
)
from automl_plan.data.import_rows import Fault, ImportRow
from automl_plan.data.json_rows import BOXES, MULTI, SINGLE
from automl_plan.data.lint_rules import REFUSED
from automl_plan.data.row_layout import SPELLINGS, USES, extension, quoted
from automl_plan.model.capabilities import DataLimits, RowForms
from automl_plan.providers.data_access import SCHEME, bucket_and_object, is_stored

_SHAPE = "row-shape"
_ALONE = ("header-line", "csv-syntax", _SHAPE)
_ANNOTATIONS = {
    DatasetKind.MULTICLASS: SINGLE,
    DatasetKind.MULTILABEL: MULTI,
    DatasetKind.DETECTION: BOXES,
}
UNMEASURED = ("nan", "nan", "nan", "nan")
"""A box with invalid coordinates."""


class CheckedRow(Struct):
    """What a row says, as far as its values can be read, and its faults."""

    use: str
    path: str
    """Empty where the row names no image."""
    labels: tuple[str, ...] = ()
    box: tuple[str, ...] = ()
    """x, y, x, y of two opposite vertices; empty where there is no object."""
    faults: list[Fault] = field(default_factory=list)

    def add(self, rule: str, place: int, message: str) -> None:
        """Add a fault of a field."""
        self.faults.append(Fault(rule, place, message))


def check_row(
    row: ImportRow,
    kind: DatasetKind,
    limits: DataLimits,
    bucket: str | None,
    refused: Collection[str] = REFUSED,
) -> CheckedRow:
    """Check a row; `bucket` is that of its source, None for a file.

    `refused`: rules that no row may break. Of a row that breaks one of `_ALONE` nothing else is
    reported: the meaning of its fields is only a guess.
    """
    checked = CheckedRow(row.use, row.image)
    _check_use(checked, row, limits.forms)
    if kind is DatasetKind.DETECTION:
        _read_box(checked, row, limits)
    else:
        _read_labels(checked, row, kind, limits.forms)
    if row.annotations not in ("", _ANNOTATIONS[kind]):
        message = f"the line has {row.annotations} instead of {_ANNOTATIONS[kind]}"
        checked.add("json-annotations", 0, message)
    if row.image:
        _check_path(checked, row.column, limits, bucket)
    checked.faults += row.faults
    for rule in _ALONE:
        alone = [fault for fault in checked.faults if fault.rule == rule]
        if alone and rule in refused:
            checked.faults = [f for f in row.faults if f.rule == "index-column"] + alone
            break
    return checked


def _check_use(checked: CheckedRow, row: ImportRow, forms: RowForms) -> None:
    written = row.fields[row.column - 1] if row.column else ""
    known = written in USES or written in forms.set_names
    if written and not known and written.upper() in SPELLINGS:
        message = f"{quoted(written)} is not how the API spells {row.use}"
        checked.add("ml-use-spelling", row.column - 1, message)


def _read_labels(checked: CheckedRow, row: ImportRow, kind: DatasetKind, forms: RowForms) -> None:
    """`ML_USE,PATH,LABEL,…`, where the first column may be left out."""
    first = row.column + 1
    rest = row.fields[first:]
    if has_box(rest) and any(rest):
        checked.add(_SHAPE, 0, "the row has a box, but this is classification")
        rest = rest[:1]  # the box is no labels
    labels: list[str] = []
    for at, label in enumerate(rest, first):
        if label in labels:
            checked.add("row-repeated", at, f"the label {quoted(label)} occurs twice in the row")
        elif label:
            _check_label(checked, label, at, forms)
            labels.append(label)
    if kind is DatasetKind.MULTICLASS and len(labels) > 1:
        checked.add("several-labels", first + 1, f"the image has {len(labels)} labels")
    checked.labels = tuple(labels)


def _read_box(checked: CheckedRow, row: ImportRow, limits: DataLimits) -> None:
    """`[ML_USE],PATH,[LABEL,BOX]`; a box is eight fields, empty when there is no object."""
    first = row.column + 1
    rest = row.fields[first:]
    if not rest and not limits.forms.boxes_without_set:
        checked.add("set-documented", 0, "the row is an image alone, without the fields of a box")
    elif not (row.column and row.fields[row.column - 1]) and not limits.forms.boxes_without_set:
        checked.add("set-documented", 0, "the row has no ML_USE")
    if rest and len(rest) != FIELDS_OF_BOX:
        _read_other_shape(checked, row, rest, limits.forms)
        return
    label, *corners = rest or [""]
    if label:
        _check_label(checked, label, first, limits.forms)
        checked.labels = (label,)
    if bool(label) != any(corners):
        what = "the label has no box" if label else "the box has no label"
        checked.add("box-label", first, what)
    if any(corners):
        checked.box = UNMEASURED
        _check_box(checked, first + 1, corners, limits)


def _read_other_shape(
    checked: CheckedRow, row: ImportRow, rest: Sequence[str], forms: RowForms
) -> None:
    """Read the label of a row with more or fewer fields than a box has."""
    count = row.column + 1 + FIELDS_OF_BOX
    checked.add(_SHAPE, 0, f"the row has {len(row.fields)} fields instead of {count}")
    label, *corners = [*rest[:2], "", ""][:2]
    if label and not NUMBER.fullmatch(label):
        _check_label(checked, label, row.column + 1, forms)
        checked.labels = (label,)
    checked.box = UNMEASURED if any(corners) else ()


def _check_box(checked: CheckedRow, first: int, corners: Sequence[str], limits: DataLimits) -> None:
    points = list(zip(corners[::2], corners[1::2], strict=True))
    opposite = points[1] == points[3] == ("", "")
    given = [0, 2] if opposite else [0, 1, 2, 3]
    numbers: list[tuple[float, float]] = []
    for place in given:
        for side, text in enumerate(points[place]):
            at = first + 2 * place + side
            if text == "":
                checked.add("box-vertices", at, "a vertex has no coordinate")
                return
            if not NUMBER.fullmatch(text) or not 0 <= float(text) <= 1:
                message = f"the coordinate {quoted(text)} is not a number from 0 to 1"
                checked.add("box-coordinates", at, message)
                return
        numbers.append((float(points[place][0]), float(points[place][1])))
    xs, ys = {x for x, _ in numbers}, {y for _, y in numbers}
    corners_of_it = {(x, y) for x in xs for y in ys}
    upright = len(corners_of_it) <= 4 and set(numbers) == corners_of_it
    if not opposite and not upright and not limits.forms.any_vertices:
        message = "the four vertices are not the corners of an upright rectangle"
        checked.add("box-vertices", first, message)
    checked.box = tuple(map(str, (min(xs), min(ys), max(xs), max(ys))))
    if min(max(xs) - min(xs), max(ys) - min(ys)) < limits.box_edge - ROUNDING:
        message = f"an edge of the box is shorter than {limits.box_edge} of the image's side"
        checked.add("box-size", first, message)


def _check_label(checked: CheckedRow, label: str, at: int, forms: RowForms) -> None:
    fault = label_fault(label, forms)
    if fault is not None:
        rule, how = fault
        checked.add(rule, at, f"the label {quoted(label)} {how}")


def _check_path(checked: CheckedRow, place: int, limits: DataLimits, bucket: str | None) -> None:
    path = checked.path
    fault = path_fault(path, in_storage=bucket is not None)
    if fault is not None:
        checked.add("image-path", place, f"{quoted(path)} {fault}")
    ending, forms = extension(path), limits.forms
    if ending in forms.other_images:
        message = f"{quoted(path)} has an extension that only a part of the documentation allows"
        checked.add("image-type-documented", place, message)
    elif ending not in limits.image_extensions and (ending or not forms.bare_names):
        message = f"{quoted(path)} has no extension that this kind of dataset supports"
        checked.add("image-type", place, message)
        return
    if fault is None and bucket is not None and bucket_of(path) != bucket:
        message = f"{quoted(path)} is in another bucket than its CSV"
        checked.add("bucket-mismatch", place, message)


SETS = ("TRAIN", "VALIDATION", "TEST")
_PLAIN = re.compile(r"\w+", re.ASCII)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def label_fault(label: str, forms: RowForms) -> tuple[str, str] | None:
    """Return the rule that no row may break by its label, and a message."""
    if _PLAIN.fullmatch(label) and len(label) <= forms.label_characters:
        return None
    if label.startswith(_FORMULA):
        return "label-injection", "begins like a spreadsheet formula"
    if len(label) > forms.label_characters:
        return "label-syntax", f"has more than {forms.label_characters} characters"
    if _CONTROL.search(label):
        return "label-syntax", "has a control character"
    return None


def named(label: str) -> str:
    """Return a label as it is shown in messages, quoted if it is no plain word."""
    return label if _PLAIN.fullmatch(label) else quoted(label)


def bucket_of(uri: str) -> str | None:
    """Return the bucket of an object's URI; None for another text."""
    found = bucket_and_object(uri)
    return None if found is None else found[0]


def path_fault(path: str, *, in_storage: bool) -> str | None:
    """Return why a path is invalid; `in_storage`: its CSV is an object of Cloud Storage."""
    if _CONTROL.search(path):
        return "has a control character"
    if path.strip(" \t") != path:
        return "begins or ends with a space"
    if is_stored(path):
        return None  # whether it names an object, was read already
    if in_storage:
        return f"is not a {SCHEME} URI, though its CSV is in Cloud Storage"
    if "://" in path:
        return f"has a scheme other than {SCHEME}"
    if path.startswith("/"):
        return "is an absolute path"
    depth = 0
    for part in path.split("/"):
        depth += (part not in ("", ".", "..")) - (part == "..")
        if depth < 0:
            return "leads out of the configuration's directory"
    return None
