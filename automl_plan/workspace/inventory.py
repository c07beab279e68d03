"""Lists live datasets and models with what is recorded of them; finds them by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Protocol, TypeVar

from msgspec import Struct

from automl_plan.errors import InvalidArgument, ProviderError, Unimplemented, UsageError
from automl_plan.model.address import Address, ResourceKind
from automl_plan.model.capabilities import MILLI_NODE_HOURS, BudgetUnit
from automl_plan.model.evaluation import Evaluation
from automl_plan.model.homes import resolved_models
from automl_plan.model.live import LiveDataset, LiveModel, Operation, OperationKind
from automl_plan.model.ownership import Claim, Owners, Ownership
from automl_plan.model.recorded import Recorded, RecordedObject, RecordedResource
from automl_plan.providers.protocol import Provider


class Managed(Struct, frozen=True):
    """A recorded object with the address that it belongs to."""

    address: Address
    object: RecordedObject
    current: bool


def managed_objects(
    resources: Mapping[Address, RecordedResource], kind: ResourceKind
) -> dict[str, Managed]:
    """Return the recorded objects of a kind, by id."""
    return {
        obj.id: Managed(address, obj, obj is resource.current)
        for address, resource in resources.items()
        if address.kind is kind
        for obj in resource.objects
    }


class Named(Protocol):
    """A live object."""

    @property
    def id(self) -> str:
        """The service's id."""

    @property
    def display_name(self) -> str:
        """The name shown to people; several objects may share it."""


_Named = TypeVar("_Named", bound=Named)


def pick(
    name: str,
    kind: ResourceKind,
    live: Iterable[_Named],
    resources: Mapping[Address, RecordedResource],
) -> _Named:
    """Return the live object with an id, an address, the name in one, or a display name.

    Raises UsageError when there is none, or several.
    """
    found = matching(name, kind, live, resources)
    if len(found) == 1:
        return found[0]
    if found:
        managed = managed_objects(resources, kind)
        raise UsageError(
            f"Several {kind}s are called {name}: "
            + ", ".join(_describe(obj.id, managed.get(obj.id)) for obj in found)
            + ".",
            hint="Give the id, or the address of a managed one.",
        )
    raise UsageError(f"There is no {kind} {name}.", hint=f"See `automl-plan {kind}s list`.")


def matching(
    name: str,
    kind: ResourceKind,
    live: Iterable[_Named],
    resources: Mapping[Address, RecordedResource],
) -> list[_Named]:
    """Return the live objects that a name may mean.

    An id, an address and the name in it mean one object only: the current version, if it exists.
    """
    objects = {obj.id: obj for obj in live}
    if name in objects:
        return [objects[name]]
    current = {str(m.address): i for i, m in managed_objects(resources, kind).items() if m.current}
    if name in current:
        return [objects[i] for i in (current[name],) if i in objects]
    declared = current.get(f"{kind}.{name}")
    if declared in objects:
        return [objects[declared]]
    return [obj for obj in objects.values() if obj.display_name == name]


def _describe(object_id: str, managed: Managed | None) -> str:
    if managed is None:
        return f"{object_id} (unmanaged)"
    return f"{object_id} ({managed.address}{'' if managed.current else ', former'})"


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
    """None of unmanaged datasets: the service does not report it."""
    updated: str | None
    """Time of the latest operation on it, or of its creation (RFC 3339)."""
    status: str
    """`Success: Creating dataset`, `Warning: Importing images`, `Error: INTERNAL`, …"""

    @property
    def address(self) -> Address | None:
        """Where it is recorded, if it is."""
        recorded = self.ownership.claim is Claim.RECORDED
        return self.ownership.address if recorded else None


def list_datasets(provider: Provider, recorded: Recorded) -> tuple[DatasetRow, ...]:
    """List live datasets with the status of the latest operation on each."""
    datasets = provider.datasets()
    with ThreadPoolExecutor(_THREADS, thread_name_prefix="status") as pool:
        latest = pool.map(lambda d: _latest(provider, d), datasets)
        return _rows(datasets, list(latest), recorded)


def describe_dataset(provider: Provider, recorded: Recorded, dataset: LiveDataset) -> DatasetRow:
    """Return the row of one dataset."""
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
        return None  # a service that can't filter by worksOn reports no status
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


_MOST_HEADLINES = 10
"""Models whose evaluation is fetched unasked; each takes a request."""


class ModelRow(Struct, frozen=True):
    """A live model in a list."""

    live: LiveModel
    ownership: Ownership
    current: bool
    """Managed: whether it is the current one, not one that was replaced."""
    dataset: Address | None
    """The managed dataset that it was trained on."""
    budget_unit: BudgetUnit = MILLI_NODE_HOURS
    """Of the provider."""

    @property
    def address(self) -> Address | None:
        """Where it is recorded, if it is."""
        recorded = self.ownership.claim is Claim.RECORDED
        return self.ownership.address if recorded else None

    @property
    def expires(self) -> datetime | None:
        """When it expires (UTC); None when the service does not report its age."""
        return self.live.expires


def model_rows(
    models: Iterable[LiveModel], recorded: Recorded, unit: BudgetUnit = MILLI_NODE_HOURS
) -> tuple[ModelRow, ...]:
    """Return the rows of live models."""
    resources = recorded.resources
    owners = Owners(recorded.lineage, resources)
    managed = managed_objects(resources, ResourceKind.MODEL)
    datasets = managed_objects(resources, ResourceKind.DATASET)
    rows = []
    live = {model.id: model for model in models}
    for model in resolved_models(live, resources, recorded.lineage).values():
        owner = managed.get(model.id)
        dataset = datasets.get(model.dataset_id)
        rows.append(
            ModelRow(
                live=model,
                ownership=owners.of(model),
                current=owner.current if owner else False,
                dataset=dataset.address if dataset else None,
                budget_unit=unit,
            )
        )
    return tuple(rows)


def overall_evaluations(
    provider: Provider,
    resources: Mapping[Address, RecordedResource],
    addresses: Sequence[Address],
) -> list[tuple[Address, Evaluation]]:
    """Return the overall evaluations of some current models, where they can be read."""
    found = []
    for address in addresses[:_MOST_HEADLINES]:
        record = resources.get(address)
        if record is None or record.current is None:
            continue
        try:
            evaluations = provider.evaluations(record.current.id)
        except ProviderError:
            continue
        found += [(address, e) for e in evaluations if e.label is None]
    return found
