"""What is to be said of the data of one declared dataset: its sources, what lives, its model."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from automl_plan.applying.scoring import evaluations_of
from automl_plan.applying.workspace import Workspace
from automl_plan.errors import ProviderError, UsageError
from automl_plan.planning.adequacy import Advice, advise, unknown
from automl_plan.planning.scorecards import Role, Scorecard, scorecard
from automl_plan.planning.trained_data import NO_SOURCES
from automl_plan.resources.address import Address
from automl_plan.resources.data_counts import DataCounts
from automl_plan.resources.desired import DesiredDataset
from automl_plan.resources.model_types import Problem
from automl_plan.resources.recorded import RecordedObject

Count = Callable[[DesiredDataset], DataCounts]
"""Counts what the sources of a dataset hold. Raises SourceError."""


class Advised(Struct, frozen=True):
    """The advice on one dataset, or file."""

    name: str
    """The address of the dataset, or the file."""
    advice: Advice
    live: str | None = None
    """What is known of the dataset that lives; None where none does, or nobody asked."""


def advise_dataset(workspace: Workspace, name: str, count: Count) -> Advised:
    """Count the sources of a declared dataset; where it lives, say whether it holds just that.

    Raises UsageError, SourceError, StateError.
    """
    dataset = _declared(workspace, name)
    boxes = dataset.problem is Problem.IMAGE_OBJECT_DETECTION
    resources = workspace.store.read().resources
    record = resources.get(dataset.address)
    current = None if record is None else record.current
    card = None if current is None else _card(workspace, dataset.address)
    counts = count(dataset) if dataset.sources else None
    live = None if current is None else _live(workspace, current, counts)
    advice = unknown(NO_SOURCES, boxes=boxes) if counts is None else advise(counts, card)
    return Advised(str(dataset.address), advice, live)


def _declared(workspace: Workspace, name: str) -> DesiredDataset:
    wanted = name.removeprefix("dataset.")
    for address, dataset in workspace.configuration.desired.datasets.items():
        if address.name == wanted:
            return dataset
    raise UsageError(
        f"No dataset {name} is declared.",
        hint="Write the name of a declared dataset, or a file that ends in .csv.",
    )


def _live(workspace: Workspace, current: RecordedObject, counts: DataCounts | None) -> str:
    """The service tells how many images there are, and of no label how many."""
    try:
        there = workspace.provider.dataset(current.id).example_count
    except ProviderError as error:
        return f"it is recorded, but what lives could not be asked: {error.message}"
    if there is None:
        return "the service does not tell how many images live"
    told = f"{there:,} images live; the service does not tell their labels"
    if counts is None:
        return told
    if current.examples is not None and current.examples != there:
        return f"{told}, and {current.examples:,} were imported: others changed it"
    if there != counts.images:
        return f"{told}, and the sources name {counts.images:,}: these counts are of the sources"
    return f"{told}, and the sources name as many"


def _card(workspace: Workspace, dataset: Address) -> Scorecard | None:
    """How good the current version is of the first model of a dataset that has one."""
    resources = workspace.store.read().resources
    for address, model in sorted(workspace.configuration.desired.models.items()):
        record = resources.get(address)
        current = None if record is None else record.current
        if model.dataset != dataset or current is None:
            continue
        found = evaluations_of(workspace.provider, current.id)
        if found:
            version = current.version
            return scorecard(
                address, current.id, Role.CURRENT, found, version=version, require=model.require
            )
    return None
