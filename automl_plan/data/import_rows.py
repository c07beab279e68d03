"""The one reader of import files: each row becomes a typed row with its faults, or none at all.

Rows of a CSV are those of the proto comment on InputConfig: `ML_USE,PATH,LABEL…`, or
`ML_USE,PATH,LABEL,x,y,x,y,…` for boxes; ML_USE may be left out. What a row means does not depend
on the kind of its dataset; what its values may be is `row_checks`'. A line of JSON Lines has the
fields of the rows that say the same.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import BinaryIO, NamedTuple, TypeAlias

from automl_plan.data.csv_rows import CutOff, Part, PlainLines, QuotedRow, split_rows
from automl_plan.data.folders import FolderRows
from automl_plan.data.json_rows import SUFFIX, JsonRow, json_rows
from automl_plan.data.local_files import RELATIVE
from automl_plan.data.row_layout import (
    HINTS,
    NAMES_COLUMNS,
    SPELLINGS,
    has_index,
    names_columns,
    no_row,
    no_set,
    other_delimiter,
    quoted,
)
from automl_plan.data.source_files import unreadable
from automl_plan.errors import SourceError
from automl_plan.model.source_data import UNASSIGNED, is_folder
from automl_plan.providers.data_access import bucket_and_object, is_stored

MAX_SHOWN = 5
UNKNOWN = "?"
"""The set of an image with an invalid ML_USE: no rule on sets counts it."""
_SETS = {"": UNASSIGNED, **SPELLINGS}
_MOST_BEFORE = 100
"""Lines before the first row: headers and comments."""
DOUBTS = frozenset({"header-line", "csv-syntax"})
"""A header may be a row, and the fields of a row with misplaced quotes are known."""


class Fault(NamedTuple):
    """A rule of the data lint that a row breaks."""

    rule: str
    field: int
    """From 0."""
    message: str


class ImportRow(NamedTuple):
    """A row of an import file."""

    source: str
    line: int
    """The line that it begins on."""
    fields: list[str]
    """As they are written."""
    column: int
    """Which of them names the image."""
    use: str
    """The set that the image is in, in one spelling; `?` where it is invalid."""
    image: str
    """Where the image is: `gs://…`, or a path."""
    faults: tuple[Fault, ...] = ()
    """What is wrong with how the row is built."""
    annotations: str = ""
    """The key of its annotations, of a line of JSON Lines that has any."""

    @property
    def where(self) -> str:
        """The file and the line; of a folder, the image."""
        return self.image if is_folder(self.source) else f"{self.source}:{self.line}"

    @property
    def labels(self) -> list[str]:
        """Labels, or a label and a box; without empty fields at the end."""
        start, end = self.column + 1, len(self.fields)
        while end > start and not self.fields[end - 1]:
            end -= 1
        return self.fields[start:end]


class NoRow(NamedTuple):
    """A line that can't be read as a row."""

    source: str
    line: int
    rule: str
    """Of the data lint."""
    message: str


Read: TypeAlias = ImportRow | NoRow


def rows_of(sources: Iterable[str], open_source: Callable[[str], BinaryIO]) -> Iterator[ImportRow]:
    """Yield the rows of sources. Raises SourceError for rows that can't be read, after the last."""
    problems: list[SourceError] = []
    for source in sources:
        try:
            with open_source(source) as file:
                if isinstance(file, FolderRows) and (found := file.folder.problems()):
                    raise together(found, "file")
                yield from _rows_or_problems(read_rows(source, file), problems)
        except OSError as error:
            raise unreadable(source, error) from error
    if problems:
        raise together(problems, "row")


def _rows_or_problems(rows: Iterable[Read], problems: list[SourceError]) -> Iterator[ImportRow]:
    header: ImportRow | None = None
    for row in rows:
        if isinstance(row, NoRow):
            problems.append(broken(row.rule, row.message, f"{row.source}:{row.line}"))
            continue
        if row.faults:
            fault = next((each for each in row.faults if each.rule not in DOUBTS), None)
            if row.faults[0].rule == "header-line":
                header = header or row
            if fault is not None:
                if header is not None:  # where other rows are right, it may be one, too
                    problems.append(broken("header-line", NAMES_COLUMNS, header.where))
                    header = None
                problems.append(broken(fault.rule, fault.message, row.where))
                continue
        yield row


def read_rows(source: str, file: BinaryIO) -> Iterator[Read]:
    """Yield what is in a file, row for row, in order. Raises OSError."""
    reader = RowReader(source)
    for part in split_rows(file, quotes=not reader.is_json):
        yield from reader.rows_in(part)


class RowReader:
    """Reads the rows of one source, in order: of a CSV, or of JSON Lines."""

    def __init__(self, source: str) -> None:
        self._source = source
        self.is_json = source.lower().endswith(SUFFIX)
        self._before: int | None = 0
        """The number of lines before the first row; None after it."""

    @property
    def has_begun(self) -> bool:
        """Whether the first row was read: from there on rows don't depend on those before."""
        return self._before is None

    def rows_in(self, part: Part) -> Iterator[Read]:
        """Yield the rows of a part of the file."""
        if isinstance(part, QuotedRow):
            yield self.quoted(part)
        elif isinstance(part, CutOff):
            yield NoRow(self._source, part.number, part.rule, part.message)
        elif self.is_json:
            yield from map(self._of_json, json_rows(part))
        else:
            yield from self._plain(part)

    def _of_json(self, row: JsonRow) -> Read:
        if not row.fields:
            return NoRow(self._source, row.line, "json-line", row.fault)
        faults = [Fault("ml-use", 0, row.fault)] if row.fault else []
        read = self._row(row.fields, row.line, 1, UNKNOWN if faults else row.fields[0], faults)
        return read._replace(annotations=row.annotations)

    def _plain(self, part: PlainLines) -> Iterator[Read]:
        longest = csv.field_size_limit()
        try:
            lines = part.text.decode().split("\n")
        except UnicodeDecodeError:
            lines = []
        if not lines or b"\0" in part.text or max(map(len, lines)) > longest:
            for number, raw in enumerate(part.text.split(b"\n"), part.number):
                if raw:
                    yield self.line(raw, number)
            return
        for number, line in enumerate(lines, part.number):
            if line:
                yield self._read(line.split(","), number)

    def line(self, line: bytes, number: int) -> Read:
        """Read a line without quotes that is not blank."""
        fields = line.decode("utf-8", "surrogateescape").split(",")
        return self._none(line, fields, number) or self._read(fields, number)

    def quoted(self, row: QuotedRow) -> Read:
        """Read a row with quotes."""
        if none := self._none(row.lines, row.fields, row.number):
            return none
        message = f"the row can't be read: {row.error}"
        if not row.fields:
            return NoRow(self._source, row.number, "csv-syntax", message)
        read = self._read(row.fields, row.number)
        if row.error is None or isinstance(read, NoRow):
            return read
        return read._replace(faults=(*read.faults, Fault("csv-syntax", 0, message)))

    def _none(self, line: bytes, fields: Sequence[str], number: int) -> NoRow | None:
        """Return what a line is whose text can't be that of a row."""
        try:
            line.decode()
        except UnicodeDecodeError as error:
            message = f"the byte 0x{line[error.start]:02x} is not UTF-8"
            return NoRow(self._source, number, "csv-encoding", message)
        longest = csv.field_size_limit()
        if b"\0" in line:
            message = "the row has a NUL character"
        elif len(line) > longest and max(map(len, fields), default=0) > longest:
            message = f"the row can't be read: field larger than field limit ({longest})"
        else:
            return None
        return NoRow(self._source, number, "csv-syntax", message)

    def _read(self, fields: list[str], line: int) -> Read:
        use = _SETS.get(fields[0]) or _SETS.get(fields[0].upper())
        column = 0 if use is None else 1
        faults: list[Fault] = []
        if self._before is not None:
            what = no_row(fields)
            if what is None and names_columns(fields):
                faults.append(Fault("header-line", 0, NAMES_COLUMNS))
            more = what is not None or faults
            self._before = self._before + 1 if more and self._before + 1 < _MOST_BEFORE else None
            if what is not None:
                return NoRow(self._source, line, "header-line", what)
        if use is None and not faults:
            if delimiter := other_delimiter(fields):
                return NoRow(self._source, line, "csv-delimiter", delimiter)
            if has_index(fields):
                use, column = SPELLINGS[fields[1].upper()], 2
                faults.append(Fault("index-column", 0, "the row begins with a number of its own"))
            elif fault := no_set(fields):
                use, column = UNKNOWN, 1
                faults.append(Fault("ml-use", 0, fault))
        return self._row(fields, line, column, use or UNASSIGNED, faults)

    def _row(
        self, fields: list[str], line: int, column: int, use: str, faults: list[Fault]
    ) -> ImportRow:
        image = fields[column] if len(fields) > column else ""
        if not image or image.isspace():
            faults.append(Fault("no-image", column, "the row names no image"))
        elif is_stored(image) and not bucket_and_object(image):
            faults.append(Fault("image-path", column, f"{quoted(image)} names no object"))
        return ImportRow(self._source, line, fields, column, use, image, tuple(faults))


def together(problems: list[SourceError], what: str) -> SourceError:
    """Return one error that names the first few."""
    shown = [f"{p.where}: {p.message}" for p in problems[:MAX_SHOWN]]
    if len(problems) > MAX_SHOWN:
        shown.append(f"… and {len(problems) - MAX_SHOWN} more")
    count = len(problems)
    hint = problems[0].hint
    if hint is None:
        hint = f"A row is ML_USE,PATH,LABEL. {RELATIVE}" if what == "row" else RELATIVE
    return SourceError(
        f"{count} {what}{'s' if count != 1 else ''} can't be read:\n  " + "\n  ".join(shown),
        where=problems[0].where,
        hint=hint,
    )


def broken(rule: str, message: str, where: str) -> SourceError:
    """Return the error of a row that breaks a rule of the data lint."""
    return SourceError(f"{message} ({rule})", where=where, hint=HINTS.get(rule))
