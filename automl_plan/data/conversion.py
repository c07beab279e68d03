"""Writes the import file that sources mean, as a CSV or as JSON Lines."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from automl_plan.data.csv_rows import csv_line
from automl_plan.data.dataset_kinds import FIELDS_OF_BOX, DatasetKind
from automl_plan.data.import_rows import ImportRow
from automl_plan.data.json_rows import BOXES, ML_USE, MULTI, SINGLE
from automl_plan.errors import SourceError
from automl_plan.model.json import Json

_WORDS = {"TRAIN": "training", "VALIDATION": "validation", "TEST": "test"}
"""Sets as the labels of Vertex AI's images name them."""
_TO_FIND = "`automl-plan datasets lint` lists all such rows."


def csv_lines(rows: Iterable[ImportRow]) -> Iterator[str]:
    """Yield a line of a CSV for each row, whose meaning does not change."""
    return (csv_line(row.fields) for row in rows)


def json_lines(rows: Iterable[ImportRow], kind: DatasetKind) -> Iterator[str]:
    """Yield a line of JSON Lines for each row; rows of boxes of one image that follow each other
    are one line. Raises SourceError for a row that such a line can't have.

    A box is the rectangle around its vertices, and its coordinates are numbers.
    """
    for (use, image), some in groupby(rows, lambda row: (row.use, row.image)):
        item: dict[str, Json] = {"imageGcsUri": image}
        if use in _WORDS:
            item["dataItemResourceLabels"] = {ML_USE: _WORDS[use]}
        same = list(some)
        if kind is DatasetKind.DETECTION:
            yield _line({**item, BOXES: [box for row in same for box in _boxes(row)]})
            continue
        for row in same:
            yield _line({**item, **_classes(row, kind)})


def _line(item: dict[str, Json]) -> str:
    return json.dumps(item, ensure_ascii=False) + "\n"


def _classes(row: ImportRow, kind: DatasetKind) -> dict[str, Json]:
    names: list[Json] = [{"displayName": label} for label in row.labels if label]
    if kind is DatasetKind.MULTILABEL:
        return {MULTI: names}
    if len(names) > 1:
        message = f"The image has {len(names)} labels, and a line of one label has no more."
        raise SourceError(message, where=row.where, hint="Add --kind multilabel.")
    return {SINGLE: names[0]} if names else {}


def _boxes(row: ImportRow) -> Iterator[Json]:
    label, *corners = row.fields[row.column + 1 :] or [""]
    if not label and not any(corners):
        return
    if len(corners) != FIELDS_OF_BOX - 1:
        message = f"The row has {len(row.fields)} fields, and no box of a label and eight fields."
        raise SourceError(message, where=row.where, hint=_TO_FIND)
    try:
        xs, ys = _numbers(corners[::2]), _numbers(corners[1::2])
    except ValueError as error:
        message = f"A coordinate is no number: {error}."
        raise SourceError(message, where=row.where, hint=_TO_FIND) from error
    yield {
        "displayName": label,
        "xMin": min(xs),
        "yMin": min(ys),
        "xMax": max(xs),
        "yMax": max(ys),
    }


def _numbers(texts: Sequence[str]) -> list[float]:
    found = [float(text) for text in texts if text]
    if not found:
        raise ValueError("it is empty")
    return found
