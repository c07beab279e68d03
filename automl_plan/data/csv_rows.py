"""Splits an import file into lines and rows."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterable, Iterator
from io import StringIO
from typing import BinaryIO, TypeAlias

from msgspec import Struct

BLOCK = 256 * 1024
LONGEST_LINE = 1024 * 1024
"""Bytes. A file that has a longer one is no CSV of images."""
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_NO_TEXT = {
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
    b"\x1f\x8b": "compressed by gzip",
    b"PK\x03\x04": "a workbook of a spreadsheet, or another ZIP archive",
    b"\xd0\xcf\x11\xe0": "a workbook of Excel",
    b"\x89PNG": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
}
"""What a file is that begins with such bytes."""


class LineTooLong(Exception):
    """A line has no end for a megabyte."""


class CutOff(Struct, frozen=True):
    """Where a file can't be read any further."""

    number: int
    """Of the line."""
    rule: str
    """Of the data lint."""
    message: str


class PlainLines(Struct, frozen=True):
    """Lines without quotes: each is a row, or blank."""

    number: int
    """Of the first line, from 1."""
    text: bytes
    """Every line ends with a line feed, however the file ends it."""

    @property
    def end(self) -> int:
        """The number of the line after them."""
        return self.number + self.text.count(b"\n")


class QuotedRow(Struct, frozen=True):
    """A row with quotes; inside of them it may have several lines."""

    number: int
    lines: bytes
    """As they are in the file, without the end of the last one."""
    fields: list[str]
    """Bytes that are not UTF-8 are surrogates; none where the row can't be split."""
    error: str | None
    """Why the row can't be split, or what is wrong with its quotes."""
    end: int
    """The number of the line after it."""


Part: TypeAlias = PlainLines | QuotedRow | CutOff


def csv_line(fields: Iterable[str]) -> str:
    """Return a row as a line of a CSV, which ends with a line feed.

    Whatever would be taken for the end of a line is quoted.
    """
    line = StringIO()
    csv.writer(line, lineterminator="\r\n").writerow(fields)
    return line.getvalue().removesuffix("\r\n") + "\n"


def split_rows(file: BinaryIO, *, quotes: bool = True) -> Iterator[Part]:
    """Yield all rows of a file; a byte order mark is no part of the first one.

    `quotes`: fields may be quoted, as in a CSV; else every line is a plain one. Raises OSError.
    """
    number = 1
    start = file.read(max(map(len, _NO_TEXT)))
    file.seek(0)
    for begin, what in _NO_TEXT.items():
        if start.startswith(begin):
            yield CutOff(1, "csv-encoding", f"the file is {what}, not UTF-8")
            return
    stream = blocks(file)
    try:
        for block in stream:
            if number == 1:
                block = block.removeprefix(BYTE_ORDER_MARK)
            if not quotes or b'"' not in block:
                text = with_line_feeds(block)
                if text:
                    yield PlainLines(number, text)
                number += text.count(b"\n")
                continue
            lines = deque(block.splitlines(keepends=True))
            for part in _split_quoted(lines, stream, number):
                yield part
                number = part.end
    except LineTooLong:
        message = "a line is longer than a megabyte: the rest of the file is not read"
        yield CutOff(number, "csv-syntax", message)


def _split_quoted(
    lines: deque[bytes], stream: Iterator[bytes], number: int
) -> Iterator[PlainLines | QuotedRow]:
    """Yield the rows of lines, which may go on in the stream."""
    plain: list[bytes] = []
    while lines:
        if b'"' not in lines[0]:
            plain.append(lines.popleft())
            continue
        if plain:
            yield PlainLines(number, with_line_feeds(b"".join(plain)))
            number += len(plain)
            plain.clear()
        taken: list[bytes] = []
        fields: list[str] = []
        error = None
        try:
            fields = next(csv.reader(_decoded(lines, stream, taken)))
            # Misplaced quotes are a fault of the row, whose fields are known all the same.
            next(csv.reader((_text(line) for line in taken), strict=True))
        except csv.Error as caught:
            error = str(caught)
        first, number = number, number + len(taken)
        yield QuotedRow(first, b"".join(taken).rstrip(b"\r\n"), fields, error, number)
    if plain:
        yield PlainLines(number, with_line_feeds(b"".join(plain)))


def _decoded(lines: deque[bytes], stream: Iterator[bytes], taken: list[bytes]) -> Iterator[str]:
    """Yield lines as they are asked for, also beyond those that were read."""
    while True:
        if not lines:
            lines.extend(next(stream, b"").splitlines(keepends=True))
            if not lines:
                return
        taken.append(lines.popleft())
        yield _text(taken[-1])


def _text(line: bytes) -> str:
    return line.decode("utf-8", "surrogateescape")


def blocks(file: BinaryIO, size: int = BLOCK) -> Iterator[bytes]:
    """Yield whole lines, some hundred kilobytes at a time. Raises OSError, and LineTooLong."""
    rest = b""
    while data := file.read(size):
        data = rest + data
        # A "\r" at its end may be the first half of the end of a line.
        end = max(data.rfind(b"\n"), data.rfind(b"\r", 0, len(data) - 1)) + 1
        rest = data[end:]
        if end:
            yield data[:end]
        if len(rest) > LONGEST_LINE:
            raise LineTooLong
    if rest:
        yield rest


def with_line_feeds(lines: bytes) -> bytes:
    """Return lines that all end with a line feed."""
    if b"\r" in lines:
        lines = lines.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return lines if not lines or lines.endswith(b"\n") else lines + b"\n"
