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
"""A number with a sign is no coordinate, but shows what a row is meant to be."""
_SHARE = 0.05
"""The share of labelled rows with several labels that is no accident."""


class DatasetKind(StrEnum):
    """What the rows of a dataset contain."""

    MULTICLASS = "multiclass"
    MULTILABEL = "multilabel"
    DETECTION = "detection"

    @property
    def problem(self) -> Problem:
        """What its images are labelled for."""
        if self is DatasetKind.DETECTION:
            return Problem.IMAGE_OBJECT_DETECTION
        return Problem.IMAGE_CLASSIFICATION


def kind_of(problem: Problem, classification_type: ClassificationType | None) -> DatasetKind:
    """Return the kind of a declared dataset."""
    if problem is Problem.IMAGE_OBJECT_DETECTION:
        return DatasetKind.DETECTION
    multilabel = classification_type is ClassificationType.MULTILABEL
    return DatasetKind.MULTILABEL if multilabel else DatasetKind.MULTICLASS


def has_box(fields: Sequence[str]) -> bool:
    """Return whether a row is one of object detection, with a box or without."""
    if len(fields) != FIELDS_OF_BOX_ROWS:
        return False
    corners = fields[3:]
    numbers = sum(NUMBER.fullmatch(field.lstrip(_SIGNS)) is not None for field in corners)
    return numbers >= 3 or not any(fields[2:])


def guess_kind(rows: Iterable[Sequence[str]]) -> DatasetKind:
    """Return the kind that the first rows suggest; a few invalid rows don't change it."""
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


ROUNDING = 1e-9
"""The rounding error of a difference of two decimal fractions."""
