"""Finds live objects that have a state's ownership labels, and are not in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from msgspec.structs import replace

from automl_plan.errors import InvalidArgument, NotFound, Unimplemented
from automl_plan.model.address import Address, ResourceKind
from automl_plan.model.desired import Desired
from automl_plan.model.live import Live, Operation
from automl_plan.model.recorded import Recorded, RecordedResource
from automl_plan.planning.plan import Unrecorded
from automl_plan.planning.unrecorded import Known, known_to, unrecorded
from automl_plan.providers.protocol import Provider
from automl_plan.state.document import State
from automl_plan.workspace.workspace import Workspace

_REQUESTS = 8
"""Datasets whose operations are listed at the same time."""


def find_unrecorded(
    workspace: Workspace, desired: Desired, state: State, recorded: Recorded, live: Live
) -> tuple[Unrecorded, ...]:
    """Find live objects with the labels of the state that it does not contain.

    `recorded` is the `state` with the outcomes of interrupted calls. Sends requests only where
    unlabelled, unrecorded trainings are running. Raises StateError, ProviderError.
    """
    declared = (*desired.datasets, *desired.models)
    lineage, prices = recorded.lineage, workspace.configuration.prices
    known, resources = known_to(recorded.resources, live.operations.values()), recorded.resources
    trainings = unknown_trainings(live, known)
    if not (trainings or unrecorded(live, known, lineage, resources, declared)):
        return ()
    # Another run may have started it in the meantime: its intent was on disk before that.
    again = workspace.store.read()
    if again.resources != state.resources:
        known, resources = known | known_to(again.resources), again.resources
        trainings = unknown_trainings(live, known)
    live = with_datasets(live, trainings, resources, workspace.provider)
    return unrecorded(live, known, lineage, resources, declared, prices)


def unknown_trainings(live: Live, known: Known) -> frozenset[str]:
    """Return the ids of running trainings that have no labels and are not known."""
    if live.labels_trainings:
        return frozenset()  # those without labels belong to someone else
    return frozenset(
        t.id for t in live.trainings if not t.labels and not t.done and t.id not in known.ids
    )


def with_datasets(
    live: Live,
    trainings: frozenset[str],
    resources: Mapping[Address, RecordedResource],
    provider: Provider,
) -> Live:
    """Add the recorded datasets that `trainings` work on.

    An operation of AutoML v1 does not name its dataset; only a list by dataset does. Sends no
    request without trainings. Raises ProviderError.
    """
    if not trainings:
        return live
    datasets = [
        obj.id
        for address, record in sorted(resources.items())
        if address.kind is ResourceKind.DATASET
        for obj in record.objects
    ]
    on: dict[str, str] = {}

    def ask(dataset_id: str) -> Sequence[Operation]:
        try:
            return provider.operations(works_on=(ResourceKind.DATASET, dataset_id))
        except (InvalidArgument, NotFound, Unimplemented):
            return ()

    with ThreadPoolExecutor(_REQUESTS, thread_name_prefix="list") as pool:
        for start in range(0, len(datasets), _REQUESTS):
            some = datasets[start : start + _REQUESTS]
            for dataset_id, found in zip(some, pool.map(ask, some), strict=True):
                on.update({o.id: dataset_id for o in found if o.id in trainings})
            if len(on) == len(trainings):
                break
    trainings_with_datasets = (
        replace(t, dataset_id=on[t.id]) if t.id in on else t for t in live.trainings
    )
    return replace(live, trainings=tuple(trainings_with_datasets))
