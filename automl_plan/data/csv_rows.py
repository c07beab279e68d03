"""Splits an import CSV into rows: the one reader of them, for plans and for the lint."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Generator, Iterator
from typing import BinaryIO

from msgspec import Struct

BLOCK = 256 * 1024
LONGEST_LINE = 1024 * 1024
"""Bytes. A file that has a longer one is no CSV of images."""
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class LineTooLong(Exception):
    """A line has no end for a megabyte."""


class PlainLines(Struct, frozen=True):
    """Lines without quotes: each is a row, or blank."""

    number: int
    """Of the first line, from 1."""
    text: bytes
    """Every line ends with a line feed, however the file ends it."""


class QuotedRow(Struct, frozen=True):
    """A row with quotes; inside of them it may have several lines."""

    number: int
    lines: bytes
    """As they are in the file, without the end of the last one."""
    fields: list[str]
    """Bytes that are not UTF-8 are surrogates."""
    error: str | None = None
    """Why the row can't be read."""


def split_rows(file: BinaryIO, *, strict: bool) -> Iterator[PlainLines | QuotedRow]:
    """Yield all rows of a file; a byte order mark is no part of the first one.

    `strict`: misplaced quotes are errors. Raises OSError, and LineTooLong.
    """
    number = 1
    stream = blocks(file)
    for block in stream:
        if number == 1:
            block = block.removeprefix(BYTE_ORDER_MARK)
        if b'"' not in block:
            text = with_line_feeds(block)
            if text:
                yield PlainLines(number, text)
            number += text.count(b"\n")
            continue
        lines = deque(block.splitlines(keepends=True))
        number = yield from _split_quoted(lines, stream, number, strict=strict)


def _split_quoted(
    lines: deque[bytes], stream: Iterator[bytes], number: int, *, strict: bool
) -> Generator[PlainLines | QuotedRow, None, int]:
    """Yield the rows of lines, which may go on in the stream; return the number of the next."""
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
        reader = csv.reader(_decoded(lines, stream, taken), strict=strict)
        fields: list[str] = []
        error = None
        try:
            fields = next(reader)
        except csv.Error as caught:
            error = str(caught)
        yield QuotedRow(number, b"".join(taken).rstrip(b"\r\n"), fields, error)
        number += len(taken)
    if plain:
        yield PlainLines(number, with_line_feeds(b"".join(plain)))
    return number + len(plain)


def _decoded(lines: deque[bytes], stream: Iterator[bytes], taken: list[bytes]) -> Iterator[str]:
    """Yield lines as they are asked for, also beyond those that were read."""
    while True:
        if not lines:
            lines.extend(next(stream, b"").splitlines(keepends=True))
            if not lines:
                return
        taken.append(lines.popleft())
        yield taken[-1].decode("utf-8", "surrogateescape")


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
