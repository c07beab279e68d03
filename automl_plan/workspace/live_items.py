"""The images of live datasets: listed, counted by label, and held against what was imported."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING

from msgspec import Struct

from automl_plan.data.item_comparison import compare_items
from automl_plan.errors import ProviderError, StateUnreadable, Unimplemented
from automl_plan.model.address import Address, ResourceKind
from automl_plan.model.items import ImageDrift, LiveCounts, LiveItem, count_items
from automl_plan.model.live import LiveDataset
from automl_plan.model.model_types import ClassificationType, Problem
from automl_plan.model.recorded import Recorded, RecordedObject
from automl_plan.model.source_data import SourceData, SourceRow
from automl_plan.model.timestamps import instant_of
from automl_plan.providers.protocol import Provider
from automl_plan.workspace.inventory import managed_objects

if TYPE_CHECKING:
    from automl_plan.workspace.plan_inputs import PlanInputs


_NO_LABELS = "the service reports no labels of images, and no annotation sets to ask for them by"


class DatasetImages(Struct, frozen=True):
    """A live dataset with some of its images."""

    live: LiveDataset
    address: Address | None
    """Where it is recorded, if it is."""
    images: tuple[LiveItem, ...]


def list_images(
    provider: Provider,
    recorded: Recorded,
    dataset: LiveDataset,
    *,
    label: str | None = None,
    use: str | None = None,
) -> DatasetImages:
    """List the images of a live dataset: all, or those with a label, or in a set.

    Raises ProviderError; Unimplemented where the service has no such list.
    """
    images = tuple(
        item
        for item in provider.items(dataset.id)
        if (label is None or label in item.all_labels) and use in (None, item.use)
    )
    owner = managed_objects(recorded.resources, ResourceKind.DATASET).get(dataset.id)
    return DatasetImages(dataset, None if owner is None else owner.address, images)


def live_counts(provider: Provider, dataset_id: str) -> LiveCounts | str:
    """Return the images of a live dataset by label, or why that is unknown."""
    try:
        try:
            items = list(provider.items(dataset_id))
            if items and all(each.labels_unknown for each in items):
                return provider.label_counts(dataset_id) or _NO_LABELS
            return count_items(items)
        except Unimplemented as error:
            return provider.label_counts(dataset_id) or error.message
    except ProviderError as error:
        return error.message


def find_image_drift(inputs: PlanInputs, *, everywhere: bool) -> tuple[ImageDrift, ...]:
    """Hold the images of recorded datasets against what was imported into them.

    Of those whose number of images is another one than was imported, or which were updated since
    by the service's own account; or `everywhere`. Then what stops it is raised: ProviderError,
    StateUnreadable, SourceError.
    """
    if inputs.live is None:
        return ()
    found = []
    for address, record in sorted(inputs.recorded.resources.items()):
        current = record.current
        there = None if current is None else inputs.live.datasets.get(current.id)
        if current is None or there is None or record.operations:
            continue  # an open operation may be what changes it
        seen = ImageDrift(address, current.id, current.examples, there.example_count)
        # Rows that were refused explain a lower number.
        moved = seen.counts_differ and current.partial is None
        if everywhere or moved or _updated_since(current, there):
            try:
                compared = _compared(inputs, seen, current, there)
                # What else may move the time (a training, say) is no news.
                if everywhere or moved or compared.is_drift or compared.unknown is not None:
                    found.append(compared)
            except (ProviderError, StateUnreadable) as error:
                if everywhere:
                    raise
                found.append(_unknown(seen, error.message))
    return tuple(found)


def _updated_since(current: RecordedObject, there: LiveDataset) -> bool:
    """Whether a dataset was updated after our last import or change of it, where that is known."""
    ours, updated = instant_of(current.updated), instant_of(there.update_time)
    return ours is not None and updated is not None and updated > ours


Rows = Callable[[], Iterable[SourceRow]]


def _compared(
    inputs: PlanInputs, seen: ImageDrift, current: RecordedObject, there: LiveDataset
) -> ImageDrift:
    rows = _imported_rows(inputs, seen.address, current)
    if rows is None:
        return _unknown(seen, "the rows that were imported are not recorded")
    items = list(inputs.workspace.provider.items(current.id))
    if items and all(each.labels_unknown for each in items):
        return _unknown(seen, _NO_LABELS)
    changes = compare_items(
        rows(),
        items,
        boxes=there.problem is Problem.IMAGE_OBJECT_DETECTION,
        multilabel=there.classification_type is ClassificationType.MULTILABEL,
        refused=() if current.partial is None else current.partial.rows,
    )
    return ImageDrift(seen.address, seen.object_id, seen.imported, seen.images, changes)


def _unknown(seen: ImageDrift, why: str) -> ImageDrift:
    return ImageDrift(seen.address, seen.object_id, seen.imported, seen.images, unknown=why)


def _imported_rows(inputs: PlanInputs, address: Address, current: RecordedObject) -> Rows | None:
    """Return the rows that were imported: by the manifest, or by sources of the same content."""
    data = current.attributes.get("data")
    if not isinstance(data, str):
        return None  # it was adopted
    manifests = inputs.workspace.store.manifests
    if manifests.has(current.id, data):
        return partial(manifests.rows, current.id, data)
    sources = inputs.sources.get(address)
    dataset = inputs.desired.datasets.get(address)
    if sources is None or dataset is None or sources.fingerprint != data:
        return None
    kept: list[SourceRow] = []

    def keep(_: SourceData, rows: Rows) -> None:
        kept.extend(rows())

    boxes = dataset.problem is Problem.IMAGE_OBJECT_DETECTION
    inputs.workspace.open_sources().read(dataset.sources, boxes=boxes, take=keep)
    return lambda: kept
