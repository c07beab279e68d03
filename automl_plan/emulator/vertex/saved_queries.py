"""Vertex AI v1: annotation sets of datasets, called saved queries. Message: saved_query.proto."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter

from automl_plan.emulator.annotation_sets import AnnotationSet
from automl_plan.emulator.engine import Engine
from automl_plan.emulator.errors import not_found
from automl_plan.emulator.http import Reply, Request
from automl_plan.emulator.limits import RESERVED_LABELS
from automl_plan.emulator.objects import Dataset, Scope
from automl_plan.emulator.readings import SAVED_QUERIES
from automl_plan.emulator.vertex import filters
from automl_plan.emulator.vertex.names import LISTS, scope_of
from automl_plan.emulator.vertex.operations import operation_reply
from automl_plan.emulator.wire.names import parent, read_number
from automl_plan.emulator.wire.requests import (
    ORDERS,
    check_list,
    check_query,
    list_reply,
    omit_empty,
    ordering,
    paging,
    timestamp,
)

SET_LABEL = f"{RESERVED_LABELS}annotation_set_name"
"""The label of annotations with the set that they are in (proto: Annotation.labels)."""
_NAME, _CREATED = attrgetter("name"), attrgetter("created")


def render(dataset: Dataset, found: AnnotationSet) -> dict[str, object]:
    """Return a SavedQuery message."""
    return omit_empty(
        {
            "name": f"{parent(dataset.scope)}/datasets/{dataset.id}/savedQueries/{found.id}",
            "displayName": found.name,
            "createTime": timestamp(found.created),
            "updateTime": timestamp(found.created),
            "annotationFilter": f'labels."{SET_LABEL}"="{found.id}"',
            "problemType": found.problem_type,
            "annotationSpecCount": len(found.labels),
            "etag": found.etag,
            "supportAutomlTraining": True,
        }
    )


class VertexSavedQueries:
    """The methods under `…/datasets/{dataset}/savedQueries`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def list(self, request: Request) -> Reply:
        """List the sets of a dataset, oldest first; no filter is understood."""
        check_list(request, LISTS)
        order = ordering(request, ORDERS)
        page, (scope, number) = paging(request, order=order), _named(request)
        filters.read_filter(request, {})
        first = page.window.before or 0
        last = first + page.window.size
        found = list(self._sets(scope, number))
        for column, descending in reversed(order):
            by = _NAME if column == "display_name" else _CREATED
            found.sort(key=by, reverse=descending)
        dataset = self._engine.datasets.get(scope, number)
        messages = [render(dataset, each) for each in found[first:last]]
        token = page.token(last if len(found) > last else None)
        return list_reply(request, "savedQueries", messages, token)

    def delete(self, request: Request) -> Reply:
        """Delete a set; its images stay."""
        check_query(request)
        scope, number = _named(request)
        wanted = read_number(request.params["query"])
        if wanted not in {each.id for each in self._sets(scope, number)}:
            raise not_found("The SavedQuery does not exist.")
        return operation_reply(self._engine.annotation_sets.delete(scope, number, wanted))

    def _sets(self, scope: Scope, number: int) -> Sequence[AnnotationSet]:
        dataset = self._engine.datasets.get(scope, number)
        if self._engine.readings[SAVED_QUERIES] == "none":
            return []
        return self._engine.annotation_sets.of([dataset.id])[dataset.id]


def _named(request: Request) -> tuple[Scope, int]:
    return scope_of(request.params), read_number(request.params["dataset"])
