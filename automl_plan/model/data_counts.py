"""What a dataset holds: images by label and set."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct


class LabelCounts(Struct, frozen=True):
    """The images of one label by the set that the import files give them."""

    label: str
    train: int = 0
    validation: int = 0
    test: int = 0
    unassigned: int = 0

    @property
    def examples(self) -> int:
        """In all sets, and in none."""
        return self.train + self.validation + self.test + self.unassigned

    @property
    def by_set(self) -> Mapping[str, int]:
        """Examples to which the import files assign a set, by the set."""
        return {"TRAIN": self.train, "VALIDATION": self.validation, "TEST": self.test}


class DataCounts(Struct, frozen=True):
    """What the import files of a dataset hold."""

    labels: tuple[LabelCounts, ...]
    """By name."""
    images: int
    """Different ones."""
    unlabelled: int = 0
    """Images of classification without a label: they are not trained on."""
    unassigned: int = 0
    """Images of which a row names no set."""
    boxes: bool = False
    """Object detection: labels are boxes on the images."""
    labels_left_out: int = 0
    """Images of labels beyond the number that is counted."""
    refused: int = 0
    """Rows that the service does not take; they are counted nowhere else."""
    by_name: int = 0
    """Images that could not be read: each name of them is counted as an image."""


def label_counts(examples: Iterable[tuple[str, str, int]]) -> tuple[LabelCounts, ...]:
    """Of triples of a set, a label and how many; what has no set is in UNASSIGNED."""
    found: dict[str, dict[str, int]] = {}
    for use, label, count in examples:
        sets = found.setdefault(label, {})
        sets[use.lower()] = sets.get(use.lower(), 0) + count
    return tuple(LabelCounts(label, **found[label]) for label in sorted(found))
