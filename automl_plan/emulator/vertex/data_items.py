"""Vertex AI v1: the images of a dataset. Messages: data_item.proto, annotation.proto,
annotation_spec.proto, dataset_service.proto (SearchDataItems)."""

from __future__ import annotations

import mimetypes
import re
from collections.abc import Mapping, Sequence

from automl_plan.emulator.annotation_sets import NO_SET
from automl_plan.emulator.data_items import (
    Annotation,
    DataItem,
    annotated_in,
    has_annotation,
    in_set,
    is_labelled,
    of_item,
)
from automl_plan.emulator.engine import Engine
from automl_plan.emulator.errors import Code, ServiceError, invalid, not_found
from automl_plan.emulator.http import Reply, Request, json_reply
from automl_plan.emulator.limits import RESERVED_LABELS
from automl_plan.emulator.objects import AnnotationSpec, Dataset, Scope
from automl_plan.emulator.readings import ITEM_ANNOTATIONS, ITEM_IMAGE, ITEM_SEARCH, SAVED_QUERIES
from automl_plan.emulator.rows import Page, Window
from automl_plan.emulator.sql_filters import OrderColumn, Term, all_of, equals, negate
from automl_plan.emulator.training.types import Problem, SetName
from automl_plan.emulator.vertex import filters
from automl_plan.emulator.vertex.names import LISTS, scope_of
from automl_plan.emulator.vertex.saved_queries import SET_LABEL
from automl_plan.emulator.vertex.schemas import ANNOTATIONS
from automl_plan.emulator.wire.messages import camel, snake
from automl_plan.emulator.wire.names import NO_ID, parent, read_number
from automl_plan.emulator.wire.requests import (
    apply_read_mask,
    check_list,
    check_query,
    list_reply,
    omit_empty,
    ordering,
    paging,
    parameter,
    timestamp,
)

ML_USE = f"{RESERVED_LABELS}ml_use"
_USES: Mapping[SetName, str] = {
    SetName.TRAIN: "training",
    SetName.VALIDATION: "validation",
    SetName.TEST: "test",
}
_IMPORT = "/google.cloud.aiplatform.v1.DatasetService.ImportData"
_PAGE = 100
"""proto: SearchDataItemsRequest.page_size: "Default and maximum page size is 100"."""
_MOST_ANNOTATIONS = 1000
"""proto: SearchDataItemsRequest.annotations_limit."""
_SEARCH = frozenset(
    {
        *("dataItemFilter", "annotationsFilter", "annotationFilters", "annotationsLimit"),
        *("orderBy", "orderByDataItem", "fieldMask", "pageSize", "pageToken"),
        "savedQuery",
    }
)
_OTHER_SEARCHES = (
    "dataLabelingJob",
    *("orderByAnnotation.orderBy", "orderByAnnotation.savedQuery"),
)
_ORDERS: Mapping[str, OrderColumn] = {
    "create_time": "created",
    "update_time": "updated",
    "name": "seq",
    "data_item_id": "seq",
}


class VertexDataItems:
    """The methods under `…/datasets/{dataset}` that tell of its images and labels."""

    def __init__(self, engine: Engine) -> None:
        self._items = engine.data_items
        self._sets = engine.annotation_sets
        self._lists_sets = engine.readings[SAVED_QUERIES] != "none"
        self._tells_all = engine.readings[ITEM_ANNOTATIONS] == "all-sets"
        self._is_searchable = engine.readings[ITEM_SEARCH] == "answered"
        short = engine.readings[ITEM_IMAGE] == "gcs-uri"
        self._image_field = "gcsUri" if short else "imageGcsUri"

    def list(self, request: Request) -> Reply:
        """List the images; the filters are labels."""
        check_list(request, LISTS)
        order = ordering(request, _ORDERS)
        page, (scope, number) = paging(request, order=order), _named(request)
        terms = filters.read_filter(request, {"labels": label_term})
        found = self._items.list(scope, number, terms, page.window, order)
        home = _home(scope, number)
        messages = [self._render(item, home) for item in found.items]
        return list_reply(request, "dataItems", messages, page.token(found.next_before))

    def annotations(self, request: Request) -> Reply:
        """List the annotations of an image."""
        check_list(request, LISTS)
        order = ordering(request, _ORDERS)  # all are as old
        page, (scope, number) = paging(request, order=order), _named(request)
        item = self._items.get(scope, number, read_number(request.params["item"]))
        dataset, _ = self._items.dataset(scope, number)
        terms = filters.read_filter(request, {"annotation_spec_id": _spec_id_term})
        matching = self._items.matching(item.annotations, terms)
        found = _page(matching, page.window)
        home = f"{_home(scope, number)}/dataItems/{item.id}"
        messages = [_render_annotation(each, dataset, home) for each in found.items]
        return list_reply(request, "annotations", messages, page.token(found.next_before))

    def annotation_spec(self, request: Request) -> Reply:
        """Return a label of the dataset."""
        check_query(request, {"readMask"})
        scope, number = _named(request)
        dataset, specs = self._items.dataset(scope, number)
        wanted = read_number(request.params["spec"])
        for spec in specs:
            if spec.id == wanted:
                message = _render_spec(spec, dataset)
                return json_reply(apply_read_mask(request, message))
        raise not_found("The AnnotationSpec does not exist.")

    def search(self, request: Request) -> Reply:
        """List the images with their annotations."""
        if not self._is_searchable:
            raise ServiceError(Code.UNIMPLEMENTED, "Method is not implemented.")
        check_query(request, _SEARCH | {*_OTHER_SEARCHES})
        for name in _OTHER_SEARCHES:
            if parameter(request, name):
                raise ServiceError(
                    Code.UNIMPLEMENTED, f"The embedded service has no {snake(name)} of a search."
                )
        given = {name for name in ("orderBy", "orderByDataItem") if parameter(request, name)}
        if len(given) > 1:
            raise invalid(("order_by", "It can't be given with order_by_data_item."))
        chosen_by = ("dataItemFilter", "orderBy", "orderByDataItem", "savedQuery")
        page = paging(request, *chosen_by, most=_PAGE)
        scope, number = _named(request)
        dataset, specs = self._items.dataset(scope, number)
        labels = {spec.id: spec.label for spec in specs}
        context = self._saved_query(request, dataset)
        terms = filters.parse_filter(
            parameter(request, "dataItemFilter") or "",
            {
                "data_item_id": _item_term,
                "data_item": _item_term,
                "labeled": lambda comparison: _labelled_term(comparison, context),
                "has_annotation": lambda found: _has_annotation(found, labels, context),
            },
        )
        order = ordering(request, _ORDERS, next(iter(given), "orderBy"))
        wanted, limit = _annotation_terms(request), _annotations_limit(request)
        found = self._items.list(scope, number, terms, page.window, order)
        views = []
        for item in found.items:
            chosen = [
                each
                for each in item.annotations
                if (context is None or each.saved_query_id == context)
                and (self._tells_all or context is not None or wanted)
                and (not wanted or any(self._items.matching([each], terms) for terms in wanted))
            ]
            view = self._render_view(item, chosen, limit, dataset)
            views.append(_masked(request, view))
        answer: dict[str, object] = {"dataItemViews": views} if views else {}
        return json_reply(answer | page.token(found.next_before))

    def _saved_query(self, request: Request, dataset: Dataset) -> int | None:
        """The annotation set in whose context a search is done; None for all together."""
        name = parameter(request, "savedQuery")
        if not name:
            return None
        wanted = read_number(name.rpartition("/savedQueries/")[2])
        sets = self._sets.of([dataset.id])[dataset.id] if self._lists_sets else []
        if wanted not in {each.id for each in sets}:
            raise not_found(NO_SET)
        return wanted

    def _render(self, item: DataItem, home: str) -> dict[str, object]:
        use = _USES.get(item.example.set)
        kind, _ = mimetypes.guess_type(item.example.uri)
        return omit_empty(
            {
                "name": f"{home}/dataItems/{item.id}",
                "createTime": timestamp(item.created),
                "updateTime": timestamp(item.updated),
                "labels": {**item.labels, **({ML_USE: use} if use else {})} or None,
                "payload": {
                    self._image_field: item.example.uri,
                    "mimeType": kind or "application/octet-stream",
                },
                "etag": item.etag,
            }
        )

    def _render_view(
        self, item: DataItem, annotations: Sequence[Annotation], limit: int, dataset: Dataset
    ) -> dict[str, object]:
        home = _home(dataset.scope, dataset.id)
        below = f"{home}/dataItems/{item.id}"
        shown = [_render_annotation(each, dataset, below) for each in annotations[:limit]]
        return omit_empty(
            {
                "dataItem": self._render(item, home),
                "annotations": shown,
                "hasTruncatedAnnotations": len(annotations) > limit,
            }
        )


def _named(request: Request) -> tuple[Scope, int]:
    return scope_of(request.params), read_number(request.params["dataset"])


def _home(scope: Scope, number: int) -> str:
    return f"{parent(scope)}/datasets/{number}"


def _page(items: Sequence[Annotation], window: Window) -> Page[Annotation]:
    first = window.before or 0
    last = first + window.size
    return Page(tuple(items[first:last]), last if len(items) > last else None)


def _render_annotation(annotation: Annotation, dataset: Dataset, home: str) -> dict[str, object]:
    schema, title = ANNOTATIONS[
        Problem.IMAGE_CLASSIFICATION if annotation.box is None else Problem.IMAGE_OBJECT_DETECTION
    ]
    query = annotation.saved_query_id
    payload: dict[str, object] = {
        "annotationSpecId": str(annotation.annotation_spec_id),
        "displayName": annotation.label,
    }
    if annotation.box is not None:
        box = annotation.box
        payload |= {"xMin": box.x_min, "yMin": box.y_min, "xMax": box.x_max, "yMax": box.y_max}
    return {
        "name": f"{home}/annotations/{annotation.number}",
        "payloadSchemaUri": schema,
        "payload": payload,
        "createTime": timestamp(annotation.updated),
        "updateTime": timestamp(annotation.updated),
        "etag": dataset.etag,
        "annotationSource": {"method": _IMPORT},
        "labels": {
            f"{RESERVED_LABELS}payload_schema": title,
            **({} if query is None else {SET_LABEL: str(query)}),
        },
    }


def _render_spec(spec: AnnotationSpec, dataset: Dataset) -> dict[str, object]:
    return {
        "name": f"{_home(dataset.scope, dataset.id)}/annotationSpecs/{spec.id}",
        "displayName": spec.label,
        "createTime": timestamp(dataset.created),
        "updateTime": timestamp(dataset.created),
        "etag": dataset.etag,
    }


def _masked(request: Request, view: Mapping[str, object]) -> Mapping[str, object]:
    """The fields that `fieldMask` selects; without annotations none were truncated."""
    mask = parameter(request, "fieldMask")
    if not mask or mask == "*":
        return view
    wanted = {camel(path.strip().partition(".")[0]) for path in mask.split(",")}
    if "annotations" not in wanted:
        wanted.discard("hasTruncatedAnnotations")
    return {name: value for name, value in view.items() if name in wanted}


def _annotation_terms(request: Request) -> list[list[Term]]:
    """What annotations are returned: those that match one of these; all without any."""
    fields = {"annotation_spec_id": _spec_id_term, "saved_query_id": _saved_query_term}
    texts = [parameter(request, "annotationsFilter") or ""]
    texts += [value for name, value in request.pairs if camel(name) == "annotationFilters"]
    return [terms for text in texts if (terms := filters.parse_filter(text, fields))]


def _annotations_limit(request: Request) -> int:
    text = parameter(request, "annotationsLimit") or "0"
    if not re.fullmatch(r"\d{1,9}", text, re.ASCII) or int(text) > _MOST_ANNOTATIONS:
        raise invalid(("annotations_limit", f"It is a number up to {_MOST_ANNOTATIONS}."))
    return int(text) or _MOST_ANNOTATIONS


def _item_term(comparison: filters.Comparison) -> Term:
    return of_item(read_number(comparison.value), negated=filters.is_negated(comparison))


def _labelled_term(comparison: filters.Comparison, context: int | None) -> Term:
    if comparison.value not in ("true", "false"):
        raise filters.bad_comparison(comparison)
    found = _in_context(is_labelled(), context)
    wanted = (comparison.value == "true") != filters.is_negated(comparison)
    return found if wanted else negate(found)


def _has_annotation(
    comparison: filters.Comparison, labels: Mapping[int, str], context: int | None
) -> Term:
    if comparison.operator != filters.CALL:
        raise filters.bad_comparison(comparison)
    found = has_annotation(labels.get(read_number(comparison.value), ""))
    return _in_context(found, context)


def _in_context(term: Term, context: int | None) -> Term:
    return term if context is None else all_of([term, annotated_in(context)])


def _spec_id_term(comparison: filters.Comparison) -> Term:
    negated = filters.is_negated(comparison)
    return equals("annotation_spec_id", read_number(comparison.value), negated=negated)


def _saved_query_term(comparison: filters.Comparison) -> Term:
    negated = filters.is_negated(comparison)
    return equals("saved_query_id", read_number(comparison.value), negated=negated)


def label_term(comparison: filters.Comparison) -> Term:
    """Match images by the label of their set, or by labels that imports gave them."""
    key = comparison.key or comparison.value
    if key != ML_USE:
        return _OWN_LABELS(comparison)
    if comparison.key is None or (comparison.operator, comparison.value) == (":", "*"):
        return negate(in_set(SetName.UNASSIGNED))
    use = next((name for name, word in _USES.items() if word == comparison.value), None)
    found = of_item(NO_ID) if use is None else in_set(use)
    return negate(found) if comparison.operator == "!=" else found


_OWN_LABELS = filters.labels("item_labels")
