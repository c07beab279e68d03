"""The methods that datasets, models, endpoints and locations of Google's APIs have in common."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Generic, Protocol, TypeVar

from automl_plan.emulator.errors import not_found
from automl_plan.emulator.http import Reply, Request, json_reply
from automl_plan.emulator.objects import Change, Operation, Scope
from automl_plan.emulator.rows import Page, Window
from automl_plan.emulator.sql_filters import OrderColumn, Term
from automl_plan.emulator.wire.messages import body_fields
from automl_plan.emulator.wire.requests import (
    LIST_PARAMETERS,
    apply_read_mask,
    check_list,
    check_query,
    list_reply,
    masked,
    ordering,
    paging,
    parameter,
)

Item = TypeVar("Item")
Id = TypeVar("Id", int, str)
_Id = TypeVar("_Id", int, str, contravariant=True)


class Objects(Protocol[Item, _Id]):
    """The objects of one kind: what the engine can do with them."""

    def get(self, scope: Scope, object_id: _Id, /) -> Item: ...

    def list(self, scope: Scope, terms: Sequence[Term], window: Window, /) -> Page[Item]: ...

    def update(self, scope: Scope, object_id: _Id, change: Change, etag: str | None, /) -> Item: ...

    def delete(self, scope: Scope, object_id: _Id, /) -> Operation: ...


class ResourceMethods(ABC, Generic[Item, Id]):
    """The methods get, list, patch and delete of one kind of resource."""

    message: str
    """The name of the message in request bodies, which errors show, such as `dataset`."""
    list_field: str
    """The field of list responses that has the items."""
    mutable: Sequence[str]
    """The fields that `patch` can change, all of them in `Change`."""
    ignored: Sequence[str]
    """The fields that `patch` accepts and ignores, as clients send whole messages."""
    get_parameters: frozenset[str] = frozenset()
    list_parameters: frozenset[str] = LIST_PARAMETERS
    orders: Mapping[str, OrderColumn] = {}
    """The columns that lists can be ordered by, by the names of their fields."""

    def __init__(
        self,
        objects: Objects[Item, Id],
        scope_of: Callable[[Mapping[str, str]], Scope],
        operation_reply: Callable[[Operation], Reply],
    ) -> None:
        self._objects: Objects[Item, Id] = objects
        self._scope_of = scope_of
        self._operation_reply = operation_reply

    @abstractmethod
    def object_id(self, request: Request) -> Id:
        """Return the id that the path names."""

    @abstractmethod
    def terms(self, request: Request) -> Sequence[Term]:
        """Return the terms that a list is filtered by."""

    @abstractmethod
    def check(self, change: Change) -> None:
        """Refuse invalid values of a patch."""

    @abstractmethod
    def render(self, request: Request, items: Sequence[Item]) -> Sequence[Mapping[str, object]]:
        """Return the messages of objects."""

    def named(self, request: Request) -> tuple[Scope, Id]:
        """Return the scope and the id that the path names."""
        return self._scope_of(request.params), self.object_id(request)

    def get(self, request: Request) -> Reply:
        check_query(request, self.get_parameters)
        [message] = self.render(request, [self._objects.get(*self.named(request))])
        return json_reply(apply_read_mask(request, message))

    def list(self, request: Request) -> Reply:
        check_list(request, self.list_parameters)
        page = paging(request, order=ordering(request, self.orders))
        terms = self.terms(request)
        found = self._objects.list(self._scope_of(request.params), terms, page.window)
        messages = self.render(request, found.items)
        return list_reply(request, self.list_field, messages, page.token(found.next_before))

    def patch(self, request: Request) -> Reply:
        """Change the given fields, or those of the mask; return the changed object."""
        check_query(request, {"updateMask"})
        fields = body_fields(request, self.message)
        fields.ignore(*self.ignored)
        if parameter(request, "updateMask"):
            fields.ignore_known()
        mask = masked(request, {name: fields.has(name) for name in self.mutable})
        change = Change(
            display_name=fields.text("displayName") if "displayName" in mask else None,
            description=fields.text("description") if "description" in mask else None,
            labels=fields.mapping("labels") if "labels" in mask else None,
            traffic=fields.counts("trafficSplit") if "trafficSplit" in mask else None,
            version_description=(
                fields.text("versionDescription") if "versionDescription" in mask else None
            ),
        )
        etag = fields.text("etag")
        fields.finish()
        self.check(change)
        changed = self.update(request, change, etag or None)
        [message] = self.render(request, [changed])
        return json_reply(message)

    def update(self, request: Request, change: Change, etag: str | None) -> Item:
        """Write a patch; return the changed object."""
        return self._objects.update(*self.named(request), change, etag)

    def delete(self, request: Request) -> Reply:
        check_query(request)
        return self._operation_reply(self._objects.delete(*self.named(request)))


class LocationMethods:
    """The locations of an API, with their display names."""

    def __init__(self, locations: Mapping[str, str]) -> None:
        self._locations = locations

    def list(self, request: Request) -> Reply:
        """List all locations, for any project."""
        check_query(request, LIST_PARAMETERS)
        project = request.params["project"]
        return json_reply({"locations": [self._render(project, each) for each in self._locations]})

    def get(self, request: Request) -> Reply:
        check_query(request)
        location = request.params["location"]
        if location not in self._locations:
            raise not_found(f"Location {location} does not exist.")
        return json_reply(self._render(request.params["project"], location))

    def _render(self, project: str, location: str) -> dict[str, str]:
        return {
            "name": f"projects/{project}/locations/{location}",
            "locationId": location,
            "displayName": self._locations[location],
        }
