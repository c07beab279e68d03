"""The second reading: rows that may repeat others by their digests, compared exactly."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence

from msgspec import Struct

from automl_plan.data.dataset_kinds import DatasetKind
from automl_plan.data.fast_path import RowBatch
from automl_plan.data.import_rows import UNKNOWN
from automl_plan.data.label_counts import ReportAt, RowPlace, set_of
from automl_plan.data.row_checks import named
from automl_plan.data.spilled_records import without_set
from automl_plan.model.capabilities import DataLimits
from automl_plan.model.source_data import UNASSIGNED

MOST_ROWS = 500_000
"""Rows that are compared at most, so that memory stays bounded."""


class RepeatedRow(Struct, frozen=True):
    """A row that may repeat another."""

    place: RowPlace
    use: str
    labels: tuple[bytes, ...]
    box: bool


class RepeatedRows:
    """Collects rows that may repeat others, by image and as a whole."""

    def __init__(
        self,
        kind: DatasetKind,
        limits: DataLimits,
        images: Collection[int],
        lines: Collection[int],
    ) -> None:
        self._kind = kind
        self._limits = limits
        self._images = images
        self._lines = lines
        self._seen: dict[bytes, list[RepeatedRow]] = {}
        self._whole: dict[bytes, list[RowPlace]] = {}
        self._rows = 0
        self.left_out = 0

    def add(self, batch: RowBatch) -> None:
        """Keep the rows of a batch that may repeat others."""
        boxes = self._kind is DatasetKind.DETECTION
        digests = map(hash, batch.paths)
        if boxes:
            digests = map(without_set, digests)
            for place in self._chosen(map(hash, batch.lines), self._lines):
                where = (batch.source, batch.numbers[place])
                self._whole.setdefault(batch.lines[place], []).append(where)
        for place in self._chosen(digests, self._images):
            labels = tuple(column[place] for column in batch.labels)
            where, use = (batch.source, batch.numbers[place]), set_of(batch.uses[place])
            seen = RepeatedRow(where, use, labels, bool(batch.boxes))
            self._seen.setdefault(batch.paths[place], []).append(seen)

    def _chosen(self, digests: Iterator[int], candidates: Collection[int]) -> Iterator[int]:
        if not candidates:
            return
        for place, digest in enumerate(digests):
            if digest in candidates:
                if self._rows >= MOST_ROWS:
                    self.left_out += 1
                    continue
                self._rows += 1
                yield place

    def judge(self, where: Callable[[RowPlace], str], report: ReportAt) -> None:
        """Report rows that repeat or contradict others."""
        for rows in self._seen.values():
            rows.sort(key=lambda row: row.place)
            self._judge_image(rows, where, report)
        for found in self._whole.values():
            first, *others = sorted(found)
            for place in others:
                report("row-repeated", place, f"the row repeats {where(first)}")

    def _judge_image(
        self,
        rows: Sequence[RepeatedRow],
        where: Callable[[RowPlace], str],
        report: ReportAt,
    ) -> None:
        first, most_boxes = rows[0], self._limits.boxes_of_an_image
        open_sets = {UNKNOWN} | ({UNASSIGNED} if self._limits.forms.set_once else set())
        placed = next((row for row in rows if row.use not in open_sets), first)
        sets = {placed.use, *open_sets}
        known = set(first.labels)
        boxes = int(first.box)
        for row in rows[1:]:
            boxes += row.box
            if row.use not in sets:
                sets.add(row.use)
                message = f"the image is in {row.use} here, and in {placed.use} at "
                report("sets-differ", row.place, message + where(placed.place))
            if self._kind is DatasetKind.DETECTION:
                if row.box and boxes == most_boxes + 1:
                    report("box-count", row.place, f"the image has more than {most_boxes} boxes")
                continue
            if self._kind is DatasetKind.MULTICLASS and known and set(row.labels) - known:
                message = f"the image is {_words(row.labels)} here, and {_words(known)} at "
                report("labels-differ", row.place, message + where(first.place))
            elif row.use == first.use and known.issuperset(row.labels):
                report("row-repeated", row.place, f"the row repeats {where(first.place)}")
            known.update(row.labels)


def _words(labels: Collection[bytes]) -> str:
    return ", ".join(named(label.decode()) for label in sorted(labels))
