"""What changed sources lost: an import can't remove it from a dataset. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct

from automl_plan.model.address import Address
from automl_plan.model.desired import Desired, OnSourceChange
from automl_plan.model.live import Live
from automl_plan.model.recorded import RecordedObject, RecordedResource
from automl_plan.model.source_data import SourceChanges, SourceData
from automl_plan.planning.plan import APPEND_ONLY, Action, Change, Note, NoteKind, Refusal
from automl_plan.planning.projection import NOT_YET_CREATED, project_open_operations

_HOW_TO = "restore them, or write on_source_change: replace (which creates a new dataset)"


Compared = Mapping[Address, Mapping[str, SourceChanges]]
"""By dataset and by the content (fingerprint) that is compared with its sources."""


class AppendedImport(Struct, frozen=True):
    """An import of changed sources into a dataset that keeps what it has."""

    address: Address
    before: int | None
    """Images that were imported, or that the service has; None where neither is known."""
    now: SourceData | None
    found: SourceChanges | None
    """The changed rows; None where the imported rows are not recorded."""


def appended_imports(
    changes: Sequence[Change],
    desired: Desired,
    resources: Mapping[Address, RecordedResource],
    live: Live,
    sources: Mapping[Address, SourceData],
    compared: Compared,
) -> Iterator[AppendedImport]:
    """Yield the imports of other data into datasets with `on_source_change: append`."""
    created = {c.address for c in changes if c.action is Action.CREATE}
    for change in changes:
        address = change.address
        dataset = desired.datasets.get(address)
        if change.action is not Action.IMPORT_DATA or dataset is None or address in created:
            continue
        held = held_by(resources.get(address), live)
        data = None if held is None else held.attributes.get("data")
        if held is None or data in (None, dataset.data):
            continue
        if dataset.on_source_change is OnSourceChange.APPEND:
            found = compared.get(address, {}).get(str(data))
            yield AppendedImport(address, _images_before(held, live), sources.get(address), found)


def append_refusals(imports: Iterable[AppendedImport]) -> Iterator[Refusal]:
    """Refuse imports into datasets that would keep what their sources lost."""
    for each in imports:
        lost = _lost(each.found) if each.found is not None else _fewer(each.before, each.now)
        if lost is not None:
            text = f"{each.address}: on_source_change: append can only add, but {lost}: {_HOW_TO}."
            yield Refusal(APPEND_ONLY, text, each.address, "sources")


def count_notes(imports: Iterable[AppendedImport]) -> Iterator[Note]:
    """Note the imports of which only counts can be compared."""
    for each in imports:
        if each.found is not None or each.now is None:
            continue
        before = "unknown" if each.before is None else f"{each.before:,}"
        text = (
            "the imported rows are not recorded, so removed or relabelled rows can't be detected; "
            f"only counts are compared (images before: {before}, now: {each.now.examples:,})"
        )
        yield Note(each.address, NoteKind.SOURCES, text)


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
