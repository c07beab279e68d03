"""The calls to the provider that changes come down to, each to be sent by a worker."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from automl_plan.errors import PlanStale
from automl_plan.providers.protocol import Provider
from automl_plan.resources.address import Address
from automl_plan.resources.desired import Desired, DesiredDataset
from automl_plan.resources.json import Attributes
from automl_plan.resources.live import TOKEN_LABEL, Operation, SourceData, SourceRow
from automl_plan.resources.marks import marks
from automl_plan.resources.recorded import RecordedObject, RecordedOperation, Status, Step
from automl_plan.state.manifests import Manifests

Call = Callable[[], Operation | None]


class Calls:
    """Makes calls; nothing is sent before one is called."""

    def __init__(self, provider: Provider, desired: Desired, manifests: Manifests) -> None:
        self._provider = provider
        self._desired = desired
        self._manifests = manifests

    def of(self, address: Address, intent: RecordedOperation, lineage: str) -> Call:
        """The call that an intent was written for; what it makes bears its token and marks."""
        provider = self._provider
        match intent.step:
            case Step.CREATE:
                dataset = self._desired.datasets[address]
                own_labels = self._own_labels(address, intent, lineage, dataset.attributes())
                return lambda: provider.create_dataset(dataset, own_labels)
            case Step.IMPORT_DATA:
                return self._import(self._desired.datasets[address], _object_of(intent))
            case Step.TRAIN:
                model, dataset_id = self._desired.models[address], intent.dataset_id
                of = self._desired.datasets[model.dataset]
                assert dataset_id is not None  # noqa: S101 (trainings always have one)
                own_labels = self._own_labels(address, intent, lineage, intent.attributes)
                return lambda: provider.train(model, of, dataset_id, own_labels)
            case Step.DEPLOY:
                nodes = self._desired.models[address].node_count or 1
                return lambda: provider.deploy(provider.model(_object_of(intent)), nodes)
            case Step.UNDEPLOY:
                return lambda: provider.undeploy(_object_of(intent))
            case Step.DELETE:
                return lambda: provider.delete(address.kind, _object_of(intent))

    def cancel(self, operation: RecordedOperation) -> Call:
        """Ask for an operation's end."""

        def call() -> None:
            self._provider.cancel(operation.id or "")

        return call

    def _own_labels(
        self, address: Address, intent: RecordedOperation, lineage: str, attributes: Attributes
    ) -> dict[str, str]:
        """The labels of a new object: a dataset's name the data that will be imported."""
        declared = self._desired.datasets.get(address) or self._desired.models[address]
        made = RecordedObject(
            id="",
            attributes=attributes,
            version=intent.version,
            commit=intent.commit,
            status=Status.CANDIDATE if intent.gated else None,
        )
        protected = declared.lifecycle.prevent_destroy
        return {TOKEN_LABEL: intent.token, **marks(lineage, address, made, protected=protected)}

    def _import(self, dataset: DesiredDataset, object_id: str) -> Call:
        provider, planned, manifests = self._provider, dataset.data, self._manifests

        def keep(data: SourceData, rows: Iterator[SourceRow]) -> None:
            if data.fingerprint == planned:
                manifests.write(object_id, data.fingerprint, rows)

        def call() -> Operation:
            data = provider.read_sources(dataset.sources, take=keep)
            if data.fingerprint != planned:
                raise PlanStale(
                    f"The sources of {dataset.address} changed after the plan was made.",
                    hint="Plan again, and look at what it says.",
                )
            return provider.import_data(dataset, object_id, data)

        return call


def _object_of(operation: RecordedOperation) -> str:
    assert operation.object_id is not None  # noqa: S101 (steps on an object always have one)
    return operation.object_id
