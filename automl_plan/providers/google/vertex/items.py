"""The images of a dataset at Vertex AI: listed a page at a time, each with its annotations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from types import MappingProxyType
from typing import Any

from msgspec.structs import replace

from automl_plan.model.items import LiveBox, LiveItem
from automl_plan.model.source_data import UNASSIGNED
from automl_plan.providers.google.json_fields import (
    all_labels,
    items,
    mapping,
    number,
    tail,
    text,
)
from automl_plan.providers.google.service import checked_id
from automl_plan.providers.google.transport import HttpTransport
from automl_plan.providers.google.vertex.saved_queries import list_saved_queries
from automl_plan.providers.google.vertex.vocabulary import ML_USE_KEY, ML_USES

_PAGE = MappingProxyType({"pageSize": "100"})
"""The most that a search returns (proto: SearchDataItemsRequest.page_size)."""
_SETS = 20
"""Annotation sets of a dataset whose images are read one set after the other."""
_CORNERS = frozenset({"xMin", "yMin", "xMax", "yMax"})


def images(transport: HttpTransport, path: str) -> Iterator[LiveItem]:
    """Yield the images of the dataset at a path.

    Where no image has an annotation, the service may report them for each annotation set only: then
    each set is read, and an image has the labels of all. Without any set its labels are unknown.
    """
    before: list[LiveItem] = []
    listed = _listed(transport, path)
    for each in listed:
        if each.all_labels:
            yield from (*before, each)
            yield from listed
            return
        before.append(each)
    queries = list(islice(list_saved_queries(transport, path), _SETS)) if before else []
    if not queries:
        yield from (replace(each, truncated=True) for each in before)
        return
    found = {(each.id, each.uri): each for each in before}
    home = f"{path}/savedQueries".removeprefix("/v1/")
    for query in queries:
        name = f"{home}/{checked_id(tail(query.get('name')))}"
        for each in _listed(transport, path, savedQuery=name):
            found[each.id, each.uri] = each.joined(found.get((each.id, each.uri)))
    yield from found.values()


def _listed(transport: HttpTransport, path: str, **query: str) -> Iterator[LiveItem]:
    pages = transport.pages(f"{path}:searchDataItems", "dataItemViews", {**_PAGE, **query})
    return map(item, pages)


def item(view: Mapping[str, Any]) -> LiveItem:
    """A DataItemView: an image with its labels, or boxes.

    The URI is in the field that the discovery document names (ImageDataItem), or in that of import
    files: no published answer has one. Annotations of all annotation sets count.
    """
    told = mapping(view.get("dataItem"))
    payload = mapping(told.get("payload"))
    use = all_labels(told).get(ML_USE_KEY, "")
    labels: dict[str, None] = {}
    boxes: list[LiveBox] = []
    for annotation in items(view.get("annotations")):
        what = mapping(mapping(annotation).get("payload"))
        label = text(what.get("displayName")) or text(what.get("annotationSpecId"))
        if label is None:
            continue
        if _CORNERS & what.keys():
            corners = (number(what.get(c)) or 0.0 for c in ("xMin", "yMin", "xMax", "yMax"))
            boxes.append(LiveBox(label, *corners))
        else:
            labels[label] = None
    return LiveItem(
        id=tail(told.get("name")),
        uri=text(payload.get("gcsUri")) or text(payload.get("imageGcsUri")) or "",
        use=next((ours for ours, theirs in ML_USES.items() if theirs == use), UNASSIGNED),
        labels=tuple(labels),
        boxes=tuple(dict.fromkeys(boxes)),  # several annotation sets may have the same
        truncated=view.get("hasTruncatedAnnotations") is True,
    )
