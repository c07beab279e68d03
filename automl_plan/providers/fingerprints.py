"""The fingerprint of what rows of import CSVs hold, and the counts of it.

Equal data gives an equal fingerprint: the names of files and the order of rows don't matter,
every image's bytes, set and labels do.
"""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping

from automl_plan.providers.import_rows import UNASSIGNED, Row
from automl_plan.resources.data_counts import DataCounts, label_counts
from automl_plan.resources.live import SourceData

FORMAT = "v1"
_DIGITS = 60
"""Hex digits of a SHA-256 that are kept: with the format before them they fit in a label."""


def told(md5: bytes) -> str:
    """A content as Cloud Storage tells it: data keeps its fingerprint when it moves there."""
    return f"md5:{base64.b64encode(md5).decode()}"


def source_data(
    rows: Iterable[Row], images: Counter[str], contents: Mapping[str, str], *, boxes: bool
) -> SourceData:
    """What rows hold, whose images have these contents, and that name `images` so often.

    What stands several times is counted once. `boxes`: rows are those of object detection.
    """
    named: Counter[str] = Counter()
    for image, times in images.items():
        named[contents[image]] += times
    digests: set[bytes] = set()
    examples: Counter[tuple[str, str]] = Counter()
    seen: set[tuple[str, ...]] = set()
    labelled, free = _Contents(named), _Contents(named)
    for row in rows:
        content, use, labels = contents[row.image], row.use, row.labels
        digests.add(hashlib.sha256("\0".join([use, content, *labels]).encode()).digest())
        if use == UNASSIGNED:
            free.add(content)
        if any(labels):
            labelled.add(content)
        alone = named[content] == 1 and len(labels) == 1
        for label in labels[:1] if boxes else labels:
            if not label:
                continue
            if not alone:
                # A box is told from others of its label by where it is.
                key = (content, *labels) if boxes else (content, label)
                if key in seen:
                    continue
                seen.add(key)
            examples[use, label] += 1
    whole = hashlib.sha256(b"".join(sorted(digests)))
    return SourceData(
        fingerprint=f"{FORMAT}:{whole.hexdigest()[:_DIGITS]}",
        examples=len(named),
        labelled_examples=len(labelled),
        assigned_examples=len(named) - len(free),
        counts=DataCounts(
            label_counts((use, label, count) for (use, label), count in examples.items()),
            images=len(named),
            unlabelled=0 if boxes else len(named) - len(labelled),
            boxes=boxes,
        ),
    )


class _Contents:
    """How many different contents were added; those that one row alone names are not kept."""

    def __init__(self, named: Mapping[str, int]) -> None:
        self._named = named
        self._once = 0
        self._several: set[str] = set()

    def __len__(self) -> int:
        return self._once + len(self._several)

    def add(self, content: str) -> None:
        """Count the content of a row; once for each row at most."""
        if self._named[content] == 1:
            self._once += 1
        else:
            self._several.add(content)
