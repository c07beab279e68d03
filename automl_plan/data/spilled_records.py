"""Millions of records in bounded memory, and which of them occur more than once."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import repeat
from operator import and_, or_, rshift
from struct import Struct as Format
from struct import unpack
from tempfile import TemporaryFile
from typing import BinaryIO

from msgspec import Struct

from automl_plan.errors import SourceError

_RANGES = 256
"""By the first byte of a record."""
_RUN = 65_536
"""Records that are kept in memory before they are written."""


def no_space(error: OSError) -> SourceError:
    """Return the error of records that can't be written to a temporary file."""
    return SourceError(
        f"This number of rows needs a temporary file, which can't be written: {error.strerror}.",
        hint="Free some space, or set TMPDIR to a folder with more.",
    )


class SpilledRecords:
    """Records of `size` bytes, whose first is as likely to be any as another: digests, mostly.

    From 65,536 on they go to a temporary file, which has to be closed; only one range of them is
    in memory at a time. Raises OSError where there is no room for that.
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
        """Add a record."""
        self._waiting.append(record)
        self._bound()

    def extend(self, records: Iterable[bytes]) -> None:
        """Add records."""
        self._waiting.extend(records)
        self._bound()

    def _bound(self) -> None:
        if len(self._waiting) >= _RUN:
            if self._file is None:
                self._file = TemporaryFile()  # noqa: SIM115 (closed with this object)
            self._write(self._file)

    def ranges(self) -> Iterator[list[bytes]]:
        """Yield all records: ranges in order, each with its records as they were added."""
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


MOST_CANDIDATES = 100_000
"""Candidates that are returned; more are counted, so that memory stays bounded."""
_DIGEST = Format(">q")
_SET_BITS = 2


class Candidates(Struct, frozen=True):
    """The digests of values that may occur more than once."""

    distinct: int
    """How many different digests there are."""
    digests: frozenset[int]
    left_out: int = 0
    """Candidates beyond the number that is returned."""


class Digests(SpilledRecords):
    """64 bits of each of any number of values: Python's own keyed hash, SipHash.

    Equal values always have equal digests, so no duplicate is missed. Two different ones of 10
    million share theirs with a chance of 3 in a million: compare the values before reporting.
    """

    def __init__(self) -> None:
        super().__init__(_DIGEST.size)

    def add_all(self, digests: Iterable[int]) -> None:
        """Add digests."""
        self.extend(map(_DIGEST.pack, digests))

    def numbers(self) -> Iterator[tuple[int, ...]]:
        """Yield all digests, one range of values at a time."""
        for records in self.ranges():
            yield unpack(f">{len(records)}q", b"".join(records))


def repeated(digests: Digests) -> Candidates:
    """Return the digests that occur more than once."""

    def choose(found: tuple[int, ...]) -> tuple[int, Iterable[int]]:
        distinct = len(set(found))
        if distinct == len(found):
            return distinct, ()
        return distinct, (digest for digest, count in Counter(found).items() if count > 1)

    return _candidates(digests, choose)


def in_several_sets(digests: Digests, most: int) -> Candidates:
    """Of digests that end with a set (`with_sets`): those of several sets or over `most` rows."""

    def choose(found: tuple[int, ...]) -> tuple[int, Iterable[int]]:
        counts = Counter(found)
        images = set(map(rshift, counts, repeat(_SET_BITS)))
        if len(images) == len(counts) and max(counts.values(), default=0) <= most:
            return len(images), ()
        sets: Counter[int] = Counter()
        rows: Counter[int] = Counter()
        for digest, count in counts.items():
            sets[digest >> _SET_BITS] += 1
            rows[digest >> _SET_BITS] += count
        return len(images), (d for d in images if sets[d] > 1 or rows[d] > most)

    return _candidates(digests, choose)


def with_sets(digests: Iterable[int], codes: Iterable[int]) -> Iterator[int]:
    """Yield digests that end with the number of a set, from 0 to 3."""
    return map(or_, map(and_, digests, repeat(-(1 << _SET_BITS))), codes)


def without_set(digest: int) -> int:
    """Return the part of a digest that `in_several_sets` returns."""
    return digest >> _SET_BITS


def _candidates(
    digests: Digests, choose: Callable[[tuple[int, ...]], tuple[int, Iterable[int]]]
) -> Candidates:
    distinct = left_out = 0
    candidates: set[int] = set()
    for found in digests.numbers():
        different, chosen = choose(found)
        distinct += different
        for digest in chosen:
            if len(candidates) < MOST_CANDIDATES:
                candidates.add(digest)
            else:
                left_out += 1
    return Candidates(distinct, frozenset(candidates), left_out)
