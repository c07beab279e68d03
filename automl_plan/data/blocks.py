"""The lines of a file, some hundred kilobytes at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

SIZE = 256 * 1024
LONGEST_LINE = 1024 * 1024
"""Bytes. A file that has a longer one is no CSV of images."""


class LineTooLong(Exception):
    """A line has no end for a megabyte."""


def blocks(file: BinaryIO, size: int = SIZE) -> Iterator[bytes]:
    """Whole lines, each ended by a line feed however the file ends it. Raises LineTooLong."""
    rest = held = b""
    while data := file.read(size):
        data = rest + held + data
        held = b""
        if b"\r" in data:
            if data.endswith(b"\r"):  # it may be the first half of an end of line
                data, held = data[:-1], b"\r"
            data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        cut = data.rfind(b"\n") + 1
        rest = data[cut:]
        if cut:
            yield data[:cut]
        if len(rest) > LONGEST_LINE:
            raise LineTooLong
    if rest or held:
        yield rest + b"\n"
