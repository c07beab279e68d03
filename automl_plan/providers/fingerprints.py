"""The fingerprint of what rows of import CSVs hold, and the counts of it.

Equal data gives an equal fingerprint: the names of files and the order of rows don't matter,
every image's bytes, set and labels do.
"""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import closing

from automl_plan.errors import SourceError
from automl_plan.providers.import_rows import UNASSIGNED, Row
from automl_plan.providers.places import reason
from automl_plan.providers.spilling import Spilled
from automl_plan.resources.data_counts import DataCounts, label_counts
from automl_plan.resources.live import SourceData

FORMAT = "v1"
_DIGITS = 60
"""Hex digits of a SHA-256 that are kept: with the format before them they fit in a label."""
_SHA256 = 32
_KEY = 16
"""Bytes of a digest that tells examples apart."""
_NUMBER = 4
_MD5 = "md5:"


def told(md5: bytes) -> str:
    """A content as Cloud Storage tells it: data keeps its fingerprint when it moves there."""
    return f"{_MD5}{base64.b64encode(md5).decode()}"


def short(content: str) -> str:
    """16 bytes of a digest in base64, by which contents are compared that are kept."""
    if content.startswith(_MD5):
        return content[len(_MD5) :].rstrip("=")
    digest = hashlib.blake2b(content.encode(), digest_size=_KEY).digest()
    return base64.b64encode(digest).decode().rstrip("=")


def source_data(
    rows: Iterable[Row], images: Counter[str], contents: Mapping[str, str], *, boxes: bool
) -> SourceData:
    """What rows hold, whose images have these contents, and that name `images` so often.

    What stands several times is counted once. `boxes`: rows are those of object detection. Memory
    grows with the images, not with the rows. Raises SourceError.
    """
    named: Counter[str] = Counter()
    for image, times in images.items():
        named[contents[image]] += times
    labelled, free = _Contents(named), _Contents(named)
    try:
        with (
            closing(Spilled(_SHA256)) as digests,
            closing(Spilled(_KEY + _NUMBER)) as several,
        ):
            examples = _Examples(several)
            for row in rows:
                content, use, labels = contents[row.image], row.use, row.labels
                digests.add(hashlib.sha256("\0".join([use, content, *labels]).encode()).digest())
                if use == UNASSIGNED:
                    free.add(content)
                if any(labels):
                    labelled.add(content)
                alone = named[content] == 1 and len(labels) == 1
                for label in labels[:1] if boxes else labels:
                    # A box is told from others of its label by where it is.
                    key = () if alone else (content, *labels) if boxes else (content, label)
                    if label:
                        examples.add(use, label, key)
            whole = hashlib.sha256()
            for found in digests.ranges():
                whole.update(b"".join(sorted(set(found))))
            counted = examples.counted()
    except OSError as error:
        raise SourceError(
            f"So many rows take a temporary file, which can't be written: {reason(error)}.",
            hint="Make room, or let TMPDIR name a folder that has some.",
        ) from error
    return SourceData(
        fingerprint=f"{FORMAT}:{whole.hexdigest()[:_DIGITS]}",
        examples=len(named),
        labelled_examples=len(labelled),
        assigned_examples=len(named) - len(free),
        counts=DataCounts(
            label_counts((use, label, count) for (use, label), count in counted.items()),
            images=len(named),
            unlabelled=0 if boxes else len(named) - len(labelled),
            boxes=boxes,
        ),
    )


class _Examples:
    """How many examples there are of each set and label; of equal ones the first counts."""

    def __init__(self, several: Spilled) -> None:
        """`several` takes those that may have an equal."""
        self._alone: Counter[tuple[str, str]] = Counter()
        self._numbers: dict[tuple[str, str], bytes] = {}
        self._several = several

    def add(self, use: str, label: str, key: tuple[str, ...]) -> None:
        """Take an example in; without a `key` there is none that equals it."""
        if not key:
            self._alone[use, label] += 1
            return
        number = self._numbers.setdefault((use, label), len(self._numbers).to_bytes(_NUMBER))
        digest = hashlib.blake2b("\0".join(key).encode(), digest_size=_KEY).digest()
        self._several.add(digest + number)

    def counted(self) -> Mapping[tuple[str, str], int]:
        """By set and label."""
        numbers: Counter[bytes] = Counter()
        for found in self._several.ranges():
            first = {record[:_KEY]: record[_KEY:] for record in reversed(found)}
            numbers.update(first.values())
        counts = Counter(self._alone)
        for of, number in self._numbers.items():
            counts[of] += numbers[number]
        return +counts


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
