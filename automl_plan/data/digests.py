"""What stands more than once among any number of values, in memory that does not grow.

Kept are 64 bits of each value (Python's own keyed hash, SipHash), in sorted runs that are written
to a temporary file; looked at is one range of them at a time. Equal values always have equal
digests, so nothing is missed. Two different ones among 10 million share theirs with a chance of
3 in a million: whoever asks looks at the values themselves before saying anything.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import repeat
from operator import and_, or_, rshift
from tempfile import TemporaryFile
from typing import BinaryIO

from msgspec import Struct

MOST_CANDIDATES = 100_000
"""So many are looked at; more are counted, so that memory stays bounded."""
_RANGES = 64
_RUN = 16_384
"""Digests that are sorted at once."""
_BOUNDS = [(place << 58) - (1 << 63) for place in range(1, _RANGES)]
_WIDTH = 8
_SET_BITS = 2


class Digests:
    """Digests by the million; they may have a file, which has to be closed."""

    def __init__(self) -> None:
        self._waiting: array[int] = array("q")
        self._file: BinaryIO | None = None
        self._cuts: array[int] = array("q")
        """Where each range of each run begins in the file, in digests."""
        self._written = 0

    def close(self) -> None:
        """Close the file, if there is one."""
        if self._file is not None:
            self._file.close()

    def add(self, digests: Iterable[int]) -> None:
        """Take some in."""
        self._waiting.extend(digests)
        while len(self._waiting) >= _RUN:
            self._write(self._waiting[:_RUN])
            del self._waiting[:_RUN]

    def _write(self, run: array[int]) -> None:
        if self._file is None:
            self._file = TemporaryFile()  # noqa: SIM115 (closed with this object)
        ordered = sorted(run)
        self._cuts.append(self._written)
        self._cuts.extend(self._written + bisect_left(ordered, bound) for bound in _BOUNDS)
        self._written += len(ordered)
        array("q", ordered).tofile(self._file)

    def ranges(self) -> Iterator[array[int]]:
        """All digests, one range of values at a time."""
        ordered = sorted(self._waiting)
        cuts = [0, *(bisect_left(ordered, bound) for bound in _BOUNDS), len(ordered)]
        for place in range(_RANGES):
            found = array("q", ordered[cuts[place] : cuts[place + 1]])
            for run in range(len(self._cuts) // _RANGES):
                found.frombytes(self._read(run * _RANGES + place))
            yield found

    def _read(self, cut: int) -> bytes:
        if self._file is None:
            return b""
        start = self._cuts[cut]
        end = self._cuts[cut + 1] if cut + 1 < len(self._cuts) else self._written
        self._file.seek(start * _WIDTH)
        return self._file.read((end - start) * _WIDTH)


class Several(Struct, frozen=True):
    """What may stand more than once."""

    distinct: int
    """How many different digests there are."""
    candidates: frozenset[int]
    left_out: int = 0
    """Candidates beyond the number that is looked at."""


def repeated(digests: Digests) -> Several:
    """The digests that stand more than once."""

    def look(found: array[int]) -> tuple[int, Iterable[int]]:
        distinct = len(set(found))
        if distinct == len(found):
            return distinct, ()
        return distinct, (digest for digest, count in Counter(found).items() if count > 1)

    return _several(digests, look)


def of_two_sets(digests: Digests, most: int) -> Several:
    """Of digests that end with a set (`with_sets`): those of several, or that stand too often."""

    def look(found: array[int]) -> tuple[int, Iterable[int]]:
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

    return _several(digests, look)


def with_sets(digests: Iterable[int], codes: Iterable[int]) -> Iterator[int]:
    """Digests that end with the number of a set, from 0 to 3."""
    return map(or_, map(and_, digests, repeat(-(1 << _SET_BITS))), codes)


def without_set(digest: int) -> int:
    """What `of_two_sets` tells of a digest."""
    return digest >> _SET_BITS


def _several(digests: Digests, look: Callable[[array[int]], tuple[int, Iterable[int]]]) -> Several:
    distinct = left_out = 0
    candidates: set[int] = set()
    for found in digests.ranges():
        different, several = look(found)
        distinct += different
        for digest in several:
            if len(candidates) < MOST_CANDIDATES:
                candidates.add(digest)
            else:
                left_out += 1
    return Several(distinct, frozenset(candidates), left_out)
