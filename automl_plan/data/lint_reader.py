"""Reads one import file for the lint: rows to consumers, faults to findings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from typing import BinaryIO

from automl_plan.data.csv_rows import BYTE_ORDER_MARK, CutOff, QuotedRow, split_rows
from automl_plan.data.dataset_kinds import DatasetKind
from automl_plan.data.fast_path import FastPath, RowBatch, RowConsumer
from automl_plan.data.import_rows import DOUBTS, NoRow, Read, RowReader
from automl_plan.data.lint_rules import REFUSED
from automl_plan.data.row_checks import CheckedRow, check_row
from automl_plan.model.capabilities import DataLimits

ReportFault = Callable[[str, int, str, int], None]
"""Takes a rule, a line, a message and a column."""
_PARTS = 8
"""The number of parts into which rows are divided to find invalid ones."""
_FEW = 16
"""Up to this number, rows are checked one by one."""


class LintReader:
    """Checks the rows of one source."""

    def __init__(
        self,
        kind: DatasetKind,
        limits: DataLimits,
        source: tuple[int, str],
        bucket: str | None,
        sinks: Sequence[RowConsumer],
        report: ReportFault,
        *,
        refused: Collection[str] = REFUSED,
        fast: bool = True,
    ) -> None:
        """`source`: its number, and its name.

        `refused`: rows that break these rules are not passed on.
        """
        self._kind = kind
        self._limits = limits
        self._source = source[0]
        self._bucket = bucket
        self._sinks = sinks
        self._report = report
        self._refused = refused
        self._fast = fast
        self._columns = FastPath(kind, limits, source[0], bucket)
        self._reader = RowReader(source[1])
        self.rows = 0
        """The number of rows, valid or not, without blank lines."""
        self.refused = 0
        """Rows that break one of the `refused` rules."""
        self.unreadable = 0
        """Rows that can't be split into fields."""
        self.unnamed = 0
        """Rows without an image that are not refused for it."""
        self.stopped: int | None = None
        """The line from which on the file could not be read."""

    def read(self, file: BinaryIO) -> None:
        """Read the file. Raises OSError."""
        start = file.read(len(BYTE_ORDER_MARK))
        file.seek(0)
        if start == BYTE_ORDER_MARK:
            self._report("byte-order-mark", 1, "the file begins with U+FEFF", 1)
        for part in split_rows(file, quotes=not self._reader.is_json):
            if isinstance(part, CutOff):
                self.stopped = part.number
                self._report(part.rule, part.number, part.message, 0)
            elif self._reader.is_json:
                for read in self._reader.rows_in(part):
                    self._take_row(read, None)
            elif isinstance(part, QuotedRow):
                self._take_row(self._reader.quoted(part), part.lines)
            else:
                self._lines(part.text, part.number)

    def _lines(self, text: bytes, number: int) -> None:
        while text and not self._reader.has_begun:
            line, _, text = text.partition(b"\n")
            self._line(line, number)
            number += 1
        if text:
            self._plain(text, number)

    def _plain(self, text: bytes, number: int) -> None:
        count = text.count(b"\n")
        numbers = range(number, number + count)
        if self._fast and self._take(text, numbers):
            return
        lines = text.split(b"\n")
        lines.pop()
        # Rows of the same fields together: with more labels, with a box or without.
        groups: dict[tuple[int, int], list[int]] = {}
        for place, line in enumerate(lines):
            groups.setdefault((line.count(b","), line.count(b",,")), []).append(place)
        for places in groups.values():
            chosen = [lines[place] for place in places]
            self._divide(chosen, [numbers[place] for place in places], tried=len(groups) == 1)

    def _divide(self, lines: list[bytes], numbers: Sequence[int], *, tried: bool) -> None:
        """Find the rows that may be invalid."""
        if not self._fast or len(lines) <= _FEW:
            for line, number in zip(lines, numbers, strict=True):
                self._line(line, number)
            return
        if not tried and self._take(b"\n".join([*lines, b""]), numbers):
            return
        size = -(-len(lines) // _PARTS)
        for start in range(0, len(lines), size):
            part = slice(start, start + size)
            self._divide(lines[part], numbers[part], tried=False)

    def _take(self, text: bytes, numbers: Sequence[int]) -> bool:
        batch = self._columns.quick(text, numbers)
        if batch is None:
            return False
        self.rows += len(numbers)
        for sink in self._sinks:
            sink.add(batch)
        return True

    def _line(self, line: bytes, number: int) -> None:
        """A row without quotes."""
        if line:
            self._take_row(self._reader.line(line, number), line)

    def _take_row(self, read: Read, line: bytes | None) -> None:
        """`line`: as it is in the file; None for JSON Lines."""
        self.rows += 1
        if isinstance(read, NoRow):
            self.unreadable += 1
            self._report(read.rule, read.line, read.message, 0)
            return
        row = check_row(read, self._kind, self._limits, self._bucket, self._refused)
        for rule, place, message in row.faults:
            column = 0
            if line is not None and b'"' not in line:
                column = 1 + sum(len(field) + 1 for field in read.fields[:place])
            self._report(rule, read.line, message, column)
        broken = {fault.rule for fault in row.faults} & set(self._refused)
        if broken:
            self.unreadable += not broken.isdisjoint(DOUBTS)
            self.refused += broken.isdisjoint(DOUBTS)
        elif not row.path:
            self.unnamed += 1
        else:
            if not row.faults:
                self._columns.learn(row.path)
            whole = ",".join(read.fields).encode() if line is None else line
            batch = self._batch(row, read.line, whole)
            for sink in self._sinks:
                sink.add(batch)

    def _batch(self, row: CheckedRow, number: int, line: bytes) -> RowBatch:
        """Return a batch of one row."""
        labels = [[label.encode()] for label in row.labels]
        use, path = row.use.encode(), row.path.encode()
        counts = [Counter({(use, label): 1}) for [label] in labels]
        if self._kind is not DatasetKind.DETECTION:
            return RowBatch(self._source, (number,), (use,), (path,), labels, counts)
        box = [[corner.encode()] for corner in row.box]
        return RowBatch(self._source, (number,), (use,), (path,), labels, counts, box, (line,))
