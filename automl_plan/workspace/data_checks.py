"""Lints data that plans import, and advises on the data of declared datasets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from automl_plan.errors import ProviderError, UsageError
from automl_plan.model.address import Address
from automl_plan.model.desired import DesiredDataset
from automl_plan.model.items import LiveCounts
from automl_plan.model.model_types import Problem
from automl_plan.model.recorded import RecordedObject
from automl_plan.model.source_data import DataCounts
from automl_plan.planning.adequacy import Advice, advise, unknown
from automl_plan.planning.data_findings import MOST, NO_SOURCES, DataFinding, DataFindings
from automl_plan.planning.plan import Action, Change
from automl_plan.planning.refusals import RefusalContext
from automl_plan.planning.scorecards import Role, Scorecard, scorecard
from automl_plan.workspace.evaluations import evaluations_of
from automl_plan.workspace.live_items import live_counts
from automl_plan.workspace.workspace import Workspace

if TYPE_CHECKING:
    from automl_plan.data.lint import Linted
    from automl_plan.data.sources import SourceReader


def with_lint(
    refusal_context: RefusalContext,
    changes: Sequence[Change],
    workspace: Workspace,
    reader: SourceReader | None = None,
) -> RefusalContext:
    """Return the grounds with the lint findings of the data that the changes import.

    Findings that they have already are kept, and data that several datasets share is linted once.
    `reader` has read the sources before; None: they are read as they are now. Raises ProviderError.
    """
    if not refusal_context.options.lint:
        return refusal_context
    imports = sorted({c.address for c in changes if c.action is Action.IMPORT_DATA})
    datasets = [refusal_context.desired.datasets.get(address) for address in imports]
    sourced = [
        dataset
        for dataset in datasets
        if dataset is not None
        and dataset.sources
        and dataset.address not in refusal_context.data_findings
    ]
    if not sourced:
        return refusal_context
    from automl_plan.data.dataset_kinds import kind_of
    from automl_plan.data.lint import Linter
    from automl_plan.data.lint_rule import Severity

    configuration = workspace.configuration

    reader = reader or workspace.open_sources()
    access = reader.access
    known: dict[tuple[str, ...], DataFindings] = {}
    found = dict(refusal_context.data_findings)
    linter = Linter(
        reader.files.open,
        configuration.capabilities.limits,
        {rule: Severity(severity) for rule, severity in configuration.lint.items()},
        directory=configuration.directory,
        storage=lambda: access.storage,
        objects=reader.objects,
        image_pixels=configuration.capabilities.image_pixels,
        expand=reader.files.expand,
    )
    for dataset in sourced:
        kind = kind_of(dataset.problem, dataset.classification_type)
        key = (str(kind), *dataset.sources)
        if key not in known:
            known[key] = _carried(linter.lint(str(dataset.address), dataset.sources, kind))
        found[dataset.address] = known[key]
    return replace(refusal_context, data_findings=found)


def _carried(linted: Linted) -> DataFindings:
    from automl_plan.data.lint_rule import Severity

    rank = {severity: place for place, severity in enumerate(Severity)}
    graded = sorted(linted.findings, key=lambda finding: rank[finding.severity])
    carried = [
        DataFinding(str(f.severity), f.rule, f.file, f.line, f.message, f.hint).shortened()
        for f in graded
    ]
    # What refuses a plan must be among what it carries.
    carried.sort(key=lambda finding: not finding.refuses)
    counts = linted.by_severity
    return DataFindings(
        counts[Severity.ERROR],
        counts[Severity.WARNING],
        counts[Severity.NOTICE],
        tuple(carried[:MOST]),
        linted.rows_unchecked,
    )


Count = Callable[[DesiredDataset], DataCounts]
"""Counts the sources of a dataset. Raises SourceError."""


class DatasetAdvice(Struct, frozen=True):
    """The advice on one dataset, or file."""

    name: str
    """The address of the dataset, or the file."""
    advice: Advice
    live: str | None = None
    """What is known of the live dataset; None without one, or where it was not requested."""
    unchecked: tuple[str, ...] = ()
    """Which rows were not checked, with their number."""


def advise_dataset(workspace: Workspace, name: str, count: Count) -> DatasetAdvice:
    """Count the sources of a declared dataset, and compare them with the live dataset.

    Raises UsageError, SourceError, StateError.
    """
    dataset = _declared(workspace, name)
    boxes = dataset.problem is Problem.IMAGE_OBJECT_DETECTION
    resources = workspace.store.read().resources
    record = resources.get(dataset.address)
    current = None if record is None else record.current
    card = None if current is None else _card(workspace, dataset.address)
    limits = workspace.configuration.capabilities.limits
    counts = count(dataset) if dataset.sources else None
    live = None if current is None else _live(workspace, current, counts)
    advice = (
        unknown(NO_SOURCES, boxes=boxes)
        if counts is None
        else advise(counts, limits[dataset.problem], card)
    )
    return DatasetAdvice(str(dataset.address), advice, live)


def _declared(workspace: Workspace, name: str) -> DesiredDataset:
    wanted = name.removeprefix("dataset.")
    for address, dataset in workspace.configuration.desired.datasets.items():
        if address.name == wanted:
            return dataset
    raise UsageError(
        f"No dataset {name} is declared.",
        hint="Give the name of a declared dataset, a .csv or .jsonl file, or a folder.",
    )


def _live(workspace: Workspace, current: RecordedObject, counts: DataCounts | None) -> str:
    """Compare with the live dataset: the number of images, and where it is known that by label."""
    try:
        there = workspace.provider.dataset(current.id).example_count
    except ProviderError as error:
        return f"Recorded, but the service could not be asked: {error.message}"
    if there is None:
        return "The service does not report the number of images"
    count = f"The service has {there:,} images"
    if counts is None:
        return count
    by_label = _by_label(live_counts(workspace.provider, current.id), counts)
    if current.examples is not None and current.examples != there:
        text = f"{count}, but {current.examples:,} were imported: changed outside automl-plan"
    elif there != counts.images:
        text = f"{count}, the sources have {counts.images:,}; the counts here are of the sources"
    else:
        text = f"{count}, as do the sources"
    return f"{text}; {by_label}"


_DIFFERING = 3
"""Labels of which both counts are named."""


def _by_label(live: LiveCounts | str, counts: DataCounts) -> str:
    """How the live dataset and the sources differ by label."""
    if isinstance(live, str):
        return f"its images by label are unknown: {live.removesuffix('.')}"
    sources = {each.label: each.examples for each in counts.labels}
    there = {each.label: each.images for each in live.labels}
    known = {*there} if not live.complete else {*there, *sources}
    differing = sorted(k for k in known if there.get(k, 0) != sources.get(k, 0))
    of_models = "" if live.complete else " that a model was trained with"
    if not differing:
        return f"each label{of_models} has as many images"
    named = ", ".join(
        f"{label} {there.get(label, 0):,} (sources: {sources.get(label, 0):,})"
        for label in differing[:_DIFFERING]
    )
    more = len(differing) - _DIFFERING
    more_labels = f", and {more:,} more" if more > 0 else ""
    return f"images of labels{of_models} differ: {named}{more_labels}"


def _card(workspace: Workspace, dataset: Address) -> Scorecard | None:
    """Return the scorecard of the current version of the first model of a dataset, if any."""
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
