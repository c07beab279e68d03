"""The documents of live datasets and models: lists, single ones, when models expire."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Literal, Self

from msgspec import UNSET, Meta, UnsetType
from msgspec.structs import asdict

from automl_plan.model.address import Address
from automl_plan.model.items import SETS, LabelImages, LiveCounts
from automl_plan.model.json import Count
from automl_plan.model.lifespan import days_left
from automl_plan.model.model_types import ClassificationType, Problem
from automl_plan.model.ownership import Claim
from automl_plan.model.recorded import RecordedResource
from automl_plan.output.documents.base import (
    FORMAT_VERSION,
    OutputDocument,
    Part,
    Simulated,
    Time,
)
from automl_plan.output.expiry import by_end, expiry_time

if TYPE_CHECKING:
    from automl_plan.model.live import LiveDataset
    from automl_plan.state.document import State
    from automl_plan.workspace.inventory import DatasetRow, ModelRow
    from automl_plan.workspace.live_items import DatasetImages


ClaimOf = Annotated[
    Claim,
    Meta(
        description="Whose it is: recorded by this state; made by an open operation of it; "
        "labelled as this state's, or as another state's; unmanaged."
    ),
]
ServiceLabels = Annotated[
    Mapping[str, str],
    Meta(description="Labels that the service itself sets: never compared, never removed."),
]


def being_made_by(row: DatasetRow | ModelRow) -> Address | None:
    """Return the address whose open operation makes a live object."""
    owner = row.ownership
    return owner.address if owner.claim is Claim.BEING_MADE else None


class AnnotationSet(Part, frozen=True):
    """Images of a dataset that were annotated together."""

    id: str
    name: str
    labels: Count | None
    """Different labels in it."""
    created: Time
    fits: bool
    """Whether it is for what the dataset is declared for."""


class TrainedItems(Part, frozen=True):
    """How many images of each set a training used, as the service reports it."""

    train: Count
    validation: Count
    test: Count


def _of_service(live: LiveDataset) -> dict[str, object]:
    """What only some services have."""
    sets = tuple(map(AnnotationSet.filled, live.annotation_sets.sets))
    return {
        "service_labels": live.service_labels or UNSET,
        "annotation_sets": sets or UNSET,
    }


class Dataset(
    Part,
    rename={"problem": "type", "example_count": "total_images", "create_time": "created"},
    frozen=True,
):
    """A live dataset."""

    id: str
    display_name: str
    problem: Problem | None
    classification_type: ClassificationType | None
    description: str
    labels: Mapping[str, str]
    example_count: Count | None
    labeled_images: Count | None
    """Of the imported sources; null where it is not known."""
    create_time: Time
    last_updated: Time
    status: str
    """Of the latest operation on it: `Success: Creating dataset`, `Error: INTERNAL`, …"""
    address: Address | None
    current: bool
    """Whether it is the address's current object, and not one that was replaced."""
    claim: ClaimOf
    being_made_by: Address | None
    service_labels: ServiceLabels | UnsetType = UNSET
    annotation_sets: tuple[AnnotationSet, ...] | UnsetType = UNSET
    """Where the service lists such sets."""

    @classmethod
    def of(cls, row: DatasetRow) -> Self:
        """Return the document of a live dataset."""
        return cls.filled(
            row,
            row.live,
            row.ownership,
            labeled_images=row.labelled_images,
            last_updated=row.updated,
            being_made_by=being_made_by(row),
            **_of_service(row.live),
        )


class ImagesOfLabel(Part, frozen=True):
    """The images of a dataset that have one label, and those of them in each set."""

    label: str
    images: Count
    train: Count | None
    """Null, as the other sets: the service does not report it."""
    validation: Count | None
    test: Count | None
    unassigned: Count | None

    @classmethod
    def of(cls, counts: LabelImages) -> Self:
        """Return the part of a document on one label."""
        sets = counts.by_set or {}
        return cls(counts.label, counts.images, *(sets.get(use) for use in SETS))


class DatasetsShow(
    Dataset, tag_field="format_version", tag=FORMAT_VERSION, frozen=True, kw_only=True
):
    """`datasets show --json`"""

    images_by_label: tuple[ImagesOfLabel, ...] | None
    """As they are at the service now; null: not known."""
    labels_complete: bool | None
    """False: only labels that a model was trained with are known; null: none is known."""

    @classmethod
    def of(cls, row: DatasetRow, counts: LiveCounts | str | None = None) -> Self:
        """Return the document of a live dataset with its counts, or why they are unknown."""
        known = counts if isinstance(counts, LiveCounts) else None
        labelled = row.labelled_images
        if known is not None and known.labelled is not None:
            labelled = known.labelled
        return cls.filled(
            row,
            row.live,
            row.ownership,
            labeled_images=labelled,
            last_updated=row.updated,
            being_made_by=being_made_by(row),
            images_by_label=None if known is None else tuple(map(ImagesOfLabel.of, known.labels)),
            labels_complete=None if known is None else known.complete,
            **_of_service(row.live),
        )


class BoxOnImage(Part, frozen=True):
    """A labelled rectangle; coordinates are fractions of the image's sides, from its top left."""

    label: str
    x_min: float
    y_min: float
    x_max: float
    y_max: float


class Image(Part, rename={"use": "set"}, frozen=True):
    """An image of a live dataset."""

    id: str
    uri: str
    """As it was imported."""
    use: Literal["TRAIN", "VALIDATION", "TEST", "UNASSIGNED"]
    labels: tuple[str, ...]
    boxes: tuple[BoxOnImage, ...]
    truncated: bool
    """Whether it has more labels or boxes than the service reports."""


class DatasetsImages(OutputDocument, frozen=True):
    """`datasets images --json`"""

    id: str
    """Of the dataset."""
    display_name: str
    address: Address | None
    images: tuple[Image, ...]

    @classmethod
    def of(cls, found: DatasetImages) -> Self:
        """Return the document of the images of a dataset."""
        images = (
            Image.filled(each, boxes=tuple(map(BoxOnImage.filled, each.boxes)))
            for each in found.images
        )
        return cls.filled(found, found.live, images=tuple(images))


class DatasetsList(OutputDocument, frozen=True):
    """`datasets list --json`"""

    datasets: tuple[Dataset, ...]

    @classmethod
    def of(cls, rows: Sequence[DatasetRow]) -> Self:
        """Return the document of live datasets."""
        return cls(datasets=tuple(map(Dataset.of, rows)))


class Model(
    Part,
    rename={"problem": "type", "create_time": "created", "update_time": "last_updated"},
    frozen=True,
):
    """A live model."""

    id: str
    display_name: str
    problem: Problem | None
    model_type: str | None
    base_model_id: str | None
    dataset_id: str
    dataset: Address | None
    """The managed dataset that it was trained on."""
    deployed: bool
    node_count: Count | None
    endpoint: str | None
    """Id of the endpoint that serves it; null where the service has no endpoints."""
    train_budget_milli_node_hours: Count | None
    train_cost_milli_node_hours: Count | None
    stop_reason: str | None
    node_qps: float | None
    labels: Mapping[str, str]
    create_time: Time
    expires: str | None
    """RFC 3339: 18 months after its creation."""
    expires_in_days: int | None
    update_time: Time
    address: Address | None
    current: bool
    """Whether it is the address's current version."""
    claim: ClaimOf
    being_made_by: Address | None
    elsewhere: Mapping[str, int] | UnsetType = UNSET
    """Nodes by the ids of other endpoints at which someone else deployed it."""
    simulated: Simulated | UnsetType = UNSET
    service_labels: ServiceLabels | UnsetType = UNSET
    trained_items: TrainedItems | UnsetType = UNSET

    @classmethod
    def of(cls, row: ModelRow, now: datetime) -> Self:
        """Return the document of a live model; `now` is the service's time."""
        ends, used = row.expires, row.live.trained_items
        return cls.filled(
            row,
            row.live,
            row.ownership,
            elsewhere=row.live.foreign_deployments or UNSET,
            simulated=row.live.simulated or UNSET,
            service_labels=row.live.service_labels or UNSET,
            trained_items=UNSET if used is None else TrainedItems.filled(used),
            expires=expiry_time(ends),
            expires_in_days=None if ends is None else days_left(ends, now),
            being_made_by=being_made_by(row),
        )


class ModelsShow(Model, tag_field="format_version", tag=FORMAT_VERSION, frozen=True):
    """`models show --json`"""


class ModelsList(OutputDocument, frozen=True):
    """`models list --json`"""

    models: tuple[Model, ...]

    @classmethod
    def of(cls, rows: Sequence[ModelRow], now: datetime) -> Self:
        """Return the document of live models; `now` is the service's time."""
        return cls(models=tuple(Model.of(row, now) for row in rows))


class Expiry(Part, frozen=True):
    """When a model expires."""

    id: str
    display_name: str
    address: Address | None
    expires: str | None
    """RFC 3339."""
    expires_in_days: int


class ModelsCalendar(OutputDocument, frozen=True):
    """`models calendar --json`: when models expire, the soonest first."""

    models: tuple[Expiry, ...]

    @classmethod
    def of(cls, rows: Sequence[ModelRow], now: datetime) -> Self:
        """Return the document of when models expire; `now` is the service's time."""
        return cls(
            models=tuple(
                Expiry.filled(
                    row, row.live, expires=expiry_time(ends), expires_in_days=days_left(ends, now)
                )
                for ends, row in by_end(rows)
            )
        )


class StateShow(RecordedResource, tag_field="format_version", tag=FORMAT_VERSION, frozen=True):
    """`state show --json`"""

    @classmethod
    def of(cls, record: RecordedResource) -> Self:
        """Return the document of what is recorded of one address."""
        return cls(**asdict(record))


class StateList(OutputDocument, frozen=True):
    """`state list --json` and `show --json`"""

    lineage: str
    serial: Count
    provider: str | None
    resources: tuple[RecordedResource, ...]

    @classmethod
    def of(cls, state: State) -> Self:
        """Return the document of a state."""
        records = (record for _, record in sorted(state.resources.items()))
        return cls.filled(state, resources=tuple(records))
