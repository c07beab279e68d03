"""The fingerprint of the rows of import CSVs, and their counts.

Equal data gives an equal fingerprint: the names of files and the order of rows don't matter,
every image's bytes, set and labels do.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from itertools import islice

from automl_plan.data.image_counts import SETS, ImageCounts
from automl_plan.data.import_rows import ImportRow
from automl_plan.data.source_files import changed
from automl_plan.data.spilled_records import SpilledRecords, no_space
from automl_plan.model.source_data import SourceData

FORMAT = "v1"
_DIGITS = 60
"""Hex digits of a SHA-256 that are kept: with the format before them they fit in a label."""
_SHA256 = 32
_AT_ONCE = 256
"""Rows that are counted together: few, so that the garbage collector never sees them as old."""
_KEY = 16
"""Bytes of a digest that identifies a content."""
_MD5 = "md5:"
_NO_LABEL = ("",)
_CODES = {use: code for code, use in enumerate(SETS)}


def md5_version(md5: bytes) -> str:
    """Return a content's version as Cloud Storage has it: uploaded data keeps its fingerprint."""
    return f"{_MD5}{base64.b64encode(md5).decode()}"


def short_digest(content: str) -> str:
    """Return 16 bytes of a digest in base64, which manifests keep."""
    if content.startswith(_MD5):
        return content[len(_MD5) :].rstrip("=")
    digest = hashlib.blake2b(content.encode(), digest_size=_KEY).digest()
    return base64.b64encode(digest).decode().rstrip("=")


def source_data(
    rows: Iterable[ImportRow], contents: Mapping[str, str], *, boxes: bool
) -> SourceData:
    """Return what rows contain whose images have these contents.

    What occurs several times counts once. `boxes`: rows are those of object detection. Memory grows
    with the images, not with the rows. Raises SourceError.
    """
    try:
        with closing(SpilledRecords(_SHA256)) as digests, closing(ImageCounts()) as counts:
            rows, count = iter(rows), 0
            while some := list(islice(rows, _AT_ONCE)):
                facts = [(row.use, _content(row, contents), *row.labels) for row in some]
                texts = map("\0".join, facts)
                digests.extend([hashlib.sha256(text.encode()).digest() for text in texts])
                _count(facts, count, counts, boxes=boxes)
                count += len(some)
            whole = hashlib.sha256()
            for found in digests.ranges():
                whole.update(b"".join(sorted(set(found))))
            counted = counts.counted()
    except OSError as error:
        raise no_space(error) from error
    return SourceData(
        fingerprint=f"{FORMAT}:{whole.hexdigest()[:_DIGITS]}",
        examples=counted.images,
        labelled_examples=counted.labelled,
        assigned_examples=counted.assigned,
        counts=counted.data(boxes=boxes),
    )


def _content(row: ImportRow, contents: Mapping[str, str]) -> str:
    try:
        return contents[row.image]
    except KeyError as error:
        raise changed(row.source) from error


def _count(
    facts: Sequence[tuple[str, ...]], first: int, counts: ImageCounts, *, boxes: bool
) -> None:
    """Add rows to counts, once for each label; a fact is the set, the content, and labels."""
    end = 3 if boxes else None
    each = [
        (content, _CODES[use], label, number)
        for number, (use, content, *labels) in enumerate((fact[:end] for fact in facts), first)
        for label in (labels if all(labels) and labels else list(filter(None, labels)) or _NO_LABEL)
    ]
    counts.add(*zip(*each, strict=True))
