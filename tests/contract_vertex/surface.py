"""The surfaces of Google's APIs, as the embedded service keeps them, from Google's own sources."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from google.cloud import automl_v1
from google.cloud.automl_v1.services.auto_ml.transports import rest_base
from google.cloud.automl_v1.services.prediction_service.transports import (
    rest_base as prediction_rest_base,
)
from google.longrunning import operations_pb2

from tests.contract_vertex.discovery import DOCUMENT

_V1 = "GoogleCloudAiplatformV1"
_READ = frozenset({"datasets", "trainingPipelines", "models", "endpoints", "batchPredictionJobs"})
"""The resources of whose methods the messages are kept, too."""
_GENERATIVE = re.compile("[gG]enerateContent|Tokens|Invoke|Predict(LongRunning|Operation)")
_SCHEMATA = (
    "TrainingjobDefinitionAutoMlImageClassificationInputs",
    "TrainingjobDefinitionAutoMlImageObjectDetectionInputs",
    "ImageDatasetMetadata",
)
"""Messages in fields of any type."""


def of_vertex() -> dict[str, Any]:
    """The surface of Vertex AI v1, by the discovery document."""
    document = json.loads(DOCUMENT.read_text(encoding="utf-8"))
    schemata: Mapping[str, Any] = document["schemas"]
    roots = {f"{_V1}Schema{name}" for name in _SCHEMATA}
    tree: dict[str, Any] = {}
    for method in _methods(document):
        query = {k for k, each in method["parameters"].items() if each["location"] == "query"}
        message = _message(method, query, schemata)
        _, _, name = method["id"].rpartition(".")
        of = method["id"].removeprefix("aiplatform.projects.locations.").partition(".")[0]
        if of in _READ and message and not _GENERATIVE.search(name):
            roots.add(message)
        else:
            message = ""
        path = re.sub(r"\{\w+\}", "*", method["flatPath"]).removeprefix("v1/")
        _put(tree, path, method["httpMethod"], name, message.removeprefix(_V1), query)
    messages = {
        name.removeprefix(_V1): {
            field: ("-" if each.get("readOnly") else "") + _type(each)
            for field, each in schemata[name].get("properties", {}).items()
        }
        for name in sorted(_reachable(roots, schemata))
    }
    return {"methods": tree, "messages": messages}


def _message(method: Mapping[str, Any], query: Iterable[str], schemata: Mapping[str, Any]) -> str:
    """The message of the body; of a method with a read mask, the one that it reads."""
    if "request" in method:
        return str(method["request"]["$ref"])
    if "readMask" not in query:
        return ""
    answer: str = method["response"]["$ref"]
    properties = schemata[answer]["properties"]
    if "nextPageToken" in properties:
        [answer] = [each["items"]["$ref"] for each in properties.values() if "items" in each]
    return answer


def _methods(resource: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    yield from resource.get("methods", {}).values()
    for inner in resource.get("resources", {}).values():
        yield from _methods(inner)


def _put(
    tree: dict[str, Any], path: str, verb: str, name: str, message: str, query: Iterable[str]
) -> None:
    path, colon, custom = path.partition(":")
    node = tree
    for segment in path.split("/"):
        node = node.setdefault(segment, {})
    parts = [name, message, f"?{','.join(sorted(query))}" if query else ""]
    node[f"{verb}{colon}{custom}"] = " ".join(filter(None, parts))


def _type(described: Mapping[str, Any]) -> str:
    if "$ref" in described:
        return str(described["$ref"]).removeprefix(_V1)
    kind: str = described["type"]
    if kind == "array":
        return f"{_type(described['items'])}[]"
    if kind == "object":
        return "map"
    if "enum" in described:
        return "enum"
    return (
        described["format"] if kind == "integer" or "int" in described.get("format", "") else kind
    )


def _reachable(roots: Iterable[str], schemata: Mapping[str, Any]) -> set[str]:
    found: set[str] = set()
    left = list(roots)
    while left:
        name = left.pop()
        if name not in found:
            found.add(name)
            left += re.findall(r'"\$ref": "(\w+)"', json.dumps(schemata[name]))
    return found


_MIXINS = (
    ("GET", "projects/*/locations", "list", "", ("filter", "pageSize", "pageToken")),
    ("GET", "projects/*/locations/*", "get", "", ()),
    ("GET", "projects/*/locations/*/operations", "list", "", ("filter", "pageSize", "pageToken")),
    ("GET", "projects/*/locations/*/operations/*", "get", "", ()),
    ("DELETE", "projects/*/locations/*/operations/*", "delete", "", ()),
    ("POST", "projects/*/locations/*/operations/*:cancel", "cancel", "", ()),
    ("POST", "projects/*/locations/*/operations/*:wait", "wait", "WaitOperationRequest", ()),
    *(
        (verb, f"{path}:{name}", name, "", query)
        for path in ("projects/*/locations/*/datasets/*", "projects/*/locations/*/models/*")
        for verb, name, query in (
            ("GET", "getIamPolicy", ("options.requestedPolicyVersion",)),
            ("POST", "setIamPolicy", ()),
            ("POST", "testIamPermissions", ()),
        )
    ),
)
"""Methods that automl_v1.yaml adds; Google's library has no source for their paths."""


def of_automl() -> dict[str, Any]:
    """The surface of AutoML v1, by Google's own client library."""
    tree: dict[str, Any] = {}
    messages: dict[str, dict[str, str]] = {}
    for verb, path, name, message, query in _MIXINS:
        _put(tree, path, verb, name, message, query)
    _collect(operations_pb2.WaitOperationRequest.DESCRIPTOR, messages, without={"name"})
    for name, verb, uri, body in _calls():
        request = getattr(automl_v1, f"{name}Request")
        descriptor = request.pb(request()).DESCRIPTOR
        path = re.sub(r"\{[\w.]+=([^}]*)\}", r"\1", uri).removeprefix("/v1/")
        bound = {each.partition(".")[0] for each in re.findall(r"\{([\w.]+)=", uri)}
        message = ""
        if body == "*":
            message = descriptor.name
            _collect(descriptor, messages, without=bound)
        elif body:
            inner = descriptor.fields_by_name[body].message_type
            message = inner.name
            _collect(inner, messages)
        named = {field.json_name for field in descriptor.fields}
        parameters = set() if body == "*" else named - bound - {body}
        last = {"Create": "create", "Get": "get", "List": "list", "Update": "patch"}
        verbs = {**last, "Delete": "delete", "Deploy": "deploy", "Undeploy": "undeploy"}
        custom = path.partition(":")[2]
        short = custom or verbs[re.match("[A-Z][a-z]+", name)[0]]  # type: ignore[index]
        _put(tree, path, verb, short, message, parameters)
    return {"methods": tree, "messages": dict(sorted(messages.items()))}


def _calls() -> Iterable[tuple[str, str, str, str]]:
    """The name, verb, path and body of all methods of the library."""
    for module in (rest_base, prediction_rest_base):
        [transport] = [v for k, v in vars(module).items() if k.startswith("_Base")]
        for name, base in vars(transport).items():
            if name.startswith("_Base"):
                [option] = base._get_http_options()  # noqa: SLF001 - where the library has them
                verb, uri = option["method"].upper(), option["uri"]
                yield name.removeprefix("_Base"), verb, uri, option.get("body", "")


def _collect(
    descriptor: Any, messages: dict[str, dict[str, str]], without: Iterable[str] = ()
) -> None:
    if descriptor.name in messages:
        return
    fields = [each for each in descriptor.fields if each.name not in without]
    messages[descriptor.name] = {each.json_name: _kind(each) for each in fields}
    for each in fields:
        if _kind(each).removesuffix("[]")[0].isupper():
            _collect(each.message_type, messages)


_KINDS = {
    1: "number",
    2: "number",
    3: "int64",
    4: "uint64",
    5: "int32",
    8: "boolean",
    9: "string",
    12: "string",
    13: "uint32",
    14: "enum",
}
"""By the number of a type in descriptor.proto."""


def _kind(field: Any) -> str:
    if field.message_type is None:
        kind = _KINDS[field.type]
    elif field.message_type.GetOptions().map_entry:
        return "map"
    else:
        kind = field.message_type.name
        if kind in ("Timestamp", "Duration", "FieldMask"):
            kind = "string"
    return f"{kind}[]" if field.is_repeated else kind
