"""What a dataset holds: images by label and set."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct

FEWEST = 10
"""Examples of a label below which nothing can be trained (Google's pages "Quotas and limits" of
AutoML Vision, "Preparing your training data" of object detection)."""
SOME = 100
"""Examples that a label should have (Google's page "Preparing your training data" of object
detection)."""
RECOMMENDED = 1_000
"""Examples that Google recommends for a label (its pages "Preparing your training data")."""
BALANCE = 100
"""The most common label should have at most so many times the examples of the least common one
(Google's page "Preparing your training data")."""
LABELS_OF_CLASSES = 2
LABELS_OF_BOXES = 1
"""Labels that a dataset needs ("Quotas and limits"; object detection: a repository that cites
Google's page on quotas)."""
SHARES = {"TRAIN": 0.8, "VALIDATION": 0.1, "TEST": 0.1}
"""How the service divides what is UNASSIGNED, about: the proto says 80 % to train and 20 % to
test, the product kept 10 % of them for validation."""


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
        """Examples that have a set by hand, by the set."""
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
