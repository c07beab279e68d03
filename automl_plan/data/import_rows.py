"""The rows of import CSVs.

Rows are those of the proto comment on InputConfig: `ML_USE,PATH,LABEL…`, or
`ML_USE,PATH,LABEL,x,y,x,y,…` for boxes; ML_USE may be left out.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from io import BytesIO, TextIOWrapper
from typing import NamedTuple

from automl_plan.data.locations import RELATIVE, bucket_and_object
from automl_plan.data.row_layout import (
    HINTS,
    NAMES_COLUMNS,
    SPELLINGS,
    has_index,
    names_columns,
    no_row,
    no_set,
    other_delimiter,
)
from automl_plan.errors import SourceError

MAX_SHOWN = 5
_LINE_END = re.compile(rb"\r\n|\r|\n")
UNASSIGNED = "UNASSIGNED"
_SETS = {"": UNASSIGNED, **SPELLINGS}


class ImportRow(NamedTuple):
    """A row of an import CSV: its fields as they are, and which of them names the image."""

    source: str
    line: int
    fields: list[str]
    column: int

    @property
    def where(self) -> str:
        """The file and the line that it ends on."""
        return f"{self.source}:{self.line}"

    @property
    def use(self) -> str:
        """The set that the image is in, in one spelling."""
        return _SETS[self.fields[0].upper()] if self.column else UNASSIGNED

    @property
    def image(self) -> str:
        """Where the image is: `gs://…`, or a path."""
        return self.fields[self.column]

    @property
    def labels(self) -> list[str]:
        """Labels, or a label and a box; without empty fields at the end."""
        end = len(self.fields)
        while end > self.column + 1 and not self.fields[end - 1]:
            end -= 1
        return self.fields[self.column + 1 : end]


def rows_of(tables: Mapping[str, bytes]) -> Iterator[ImportRow]:
    """The rows of import CSVs, by their names; none is kept. Raises SourceError.

    What is wrong with rows is told when all have been read.
    """
    problems: list[SourceError] = []
    for source, data in tables.items():
        for row in _read(source, data):
            if isinstance(row, SourceError):
                problems.append(row)
            else:
                yield row
    if problems:
        raise together(problems, "row")


def together(problems: list[SourceError], what: str) -> SourceError:
    """One failure that tells the first few."""
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


def _read(source: str, data: bytes) -> Iterator[ImportRow | SourceError]:
    # Decoded piece by piece: all of it as text takes up to four times as much memory.
    reader = csv.reader(TextIOWrapper(BytesIO(data), encoding="utf-8-sig", newline=""))
    clean = b"\0" not in data
    begun, header = False, ""
    try:
        for fields in reader:
            if not fields:
                continue
            where = f"{source}:{reader.line_num}"
            what = None if begun else no_row(fields)
            if what is not None:
                yield broken("header-line", what, where)
                continue
            if not begun and names_columns(fields):
                header = where
            begun = True
            if fault := _layout_fault(fields):
                if header:  # where other rows are right, it may be one, too
                    yield broken("header-line", NAMES_COLUMNS, header)
                    header = ""
                yield broken(*fault, where)
            else:
                yield _row(source, reader.line_num, fields, clean=clean)
    except UnicodeDecodeError as error:
        raise SourceError(
            "The import CSV is not UTF-8.",
            where=f"{source}:{_undecodable_line(data)}",
            hint="Save the file as UTF-8.",
        ) from error
    except csv.Error as error:
        raise SourceError(
            f"The row can't be read: {error}.", where=f"{source}:{reader.line_num}"
        ) from error


def _undecodable_line(data: bytes) -> int:
    try:
        data.decode()
    except UnicodeDecodeError as error:
        return len(_LINE_END.findall(data, 0, error.start)) + 1
    return 1


def _layout_fault(fields: Sequence[str]) -> tuple[str, str] | None:
    """The rule of the data lint that a row breaks by how it begins, and how."""
    if fields[0].upper() in _SETS:
        return None
    if delimiter := other_delimiter(fields):
        return "csv-delimiter", delimiter
    if has_index(fields):
        return "index-column", "the row begins with a number of its own"
    use = no_set(fields)
    return None if use is None else ("ml-use", use)


def broken(rule: str, message: str, where: str) -> SourceError:
    """What is wrong with a row that breaks a rule of the data lint."""
    return SourceError(f"{message} ({rule})", where=where, hint=HINTS[rule])


def _row(source: str, line: int, fields: list[str], *, clean: bool) -> ImportRow | SourceError:
    """ML_USE is optional for classification: then the path comes first. `clean`: without NUL."""
    column = 1 if fields[0].upper() in _SETS else 0
    row = ImportRow(source, line, fields, column)
    if len(fields) <= column or not fields[column].strip():
        return SourceError("The row names no image.", where=row.where)
    if not clean and any("\0" in field for field in fields):
        return SourceError("The row has a NUL character.", where=row.where)
    image = fields[column]
    if image.startswith("gs://") and not bucket_and_object(image):
        return SourceError(f"{image} names no object; write gs://BUCKET/OBJECT.", where=row.where)
    return row
