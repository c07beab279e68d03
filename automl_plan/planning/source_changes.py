"""What a change of sources takes away, which an import can't: it only ever adds. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from automl_plan.model.address import Address
from automl_plan.model.desired import Desired, OnSourceChange
from automl_plan.model.live import Live
from automl_plan.model.recorded import RecordedObject, RecordedResource
from automl_plan.model.source_data import SourceChanges, SourceData
from automl_plan.planning.plan import APPEND_ONLY, Action, Change, Note, NoteKind, Refusal
from automl_plan.planning.projection import NOT_YET_CREATED, project_open_operations

_WAYS_OUT = "restore them, or write on_source_change: replace (which creates a new dataset)"


Compared = Mapping[Address, Mapping[str, SourceChanges]]
"""By dataset and by the content (fingerprint) that is compared with its sources."""


def append_refusals(
    changes: Sequence[Change],
    desired: Desired,
    resources: Mapping[Address, RecordedResource],
    live: Live,
    sources: Mapping[Address, SourceData],
    compared: Compared,
) -> Iterator[Refusal]:
    """Imports into datasets that would go on holding what their sources lost."""
    for address, held in _appended(changes, desired, resources, live):
        found = compared.get(address, {}).get(str(held.attributes["data"]))
        before = _images_before(held, live)
        lost = _lost(found) if found is not None else _fewer(before, sources.get(address))
        if lost is not None:
            text = f"{address}: on_source_change: append can only add, but {lost}: {_WAYS_OUT}."
            yield Refusal(APPEND_ONLY, text, address, "sources")


def count_notes(
    changes: Sequence[Change],
    desired: Desired,
    resources: Mapping[Address, RecordedResource],
    live: Live,
    sources: Mapping[Address, SourceData],
    compared: Compared,
) -> list[Note]:
    """Imports of which nobody knows whether they only add."""
    notes = []
    for address, held in _appended(changes, desired, resources, live):
        now = sources.get(address)
        if str(held.attributes["data"]) in compared.get(address, {}) or now is None:
            continue
        count = _images_before(held, live)
        before = "unknown" if count is None else f"{count:,}"
        text = (
            "the imported rows are not recorded, so removed or relabelled rows can't be detected; "
            f"only counts are compared (images before: {before}, now: {now.examples:,})"
        )
        notes.append(Note(address, NoteKind.SOURCES, text))
    return notes


def _appended(
    changes: Sequence[Change],
    desired: Desired,
    resources: Mapping[Address, RecordedResource],
    live: Live,
) -> Iterator[tuple[Address, RecordedObject]]:
    """The datasets that other data is imported into than they hold, and what they hold."""
    created = {c.address for c in changes if c.action is Action.CREATE}
    for change in changes:
        dataset = desired.datasets.get(change.address)
        if change.action is not Action.IMPORT_DATA or dataset is None or change.address in created:
            continue
        held = held_by(resources.get(change.address), live)
        data = None if held is None else held.attributes.get("data")
        if held is None or data in (None, dataset.data):
            continue
        if dataset.on_source_change is OnSourceChange.APPEND:
            yield change.address, held


def held_by(record: RecordedResource | None, live: Live) -> RecordedObject | None:
    """The current dataset as it is once open operations have ended."""
    projection = (
        None if record is None else project_open_operations(record, operations=live.operations)
    )
    current = None if projection is None else projection.resource.current
    return None if current is None or current.id == NOT_YET_CREATED else current


def _lost(found: SourceChanges) -> str | None:
    lost = []
    if found.removed:
        named = _named(found.removed_samples, found.removed)
        was = "was" if found.removed == 1 else "were"
        lost.append(
            f"{_images(found.removed)} {was} removed from its sources and would stay in the "
            "dataset "
            f"({named})"
        )
    if found.relabelled:
        named = _named(found.relabelled_samples, found.relabelled)
        lost.append(
            f"{_images(found.relabelled)} would keep labels, boxes or sets that changed in its "
            f"sources ({named})"
        )
    return " and ".join(lost) or None


def _images_before(held: RecordedObject, live: Live) -> int | None:
    """How many images were imported: as recorded, or what the service holds, after a rebuild."""
    there = live.datasets.get(held.id)
    return held.examples if held.examples is not None or there is None else there.example_count


def _fewer(before: int | None, now: SourceData | None) -> str | None:
    """By counts, where that is all that is known."""
    if now is None or before is None or before <= now.examples:
        return None
    return (
        f"its sources have {now.examples:,} images where {before:,} were imported, so the dataset "
        f"would keep at least {before - now.examples:,} that were removed"
    )


def _images(count: int) -> str:
    return f"{count:,} image{'s' if count != 1 else ''}"


def _named(samples: Sequence[str], count: int) -> str:
    more = f" and {count - len(samples):,} more" if count > len(samples) else ""
    return f"{', '.join(samples)}{more}"
