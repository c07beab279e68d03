"""Datasets, as Google's own page lists them, and which of them are managed."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from msgspec import Struct

from automl_plan.errors import InvalidArgument, Unimplemented
from automl_plan.inventory.managed import managed_objects
from automl_plan.providers.protocol import Provider
from automl_plan.resources.address import Address, ResourceKind
from automl_plan.resources.live import LiveDataset, Operation, OperationKind
from automl_plan.resources.ownership import Claim, Owners, Ownership
from automl_plan.resources.recorded import Recorded, RecordedObject

_THREADS = 8
_WORDS = {
    OperationKind.CREATE_DATASET: "Creating dataset",
    OperationKind.IMPORT_DATA: "Importing images",
    OperationKind.EXPORT_DATA: "Exporting images",
    OperationKind.CREATE_MODEL: "Training model",
    OperationKind.DELETE: "Deleting dataset",
}
"""What an operation is called in the Status column."""


class DatasetRow(Struct, frozen=True):
    """A live dataset in a list."""

    live: LiveDataset
    ownership: Ownership
    current: bool
    """Managed: whether it is the current one, not one that was replaced."""
    labelled_images: int | None
    """Of managed ones; the service does not tell it of others."""
    updated: str | None
    """Time of the latest operation on it, or of its creation (RFC 3339)."""
    status: str
    """`Success: Creating dataset`, `Warning: Importing images`, `Error: INTERNAL`, …"""

    @property
    def address(self) -> Address | None:
        """Where it is recorded; None: nowhere."""
        recorded = self.ownership.claim is Claim.RECORDED
        return self.ownership.address if recorded else None


def list_datasets(provider: Provider, recorded: Recorded) -> tuple[DatasetRow, ...]:
    """All live datasets, with the status of the latest operation on each."""
    datasets = provider.datasets()
    with ThreadPoolExecutor(_THREADS, thread_name_prefix="status") as pool:
        latest = pool.map(lambda d: _latest(provider, d), datasets)
        return _rows(datasets, list(latest), recorded)


def describe_dataset(provider: Provider, recorded: Recorded, dataset: LiveDataset) -> DatasetRow:
    """The row of one dataset."""
    (row,) = _rows([dataset], [_latest(provider, dataset)], recorded)
    return row


def _rows(
    datasets: Sequence[LiveDataset],
    latest: Sequence[Operation | None],
    recorded: Recorded,
) -> tuple[DatasetRow, ...]:
    owners = Owners(recorded.lineage, recorded.resources)
    managed = managed_objects(recorded.resources, ResourceKind.DATASET)
    rows = []
    for dataset, operation in zip(datasets, latest, strict=True):
        owner = managed.get(dataset.id)
        known: RecordedObject | None = owner.object if owner else None
        rows.append(
            DatasetRow(
                live=dataset,
                ownership=owners.of(dataset),
                current=owner.current if owner else False,
                labelled_images=known.labelled_examples if known else None,
                updated=_updated(dataset, operation),
                status=_status(operation),
            )
        )
    return tuple(rows)


def _latest(provider: Provider, dataset: LiveDataset) -> Operation | None:
    try:
        operations = provider.operations(works_on=(ResourceKind.DATASET, dataset.id))
    except (InvalidArgument, Unimplemented):
        return None  # a service that can't filter by worksOn tells no status
    known = [o for o in operations if o.kind in _WORDS]
    return max(known, key=lambda o: o.create_time or "", default=None)


def _updated(dataset: LiveDataset, operation: Operation | None) -> str | None:
    times = [dataset.update_time, dataset.create_time]
    if operation is not None:
        times += [operation.update_time, operation.create_time]
    return max((time for time in times if time), default=None)


def _status(operation: Operation | None) -> str:
    if operation is None:
        return "Unknown"
    words = _WORDS[operation.kind]
    if not operation.done:
        return f"Running: {words}"
    if operation.error is not None:
        return f"Error: {operation.error.message or words}"
    return f"{'Warning' if operation.partial_failures else 'Success'}: {words}"
