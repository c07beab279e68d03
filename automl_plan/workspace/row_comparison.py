"""Compares the rows of sources with those that were imported, in memory that does not grow."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from functools import partial

from automl_plan.data.sources import TakeRows
from automl_plan.data.spilled_records import SpilledRecords
from automl_plan.errors import SourceError
from automl_plan.model.address import Address
from automl_plan.model.desired import DesiredDataset, Move, OnSourceChange
from automl_plan.model.live import SourceData, SourceRow
from automl_plan.model.model_types import Problem
from automl_plan.model.recorded import RecordedResource
from automl_plan.planning.source_changes import SAMPLES, SourceChanges
from automl_plan.state.manifests import Manifests

Rows = Callable[[], Iterable[SourceRow]]
"""Reads rows, and may be asked again."""

_CONTENT = 16
_FACT = 8
"""Bytes of a digest of a set, a label or a box."""
_BEFORE, _NOW = b"\0", b"\1"
_LOOKED_FOR = 1_000
"""Images that samples are chosen of."""


class Comparison:
    """Compares what is appended with the manifests of one state, as sources are read."""

    def __init__(
        self,
        manifests: Manifests,
        moves: Sequence[Move],
        resources: Mapping[Address, RecordedResource],
    ) -> None:
        self._manifests = manifests
        self._origins = {move.target: move.source for move in moves}
        self._resources = resources
        self.found: dict[Address, dict[str, SourceChanges]] = {}
        """By dataset, and by the content that is recorded of it."""

    def of(self, datasets: Sequence[DesiredDataset]) -> TakeRows | None:
        """What compares the rows of these datasets, whose sources are the same; None: nothing."""
        known = [
            (dataset, object_id, data)
            for dataset in datasets
            if dataset.on_source_change is OnSourceChange.APPEND
            for object_id, data in self._contents(dataset.address)
            if self._manifests.has(object_id, data)
        ]
        if not known:
            return None

        def take(read: SourceData, rows: Rows) -> None:
            for dataset, object_id, data in known:
                if data == read.fingerprint:
                    continue
                boxes = dataset.problem is Problem.IMAGE_OBJECT_DETECTION
                before = partial(self._manifests.rows, object_id, data)
                found = compare(before, rows, boxes=boxes)
                self.found.setdefault(dataset.address, {})[data] = found

        return take

    def _contents(self, address: Address) -> Iterator[tuple[str, str]]:
        """The current dataset of an address, with what it holds and will hold."""
        record = self._resources.get(address)
        for _ in self._origins:
            address = address if record else self._origins.get(address, address)
            record = self._resources.get(address)
        current = None if record is None else record.current
        if record is None or current is None:
            return
        held = [current.attributes.get("data")]
        held += [o.attributes.get("data") for o in record.operations if o.object_id == current.id]
        for data in dict.fromkeys(held):
            if isinstance(data, str):
                yield current.id, data


def compare(before: Rows, now: Rows, *, boxes: bool) -> SourceChanges:
    """What sources hold now beside what was imported; images are the same by content.

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
        raise SourceError(
            f"So many rows take a temporary file, which can't be written: {error.strerror}.",
            hint="Make room, or let TMPDIR name a folder that has some.",
        ) from error
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
    """What a row says of its image, each of which an import adds and none takes away."""
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
    """The first path of each of these images, in the order of the rows."""
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
    """Set and labels of these images, for the reader."""
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
