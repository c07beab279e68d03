"""Rows that no rule refuses, in columns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct


class Batch(Struct, frozen=True):
    """Some rows of one source, as they are written, column by column."""

    source: int
    """The number of the source, from 0."""
    numbers: Sequence[int]
    """The line of each row, from 1."""
    uses: Sequence[bytes]
    """ML_USE in one of the API's spellings; empty where there is none, `?` where it is no set."""
    paths: Sequence[bytes]
    labels: Sequence[Sequence[bytes]] = ()
    """A column for each label; no row has an empty one."""
    counts: Sequence[Counter[tuple[bytes, bytes]]] = ()
    """For each of these columns, how many rows have an ML_USE and a label."""
    boxes: Sequence[Sequence[bytes]] = ()
    """Four columns of two opposite vertices: x, y, x, y. None where there is no object; `nan` where
    nobody can tell where it is."""
    lines: Sequence[bytes] = ()
    """Of object detection only: the rows as a whole."""


class Sink(Protocol):
    """Takes in rows, in an order that is the same each time a file is read."""

    def add(self, batch: Batch) -> None:
        """Take some in."""
