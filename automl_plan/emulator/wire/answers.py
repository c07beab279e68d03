"""The last step of all answers, and the first of all requests: forms that nothing published proves.

Renderers write messages in one form: the project as it was asked for, no empty fields, int64 as
text, documented enum values. Here they get the form that the readings say, by tables.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from automl_plan.emulator.answer_readings import (
    EMPTY_FIELDS,
    INT64,
    PROJECT_IN_NAMES,
    UNKNOWN_ENUM,
)
from automl_plan.emulator.call_readings import (
    ETAG_MISMATCH,
    ETAGS,
    PAGE_SIZE_ABOVE_MOST,
    PAGE_SIZE_DEFAULT,
    UPDATE_MASK_ABSENT,
)
from automl_plan.emulator.errors import Code, ServiceError, invalid, precondition
from automl_plan.emulator.http import Handler, Reply, Request
from automl_plan.emulator.methods import Method
from automl_plan.emulator.projects import Projects
from automl_plan.emulator.readings import Readings
from automl_plan.emulator.wire.partial import selected
from automl_plan.emulator.wire.requests import MAX_PAGE_SIZE, enums_as_numbers, parameter

NAMES = frozenset(
    {
        "artifact",
        "dataset",
        "endpoint",
        "model",
        "name",
        "parent",
        "parentModel",
        "trainingPipeline",
    }
)
"""Fields that hold full names of objects."""
_REFERENCES = {"datasetId": "datasets", "baseModelId": "models"}
"""Fields that hold ids of objects of a collection."""
INT64_FIELDS = frozenset(
    {
        *("budgetMilliNodeHours", "costMilliNodeHours", "dataItemCount", "nodeCount"),
        *("trainBudget", "trainBudgetMilliNodeHours", "trainCostMilliNodeHours"),
        *("successfulCount", "failedCount", "incompleteCount"),
        *("truePositiveCount", "falsePositiveCount", "falseNegativeCount", "trueNegativeCount"),
    }
)
_USERS = frozenset({"labels", "trafficSplit"})
"""Maps whose keys are no fields."""
_UNKNOWN_NUMBER = 99
"""An enum value that no document lists, for clients that ask for numbers."""


class Message(Struct, frozen=True):
    """What a message has beyond what renderers write."""

    empty: Mapping[str, object] = {}
    """Its fields without presence that may be left out, with their empty values."""
    nested: Mapping[str, Message] = {}
    """Fields that hold a message, or a list of messages."""
    running: Mapping[str, tuple[str, frozenset[object]]] = {}
    """Enum fields of what is under way: an unknown name, and the values that it stands for."""
    lasting: Mapping[str, str] = {}
    """Enum fields of what lasts, and an unknown name."""
    model_type: Mapping[str, str] = {}
    """Fields that hold the type of a model, and an unknown name."""


def listed(field: str, message: Message) -> Message:
    """Return the message of a list's answer."""
    return Message({field: [], "nextPageToken": ""}, {field: message})


class Answers:
    """Stands around the methods of an API."""

    def __init__(
        self, readings: Readings, projects: Projects, messages: Mapping[Method, Message]
    ) -> None:
        """`messages` has what each method answers; methods that aren't there answer operations."""
        self._readings = readings
        self._projects = projects
        self._messages = messages

    def call(self, method: Method, handler: Handler, request: Request) -> Reply:
        """Call a method: its request names the project by id, its answer as the readings say."""
        project = request.params.get("project", "")
        number = self._projects.number_of(project)
        known = self._projects.id_of(project)
        request = self._decided(method, _by_id(request, number, known))
        try:
            reply = handler(request)
        except ServiceError as error:
            if error.code is Code.ABORTED and self._readings[ETAG_MISMATCH] != "aborted":
                raise precondition(error.message) from error
            raise
        if reply.content is None or reply.status != 200:
            return reply
        content = self._formed(method, request, known, number, reply.content)
        fields = request.query.get("$fields") or request.query.get("fields")
        if fields:
            content = selected(content, fields)
        return replace(reply, content=content)

    def _decided(self, method: Method, request: Request) -> Request:
        """The request with the parameters that it leaves to the service."""
        if method.endswith(".list"):
            return self._paged(request)
        if method.endswith(".patch") and not parameter(request, "updateMask"):
            match self._readings[UPDATE_MASK_ABSENT]:
                case "refused":
                    raise invalid(("update_mask", "Required field not set."))
                case "all-fields":
                    return replace(request, query={**request.query, "updateMask": "*"})
        return request

    def _paged(self, request: Request) -> Request:
        size = parameter(request, "pageSize") or "0"
        if size == "0":
            default = self._readings[PAGE_SIZE_DEFAULT]
            return replace(request, query={**request.query, "pageSize": default})
        number = int(size) if size.isdecimal() else 0
        if number > MAX_PAGE_SIZE and self._readings[PAGE_SIZE_ABOVE_MOST] == "refused":
            raise invalid(("page_size", f"The page size is at most {MAX_PAGE_SIZE}."))
        return request

    def _formed(
        self, method: Method, request: Request, project: str, number: str, content: object
    ) -> object:
        readings, message = self._readings, self._messages.get(method, Message())
        unknown = readings[UNKNOWN_ENUM]
        if unknown != "none":
            content = _with_unknown(content, message, unknown, as_number=enums_as_numbers(request))
        if readings[EMPTY_FIELDS] == "absent":
            content = _without_empty_inputs(content, message)
        elif readings[EMPTY_FIELDS] == "present":
            content = _with_empty(content, message)
        if readings[ETAGS] == "not-models" and method.startswith("models."):
            content = _without_etags(content)
        names = readings[PROJECT_IN_NAMES]
        fields: dict[str, Callable[[str], object]] = {}
        if names == "number-in-references":
            home = f"projects/{number}/locations/{request.params.get('location', '')}"
            for field, collection in _REFERENCES.items():
                fields[field] = _prefixed(f"{home}/{collection}/")
        if names != "id":
            fields |= dict.fromkeys(NAMES, _renamed(f"projects/{project}/", f"projects/{number}/"))
        if readings[INT64] == "number":
            fields |= dict.fromkeys(INT64_FIELDS, _as_number)
        return _mapped(content, fields) if fields else content


def _by_id(request: Request, number: str, project: str) -> Request:
    """The request with the project's id wherever it names the project by its number."""
    if not project or number == project:
        return request
    by_number, by_id = f"projects/{number}/", f"projects/{project}/"
    return replace(
        request,
        params={**request.params, "project": project},
        query={name: text.replace(by_number, by_id) for name, text in request.query.items()},
        body=request.body.replace(by_number.encode(), by_id.encode()),
    )


def _prefixed(start: str) -> Callable[[str], object]:
    return lambda text: f"{start}{text}" if text else text


def _renamed(old: str, new: str) -> Callable[[str], object]:
    return lambda text: f"{new}{text[len(old) :]}" if text.startswith(old) else text


def _as_number(text: str) -> object:
    return int(text) if text.isdecimal() else text


def _mapped(value: object, fields: Mapping[str, Callable[[str], object]]) -> object:
    """A message with the values of these fields changed, at any depth."""
    if isinstance(value, list | tuple):
        return [_mapped(each, fields) for each in value]
    if not isinstance(value, Mapping):
        return value
    found = {}
    for key, each in value.items():
        if isinstance(each, str):
            found[key] = fields[key](each) if key in fields else each
        else:
            found[key] = each if key in _USERS else _mapped(each, fields)
    return found


def _without_etags(content: object) -> object:
    if isinstance(content, list | tuple):
        return [_without_etags(each) for each in content]
    if not isinstance(content, Mapping):
        return content
    listed = {k: _without_etags(v) if isinstance(v, list) else v for k, v in content.items()}
    return {key: value for key, value in listed.items() if key != "etag"}


def _each(value: object, change: Callable[[Mapping[str, Any]], object]) -> object:
    """A message, or each of a list of messages, changed."""
    if isinstance(value, list | tuple):
        return [_each(each, change) for each in value]
    return change(value) if isinstance(value, Mapping) else value


def _with_nested(
    fields: Mapping[str, Any], message: Message, change: Callable[[object, Message], object]
) -> dict[str, object]:
    """A message with the messages inside changed."""
    return {
        key: change(value, message.nested[key]) if key in message.nested else value
        for key, value in fields.items()
    }


def _with_empty(content: object, message: Message) -> object:
    def change(fields: Mapping[str, Any]) -> object:
        return {**message.empty, **_with_nested(fields, message, _with_empty)}

    return _each(content, change)


def _without_empty_inputs(content: object, message: Message) -> object:
    """Google's own form of the inputs of a training: a message as any other, without zeros."""

    def change(fields: Mapping[str, Any]) -> object:
        found = _with_nested(fields, message, _without_empty_inputs)
        inputs = found.get("trainingTaskInputs")
        if isinstance(inputs, Mapping):
            found["trainingTaskInputs"] = {k: v for k, v in inputs.items() if v}
        return found

    return _each(content, change)


def _with_unknown(content: object, message: Message, which: str, *, as_number: bool) -> object:
    def change(fields: Mapping[str, Any]) -> object:
        found = _with_nested(
            fields, message, lambda v, m: _with_unknown(v, m, which, as_number=as_number)
        )
        if which == "model-type":
            return found | {k: v for k, v in message.model_type.items() if k in found}
        for key, (name, stands_for) in message.running.items():
            if found.get(key) in stands_for:
                found[key] = _UNKNOWN_NUMBER if as_number else name
            elif which == "lasting" and key in found and key in message.lasting:
                found[key] = _UNKNOWN_NUMBER + 1 if as_number else message.lasting[key]
        if which == "lasting":
            for key, name in message.lasting.items():
                if key in found and key not in message.running:
                    found[key] = _UNKNOWN_NUMBER if as_number else name
        return found

    return _each(content, change)
