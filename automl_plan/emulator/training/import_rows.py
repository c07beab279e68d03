"""The rows of import files, of a CSV and of JSON Lines, as each API takes them.

Sources: io.proto, InputConfig; "Preparing your training data" (AutoML Vision); "Prepare image
training data" of Vertex AI with the schemas of ioformat/image_*_1.0.0.yaml.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import PurePosixPath
from typing import cast

from msgspec import Struct

from automl_plan.emulator.readings import AUTOML_BOX_SETS, IMPORT_LABELS, Readings
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
_ML_USE = "aiplatform.googleapis.com/ml_use"
_WRITTEN = {SetName.TRAIN: "training", SetName.VALIDATION: "validation", SetName.TEST: "test"}
_DOCUMENTED_LABEL = re.compile(r"[A-Za-z0-9_]{1,32}")
_LONGEST_LABEL = 128
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_COORDINATE = re.compile(r"-?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_DETECTION_FIELDS = 11
_MIN_EDGE = 0.01
"""proto: io.proto, a box's edges are at least 0.01 of the image's sides."""
_ROUNDING = 1e-9
_PLAIN_IMAGES = frozenset({".jpeg", ".jpg", ".gif", ".png"})
_MORE_IMAGES = frozenset({".webp", ".bmp", ".tiff", ".tif", ".ico"})


class RowRefused(Exception):
    """A row that can't be imported; the text says why."""


class RowRules(Struct, frozen=True):
    """What one of the APIs takes."""

    images: Mapping[Problem, frozenset[str]]
    """How the names of images end."""
    bare_images: bool = False
    """Whether the name of an image may have no extension."""
    any_label: bool = True
    """Whether a label may be any text of 128 characters, or only letters, digits and _."""
    sets_optional: bool = True
    """Whether rows with boxes may leave out ML_USE, or all fields but the image."""
    any_vertices: bool = False
    """Whether an upright rectangle is made of four vertices that are none."""
    formats: tuple[str, ...] = (".csv",)
    """How the names of import files end."""
    wildcards: bool = False
    """Whether the URIs of import files may have them (proto of Vertex AI: GcsSource.uris)."""


def row_rules(readings: Readings, *, vertex: bool) -> RowRules:
    """Return what AutoML v1 or Vertex AI takes."""
    any_label = readings[IMPORT_LABELS] == "any"
    if vertex:
        all_images = _PLAIN_IMAGES | _MORE_IMAGES
        return RowRules(
            dict.fromkeys(Problem, all_images),
            bare_images=True,
            any_label=any_label,
            any_vertices=True,
            formats=(".csv", ".jsonl"),
            wildcards=True,
        )
    return RowRules(
        {
            Problem.IMAGE_CLASSIFICATION: _PLAIN_IMAGES | _MORE_IMAGES,
            Problem.IMAGE_OBJECT_DETECTION: _PLAIN_IMAGES,
        },
        any_label=any_label,
        sets_optional=readings[AUTOML_BOX_SETS] == "optional",
    )


class Row(Struct, frozen=True):
    """The content of a row: one image, with its labels or a box."""

    uri: str
    set: SetName
    labels: tuple[str, ...]
    box: Box | None


class RowReader(Struct, frozen=True):
    """Reads rows of one kind as one API takes them."""

    problem: Problem
    multilabel: bool
    rules: RowRules

    def read(self, fields: Sequence[str]) -> Row:
        """Read the fields of a row of a CSV. Raises RowRefused."""
        if self.problem is Problem.IMAGE_OBJECT_DETECTION:
            return self._detection(_with_column(fields) if self.rules.sets_optional else fields)
        return self._classification(fields)

    def read_line(self, line: str) -> list[Callable[[], Row]]:
        """Read a line of JSON Lines: one row, or one for each box. Raises RowRefused.

        Each row is made when it is called, and may then be refused by itself.
        """
        try:
            item = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise RowRefused("The line is no JSON object.") from error
        uri = item.get("imageGcsUri") if isinstance(item, dict) else None
        if not isinstance(uri, str):
            raise RowRefused("The line is no JSON object with imageGcsUri.")
        labels = item.get("dataItemResourceLabels") or {}
        written = labels.get(_ML_USE, "unassigned") if isinstance(labels, dict) else None
        chosen = _SETS.get(written.upper()) if isinstance(written, str) else None
        if chosen is None:
            raise RowRefused(f"{_quoted(str(written))} is not one of {', '.join(_SETS)}.")
        key = _annotation_key(self.problem, multilabel=self.multilabel)
        others = sorted(each for each in item if each.endswith("nnotations") and each != key)
        if others or ("classificationAnnotation" in item and key != "classificationAnnotation"):
            raise RowRefused(f"This import has {key}, and the line has other annotations.")
        self._check_image(uri)
        found = item.get(key)
        annotations = _messages(found if isinstance(found, list) else [found] if found else [])
        if self.problem is Problem.IMAGE_OBJECT_DETECTION and annotations:
            return [partial(self._json_row, uri, chosen, each) for each in annotations]
        names = [self._label(_text(each)) for each in annotations if _text(each)]
        return [partial(Row, uri, chosen, tuple(dict.fromkeys(names)), None)]

    def _json_row(self, uri: str, chosen: SetName, annotation: Mapping[str, object]) -> Row:
        numbers = [annotation.get(key, 0) for key in ("xMin", "yMin", "xMax", "yMax")]
        x0, y0, x1, y1 = (_coordinate(str(number)) for number in numbers)
        label = _text(annotation)
        if not label:
            raise RowRefused("The box has no label.")
        return Row(uri, chosen, (), _box(self._label(label), {x0, x1}, {y0, y1}))

    def _classification(self, fields: Sequence[str]) -> Row:
        """`[ML_USE,]PATH[,LABEL…]`; the first column may be left out or empty."""
        chosen = _SETS.get(fields[0].upper())
        has_column = chosen is not None or fields[0] == ""
        rest = fields[1:] if has_column else fields
        if not rest:
            raise RowRefused("The row names no image.")
        if not has_column and not self._is_image(rest[0]):
            raise RowRefused(
                f"{_quoted(fields[0])} is neither one of {', '.join(_SETS)} nor the path of an "
                "image."
            )
        self._check_image(rest[0])
        labels = tuple(dict.fromkeys(self._label(each) for each in rest[1:] if each))
        if len(labels) > 1 and not self.multilabel:
            raise RowRefused(
                f"The image has {len(labels)} labels, but in a MULTICLASS dataset it has at most "
                "one."
            )
        return Row(rest[0], chosen or SetName.UNASSIGNED, labels, None)

    def _detection(self, fields: Sequence[str]) -> Row:
        """`ML_USE,PATH,[LABEL],BOX`; a box is eight fields, all empty when there is no object."""
        if len(fields) != _DETECTION_FIELDS:
            raise RowRefused(f"The row has {len(fields)} fields instead of {_DETECTION_FIELDS}.")
        chosen = _SETS.get(fields[0].upper())
        if chosen is None:
            raise RowRefused(f"{_quoted(fields[0])} is not one of {', '.join(_SETS)}.")
        uri, label, corners = fields[1], fields[2], fields[3:]
        self._check_image(uri)
        if not label and not any(corners):
            return Row(uri, chosen, (), None)
        if not label:
            raise RowRefused("The box has no label.")
        return Row(uri, chosen, (), self._csv_box(self._label(label), corners))

    def _csv_box(self, label: str, corners: Sequence[str]) -> Box:
        points = list(zip(corners[::2], corners[1::2], strict=True))
        opposite = points[1] == points[3] == ("", "")
        given = [points[0], points[2]] if opposite else points
        numbers = [(_coordinate(x), _coordinate(y)) for x, y in given]
        xs, ys = {x for x, _ in numbers}, {y for _, y in numbers}
        upright = opposite or set(numbers) == {(x, y) for x in xs for y in ys}
        if not upright and not self.rules.any_vertices:
            raise RowRefused("The four vertices are not the corners of an upright rectangle.")
        return _box(label, xs, ys)

    def _label(self, text: str) -> str:
        if self.rules.any_label and len(text) <= _LONGEST_LABEL and not _CONTROL.search(text):
            return text
        if not _DOCUMENTED_LABEL.fullmatch(text):
            most = "1 to 32 characters A-Z, a-z, 0-9 and _"
            if self.rules.any_label:
                most = f"1 to {_LONGEST_LABEL} characters, none of them a control character"
            raise RowRefused(f"The label {_quoted(text)} is not made of {most}.")
        return text

    def _check_image(self, uri: str) -> None:
        if not uri:
            raise RowRefused("The row names no image.")
        if not self._is_image(uri):
            endings = ", ".join(sorted(self.rules.images[self.problem]))
            raise RowRefused(f"{_quoted(uri)} doesn't end as an image does: {endings}.")

    def _is_image(self, uri: str) -> bool:
        suffix = PurePosixPath(uri).suffix.lower()
        if not suffix:
            return self.rules.bare_images and "/" in uri
        return suffix in self.rules.images[self.problem]


def csv_rows(example: Example, problem: Problem) -> list[list[str]]:
    """Return the rows of a CSV that `RowReader` reads as the same example."""
    start = [example.set.upper(), example.uri]
    if problem is Problem.IMAGE_CLASSIFICATION:
        return [[*start, *example.labels]]
    if not example.boxes:
        return [[*start, *[""] * 9]]
    return [
        [*start, box.label, *_corner(box.x_min, box.y_min), *_corner(box.x_max, box.y_max)]
        for box in example.boxes
    ]


def json_line(example: Example, problem: Problem, *, multilabel: bool) -> str:
    """Return the line of JSON Lines that `RowReader` reads as the same example."""
    item: dict[str, object] = {"imageGcsUri": example.uri}
    key = _annotation_key(problem, multilabel=multilabel)
    names: list[dict[str, object]] = [{"displayName": label} for label in example.labels]
    if problem is Problem.IMAGE_OBJECT_DETECTION:
        names = [
            {
                "displayName": box.label,
                "xMin": box.x_min,
                "xMax": box.x_max,
                "yMin": box.y_min,
                "yMax": box.y_max,
            }
            for box in example.boxes
        ]
    if names:
        item[key] = names[0] if key == "classificationAnnotation" else names
    if example.set in _WRITTEN:
        item["dataItemResourceLabels"] = {_ML_USE: _WRITTEN[example.set]}
    return json.dumps(item, ensure_ascii=False) + "\n"


def _annotation_key(problem: Problem, *, multilabel: bool) -> str:
    if problem is Problem.IMAGE_OBJECT_DETECTION:
        return "boundingBoxAnnotations"
    return "classificationAnnotations" if multilabel else "classificationAnnotation"


def _messages(found: Sequence[object]) -> list[Mapping[str, object]]:
    if not all(isinstance(each, dict) for each in found):
        raise RowRefused("An annotation is no JSON object.")
    return cast("list[Mapping[str, object]]", list(found))


def _text(annotation: Mapping[str, object]) -> str:
    name = annotation.get("displayName", "")
    if not isinstance(name, str):
        raise RowRefused("The displayName of an annotation is no text.")
    return name


def _with_column(fields: Sequence[str]) -> Sequence[str]:
    """A row with a column for the set, and one for each part of a box, added if missing.

    `[ML_USE],PATH,[LABEL],[BOX]` (page "Prepare image training data for object detection").
    """
    if fields[0].upper() not in _SETS:
        fields = [SetName.UNASSIGNED.upper(), *(fields if fields[0] else fields[1:])]
    alone = len(fields) == 2
    return [*fields, *[""] * (_DETECTION_FIELDS - 2)] if alone else fields


def _box(label: str, xs: set[float], ys: set[float]) -> Box:
    box = Box(label, min(xs), min(ys), max(xs), max(ys))
    if min(box.x_max - box.x_min, box.y_max - box.y_min) < _MIN_EDGE - _ROUNDING:
        raise RowRefused(f"An edge of the box is shorter than {_MIN_EDGE} of the image's side.")
    return box


def _coordinate(text: str) -> float:
    number = float(text) if _COORDINATE.fullmatch(text) else -1.0
    if not 0 <= number <= 1:
        raise RowRefused(f"The coordinate {_quoted(text)} is not a number from 0 to 1.")
    return number


def _corner(x: float, y: float) -> tuple[str, str, str, str]:
    """The fields of a vertex and of the next one, empty as two opposite ones are enough."""
    return str(x), str(y), "", ""


def _quoted(text: str, longest: int = 80) -> str:
    """A field as messages show it: on one line, and shortened."""
    return repr(text if len(text) <= longest else f"{text[:longest]}…")
