"""What a dataset's sources contain: the whole, single rows, and how they changed."""

from __future__ import annotations

from typing import NamedTuple

from msgspec import Struct

from automl_plan.model.data_counts import DataCounts
from automl_plan.model.json import Count, Document


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
