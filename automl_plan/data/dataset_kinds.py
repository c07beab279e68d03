"""The kinds of dataset that rows are written for, their limits, and how to guess a kind."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from enum import StrEnum

from automl_plan.data.row_layout import SPELLINGS, has_index, no_set
from automl_plan.model.model_types import ClassificationType, Problem

FIELDS_OF_BOX_ROWS = 11
"""ML_USE, path, label and eight coordinates."""
NUMBER = re.compile(r"(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
"""A coordinate as the service reads it; programs write small ones as 3e-05."""
_SIGNS = "+-"
"""A number with a sign is no coordinate, and shows all the same what a row is for."""
_SHARE = 0.05
"""Of the labelled rows: so many with several labels are no slip of the pen."""


class DatasetKind(StrEnum):
    """What a row of a dataset holds."""

    MULTICLASS = "multiclass"
    MULTILABEL = "multilabel"
    DETECTION = "detection"

    @property
    def problem(self) -> Problem:
        """What its images are labelled for."""
        if self is DatasetKind.DETECTION:
            return Problem.IMAGE_OBJECT_DETECTION
        return Problem.IMAGE_CLASSIFICATION

    @property
    def extensions(self) -> frozenset[str]:
        """Of images that are imported, in small letters (proto: InputConfig)."""
        return _OF_DETECTION if self is DatasetKind.DETECTION else _OF_CLASSIFICATION


_OF_DETECTION = frozenset((".jpg", ".jpeg", ".gif", ".png"))
_OF_CLASSIFICATION = _OF_DETECTION | {".webp", ".bmp", ".tif", ".tiff", ".ico"}


def kind_of(problem: Problem, classification_type: ClassificationType | None) -> DatasetKind:
    """That of a declared dataset."""
    if problem is Problem.IMAGE_OBJECT_DETECTION:
        return DatasetKind.DETECTION
    multilabel = classification_type is ClassificationType.MULTILABEL
    return DatasetKind.MULTILABEL if multilabel else DatasetKind.MULTICLASS


def has_box(fields: Sequence[str]) -> bool:
    """Whether a row is one of object detection, with a box or without."""
    if len(fields) != FIELDS_OF_BOX_ROWS:
        return False
    corners = fields[3:]
    numbers = sum(NUMBER.fullmatch(field.lstrip(_SIGNS)) is not None for field in corners)
    return numbers >= 3 or not any(fields[2:])


def guess_kind(rows: Iterable[Sequence[str]]) -> DatasetKind:
    """The kind by some first rows: a few that are wrong don't make it another one."""
    boxes = labelled = several = count = 0
    for fields in rows:
        fields = fields[has_index(fields) :]
        count += 1
        boxes += has_box(fields)
        has_set = fields[0] == "" or fields[0].upper() in SPELLINGS or no_set(fields)
        labels = {field for field in fields[2 if has_set else 1 :] if field}
        labelled += bool(labels)
        several += len(labels) > 1
    if boxes * 2 > count:
        return DatasetKind.DETECTION
    return (
        DatasetKind.MULTILABEL
        if several and several >= labelled * _SHARE
        else DatasetKind.MULTICLASS
    )


SHORTEST_EDGE = 0.01
"""Of a box, in parts of the image's side (proto: InputConfig)."""
ROUNDING = 1e-9
"""By which the difference of two decimal fractions may be off."""
FEWEST_PIXELS = 8
"""Of a box's edge (Google's page on preparing data of object detection)."""
