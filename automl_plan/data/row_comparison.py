"""Compares the rows of sources with those that were imported, in memory that does not grow."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Iterator
from contextlib import closing

from automl_plan.data.sources import Rows
from automl_plan.data.spilled_records import SpilledRecords, no_space
from automl_plan.model.source_data import SourceChanges, SourceRow

_CONTENT = 16
_FACT = 8
"""Bytes of a digest of a set, a label or a box."""
_BEFORE, _NOW = b"\0", b"\1"
SAMPLES = 3
"""Images that are named."""
_LOOKED_FOR = 1_000
"""Images from which the samples are chosen."""


def compare(before: Rows, now: Rows, *, boxes: bool) -> SourceChanges:
    """Compare the rows of sources with those that were imported; images are compared by content.

    `boxes`: rows are those of object detection. Raises StateUnreadable, SourceError.
    """
    added = 0
    removed: set[bytes] = set()
    relabelled: set[bytes] = set()
    counts = [0, 0]
    try:
        with closing(SpilledRecords(_CONTENT + _FACT + 1)) as records:
            for side, rows in ((_BEFORE, before), (_NOW, now)):
                for row in rows():
                    content = _bytes(row.content)
                    for fact in _facts(row, boxes=boxes):
                        records.add(content + _digest(fact) + side)
            for found in records.ranges():
                then, there = _gathered(found, _BEFORE), _gathered(found, _NOW)
                added += sum(content not in then for content in there)
                for content, facts in then.items():
                    if content not in there:
                        counts[0] += 1
                        _keep(removed, content)
                    elif not facts <= there[content]:
                        counts[1] += 1
                        _keep(relabelled, content)
    except OSError as error:
        raise no_space(error) from error
    if not (removed or relabelled):
        return SourceChanges(added, 0, 0)
    return SourceChanges(
        added,
        counts[0],
        counts[1],
        tuple(_paths(before, removed)[:SAMPLES]),
        tuple(_changed(before, now, relabelled)),
    )


def _facts(row: SourceRow, *, boxes: bool) -> Iterator[str]:
    """Yield the facts of a row, which an import adds and never removes."""
    yield f"set\0{row.use}"
    if boxes:
        if any(row.labels):
            yield "\0".join(("box", *row.labels))
        return
    for label in row.labels:
        if label:
            yield f"label\0{label}"


def _gathered(found: Iterable[bytes], side: bytes) -> dict[bytes, set[bytes]]:
    gathered: dict[bytes, set[bytes]] = {}
    for record in found:
        if record.endswith(side):
            gathered.setdefault(record[:_CONTENT], set()).add(record[_CONTENT:-1])
    return gathered


def _keep(some: set[bytes], content: bytes) -> None:
    if len(some) < _LOOKED_FOR:
        some.add(content)


def _paths(rows: Rows, contents: set[bytes]) -> list[str]:
    """Return the first path of each of these images, in the order of the rows."""
    if not contents:
        return []
    paths: dict[bytes, str] = {}
    for row in rows():
        content = _bytes(row.content)
        if content in contents:
            paths.setdefault(content, row.image)
    return list(paths.values())


def _changed(before: Rows, now: Rows, contents: set[bytes]) -> list[str]:
    if not contents:
        return []
    first: dict[bytes, str] = {}
    for row in before():
        if _bytes(row.content) in contents:
            first.setdefault(_bytes(row.content), row.image)
        if len(first) == SAMPLES:
            break
    then, there = _said(before, first), _said(now, first)
    return [f"{path}: {then[content]} -> {there[content]}" for content, path in first.items()]


def _said(rows: Rows, contents: Iterable[bytes]) -> dict[bytes, str]:
    """Return set and labels of these images, as text."""
    said: dict[bytes, list[str]] = {content: [] for content in contents}
    for row in rows():
        of = said.get(_bytes(row.content))
        if of is not None:
            of.extend(word for word in (row.use, " ".join(filter(None, row.labels))) if word)
    return {content: " ".join(dict.fromkeys(words)) for content, words in said.items()}


def _digest(fact: str) -> bytes:
    return hashlib.blake2b(fact.encode(), digest_size=_FACT).digest()


def _bytes(content: str) -> bytes:
    return base64.b64decode(content + "==")
