"""Compares the images of a live dataset with the rows that were imported into it.

An image is found again by its URI: that of its row, or of the object which staging made of it. Both
lead to the content, since the service keeps images of equal content as one, or as several.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from math import isfinite

from msgspec import Struct, field

from automl_plan.data.staging import staged_content, staged_name
from automl_plan.model.items import ItemChanges, LiveBox, LiveItem, RelabelledImage
from automl_plan.model.source_data import SourceRow

_TOLERANCE = 1e-3
"""By which a coordinate may differ: the service may keep fewer digits than a file has."""
_SHOWN = 8
"""Boxes of an image that are named."""


class _Image(Struct):
    """What rows, or the service, say of one content."""

    name: str
    uses: dict[str, None] = field(default_factory=dict)
    labels: dict[str, None] = field(default_factory=dict)
    boxes: dict[LiveBox, None] = field(default_factory=dict)
    truncated: bool = False

    def __str__(self) -> str:
        """Sets and labels; of boxes with their places."""
        places = [
            f"{b.label} ({b.x_min:g},{b.y_min:g} to {b.x_max:g},{b.y_max:g})"
            for b in islice(self.boxes, _SHOWN)
        ]
        if len(self.boxes) > _SHOWN:
            places.append(f"and {len(self.boxes) - _SHOWN} more")
        return " ".join((*self.uses, *self.labels, *places))


def compare_items(
    imported: Iterable[SourceRow],
    items: Iterable[LiveItem],
    *,
    boxes: bool,
    multilabel: bool = False,
    refused: Sequence[str] = (),
) -> ItemChanges:
    """Return how live items differ from imported rows.

    `boxes`: rows are those of object detection. `refused`: what the service said of rows that it
    did not import; images that it names there are not missed, nor are labels of theirs.
    """
    before, contents = _imported(imported, boxes=boxes)
    now: dict[str, _Image] = {}
    added = []
    for item in items:
        content = contents.get(item.uri)
        if content is None:
            staged = staged_content(item.uri)
            content = staged if staged in before else None
        if content is None:
            added.append(item.uri)
            continue
        image = now.setdefault(content, _Image(before[content].name))
        image.uses[item.use] = None
        image.labels.update(dict.fromkeys(item.labels))
        image.boxes.update(dict.fromkeys(item.boxes))
        image.truncated |= item.truncated
    removed, relabelled = [], []
    for content, image in before.items():
        there = now.get(content)
        if there is not None and _is_as(image, there, boxes=boxes, multilabel=multilabel):
            continue
        if refused and _is_named(image, content, refused):
            continue
        if there is None:
            removed.append(image.name)
        else:
            relabelled.append(RelabelledImage(image.name, str(image), str(there)))
    return ItemChanges(
        tuple(sorted(added)),
        tuple(sorted(removed)),
        tuple(sorted(relabelled, key=lambda each: each.image)),
    )


def _imported(
    rows: Iterable[SourceRow], *, boxes: bool
) -> tuple[dict[str, _Image], dict[str, str]]:
    """Return what rows say of each content, and the content of each image by its name."""
    images: dict[str, _Image] = {}
    contents: dict[str, str] = {}
    for row in rows:
        contents[row.image] = row.content
        image = images.setdefault(row.content, _Image(row.image))
        image.uses[row.use] = None
        if boxes:
            image.boxes.update(dict.fromkeys(_boxes_of(row)))
        else:
            image.labels.update(dict.fromkeys(filter(None, row.labels)))
    return images, contents


def _boxes_of(row: SourceRow) -> Iterator[LiveBox]:
    """Yield the box of a row; one whose coordinates are no numbers has none."""
    label, *rest = row.labels or ("",)
    try:
        numbers = [float(text) for text in rest if text]
    except ValueError:
        return
    # Vertices are x, y pairs: two opposite ones with empty fields after each, or all four.
    xs, ys = numbers[::2], numbers[1::2]
    if label and xs and len(xs) == len(ys) and all(map(isfinite, numbers)):
        yield LiveBox(label, min(xs), min(ys), max(xs), max(ys))


def _is_named(image: _Image, content: str, refused: Sequence[str]) -> bool:
    """Whether one of these texts names the image, or the object that staging made of it."""
    return any(image.name in text or staged_name(content) in text for text in refused)


def _is_as(before: _Image, now: _Image, *, boxes: bool, multilabel: bool) -> bool:
    """Whether an image is as it was imported."""
    if not now.uses.keys() <= before.uses.keys():
        return False
    if boxes:
        return _same_boxes(list(before.boxes), list(now.boxes), subset=now.truncated)
    labels = now.labels.keys()
    several = len(before.labels) > 1 and not multilabel
    if several or now.truncated:  # of several labels the service takes one
        return bool(labels) and labels <= before.labels.keys()
    return labels == before.labels.keys()


def _same_boxes(before: list[LiveBox], now: list[LiveBox], *, subset: bool) -> bool:
    """Whether each box has one that is as good as equal, on the other side."""
    if len(now) != len(before) and not subset:
        return False
    left = _by_label(before)
    for box in now:
        near = next((each for each in left.get(box.label, ()) if _is_near(each, box)), None)
        if near is None:
            return False
        left[box.label].remove(near)
    return True


def _by_label(boxes: Iterable[LiveBox]) -> dict[str, list[LiveBox]]:
    found: dict[str, list[LiveBox]] = {}
    for box in boxes:
        found.setdefault(box.label, []).append(box)
    return found


def _is_near(one: LiveBox, other: LiveBox) -> bool:
    pairs = (
        *((one.x_min, other.x_min), (one.y_min, other.y_min)),
        *((one.x_max, other.x_max), (one.y_max, other.y_max)),
    )
    return all(abs(a - b) <= _TOLERANCE for a, b in pairs)
