"""What a dataset of Vertex AI holds before an import and a training, and what that one used."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from automl_plan.errors import AnnotationSetsUnclear, NotFound, PermissionDenied
from automl_plan.model.annotation_sets import AnnotationSet, newest, unclear_text
from automl_plan.model.desired import DesiredDataset
from automl_plan.model.live import LiveDataset, Operation
from automl_plan.model.source_data import SourceData
from automl_plan.providers.google.json_fields import labels_of
from automl_plan.providers.google.transport import HttpTransport
from automl_plan.providers.google.vertex.saved_queries import list_saved_queries, trained_items
from automl_plan.providers.google.vertex.vocabulary import IMPORTED_LABEL, SETS_LABEL, sets_of
from automl_plan.providers.google.vertex.wire import dataset


class Contents(Struct, frozen=True):
    """A dataset with all that a call needs to know of it."""

    dataset: LiveDataset
    sets: str | None
    """Whether import files assigned the sets of its images (SETS_LABEL)."""

    def labels_before(self, data: SourceData) -> dict[str, str]:
        """Return the labels to be set before data is imported; empty when they are there.

        They keep whether the files assign sets, and which annotation sets were there before: the
        service may make one of another name than it is asked for.
        """
        there, sets = self.dataset, self.dataset.annotation_sets
        assigned = sets_of(data, self.sets if there.example_count else None)
        before = newest(sets.sets)
        if (self.sets, sets.before_import) == (assigned, before):
            return {}
        return {SETS_LABEL: assigned, IMPORTED_LABEL: str(before)}

    def set_to_train_on(self, declared: DesiredDataset) -> AnnotationSet | None:
        """Return the annotation set that holds what is declared; None where none is listed.

        Raises AnnotationSetsUnclear.
        """
        found = self.dataset.annotation_sets.candidates(declared.data)
        if len(found) > 1:
            raise AnnotationSetsUnclear(
                f"Nothing is trained on the dataset {self.dataset.id}: {unclear_text(found)}.",
                where=str(declared.address),
                hint="Delete the others at the service, or plan with --replace "
                f"{declared.address}, which imports everything into a new dataset.",
            )
        return found[0] if found else None


def contents(transport: HttpTransport, path: str) -> Contents:
    """Read a dataset; annotation sets that it does not list are asked for where it has images."""
    answer = transport.get(path)
    there = dataset(answer)
    if there.example_count and not there.annotation_sets.sets:
        queries = list(list_saved_queries(transport, path))
        there = dataset(answer, saved_queries=queries) if queries else there
    return Contents(there, labels_of(answer).get(SETS_LABEL))


def trained(
    get_model: Callable[[str], Mapping[str, Any]], training: Operation, model_id: str
) -> Operation:
    """Add to a training how many images it used, as the model says that it made."""
    try:
        return replace(training, trained_items=trained_items(get_model(model_id)))
    except (NotFound, PermissionDenied):
        return training
