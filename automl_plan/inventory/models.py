"""Models that live, and which of them are managed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from msgspec import Struct

from automl_plan.errors import ProviderError
from automl_plan.inventory.managed import managed_objects
from automl_plan.providers.protocol import Provider
from automl_plan.resources.address import Address, ResourceKind
from automl_plan.resources.evaluation import Evaluation
from automl_plan.resources.homes import resolved_models
from automl_plan.resources.lifespan import end_of
from automl_plan.resources.live import LiveModel
from automl_plan.resources.ownership import Claim, Owners, Ownership
from automl_plan.resources.recorded import Recorded, RecordedResource

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

    @property
    def address(self) -> Address | None:
        """Where it is recorded; None: nowhere."""
        recorded = self.ownership.claim is Claim.RECORDED
        return self.ownership.address if recorded else None

    @property
    def expires(self) -> datetime | None:
        """When its life ends (UTC); None when the service does not tell its age."""
        return end_of(self.live.create_time)


def model_rows(models: Iterable[LiveModel], recorded: Recorded) -> tuple[ModelRow, ...]:
    """The rows of live models."""
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
            )
        )
    return tuple(rows)


def headlines(
    provider: Provider,
    resources: Mapping[Address, RecordedResource],
    addresses: Sequence[Address],
) -> list[tuple[Address, Evaluation]]:
    """The overall evaluations of some current models; without those that can't be had."""
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
