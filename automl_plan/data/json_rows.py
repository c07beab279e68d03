"""Reads the lines of a JSON Lines file as the rows of a CSV that says the same.

Schemas: image_classification_single_label, image_classification_multi_label and image_bounding_box
_io_format_1.0.0.yaml of Vertex AI (pages "Prepare image training data"). A box is a row.
"""

from __future__ import annotations

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
            yield JsonRow(number, [], _shortened(str(error)))
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
            one, other = (str(box.x_min), str(box.y_min)), (str(box.x_max), str(box.y_max))
            fields = [*start, box.display_name, *one, "", "", *other, "", ""]
            yield _row(number, fields, fault, BOXES)
    elif item.bounding_box_annotations is not None:
        yield _row(number, [*start, *[""] * 9], fault, BOXES)
    else:
        yield _row(number, start, fault, "")


def _row(number: int, fields: list[str], fault: str, annotations: str) -> JsonRow:
    if any("\0" in each for each in fields):
        return JsonRow(number, [], "the line has a NUL character")
    return JsonRow(number, fields, fault, annotations)


def _shortened(message: str) -> str:
    message = message[:1].lower() + message[1:]
    return message if len(message) <= _SHOWN else f"{message[:_SHOWN]}…"
