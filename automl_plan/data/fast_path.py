"""The fast path: many rows at once, when all of them are as they should be.

A block is cut into columns by functions that are written in C; what is checked is what differs in
a column, or a minimum. It never decides that a row is invalid: when not all are surely valid,
`quick` returns None, and the rows go through `row_checks.check_row`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import chain, combinations
from operator import eq, sub
from typing import Protocol

from msgspec import Struct

from automl_plan.data.dataset_kinds import FIELDS_OF_BOX, ROUNDING, DatasetKind
from automl_plan.data.row_checks import label_fault
from automl_plan.data.row_layout import USES, extension
from automl_plan.model.capabilities import DataLimits
from automl_plan.providers.data_access import is_stored, object_uri

_USES = frozenset(use.encode() for use in USES)
_USES_OR_NONE = _USES | {b""}
_PLAIN = bytes([10, *range(32, 127), *range(128, 256)])
"""All bytes but control characters."""
_IN_NUMBERS = b"0123456789."
_MOST_KNOWN = 20_000
_MOST_NUMBERS = 65_536
_EMPTIED_AT_MOST = 4
"""How often the cache is cleared before it is no longer used: coordinates rarely repeat then."""
_OPPOSITE = [False, False, True, True, False, False, True, True]
"""Which of the eight columns of coordinates are empty when two opposite vertices are given."""
_END = 6
"""Characters at the end of a path: an extension and what precedes it."""


class FastPath:
    """Checks blocks of rows of one source at once."""

    def __init__(
        self, kind: DatasetKind, limits: DataLimits, source: int, bucket: str | None
    ) -> None:
        self._kind = kind
        self._limits = limits
        self._extensions = limits.image_extensions - limits.forms.other_images
        self._source = source
        self._in_storage = bucket is not None
        self._prefix = object_uri(bucket, "").encode() if bucket else None
        self._labels: set[bytes] = set()
        self._ends: dict[bytes, bool] = {}
        self._end = b".jpg,"
        self._numbers = _Numbers()

    def learn(self, path: str) -> None:
        """Expect the bucket of a valid path in the next paths."""
        if self._prefix is None and is_stored(path):
            self._prefix = "/".join([*path.split("/", 3)[:3], ""]).encode()

    def quick(self, text: bytes, numbers: Sequence[int]) -> RowBatch | None:
        """Return the rows of a text if all have the same fields and all are surely valid."""
        if text.translate(None, _PLAIN) or b";" in text or b"|" in text or not _is_utf8(text):
            return None
        width = text.count(b",", 0, text.index(b"\n")) + 1
        count = len(numbers)
        flat = text.replace(b"\n", b",\n,").split(b",")
        step = width + 1
        if len(flat) != count * step + 1 or flat[width::step].count(b"\n") != count:
            return None
        columns = [flat[place::step] for place in range(width)]
        columns[0].pop()  # what follows the last line feed
        if self._kind is DatasetKind.DETECTION:
            return self._boxes(columns, text, numbers)
        return self._classes(columns, text, numbers)

    def _classes(
        self, columns: list[list[bytes]], text: bytes, numbers: Sequence[int]
    ) -> RowBatch | None:
        if FIELDS_OF_BOX < len(columns) <= FIELDS_OF_BOX + 2:
            return None  # they may be boxes
        if columns[0][0] in _USES_OR_NONE:
            uses, *columns = columns
        else:
            uses = [b""] * len(numbers)
        if not columns:
            return None
        paths, *labels = columns
        if len(labels) > 1 and self._kind is DatasetKind.MULTICLASS:
            return None
        if any(any(map(eq, *two)) for two in combinations(labels, 2)):
            return None
        counts = [Counter(zip(uses, column, strict=True)) for column in labels]
        if not (_USES_OR_NONE.issuperset(uses) if not labels else self._fine(counts)):
            return None
        if not self._paths_fine(paths, text):
            return None
        return RowBatch(self._source, numbers, uses, paths, labels, counts)

    def _boxes(
        self, columns: list[list[bytes]], text: bytes, numbers: Sequence[int]
    ) -> RowBatch | None:
        if len(columns) != FIELDS_OF_BOX + 2:
            return None
        uses, paths, labels, *corners = columns
        empty = [not any(column) for column in corners]
        lines = text.split(b"\n")
        lines.pop()
        if all(empty) and not any(labels):
            if not _USES.issuperset(uses) or not self._paths_fine(paths, text):
                return None
            return RowBatch(self._source, numbers, uses, paths, lines=lines)
        counts = [Counter(zip(uses, labels, strict=True))]
        if not self._fine(counts) or b"" in {use for use, _ in counts[0]}:
            return None
        if empty != _OPPOSITE and not _is_upright(corners):
            return None
        box = [corners[0], corners[1], corners[4], corners[5]]
        edge = self._limits.box_edge
        if not _edges_fine(box, self._numbers, edge) or not self._paths_fine(paths, text):
            return None
        return RowBatch(self._source, numbers, uses, paths, [labels], counts, box, lines)

    def _fine(self, counts: list[Counter[tuple[bytes, bytes]]]) -> bool:
        """Return whether sets and labels are valid."""
        uses, labels = map(set, zip(*(key for each in counts for key in each), strict=True))
        new = labels - self._labels
        if not uses <= _USES_OR_NONE or not all(map(self._label_fine, new)):
            return False
        if len(self._labels) < _MOST_KNOWN:
            self._labels |= new
        return True

    def _label_fine(self, label: bytes) -> bool:
        """Return whether a label is valid, and without what is looked for in paths."""
        if not label or b"." in label or b"/" in label:
            return False
        return label_fault(_text(label), self._limits.forms) is None

    def _paths_fine(self, paths: list[bytes], text: bytes) -> bool:
        """Return whether paths are valid. Sets and labels are: no other field has a dot."""
        count = len(paths)
        if text.count(self._end) != count or text.count(b"/" + self._end):
            for end in {path[-_END:] for path in paths}:
                if not self._knows(end):
                    return False
            self._end = b"." + paths[0].rpartition(b".")[2] + b","
        if self._prefix is not None:
            if text.count(b"," + self._prefix) == count:
                return True
            size = len(self._prefix)
            if {path[:size] for path in paths} == {self._prefix}:
                return True
        if self._in_storage or b":" in text or b".." in text:
            return False
        starts = {path[:1] for path in paths}
        return b"/" not in starts and b" " not in starts

    def _knows(self, end: bytes) -> bool:
        """Return whether a path may end like this."""
        fine = self._ends.get(end)
        if fine is None:
            whole = len(end) == _END and b".." not in end
            fine = whole and extension(_text(end)) in self._extensions
            if len(self._ends) < _MOST_KNOWN:
                self._ends[end] = fine
        return fine


def _text(field: bytes) -> str:
    return field.decode("utf-8", "replace")


def _is_utf8(text: bytes) -> bool:
    if text.isascii():
        return True
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def _is_upright(corners: list[list[bytes]]) -> bool:
    """Return whether all boxes have their vertices in order, written alike."""
    x0, y0, x1, y1, x2, y2, x3, y3 = corners
    return (x0, y0, x1, y2) == (x3, y1, x2, y3)


class _Numbers(dict[bytes, float]):
    """A cache of parsed coordinates: most occur in many rows."""

    def __init__(self) -> None:
        super().__init__()
        self._emptied = 0

    def __missing__(self, written: bytes) -> float:
        number = self[written] = float(written)
        return number

    def read(self, column: list[bytes]) -> list[float]:
        """Parse a column of digits and dots. Raises ValueError."""
        if self._emptied >= _EMPTIED_AT_MOST:
            return list(map(float, column))
        if len(self) > _MOST_NUMBERS:
            self.clear()
            self._emptied += 1
        return list(map(self.__getitem__, column))


def _edges_fine(box: list[list[bytes]], numbers: _Numbers, edge: float) -> bool:
    if b"".join(chain.from_iterable(box)).translate(None, _IN_NUMBERS):
        return False
    try:
        x0, y0, x1, y1 = map(numbers.read, box)
    except ValueError:
        return False
    if max(map(max, (x0, y0, x1, y1))) > 1:
        return False
    least = edge - ROUNDING
    widths, heights = list(map(sub, x1, x0)), list(map(sub, y1, y0))
    if min(widths) >= least and min(heights) >= least:  # drawn from the top left
        return True
    return bool(min(map(abs, widths)) >= least and min(map(abs, heights)) >= least)


class RowBatch(Struct, frozen=True):
    """Some rows of one source, as they are written, by column."""

    source: int
    """The number of the source, from 0."""
    numbers: Sequence[int]
    """The line of each row, from 1."""
    uses: Sequence[bytes]
    """ML_USE in one of the API's spellings; empty where there is none, `?` where it is invalid."""
    paths: Sequence[bytes]
    labels: Sequence[Sequence[bytes]] = ()
    """A column for each label; no row has an empty one."""
    counts: Sequence[Counter[tuple[bytes, bytes]]] = ()
    """For each of these columns, the number of rows by ML_USE and label."""
    boxes: Sequence[Sequence[bytes]] = ()
    """Four columns of two opposite vertices: x, y, x, y. None where there is no object; `nan` where
    its place is unknown."""
    lines: Sequence[bytes] = ()
    """Of object detection only: the whole rows."""


class RowConsumer(Protocol):
    """Receives rows, in the same order each time a file is read."""

    def add(self, batch: RowBatch) -> None:
        """Add some rows."""
