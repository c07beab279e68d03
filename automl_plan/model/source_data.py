"""What sources hold: their counts by label and set, their fingerprint, and how they changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from msgspec import Struct

from automl_plan.model.json import Count, Document

UNASSIGNED = "UNASSIGNED"
"""The set of images to which import files give none."""


def is_folder(source: str) -> bool:
    """Return whether a source is a folder of this machine.

    Its name ends with a slash, or has no dot, and no wildcard, in its last part.
    """
    last = source.rpartition("/")[2]
    return "://" not in source and (source == "." or not set(last) & set(".*?["))


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


class SourceTotals(Document, frozen=True):
    """What a dataset's sources contain, in numbers."""

    fingerprint: str
    """`v1:` and a hex digest; equal content gives an equal fingerprint."""
    examples: Count
    """Distinct images."""
    labelled_examples: Count
    assigned_examples: Count = 0
    """Images that have a set (TRAIN, VALIDATION, TEST) in all their rows."""


class SourceData(SourceTotals, frozen=True):
    """What a dataset's sources contain."""

    counts: DataCounts | None = None
    """By label and set; not kept in a saved plan."""

    @property
    def totals(self) -> SourceTotals:
        """What plan files have of it."""
        return SourceTotals(**{n: getattr(self, n) for n in SourceTotals.__struct_fields__})


class SourceRow(NamedTuple):
    """A row of a dataset's sources, and what the image holds that it names."""

    content: str
    """16 bytes of a digest of the image, in base64: equal images give equal text."""
    use: str
    """The set: TRAIN, VALIDATION, TEST or UNASSIGNED."""
    image: str
    """`gs://…`, or a path."""
    labels: tuple[str, ...]
    """Labels, or a label and a box."""


class SourceChanges(Struct, frozen=True):
    """What the rows of sources are beside those that were imported; images count by content."""

    added: int
    """Images that are new."""
    removed: int
    """Images that no row names any more."""
    relabelled: int
    """Images that lost a label or a box, or are in another set."""
    removed_samples: tuple[str, ...] = ()
    """Their paths."""
    relabelled_samples: tuple[str, ...] = ()
    """`images/1.png: cat -> dog`"""

    @property
    def only_adds(self) -> bool:
        """Whether an import brings about what is declared."""
        return not (self.removed or self.relabelled)
