"""Records of one size by the million, in memory that does not grow with their number."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from tempfile import TemporaryFile
from typing import BinaryIO

_RANGES = 256
"""By the first byte of a record."""
_RUN = 65_536
"""Records that are kept in memory before they are written."""


class Spilled:
    """Records of `size` bytes, whose first is as likely to be any as another: digests, mostly.

    From 65,536 on they go to a temporary file, which has to be closed; looked at is one range of
    them at a time. Raises OSError where there is no room for that.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._waiting: list[bytes] = []
        self._file: BinaryIO | None = None
        self._cuts = array("q")
        """Where each range of each run begins in the file, in bytes."""

    def close(self) -> None:
        """Close the file, if there is one."""
        if self._file is not None:
            self._file.close()

    def add(self, record: bytes) -> None:
        """Take one in."""
        self._waiting.append(record)
        self._bound()

    def extend(self, records: Iterable[bytes]) -> None:
        """Take some in."""
        self._waiting.extend(records)
        self._bound()

    def _bound(self) -> None:
        if len(self._waiting) >= _RUN:
            if self._file is None:
                self._file = TemporaryFile()  # noqa: SIM115 (closed with this object)
            self._write(self._file)

    def ranges(self) -> Iterator[list[bytes]]:
        """All records: each list follows the one before in order; inside, as they were added."""
        if self._file is None:
            yield self._waiting
            return
        self._write(self._file)
        for first in range(_RANGES):
            data = b"".join(self._runs(self._file, first))
            yield [data[at : at + self._size] for at in range(0, len(data), self._size)]

    def _write(self, file: BinaryIO) -> None:
        ranges: list[list[bytes]] = [[] for _ in range(_RANGES)]
        for record in self._waiting:
            ranges[record[0]].append(record)
        end = self._cuts.pop() if self._cuts else 0
        for records in ranges:
            self._cuts.append(end)
            end += self._size * len(records)
        self._cuts.append(end)
        file.write(b"".join(b"".join(records) for records in ranges))
        self._waiting.clear()

    def _runs(self, file: BinaryIO, first: int) -> Iterator[bytes]:
        for run in range(first, len(self._cuts) - 1, _RANGES):
            start, end = self._cuts[run], self._cuts[run + 1]
            file.seek(start)
            yield file.read(end - start)
