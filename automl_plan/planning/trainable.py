"""Trainings that are known to fail, or to be paid for with less data than is declared. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct

from automl_plan.model.address import Address
from automl_plan.model.annotation_sets import AnnotationSets, unclear_text
from automl_plan.model.capabilities import Capabilities
from automl_plan.model.desired import Desired, DesiredDataset, DesiredModel
from automl_plan.model.live import TOKEN_LABEL, Live
from automl_plan.model.recorded import RecordedObject, RecordedResource
from automl_plan.model.source_data import DataCounts, SourceData
from automl_plan.planning import commands
from automl_plan.planning.plan import (
    ANNOTATION_SETS,
    BASE_MODEL,
    DATA_MISSING,
    NO_DATA,
    TRAINER,
    TRAININGS,
    Action,
    Change,
    Note,
    NoteKind,
    Refusal,
)
from automl_plan.planning.reasons import refused_rows
from automl_plan.planning.source_changes import held_by


def models_with_ambiguous_split(
    changes: Iterable[Change], desired: Desired, sources: Mapping[Address, SourceData]
) -> list[Address]:
    """The models to be trained that don't say what becomes of images without a set.

    Only of a provider that can't keep the sets of some images and draw those of the others.
    """
    found = []
    for address in sorted({change.address for change in changes if change.action in TRAININGS}):
        model = desired.models[address]
        data = sources.get(model.dataset)
        if data is None or not model.sets_all_or_none or "split" in model.training_options:
            continue
        if 0 < data.assigned_examples < data.examples:
            found.append(address)
    return found


_FILLS = frozenset({Action.CREATE, Action.IMPORT_DATA, Action.RESUME})
"""Changes of a dataset after which it holds something else than now."""


class PlannedTraining(Struct, frozen=True):
    """A training of a plan, with all that is known of its data."""

    model: DesiredModel
    dataset: DesiredDataset
    held: RecordedObject | None
    """The dataset that it is trained on, once open operations have ended; None: created first."""
    example_count: int | None
    """Images that the service reports."""
    made_here: bool
    """Whether it was created, not adopted."""
    filled: bool
    """Whether the plan changes what it holds before."""
    annotation_sets: AnnotationSets
    """Those that it has now."""
    data: SourceData | None
    """What its sources hold."""

    @property
    def expected(self) -> int | None:
        """Images that it should have; None where that is unknown."""
        if self.held is None or self.filled or self.held.partial is not None:
            return None
        held = self.held.attributes.get("data")
        if self.data is not None and held == self.data.fingerprint:
            return self.data.examples
        return self.held.examples


def trainings(
    changes: Sequence[Change],
    desired: Desired,
    resources: Mapping[Address, RecordedResource],
    live: Live,
    sources: Mapping[Address, SourceData],
) -> Iterator[PlannedTraining]:
    """The trainings among the changes."""
    filled = {c.address for c in changes if c.action in _FILLS}
    created = {c.address for c in changes if c.action is Action.CREATE}
    for address in sorted({c.address for c in changes if c.action in TRAININGS}):
        model = desired.models.get(address)
        if model is None:
            continue
        dataset = desired.datasets[model.dataset]
        held = None if model.dataset in created else held_by(resources.get(model.dataset), live)
        there = None if held is None else live.datasets.get(held.id)
        yield PlannedTraining(
            model,
            dataset,
            held,
            None if there is None else there.example_count,
            there is not None and TOKEN_LABEL in there.labels,
            model.dataset in filled,
            AnnotationSets() if there is None else there.annotation_sets,
            sources.get(model.dataset),
        )


def training_refusals(
    found: Sequence[PlannedTraining],
    live: Live,
    capabilities: Capabilities,
    *,
    refreshed: bool,
    with_less: bool,
) -> Iterator[Refusal]:
    """Refuse trainings that would fail, or would be trained on less than is declared.

    `refreshed`: whether `live` comes from the provider. `with_less`: whether a model may be trained
    on a part of the declared data.
    """
    for each in found:
        yield from _by_trainer(each, capabilities)
        if refreshed:
            yield from _by_base_model(each, live)
    for each in {each.dataset.address: each for each in reversed(found)}.values():
        yield from _by_data(each)
        if refreshed and not with_less:
            yield from _by_counts(each)
        if refreshed:
            yield from _by_annotation_sets(each)


def training_notes(found: Sequence[PlannedTraining]) -> list[Note]:
    """Datasets that hold more images than their sources."""
    notes = {}
    for each in found:
        expected, there = each.expected, each.example_count
        if expected is not None and there is not None and there > expected:
            notes[each.dataset.address] = Note(
                each.dataset.address, NoteKind.SOURCES, extra_images_text(expected, there)
            )
    return list(notes.values())


def missing_images_text(expected: int, there: int) -> str:
    """Describe a dataset that has fewer images than were imported."""
    return (
        f"the service has {there:,} images, but {expected:,} were imported: a model would be "
        "trained without the others"
    )


def extra_images_text(expected: int, there: int) -> str:
    """Describe a dataset that has more images than its sources."""
    return (
        f"the service has {there:,} images, {there - expected:,} more than its sources: they were "
        "added outside automl-plan or removed from the sources; models are trained on them, too"
    )


def _by_trainer(each: PlannedTraining, capabilities: Capabilities) -> Iterator[Refusal]:
    model, address = each.model, each.model.address
    if model.problem not in capabilities.problems:
        text = (
            f"{address}: the provider can't train models for {model.problem}: "
            f"{capabilities.other_problems}."
        )
        yield Refusal(TRAINER, text, address, str(model.problem))
        return
    data = each.data
    if data is None or data.counts is None or each.dataset.data != data.fingerprint:
        return
    split = model.training_options.get("split")
    field = f"{capabilities.training_block}.split"
    if split == "assigned" and not data.assigned_examples:
        text = (
            f"{address}: {field} is `assigned`, but no image of {model.dataset} has a set "
            f"(TRAIN, VALIDATION, TEST) in the import files: remove {field}, or assign sets."
        )
        yield Refusal(NO_DATA, text, address, field)
    elif why := _too_little(data.counts, split, capabilities):
        text = f"{address}: can't be trained on {model.dataset}: {why}."
        yield Refusal(NO_DATA, text, model.dataset, "sources")


def _too_little(counts: DataCounts, split: object, capabilities: Capabilities) -> str | None:
    if not counts.labels and not counts.labels_left_out:
        return "none of its images has a label" if counts.images else None
    if counts.boxes or counts.labels_left_out or split not in (None, "assigned"):
        return None
    free = 0 if split == "assigned" else sum(label.unassigned for label in counts.labels)
    tests = sum(label.test for label in counts.labels)
    if capabilities.evaluates and not tests and free < capabilities.first_test:
        return (
            "it has no TEST images: assign some to TEST (of images without a set, every tenth "
            f"becomes one, from the {capabilities.first_test}th on)"
        )
    trained = sum(1 for label in counts.labels if label.train or (free and label.unassigned))
    if trained < capabilities.labels_in_train:
        return (
            f"its TRAIN images have {trained} label{'s' if trained != 1 else ''}; a model needs at "
            f"least {capabilities.labels_in_train}"
        )
    return None


def _by_base_model(each: PlannedTraining, live: Live) -> Iterator[Refusal]:
    model = each.model
    if model.base_model_id is None:
        return
    base = live.models.get(model.base_model_id)
    why = None
    if base is None:
        why = "there is no such model in this project and location"
    elif base.problem is not None and base.problem is not model.problem:
        why = f"it is for {base.problem}"
    elif base.model_type is not None and base.model_type != model.model_type:
        why = f"its model type is {base.model_type}, not {model.model_type}"
    if why is not None:
        text = (
            f"{model.address}: can't be trained from the base model {model.base_model_id}: {why}. "
            "Use another base_model_id, or remove it."
        )
        yield Refusal(BASE_MODEL, text, model.address, f"{model.problem}.base_model_id")


def _by_data(each: PlannedTraining) -> Iterator[Refusal]:
    dataset, address = each.dataset, each.dataset.address
    why = None
    if dataset.sources:
        if each.filled and each.data is not None and not each.data.examples:
            why = "its sources contain no images"
    elif each.held is None or each.example_count == 0:
        why = "it has no sources and no images"
    elif each.example_count is None and each.made_here and "data" not in each.held.attributes:
        why = "it has no sources, and nothing was imported into it"
    if why is not None:
        text = (
            f"{address}: {each.model.address} can't be trained on it: {why}. List the import "
            "files, "
            f"such as `sources: [data/{address.name}.csv]`."
        )
        yield Refusal(NO_DATA, text, address, "sources")


def _by_annotation_sets(each: PlannedTraining) -> Iterator[Refusal]:
    """Refuse what would be trained on one of several sets, where it is not known which one.

    What the plan imports before is looked at when it is carried out.
    """
    found = () if each.filled else each.annotation_sets.candidates(each.dataset.data)
    if len(found) > 1:
        address = each.dataset.address
        text = (
            f"{address}: {unclear_text(found)}. Delete the others at the service, or run "
            f"{commands.replace(address)}, which imports everything into a new dataset."
        )
        yield Refusal(ANNOTATION_SETS, text, address, "sources")


def _by_counts(each: PlannedTraining) -> Iterator[Refusal]:
    expected, there = each.expected, each.example_count
    partial = None if each.held is None or each.filled else each.held.partial
    if partial is not None and not partial.allowed:
        why = f"its last import was partial: the service refused {refused_rows(partial.rows)}"
    elif expected is None or there is None or there >= expected:
        return
    else:
        why = missing_images_text(expected, there)
    address = each.dataset.address
    text = (
        f"{address}: {why}. {commands.replace(address)} imports everything into a new dataset; "
        f"{commands.ALLOW_PARTIAL_IMPORT} trains without the missing images."
    )
    yield Refusal(DATA_MISSING, text, address, "sources")
