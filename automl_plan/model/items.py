"""The images of a live dataset one by one, their counts by label, and how they changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct
from msgspec.structs import replace

from automl_plan.model.address import Address
from automl_plan.model.json import Count, ObjectId
from automl_plan.model.source_data import UNASSIGNED

SETS = ("TRAIN", "VALIDATION", "TEST", UNASSIGNED)


class LiveBox(Struct, frozen=True):
    """A labelled rectangle; coordinates are fractions of the image's sides, from its top left."""

    label: str
    x_min: float
    y_min: float
    x_max: float
    y_max: float


class LiveItem(Struct, frozen=True):
    """An image of a dataset at the provider."""

    id: str
    uri: str
    """As it was imported: `gs://…`, or a path."""
    use: str = UNASSIGNED
    """One of `SETS`."""
    labels: tuple[str, ...] = ()
    """Of classification; each once."""
    boxes: tuple[LiveBox, ...] = ()
    truncated: bool = False
    """Whether it has, or may have, more labels or boxes than the service reports."""

    @property
    def labels_unknown(self) -> bool:
        """Whether the service reports no labels of it, though it may have some."""
        return self.truncated and not self.labels and not self.boxes

    @property
    def all_labels(self) -> tuple[str, ...]:
        """Its labels and those of its boxes, each once."""
        return tuple(dict.fromkeys((*self.labels, *(box.label for box in self.boxes))))

    def joined(self, other: LiveItem | None) -> LiveItem:
        """Return it with the labels and boxes of the same image in another list, too."""
        if other is None:
            return self
        return replace(
            self,
            labels=tuple(dict.fromkeys((*other.labels, *self.labels))),
            boxes=tuple(dict.fromkeys((*other.boxes, *self.boxes))),
            truncated=self.truncated or other.truncated,
        )


class LabelImages(Struct, frozen=True):
    """The images of a live dataset that have one label."""

    label: str
    images: Count
    by_set: Mapping[str, Count] | None = None
    """By each of `SETS`; None where the service does not report it."""


class LiveCounts(Struct, frozen=True):
    """The images of a live dataset by label."""

    labels: tuple[LabelImages, ...]
    """By label."""
    labelled: Count | None = None
    """Images with a label; None where the service does not report it."""
    complete: bool = True
    """False: only labels that a model was trained with are known."""


def count_items(items: Iterable[LiveItem]) -> LiveCounts:
    """Count the images of each label."""
    found: dict[str, dict[str, int]] = {}
    labelled = 0
    for item in items:
        labels = item.all_labels
        labelled += bool(labels)
        for label in labels:
            found.setdefault(label, dict.fromkeys(SETS, 0))[item.use] += 1
    labels_found = (LabelImages(k, sum(sets.values()), sets) for k, sets in sorted(found.items()))
    return LiveCounts(tuple(labels_found), labelled)


class RelabelledImage(Struct, frozen=True):
    """An image whose labels, boxes or set at the provider are not those that were imported."""

    image: str
    """As the imported rows name it."""
    before: str
    """Its set and labels as they were imported: `TRAIN cat`."""
    after: str
    """As they are at the provider."""


class ItemChanges(Struct, frozen=True):
    """How the images of a live dataset differ from those that were imported."""

    added: tuple[str, ...] = ()
    """URIs of images that were not imported."""
    removed: tuple[str, ...] = ()
    """Imported images that are not there, as the imported rows name them."""
    relabelled: tuple[RelabelledImage, ...] = ()

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self.added or self.removed or self.relabelled)


class ImageDrift(Struct, frozen=True):
    """What changed in the images of a recorded dataset without us, as far as that is known."""

    address: Address
    object_id: ObjectId
    imported: Count | None
    """Images that were imported, as recorded."""
    images: Count | None
    """Images that the dataset has, as the service reports."""
    changes: ItemChanges = ItemChanges()
    unknown: str | None = None
    """Why images were not compared one by one."""

    @property
    def counts_differ(self) -> bool:
        """Whether the number of images is another one than was imported."""
        return None not in (self.imported, self.images) and self.imported != self.images

    @property
    def is_drift(self) -> bool:
        """Whether something changed: images, or where they are unknown their number."""
        return bool(self.changes) or (self.unknown is not None and self.counts_differ)
