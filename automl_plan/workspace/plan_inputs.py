"""Gathers what a plan is made from: configuration, state, sources, live resources."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import partial

from msgspec import Struct
from msgspec.structs import replace

from automl_plan import __version__
from automl_plan.data.row_comparison import compare
from automl_plan.data.sources import Rows, SourceReader, TakeRows
from automl_plan.model.address import Address
from automl_plan.model.contacts import Contact, contact_of
from automl_plan.model.desired import Desired, DesiredDataset, Move, OnSourceChange
from automl_plan.model.history import History
from automl_plan.model.homes import resolved
from automl_plan.model.live import Live
from automl_plan.model.model_types import Problem
from automl_plan.model.recorded import Recorded, RecordedResource
from automl_plan.model.source_data import SourceChanges, SourceData
from automl_plan.planning.data_findings import DataFindings
from automl_plan.planning.drift import assume_live
from automl_plan.planning.forecast import forecasts_of
from automl_plan.planning.ignore_changes import ignores, without_ignored
from automl_plan.planning.options import PlanMode, PlanOptions
from automl_plan.planning.plan import Plan, Unrecorded
from automl_plan.planning.refactoring import apply_blocks
from automl_plan.planning.refusals import RefusalContext
from automl_plan.planning.source_changes import Compared
from automl_plan.recovery.interrupted_calls import Finding, settle_intents
from automl_plan.state.manifests import Manifests
from automl_plan.workspace.billing import Moment
from automl_plan.workspace.bound_plan import BoundPlan
from automl_plan.workspace.check_refusals import field_locator
from automl_plan.workspace.evaluations import with_evaluations_of_undecided
from automl_plan.workspace.unrecorded import find_unrecorded
from automl_plan.workspace.workspace import Workspace, fetch_open_operations


class PlanInputs(Struct, frozen=True):
    """Everything that a plan is made from."""

    workspace: Workspace
    desired: Desired
    """With the fingerprints of the data."""
    recorded: Recorded
    """With the outcomes of interrupted calls."""
    live: Live | None
    """None when the service was not queried."""
    sources: Mapping[Address, SourceData]
    moment: Moment
    """When all this was read."""
    found: tuple[tuple[Address, Finding], ...]
    history: History
    unrecorded: tuple[Unrecorded, ...] = ()
    """Live objects with the ownership labels of this state that it does not contain, including
    those that will be imported."""
    compared: Compared = {}
    """How sources differ from what was imported, where that is known row by row."""
    data_findings: Mapping[Address, DataFindings] = {}
    """Known findings of the linter; other data is linted when a plan is judged."""
    reader: SourceReader | None = None
    """What read the sources."""

    @property
    def examples(self) -> dict[Address, int]:
        """The number of images in the sources of each dataset."""
        return {address: data.examples for address, data in self.sources.items()}

    def refusal_context(self, options: PlanOptions, *, part: bool = False) -> RefusalContext:
        """Return what changes are judged by.

        `part`: leave out what is declared and does not change.
        """
        configuration = self.workspace.configuration
        live = assume_live(self.recorded) if self.live is None else self.live
        moved = apply_blocks(self.desired, self.recorded, live, self.examples).resources
        return RefusalContext(
            desired=self.desired,
            recorded=replace(self.recorded, resources=moved),
            live=live,
            options=options,
            policy=configuration.policy,
            provider=configuration.provider.settings,
            prices=configuration.prices,
            meter=self.moment.meter(self.workspace.provider),
            sources=self.sources,
            place=field_locator(configuration),
            unrecorded=self.unrecorded,
            compared=self.compared,
            capabilities=self.workspace.provider.capabilities,
            part=part,
            data_findings=self.data_findings,
        )

    def bind(
        self,
        plan: Plan,
        options: PlanOptions | None = None,
        refusal_context: RefusalContext | None = None,
    ) -> BoundPlan:
        """Bind a plan to these inputs."""
        configuration = self.workspace.configuration
        return BoundPlan(
            plan=plan,
            options=options or PlanOptions(),
            desired=self.desired,
            provider=configuration.provider,
            identity=self.workspace.provider.identity,
            configuration_digest=configuration.digest,
            prices_digest=configuration.prices.digest,
            tool_version=__version__,
            lineage=self.recorded.lineage,
            serial=self.recorded.serial,
            sources=self.sources,
            found=self.found,
            moment=self.moment,
            contacts=_contacts(self.workspace),
            refusal_context=refusal_context,
            forecasts=forecasts_of(
                plan.changes,
                self.desired,
                self.recorded.resources,
                self.history,
                self.examples,
                self.moment.machine,
                configuration.capabilities.model_types,
            ),
        )


def _contacts(workspace: Workspace) -> tuple[Contact, ...]:
    receivers = tuple(map(contact_of, workspace.configuration.receivers))
    return (*workspace.provider.contacts, *receivers)


def gather_inputs(
    workspace: Workspace,
    *,
    refresh: bool = True,
    sources: bool = True,
    replaces: Collection[Address] = (),
) -> PlanInputs:
    """Read the state, the sources and the live resources. `replaces` will be replaced.

    Reads only: interrupted calls are settled in memory; `apply` records their outcomes.
    Raises StateError, SourceError, ProviderError, UnsettledOperation.
    """
    configuration = workspace.configuration
    state = workspace.store.read()
    provider = workspace.provider
    state.check_provider(provider.identity)
    reader = workspace.open_sources()
    read, compared = read_sources(workspace, reader, state.resources) if sources else ({}, {})
    desired = _with_data(configuration.desired, read)
    recorded = state.recorded()
    settled, found = settle_intents(recorded.resources, provider, desired=desired)
    recorded = replace(recorded, resources={**recorded.resources, **settled})
    live = None
    if refresh:
        # Operations first: what a training makes must not be missing where it has ended.
        operations = fetch_open_operations(recorded.resources, provider)
        live = replace(provider.live(), operations=operations)
        live = resolved(live, recorded.resources, recorded.lineage)
        live = with_evaluations_of_undecided(live, recorded.resources, provider)
    unrecorded = () if live is None else find_unrecorded(workspace, desired, state, recorded, live)
    if ignores(desired):
        # As the planner does, with the addresses that resources will have.
        there = assume_live(recorded) if live is None else live
        counts = {address: data.examples for address, data in read.items()}
        moved = apply_blocks(desired, recorded, there, counts).resources
        desired = without_ignored(desired, moved, there, replaces)
    return PlanInputs(
        workspace,
        desired,
        recorded,
        live,
        read,
        Moment.at(provider),
        found,
        state.history,
        unrecorded,
        compared,
        reader=reader,
    )


def gather_inputs_for(workspace: Workspace, options: PlanOptions) -> PlanInputs:
    """Gather what a plan with these options needs. Raises as `gather_inputs`."""
    destroy = options.mode is PlanMode.DESTROY
    return gather_inputs(
        workspace, refresh=options.refresh, sources=not destroy, replaces=options.replaces
    )


def _with_data(desired: Desired, sources: Mapping[Address, SourceData]) -> Desired:
    datasets = {
        address: replace(dataset, data=sources[address].fingerprint)
        if address in sources
        else dataset
        for address, dataset in desired.datasets.items()
    }
    return replace(desired, datasets=datasets)


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
