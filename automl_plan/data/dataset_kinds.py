"""The kinds of dataset that rows are written for, their limits, and how to guess a kind."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from enum import StrEnum

from automl_plan.data.import_rows import ImportRow
from automl_plan.model.model_types import ClassificationType, Problem

FIELDS_OF_BOX = 9
"""Of a row after its image: a label and eight coordinates."""
NUMBER = re.compile(r"-?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
"""A coordinate; programs write small ones as 3e-05, and what they round to zero as -0.0."""
_SIGNS = "+-"
"""A number with another sign is no coordinate, but shows what a row is meant to be."""
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


def has_box(rest: Sequence[str]) -> bool:
    """Return whether a row is one of object detection, by the fields after its image."""
    if len(rest) != FIELDS_OF_BOX:
        return False
    numbers = sum(NUMBER.fullmatch(field.lstrip(_SIGNS)) is not None for field in rest[1:])
    return numbers >= 3 or not any(rest)


def guess_kind(rows: Iterable[ImportRow]) -> DatasetKind:
    """Return the kind that the first rows suggest; a few invalid rows don't change it."""
    boxes = labelled = several = count = 0
    for row in rows:
        rest = row.fields[row.column + 1 :]
        count += 1
        boxes += has_box(rest)
        labels = {field for field in rest if field}
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
