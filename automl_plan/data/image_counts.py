"""Counts images by content: the one count of import data, for plans and the data lint.

An image is counted once however many rows and names it has, and a label once an image, however many
boxes: so the service counts, and so its minimum of 10 images of a label is meant.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from struct import Struct as Format

from msgspec import Struct

from automl_plan.data.spilled_records import SpilledRecords
from automl_plan.model.source_data import DataCounts, label_counts

SETS = ("UNASSIGNED", "TRAIN", "VALIDATION", "TEST")
"""The sets of images by their numbers."""
MOST_LABELS = 20_000
"""Labels that are counted: four times what the service takes, so that memory stays bounded."""
_NO_LABEL, _LEFT_OUT = 0, MOST_LABELS + 1
_RECORD = Format(">qIQB")
"""A digest of the content, the number of the label, the place of the row, the number of the set."""
_CONTENT, _PAIR, _SET = 8, 12, 20
"""Where in a record the content ends, where the label ends, and where the set is."""


class Counted(Struct, frozen=True):
    """Counts of images."""

    images: int
    """Different ones."""
    labelled: int
    """Those with a label."""
    assigned: int
    """Those for which every row names a set."""
    by_set_and_label: Counter[tuple[str, str]]
    """Images; one that has a label in several sets counts for that of its first row."""
    left_out: int
    """Images with labels beyond the number of labels that is counted."""

    def data(self, *, boxes: bool, refused: int = 0, by_name: int = 0) -> DataCounts:
        """Return the counts of a dataset. `boxes`: of object detection."""
        pairs = self.by_set_and_label.items()
        return DataCounts(
            label_counts((use, label, count) for (use, label), count in pairs),
            images=self.images,
            unlabelled=0 if boxes else self.images - self.labelled,
            unassigned=self.images - self.assigned,
            boxes=boxes,
            labels_left_out=self.left_out,
            refused=refused,
            by_name=by_name,
        )


class ImageCounts:
    """Counts the images of rows, in bounded memory.

    It may have a temporary file, which has to be closed; `add` and `counted` raise OSError where
    there is no room for it. Contents are kept as Python's own keyed 64-bit hashes: that two of ten
    million share theirs has a chance of 3 in a million.
    """

    def __init__(self) -> None:
        self._records = SpilledRecords(_RECORD.size)
        self._numbers = _Numbers()

    def close(self) -> None:
        """Close the file, if there is one."""
        self._records.close()

    def add(
        self,
        contents: Sequence[bytes | str],
        sets: Iterable[int],
        labels: Iterable[bytes | str],
        places: Iterable[int],
    ) -> None:
        """Add rows: of each its content, the number of its set, a label, and a place.

        A row with several labels is added once for each, one without any with an empty label.
        Places give the order of the rows.
        """
        numbers = map(self._numbers.__getitem__, labels)
        self._records.extend(map(_RECORD.pack, map(hash, contents), numbers, places, sets))

    def counted(self) -> Counted:
        """Return the counts of all rows."""
        images = labelled = free = left_out = 0
        found: Counter[tuple[int, int]] = Counter()
        for records in self._records.ranges():
            records.sort(reverse=True)
            first = {record[:_PAIR]: record[_SET] for record in records}
            images += len({pair[:_CONTENT] for pair in first})
            none = _NO_LABEL.to_bytes(_PAIR - _CONTENT)
            labelled += len({pair[:_CONTENT] for pair in first if pair[_CONTENT:] != none})
            free += len({record[:_CONTENT] for record in records if not record[_SET]})
            found.update((int.from_bytes(pair[_CONTENT:]), use) for pair, use in first.items())
        names = {number: label for label, number in self._numbers.items()}
        by_set_and_label: Counter[tuple[str, str]] = Counter()
        for (number, use), count in found.items():
            if number == _LEFT_OUT:
                left_out += count
            elif number != _NO_LABEL:
                by_set_and_label[SETS[use], _text(names[number])] += count
        return Counted(images, labelled, images - free, by_set_and_label, left_out)


class _Numbers(dict[bytes | str, int]):
    """Labels by number."""

    def __missing__(self, label: bytes | str) -> int:
        if not label:
            return _NO_LABEL
        if len(self) >= MOST_LABELS:
            return _LEFT_OUT
        number = self[label] = len(self) + 1
        return number


def _text(label: bytes | str) -> str:
    return label if isinstance(label, str) else label.decode()
