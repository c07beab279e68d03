"""The calls to the provider that changes come down to, each to be sent by a worker."""

from __future__ import annotations

from collections.abc import Callable

from automl_plan.errors import PlanStale
from automl_plan.providers.protocol import Provider
from automl_plan.resources.address import Address
from automl_plan.resources.desired import Desired, DesiredDataset
from automl_plan.resources.json import Attributes
from automl_plan.resources.live import TOKEN_LABEL, Operation
from automl_plan.resources.recorded import RecordedOperation, Step

Call = Callable[[], Operation | None]


class Calls:
    """Makes calls; nothing is sent before one is called."""

    def __init__(self, provider: Provider, desired: Desired) -> None:
        self._provider = provider
        self._desired = desired

    def of(self, address: Address, intent: RecordedOperation) -> Call:
        """The call that an intent was written for; what it makes bears its token."""
        provider = self._provider
        own_labels = {TOKEN_LABEL: intent.token}
        match intent.step:
            case Step.CREATE:
                dataset = self._desired.datasets[address]
                return lambda: provider.create_dataset(dataset, own_labels)
            case Step.IMPORT_DATA:
                return self._import(self._desired.datasets[address], _object_of(intent))
            case Step.TRAIN:
                model, dataset_id = self._desired.models[address], intent.dataset_id
                assert dataset_id is not None  # noqa: S101 (trainings always have one)
                return lambda: provider.train(model, dataset_id, own_labels)
            case Step.DEPLOY:
                nodes = self._desired.models[address].node_count or 1
                return lambda: provider.deploy(provider.model(_object_of(intent)), nodes)
            case Step.UNDEPLOY:
                return lambda: provider.undeploy(_object_of(intent))
            case Step.DELETE:
                return lambda: provider.delete(address.kind, _object_of(intent))

    def update(self, address: Address, object_id: str, changed: Attributes) -> Call:
        """Patch mutable fields."""

        def call() -> None:
            self._provider.update(address.kind, object_id, changed)

        return call

    def cancel(self, operation: RecordedOperation) -> Call:
        """Ask for an operation's end."""

        def call() -> None:
            self._provider.cancel(operation.id or "")

        return call

    def _import(self, dataset: DesiredDataset, object_id: str) -> Call:
        provider, planned = self._provider, dataset.data

        def call() -> Operation:
            if provider.read_sources(dataset.sources).fingerprint != planned:
                raise PlanStale(
                    f"The sources of {dataset.address} changed after the plan was made.",
                    hint="Plan again, and look at what it says.",
                )
            return provider.import_data(object_id, dataset.sources)

        return call


def _object_of(operation: RecordedOperation) -> str:
    assert operation.object_id is not None  # noqa: S101 (steps on an object always have one)
    return operation.object_id
