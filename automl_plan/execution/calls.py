"""The calls to the provider that changes come down to, each to be sent by a worker."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import partial

from automl_plan.data.sources import Rows, SourceReader
from automl_plan.data.staging import stage
from automl_plan.errors import ImportIncomplete, PlanStale
from automl_plan.model.address import Address
from automl_plan.model.desired import Desired, DesiredDataset
from automl_plan.model.json import Attributes
from automl_plan.model.live import TOKEN_LABEL, LiveDataset, Operation
from automl_plan.model.ownership_labels import expected_labels
from automl_plan.model.recorded import (
    PartialImport,
    RecordedObject,
    RecordedOperation,
    RecordedResource,
    Status,
    Step,
)
from automl_plan.model.source_data import SourceData
from automl_plan.planning.options import PlanOptions
from automl_plan.planning.trainable import extra_images_text, missing_images_text
from automl_plan.providers.protocol import Check, Provider
from automl_plan.recovery.interrupted_calls import Finding, find_outcome
from automl_plan.state.manifests import Manifests

Call = Callable[[], Operation | None]


class Calls:
    """Makes calls; nothing is sent before one is called."""

    def __init__(
        self,
        provider: Provider,
        desired: Desired,
        manifests: Manifests,
        open_sources: Callable[[], SourceReader],
        options: PlanOptions,
    ) -> None:
        self._provider = provider
        self._desired = desired
        self._manifests = manifests
        self._open_sources = open_sources
        self._options = options
        self.filled: set[str] = set()
        """Ids of datasets that data was imported into after the plan was made."""
        self.remarks: dict[str, str] = {}
        """Remarks on the data that was trained on, by the tokens of trainings."""

    def call_for(
        self,
        record: RecordedResource,
        intent: RecordedOperation,
        lineage: str,
        examples: int | None,
    ) -> Call:
        """Return the call of an intent; what it makes has the token and the ownership labels.

        `examples`: the number of images that the dataset of a training should have, if known.
        """
        provider, address = self._provider, record.address
        home, versions = record.endpoint, frozenset(obj.id for obj in record.objects)
        match intent.step:
            case Step.CREATE:
                dataset = self._desired.datasets[address]
                ownership_labels = self._own_labels(address, intent, lineage, dataset.attributes())
                return lambda: provider.create_dataset(dataset, ownership_labels)
            case Step.IMPORT_DATA:
                return self._import(self._desired.datasets[address], _object_of(intent))
            case Step.TRAIN:
                model, dataset_id = self._desired.models[address], intent.dataset_id
                of = self._desired.datasets[model.dataset]
                assert dataset_id is not None  # noqa: S101 (trainings always have one)
                ownership_labels = self._own_labels(address, intent, lineage, intent.attributes)
                check = self._check(intent, dataset_id, examples)
                return lambda: provider.train(model, of, dataset_id, ownership_labels, check)
            case Step.DEPLOY:
                nodes = self._desired.models[address].node_count or 1
                return lambda: provider.deploy(
                    provider.model(_object_of(intent)), nodes, home, versions
                )
            case Step.UNDEPLOY:
                # Intents of version 0.1, and of what the same plan deploys, may not name the home.
                at = {*intent.endpoints, *(() if home is None else (home.id,))}
                return lambda: provider.undeploy(_object_of(intent), at, home, versions)
            case Step.DELETE:
                return lambda: provider.delete(address.kind, _object_of(intent), home)

    def cancel(self, operation: RecordedOperation) -> Call:
        """Return the call that cancels an operation."""

        def call() -> None:
            self._provider.cancel(operation.id or "")

        return call

    def _own_labels(
        self, address: Address, intent: RecordedOperation, lineage: str, attributes: Attributes
    ) -> dict[str, str]:
        """Return the labels of a new object; those of a dataset name the data to be imported."""
        declared = self._desired.resource(address)
        assert declared is not None  # noqa: S101 (only what is declared is made)
        made = RecordedObject(
            id="",
            attributes=attributes,
            version=intent.version,
            commit=intent.commit,
            status=Status.CANDIDATE if intent.gated else None,
        )
        protected = declared.lifecycle.prevent_destroy
        own = expected_labels(lineage, address, made, protected=protected)
        return {TOKEN_LABEL: intent.token, **own}

    def status(self, operation_id: str) -> Callable[[], Operation]:
        """Return the call that asks for the status of an operation."""
        return partial(self._provider.operation, operation_id)

    def outcome(
        self, address: Address, intent: RecordedOperation, known: Collection[str], searched: float
    ) -> Callable[[], Finding]:
        """Return the call that finds out what became of an unanswered call.

        It was searched for `searched` seconds already; `known` ids are recorded as something else.
        """
        return lambda: find_outcome(address, intent, self._provider, known, searched)

    def partial_import(
        self, operation: RecordedOperation, answer: Operation
    ) -> PartialImport | None:
        """Return what a finished import left out; None for nothing, or another operation."""
        if operation.step is not Step.IMPORT_DATA:
            return None
        self.filled.add(_object_of(operation))
        rows = answer.refused_rows
        return PartialImport(rows, self._options.allow_partial_import) if rows else None

    def _check(
        self, intent: RecordedOperation, dataset_id: str, examples: int | None
    ) -> Check | None:
        """Return what checks a dataset before it is trained on; None where the plan did that."""
        checked = self._options.refresh and dataset_id not in self.filled
        if checked or examples is None or self._options.allow_partial_import:
            return None

        def check(dataset: LiveDataset) -> None:
            there = dataset.example_count
            if there is None or there == examples:
                return
            if there > examples:
                self.remarks[intent.token] = f"its dataset: {extra_images_text(examples, there)}"
                return
            raise ImportIncomplete(
                f"Nothing is trained on the dataset {dataset_id}: "
                f"{missing_images_text(examples, there)}.",
                hint="Plan again: imported images may appear late. --allow-partial-import trains "
                "without them.",
            )

        return check

    def _import(self, dataset: DesiredDataset, object_id: str) -> Call:
        provider, planned, open_sources = self._provider, dataset.data, self._open_sources
        manifests = self._manifests

        def keep(data: SourceData, rows: Rows) -> None:
            if data.fingerprint == planned:
                manifests.write(object_id, data.fingerprint, rows())

        def call() -> Operation:
            with open_sources() as reader:
                data = reader.read(dataset.sources, take=keep)
                if data.fingerprint != planned:
                    raise PlanStale(
                        f"The sources of {dataset.address} changed after the plan was made.",
                        hint="Plan again, and review the plan.",
                    )
                uris = stage(reader, dataset.sources, data)
            return provider.import_data(dataset, object_id, uris, data)

        return call


def _object_of(operation: RecordedOperation) -> str:
    assert operation.object_id is not None  # noqa: S101 (steps on an object always have one)
    return operation.object_id
