"""Reads one import CSV for the lint: rows to consumers, faults to findings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from typing import BinaryIO

from automl_plan.data.csv_rows import BYTE_ORDER_MARK, LineTooLong, QuotedRow, split_rows
from automl_plan.data.dataset_kinds import DatasetKind
from automl_plan.data.fast_path import FastPath, RowBatch, RowConsumer
from automl_plan.data.lint_rules import REFUSED
from automl_plan.data.row_checks import CheckedRow, read_row
from automl_plan.data.row_layout import NAMES_COLUMNS, names_columns, no_row, other_delimiter
from automl_plan.model.capabilities import DataLimits

ReportFault = Callable[[str, int, str, int], None]
"""Takes a rule, a line, a message and a column."""
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_MOST_BEFORE = 100
"""Lines before the first row: headers and comments."""
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
        source: int,
        bucket: str | None,
        sinks: Sequence[RowConsumer],
        report: ReportFault,
        *,
        refused: Collection[str] = REFUSED,
        fast: bool = True,
    ) -> None:
        """`limits` are the provider's; `refused`: rows that break these rules are not passed on."""
        self._kind = kind
        self._limits = limits
        self._source = source
        self._bucket = bucket
        self._sinks = sinks
        self._report = report
        self._refused = refused
        self._fast = fast
        self._columns = FastPath(kind, limits, source, bucket)
        self._before: int | None = 0
        """The number of lines before the first row; None after it."""
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
        if start.startswith(_UTF_16):
            self._report("csv-encoding", 1, "the file is UTF-16, not UTF-8", 0)
            self.stopped = 1
            return
        if start == BYTE_ORDER_MARK:
            self._report("byte-order-mark", 1, "the file begins with U+FEFF", 1)
        number = 1
        try:
            for part in split_rows(file, strict=True):
                if isinstance(part, QuotedRow):
                    self._quoted(part)
                    number = part.number + len(part.lines.splitlines())
                else:
                    self._lines(part.text, part.number)
                    number = part.number + part.text.count(b"\n")
        except LineTooLong:
            self.stopped = number
            message = "a line is longer than a megabyte: the rest of the file is not checked"
            self._report("csv-syntax", number, message, 0)

    def _lines(self, text: bytes, number: int) -> None:
        while text and self._before is not None:
            line, _, text = text.partition(b"\n")
            self._line(line, number)
            number += 1
        if text:
            self._plain(text, number)

    def _quoted(self, row: QuotedRow) -> None:
        if row.error is None:
            self._fields(row.fields, row.number, row.lines)
            return
        self.rows += 1
        self.unreadable += 1
        self._before = None
        text = row.lines.partition(b"\n")[0].decode("utf-8", "surrogateescape").replace('"', "")
        if delimiter := other_delimiter([text]):
            self._report("csv-delimiter", row.number, delimiter, 0)
        else:
            self._report("csv-syntax", row.number, f"the row can't be read: {row.error}", 0)

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
            self._fields(line.decode("utf-8", "surrogateescape").split(","), number, line)

    def _fields(self, fields: list[str], number: int, line: bytes) -> None:
        if not fields:
            return
        self.rows += 1
        if fault := self._no_row(fields, line):
            self.unreadable += 1
            rule, message = fault
            self._report(rule, number, message, 0)
            return
        row = read_row(fields, self._kind, self._limits, self._bucket, self._refused)
        for rule, place, message in row.faults:
            column = 0
            if b'"' not in line:
                column = 1 + sum(len(field) + 1 for field in fields[:place])
            self._report(rule, number, message, column)
        if any(rule in self._refused for rule, _, _ in row.faults):
            self.refused += 1
        elif not row.path:
            self.unnamed += 1
        else:
            if not row.faults:
                self._columns.learn(row.path)
            batch = self._batch(row, number, line)
            for sink in self._sinks:
                sink.add(batch)

    def _no_row(self, fields: list[str], line: bytes) -> tuple[str, str] | None:
        """Return why a line is no row: the rule that it breaks, and a message."""
        try:
            line.decode()
        except UnicodeDecodeError as error:
            return "csv-encoding", f"the byte 0x{line[error.start]:02x} is not UTF-8"
        if self._before is not None:
            what = no_row(fields) or (NAMES_COLUMNS if names_columns(fields) else None)
            if what is not None:
                more = self._before + 1 < _MOST_BEFORE
                self._before = self._before + 1 if more else None
                return "header-line", what
            self._before = None
        delimiter = other_delimiter(fields)
        return None if delimiter is None else ("csv-delimiter", delimiter)

    def _batch(self, row: CheckedRow, number: int, line: bytes) -> RowBatch:
        """Return a batch of one row."""
        labels = [[label.encode()] for label in row.labels]
        use, path = row.use.encode(), row.path.encode()
        counts = [Counter({(use, label): 1}) for [label] in labels]
        if self._kind is not DatasetKind.DETECTION:
            return RowBatch(self._source, (number,), (use,), (path,), labels, counts)
        box = [[corner.encode()] for corner in row.box]
        return RowBatch(self._source, (number,), (use,), (path,), labels, counts, box, (line,))
