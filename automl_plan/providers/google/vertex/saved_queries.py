"""Annotation sets (Vertex AI: saved queries): what they are for, and what was trained on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any

from automl_plan.errors import InvalidArgument, NotFound, PermissionDenied, Unimplemented
from automl_plan.model.annotation_sets import AnnotationSet, AnnotationSets
from automl_plan.model.live import TrainedItems
from automl_plan.providers.google.json_fields import (
    integer,
    items,
    labels_of,
    mapping,
    moment,
    tail,
    text,
)
from automl_plan.providers.google.transport import HttpTransport
from automl_plan.providers.google.vertex.vocabulary import (
    IMAGE_DATASET,
    IMPORTED_LABEL,
    KIND_LABEL,
    KINDS,
    Kind,
)

_LACKS_SETS = (InvalidArgument, NotFound, PermissionDenied, Unimplemented)
"""What a service answers that does not list annotation sets."""
_USES = ("training", "validation", "test")


def list_saved_queries(transport: HttpTransport, path: str) -> Iterator[dict[str, Any]]:
    """Yield the annotation sets of the dataset at a path; none where the service lists none."""
    with suppress(*_LACKS_SETS):
        yield from transport.pages(f"{path}/savedQueries", "savedQueries", {})


def dataset_kind(answer: Mapping[str, Any]) -> Kind | None:
    """What a Dataset's images are labelled for, by our label or by an annotation set."""
    if answer.get("metadataSchemaUri") != IMAGE_DATASET:
        return None
    label = labels_of(answer).get(KIND_LABEL)
    queries = [mapping(q).get("problemType") for q in items(answer.get("savedQueries"))]
    for kind in KINDS:
        if kind.label == label or (label is None and kind.saved_query in queries):
            return kind
    return None


def kind_untold(answer: Mapping[str, Any]) -> bool:
    """Whether a Dataset of images does not say what they are labelled for."""
    return answer.get("metadataSchemaUri") == IMAGE_DATASET and dataset_kind(answer) is None


def annotation_sets(
    queries: Iterable[object], kind: Kind | None, labels: Mapping[str, str]
) -> AnnotationSets:
    """The SavedQueries of a dataset of some kind, which has these labels of ours."""
    sets = tuple(_annotation_set(mapping(query), kind) for query in queries)
    return AnnotationSets(sets, integer(labels.get(IMPORTED_LABEL)))


def _annotation_set(query: Mapping[str, Any], kind: Kind | None) -> AnnotationSet:
    problem = text(query.get("problemType"))
    return AnnotationSet(
        id=tail(query.get("name")),
        name=text(query.get("displayName")) or "",
        fits=problem is None or kind is None or problem == kind.saved_query,
        labels=integer(query.get("annotationSpecCount")),
        created=moment(query.get("createTime")),
    )


def trained_items(answer: Mapping[str, Any]) -> TrainedItems | None:
    """How many images a Model was trained on; a zero is left out of answers."""
    stats = mapping(answer.get("dataStats"))
    counts = [integer(stats.get(f"{use}DataItemsCount")) for use in _USES]
    if not any(counts):
        return None
    return TrainedItems(*(count or 0 for count in counts))
