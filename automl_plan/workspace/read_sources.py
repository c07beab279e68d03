"""Reads the sources of declared datasets; compares appended ones with what was imported."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from automl_plan.data.row_comparison import compare
from automl_plan.data.sources import Rows, SourceReader, TakeRows
from automl_plan.model.address import Address
from automl_plan.model.desired import DesiredDataset, Move, OnSourceChange
from automl_plan.model.model_types import Problem
from automl_plan.model.recorded import RecordedResource
from automl_plan.model.source_data import SourceChanges, SourceData
from automl_plan.planning.source_changes import Compared
from automl_plan.state.manifests import Manifests
from automl_plan.workspace.workspace import Workspace


def read_sources(
    workspace: Workspace, reader: SourceReader, resources: Mapping[Address, RecordedResource]
) -> tuple[dict[Address, SourceData], Compared]:
    """Read the sources of each declared dataset; find what is new in appended ones.

    Sources that several datasets share are read once. Raises SourceError, ProviderError,
    StateUnreadable.
    """
    desired = workspace.configuration.desired
    groups: dict[tuple[object, ...], list[DesiredDataset]] = {}
    for _, dataset in sorted(desired.datasets.items()):
        if dataset.sources:
            boxes = dataset.problem is Problem.IMAGE_OBJECT_DETECTION
            groups.setdefault((boxes, *dataset.sources), []).append(dataset)
    found: dict[Address, SourceData] = {}
    comparison = AppendComparison(workspace.store.manifests, desired.moves, resources)
    for datasets in groups.values():
        boxes = datasets[0].problem is Problem.IMAGE_OBJECT_DETECTION
        take = comparison.of(datasets)
        data = reader.read(datasets[0].sources, boxes=boxes, take=take)
        found.update((dataset.address, data) for dataset in datasets)
    return found, comparison.found


class AppendComparison:
    """Compares appended sources with the manifests of one state, as they are read."""

    def __init__(
        self,
        manifests: Manifests,
        moves: Sequence[Move],
        resources: Mapping[Address, RecordedResource],
    ) -> None:
        self._manifests = manifests
        self._origins = {move.target: move.source for move in moves}
        self._resources = resources
        self.found: dict[Address, dict[str, SourceChanges]] = {}
        """By dataset, and by the recorded content."""

    def of(self, datasets: Sequence[DesiredDataset]) -> TakeRows | None:
        """Return what compares the rows of datasets with the same sources; None for nothing."""
        known = [
            (dataset, object_id, data)
            for dataset in datasets
            if dataset.on_source_change is OnSourceChange.APPEND
            for object_id, data in self._contents(dataset.address)
            if self._manifests.has(object_id, data)
        ]
        if not known:
            return None

        def take(read: SourceData, rows: Rows) -> None:
            for dataset, object_id, data in known:
                if data == read.fingerprint:
                    continue
                boxes = dataset.problem is Problem.IMAGE_OBJECT_DETECTION
                before = partial(self._manifests.rows, object_id, data)
                found = compare(before, rows, boxes=boxes)
                self.found.setdefault(dataset.address, {})[data] = found

        return take

    def _contents(self, address: Address) -> Iterator[tuple[str, str]]:
        """Yield the current dataset of an address with its present and its coming content."""
        record = self._resources.get(address)
        for _ in self._origins:
            address = address if record else self._origins.get(address, address)
            record = self._resources.get(address)
        current = None if record is None else record.current
        if record is None or current is None:
            return
        held = [current.attributes.get("data")]
        held += [o.attributes.get("data") for o in record.operations if o.object_id == current.id]
        for data in dict.fromkeys(held):
            if isinstance(data, str):
                yield current.id, data
