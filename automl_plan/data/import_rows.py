"""The rows of import CSVs as plans read them: one that can't be read is an error.

Rows are those of the proto comment on InputConfig: `ML_USE,PATH,LABEL…`, or
`ML_USE,PATH,LABEL,x,y,x,y,…` for boxes; ML_USE may be left out.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import BinaryIO, NamedTuple

from automl_plan.data.csv_rows import LineTooLong, PlainLines, split_rows
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
from automl_plan.data.source_files import RELATIVE, bucket_and_object, unreadable
from automl_plan.errors import SourceError

MAX_SHOWN = 5
UNASSIGNED = "UNASSIGNED"
_SETS = {"": UNASSIGNED, **SPELLINGS}


class ImportRow(NamedTuple):
    """A row of an import CSV."""

    source: str
    line: int
    """The line that it begins on."""
    fields: list[str]
    """As they are written."""
    column: int
    """Which of them names the image."""
    use: str
    """The set that the image is in, in one spelling."""
    image: str
    """Where the image is: `gs://…`, or a path."""

    @property
    def where(self) -> str:
        """The file and the line."""
        return f"{self.source}:{self.line}"

    @property
    def labels(self) -> list[str]:
        """Labels, or a label and a box; without empty fields at the end."""
        start, end = self.column + 1, len(self.fields)
        while end > start and not self.fields[end - 1]:
            end -= 1
        return self.fields[start:end]


def rows_of(sources: Iterable[str], open_source: Callable[[str], BinaryIO]) -> Iterator[ImportRow]:
    """Yield the rows of sources. Raises SourceError for rows that can't be read, after the last."""
    problems: list[SourceError] = []
    for source in sources:
        try:
            with open_source(source) as file:
                for row in _read(source, file):
                    if isinstance(row, SourceError):
                        problems.append(row)
                    else:
                        yield row
        except OSError as error:
            raise unreadable(source, error) from error
    if problems:
        raise together(problems, "row")


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
    return SourceError(f"{message} ({rule})", where=where, hint=HINTS[rule])


def _read(source: str, file: BinaryIO) -> Iterator[ImportRow | SourceError]:
    begun, header = False, ""
    for line, fields in _numbered(source, file):
        use = _SETS.get(fields[0]) or _SETS.get(fields[0].upper())
        if not begun or use is None:
            where = f"{source}:{line}"
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
                continue
        column = 0 if use is None else 1
        image = fields[column] if len(fields) > column else ""
        if fault_of_image := _image_fault(image, fields):
            yield SourceError(fault_of_image, where=f"{source}:{line}")
        else:
            yield ImportRow(source, line, fields, column, use or UNASSIGNED, image)


def _numbered(source: str, file: BinaryIO) -> Iterator[tuple[int, list[str]]]:
    """Yield rows with their lines, but no blank lines."""
    number = 1
    try:
        for part in split_rows(file, strict=False):
            if isinstance(part, PlainLines):
                yield from _plain_rows(source, part)
                number = part.number + part.text.count(b"\n")
                continue
            if part.error is not None:
                where = f"{source}:{part.number}"
                raise SourceError(f"The row can't be read: {part.error}.", where=where)
            _decode(source, part.number, part.lines)
            yield part.number, part.fields
            number = part.number + len(part.lines.splitlines())
    except LineTooLong as error:
        message = "The line has no end for a megabyte."
        raise SourceError(message, where=f"{source}:{number}") from error


def _plain_rows(source: str, part: PlainLines) -> Iterator[tuple[int, list[str]]]:
    longest = csv.field_size_limit()
    lines = _decode(source, part.number, part.text).split("\n")
    for number, line in enumerate(lines, part.number):
        if line:
            fields = line.split(",")
            if len(line) > longest and max(map(len, fields)) > longest:
                raise SourceError(
                    f"The row can't be read: field larger than field limit ({longest}).",
                    where=f"{source}:{number}",
                )
            yield number, fields


def _decode(source: str, number: int, text: bytes) -> str:
    try:
        return text.decode()
    except UnicodeDecodeError as error:
        line = number + len(text[: error.start + 1].splitlines()) - 1
        raise SourceError(
            "The import CSV is not UTF-8.",
            where=f"{source}:{line}",
            hint="Save the file as UTF-8.",
        ) from error


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


def _image_fault(image: str, fields: Sequence[str]) -> str | None:
    if not image or image.isspace():
        return "The row names no image."
    if "\0" in image or any("\0" in field for field in fields):
        return "The row has a NUL character."
    if image.startswith("gs://") and not bucket_and_object(image):
        return f"{image} names no object; write gs://BUCKET/OBJECT."
    return None
