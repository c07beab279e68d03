"""Reads the lines of a JSON Lines file as the rows of a CSV that says the same.

Schemas: image_classification_single_label, image_classification_multi_label and image_bounding_box
_io_format_1.0.0.yaml of Vertex AI (pages "Prepare image training data"). A box is a row.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import msgspec
from msgspec import Struct, field

from automl_plan.data.csv_rows import PlainLines
from automl_plan.data.row_layout import SPELLINGS, USES, quoted

SUFFIX = ".jsonl"
SINGLE, MULTI, BOXES = (
    "classificationAnnotation",
    "classificationAnnotations",
    "boundingBoxAnnotations",
)
"""The keys of annotations, one in each schema."""
ML_USE = "aiplatform.googleapis.com/ml_use"
"""The label of an image that names its set."""
_SHOWN = 200
_KINDS = {
    "object": "an object",
    "array": "a list",
    "str": "a text",
    "bool": "true or false",
    "int": "a number",
    "float": "a number",
    "int | float": "a number",
    "null": "null",
}
_OTHER_KIND = re.compile(r"Expected `([^`]+)`, got `([^`]+)`")
_UNKNOWN_KEY = re.compile(r"Object contains unknown field `(.*?)`(?: - at `[^`]*`)?$", re.DOTALL)
_NO_KEY = re.compile(r"Object missing required field `([^`]+)`")
_AT = re.compile(r" - at `\$\.?(.*)`$", re.DOTALL)


class _Annotation(Struct, rename="camel", forbid_unknown_fields=True, frozen=True):
    display_name: str = ""
    annotation_resource_labels: dict[str, str] = field(default_factory=dict)


class _Box(_Annotation, rename="camel", forbid_unknown_fields=True, frozen=True):
    """What is left out is 0, as in all messages of Google's services."""

    x_min: float | int = 0
    y_min: float | int = 0
    x_max: float | int = 0
    y_max: float | int = 0


class _Item(Struct, rename="camel", forbid_unknown_fields=True, frozen=True):
    image_gcs_uri: str
    classification_annotation: _Annotation | None = None
    classification_annotations: list[_Annotation] | None = None
    bounding_box_annotations: list[_Box] | None = None
    data_item_resource_labels: dict[str, str] = field(default_factory=dict)


class JsonRow(Struct, frozen=True):
    """The row of a line, or one of its rows."""

    line: int
    fields: list[str]
    """ML_USE, path, and labels or a label and a box; none where the line is no row."""
    fault: str = ""
    """Why the line is no row, or why its set is none."""
    annotations: str = ""
    """The key of its annotations, if it has any."""


_DECODER = msgspec.json.Decoder(_Item)


def json_rows(part: PlainLines) -> Iterator[JsonRow]:
    """Yield the rows of lines; blank ones have none."""
    for number, line in enumerate(part.text.split(b"\n"), part.number):
        if not line.strip():
            continue
        try:
            item = _DECODER.decode(line)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            yield JsonRow(number, [], _why(line.strip(), error))
            continue
        given = (
            item.classification_annotation,
            item.classification_annotations,
            item.bounding_box_annotations,
        )
        if sum(each is not None for each in given) > 1:
            yield JsonRow(number, [], "the object has annotations of several kinds")
            continue
        yield from _rows(item, number)


def _rows(item: _Item, number: int) -> Iterator[JsonRow]:
    written = item.data_item_resource_labels.get(ML_USE, "UNASSIGNED")
    use, fault = SPELLINGS.get(written.upper()), ""
    if use is None:
        fault = f"{quoted(written)} is none of {', '.join(USES)}"
    start = [use or written, item.image_gcs_uri]
    if item.classification_annotation is not None:
        yield _row(number, [*start, item.classification_annotation.display_name], fault, SINGLE)
    elif item.classification_annotations is not None:
        names = [each.display_name for each in item.classification_annotations]
        yield _row(number, [*start, *names], fault, MULTI)
    elif item.bounding_box_annotations:
        for box in item.bounding_box_annotations:
            left, top, right, bottom = map(_side, (box.x_min, box.y_min, box.x_max, box.y_max))
            fields = [*start, box.display_name, left, top, "", "", right, bottom, "", ""]
            yield _row(number, fields, fault, BOXES)
    elif item.bounding_box_annotations is not None:
        yield _row(number, [*start, *[""] * 9], fault, BOXES)
    else:
        yield _row(number, start, fault, "")


def _side(number: float) -> str:
    """Return a coordinate as text; rounding makes -0.0 of what is a bit outside of an image."""
    return str(number) if number else str(abs(number))


def _row(number: int, fields: list[str], fault: str, annotations: str) -> JsonRow:
    if any("\0" in each for each in fields):
        return JsonRow(number, [], "the line has a NUL character")
    return JsonRow(number, fields, fault, annotations)


def _why(line: bytes, error: Exception) -> str:
    """Say in words why a line is no row."""
    if line.startswith(b"["):
        return "the line begins a list: each line has an object of its own, without commas"
    if isinstance(error, msgspec.ValidationError):
        return _shortened(_other_schema(str(error)))
    return _no_json(line, str(error))


def _other_schema(message: str) -> str:
    """Say in words what a line has in place of what its schema has."""
    place = _AT.search(message)
    if other := _OTHER_KIND.match(message):
        wanted, found = (_KINDS.get(kind.removesuffix(" | null"), kind) for kind in other.groups())
        told = f"{found} in place of {wanted}"
    elif unknown := _UNKNOWN_KEY.match(message):
        told = f"the key {quoted(unknown[1])} is not one of the schema"
    elif missing := _NO_KEY.match(message):
        told = f"the key {missing[1]!r} is missing"
    else:
        return message[:1].lower() + message[1:]
    return f"{told}, at {place[1]}" if place and place[1] else told


def _no_json(line: bytes, message: str) -> str:
    """Say in words why a line can't be read."""
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        if line.startswith(b"{") and "truncated" in message:
            return "the object does not end on its line"
        at = re.search(r"\(byte [0-9]+\)", message)
        return f"the line is no JSON object{f' {at[0]}' if at else ''}"
    return (
        "a text has half of a surrogate pair (such as \\ud83d alone), or a number is none of JSON"
    )


def _shortened(message: str) -> str:
    return message if len(message) <= _SHOWN else f"{message[:_SHOWN]}…"
