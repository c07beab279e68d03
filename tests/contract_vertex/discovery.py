"""A judge based on Google's discovery document: checks exchanges with Vertex AI v1.

It knows nothing of the emulator or of our provider. What it says of an exchange is a list of
findings, one sentence each; an exchange without one is as the document describes it.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

import googleapiclient
from google.rpc import code_pb2

DOCUMENT = Path(googleapiclient.__file__).parent / "discovery_cache/documents/aiplatform.v1.json"

_V1 = "GoogleCloudAiplatformV1"
_TYPES = "type.googleapis.com/google.cloud.aiplatform.v1."
_EMPTY = "type.googleapis.com/google.protobuf.Empty"
_INT_ENUMS = "json;enum-encoding=int"
"""What the generated clients ask for with `$alt`: enums as numbers, which they also send."""

_TASKS = "TrainingjobDefinitionAutoMlImage"
_METRICS = "ModelevaluationMetrics"
_SCHEMATA: Mapping[tuple[str, str], tuple[str, Mapping[str, str]]] = {
    ("Dataset", "metadata"): (
        "metadataSchemaUri",
        {"dataset/metadata/image_1.0.0.yaml": "ImageDatasetMetadata"},
    ),
    ("Annotation", "payload"): (
        "payloadSchemaUri",
        {
            "dataset/annotation/image_classification_1.0.0.yaml": "ImageClassificationAnnotation",
            "dataset/annotation/image_bounding_box_1.0.0.yaml": "ImageBoundingBoxAnnotation",
        },
    ),
    **{
        ("TrainingPipeline", field): (
            "trainingTaskDefinition",
            {
                f"trainingjob/definition/automl_image_{name}_1.0.0.yaml": f"{_TASKS}{schema}{part}"
                for name, schema in (
                    ("classification", "Classification"),
                    ("object_detection", "ObjectDetection"),
                )
            },
        )
        for field, part in (("trainingTaskInputs", "Inputs"), ("trainingTaskMetadata", "Metadata"))
    },
    **{
        (message, "metrics"): (
            "metricsSchemaUri",
            {
                f"modelevaluation/{name}_metrics_1.0.0.yaml": f"{_METRICS}{schema}EvaluationMetrics"
                for name, schema in (
                    ("classification", "Classification"),
                    ("image_object_detection", "ImageObjectDetection"),
                )
            },
        )
        for message in ("ModelEvaluation", "ModelEvaluationSlice")
    },
}
"""Fields of any type whose schema a field beside them names: which one, and below its URI."""
_LEFT_OUT = {("Dataset", "metadata")}
"""Required fields that Google's own SDK leaves out, of image datasets."""
_PARAMETERS = {("PredictRequest", "parameters"), ("BatchPredictionJob", "modelParameters")}
"""Fields with the parameters of predictions; those of both kinds of models have the same fields."""
_SCHEMA_FOLDER = "gs://google-cloud-aiplatform/schema/"


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request and its answer; `path` begins with the API's version."""

    verb: str
    path: str
    query: Sequence[tuple[str, str]]
    body: bytes
    status: int
    answer: bytes


@dataclass(frozen=True, slots=True)
class _Side:
    """Which half of an exchange is checked, and how.

    `whole`: required fields must be there. `numbers` are allowed in place of enums' names.
    `loose`: whole numbers may be written as 1.0, as those of a protobuf Value are, and those of 64
    bits, too, where they are sent: so does Google's own SDK. Enums may be sent as such numbers.
    """

    sent: bool
    whole: bool = False
    numbers: bool = False
    loose: bool = False


class DiscoveryJudge:
    """Compares exchanges with the document."""

    def __init__(self, path: Path = DOCUMENT) -> None:
        document = json.loads(path.read_text(encoding="utf-8"))
        self._schemata: Mapping[str, Any] = document["schemas"]
        self._parameters: Mapping[str, Any] = document["parameters"]
        self._methods: dict[tuple[str, int], list[Mapping[str, Any]]] = {}
        for method in _methods(document):
            key = (method["httpMethod"], method["flatPath"].count("/"))
            self._methods.setdefault(key, []).append(method)

    def findings(self, exchange: Exchange) -> list[str]:
        """What of an exchange the document doesn't describe."""
        method = self.method(exchange.verb, exchange.path)
        if method is None:
            return [f"{exchange.verb} {exchange.path}: there is no such method"]
        found = [*self._query(method, exchange), *self._body(method, exchange)]
        found += self._answer(method, exchange)
        return [f"{_name(method)}: {each}" for each in found]

    def method_of(self, exchange: Exchange) -> str | None:
        """The method that a request calls, such as `datasets.create`."""
        method = self.method(exchange.verb, exchange.path)
        return None if method is None else _name(method)

    def schema(self, name: str) -> Mapping[str, Any]:
        """A message's description."""
        found: Mapping[str, Any] = self._schemata[name]
        return found

    def method(self, verb: str, path: str) -> Mapping[str, Any] | None:
        """A method's description, found by its flat path.

        The clients call operations and locations by `/ui/…`, which the service takes as well.
        """
        path = re.sub(r"^/(v1|ui)/", "v1/", path)
        candidates = self._methods.get((verb, path.count("/")), ())
        return next((each for each in candidates if _fits(each["flatPath"], path)), None)

    def _query(self, method: Mapping[str, Any], exchange: Exchange) -> Iterator[str]:
        own = {k: p for k, p in method["parameters"].items() if p["location"] == "query"}
        seen = set()
        for name, text in exchange.query:
            if (name, text) == ("$alt", _INT_ENUMS):
                continue
            described = own.get(name, self._parameters.get(name))
            if described is None:
                yield f"?{name}: there is no such parameter"
                continue
            if name in seen and not described.get("repeated"):
                yield f"?{name}: it is given twice"
            seen.add(name)
            value: object = text
            if described["type"] in ("integer", "boolean"):
                value = _json(text)
            wrong = [*self._value(described, value, f"?{name}", _Side(sent=True))]
            if name in ("updateMask", "readMask") and not wrong:
                wrong = [*self._mask(method, name, text)]
            yield from wrong

    def _mask(self, method: Mapping[str, Any], name: str, text: str) -> Iterator[str]:
        schema = method["request"] if name == "updateMask" else method["response"]
        properties = self._schemata[schema["$ref"]]["properties"]
        if name == "readMask" and "nextPageToken" in properties:  # it is about the listed items
            [items] = [each["items"] for each in properties.values() if "items" in each]
            properties = self._schemata[items["$ref"]]["properties"]
        for path in text.split(","):
            described = properties.get(path.partition(".")[0])
            if path != "*" and described is None:
                yield f"?{name}: there is no field {path}"
            elif name == "updateMask" and path != "*" and described.get("readOnly"):
                yield f"?{name}: {path} is read-only"

    def _body(self, method: Mapping[str, Any], exchange: Exchange) -> Iterator[str]:
        if "request" not in method:
            if exchange.body.strip() not in (b"", b"{}"):
                yield "request: the method takes no body"
            return
        content = _json(exchange.body or b"{}")
        accepted = exchange.status < HTTPStatus.BAD_REQUEST
        whole = accepted and exchange.verb != "PATCH"
        side = _Side(sent=True, whole=whole, numbers=_int_enums(exchange))
        yield from self._value(method["request"], content, "request", side)

    def _answer(self, method: Mapping[str, Any], exchange: Exchange) -> Iterator[str]:
        content = _json(exchange.answer)
        if exchange.status == HTTPStatus.OK:
            side = _Side(sent=False, numbers=_int_enums(exchange))
            yield from self._value(method["response"], content, "answer", side)
        elif exchange.status < HTTPStatus.BAD_REQUEST:
            yield f"answer: the status {exchange.status} is none of Google's APIs"
        else:
            yield from _envelope(content, exchange.status)

    def _value(
        self, described: Mapping[str, Any], value: object, at: str, side: _Side
    ) -> Iterator[str]:
        """What is wrong with a value of a described type."""
        if "$ref" in described:
            yield from self._message(described["$ref"], value, at, side)
            return
        kind = described["type"]
        if kind == "array":
            if not isinstance(value, list):
                yield f"{at}: {_short(value)} is no list"
                return
            for number, item in enumerate(value):
                yield from self._value(described["items"], item, f"{at}[{number}]", side)
        elif kind == "object":
            if not isinstance(value, dict):
                yield f"{at}: {_short(value)} is no object"
            elif "@type" in described["additionalProperties"].get("description", ""):
                yield from self._typed(value, at, side)
            else:
                for key, item in value.items():
                    inner = described["additionalProperties"]
                    yield from self._value(inner, item, f"{at}.{key}", side)
        elif "enum" in described:
            numbers = side.numbers or (side.sent and side.loose)
            is_number = type(value) in (int, float) and float(str(value)).is_integer()
            if not (value in described["enum"] or (numbers and is_number)):
                yield f"{at}: {_short(value)} is none of its values"
        elif kind != "any":
            whole = type(value) in (int, float) and float(str(value)).is_integer()
            if side.loose and whole and kind == "integer":
                value = int(float(str(value)))
            elif side.loose and whole and side.sent and described.get("format") == "int64":
                value = str(int(float(str(value))))
            if not _IS[described.get("format", kind)](value):
                yield f"{at}: {_short(value)} is no {described.get('format', kind)}"

    def _message(self, schema: str, value: object, at: str, side: _Side) -> Iterator[str]:
        if not isinstance(value, dict):
            yield f"{at}: {_short(value)} is no object"
            return
        name = schema.removeprefix(_V1)
        properties = self._schemata[schema]["properties"]
        for key, item in value.items():
            described = properties.get(key)
            if described is None:
                yield f"{at}.{key}: {name} has no such field"
                continue
            if side.sent and described.get("readOnly"):
                yield f"{at}.{key}: it is read-only and may not be sent"
            yield from self._value(described, item, f"{at}.{key}", side)
            yield from self._meant(name, value, key, at, side)
        if side.whole and (at == "request" or _is_set(value)):
            for key, described in properties.items():
                required = described.get("description", "").startswith("Required.")
                if required and not value.get(key) and (name, key) not in _LEFT_OUT:
                    yield f"{at}.{key}: it is required"

    def _meant(
        self, name: str, message: Mapping[str, Any], key: str, at: str, side: _Side
    ) -> Iterator[str]:
        """What is wrong with a value of any type, whose own schema is known by other means."""
        if message[key] is None and side.sent:
            return
        side = _Side(side.sent, side.whole, loose=True)
        if (name, key) in _SCHEMATA:
            naming, known = _SCHEMATA[name, key]
            uri = message.get(naming)
            schema = known.get(str(uri).removeprefix(_SCHEMA_FOLDER))
            if schema is None:
                yield f"{at}.{naming}: {_short(uri)} names no schema for {key}"
            else:
                yield from self._message(f"{_V1}Schema{schema}", message[key], f"{at}.{key}", side)
        elif (name, key) == ("DataItem", "payload"):
            yield from self._message(f"{_V1}SchemaImageDataItem", message[key], f"{at}.{key}", side)
        elif (name, key) in _PARAMETERS:
            schema = f"{_V1}SchemaPredictParamsImageClassificationPredictionParams"
            yield from self._message(schema, message[key], f"{at}.{key}", side)
        elif (name, key) in (("PredictRequest", "instances"), ("PredictResponse", "predictions")):
            for number, item in enumerate(message[key] if isinstance(message[key], list) else ()):
                schema = "InstanceImageClassificationPredictionInstance"
                if key == "predictions":
                    boxes = isinstance(item, dict) and "bboxes" in item
                    kind = "ImageObjectDetection" if boxes else "Classification"
                    schema = f"Prediction{kind}PredictionResult"
                path = f"{at}.{key}[{number}]"
                yield from self._message(f"{_V1}SchemaPredict{schema}", item, path, side)

    def _typed(self, value: Mapping[str, Any], at: str, side: _Side) -> Iterator[str]:
        """What is wrong with a message that says what it is, as those of operations do."""
        name, rest = value.get("@type"), {k: v for k, v in value.items() if k != "@type"}
        schema = _V1 + str(name).removeprefix(_TYPES)
        if name == _EMPTY:
            schema = "GoogleProtobufEmpty"
        if schema not in self._schemata:
            yield f"{at}: {_short(name)} is no type of the document's"
        else:
            yield from self._message(schema, rest, at, side)


def _is_set(value: object) -> bool:
    """Whether a value says more than its absence: clients of some languages write empty fields."""
    if isinstance(value, dict):
        return any(map(_is_set, value.values()))
    if isinstance(value, str):
        return value not in ("", "0") and not value.endswith("_UNSPECIFIED")
    return bool(value)


def _methods(resource: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield from resource.get("methods", {}).values()
    for inner in resource.get("resources", {}).values():
        yield from _methods(inner)


def _name(method: Mapping[str, Any]) -> str:
    text: str = method["id"]
    name = text.removeprefix("aiplatform.projects.")
    return name if name.count(".") == 1 else name.removeprefix("locations.")


def _fits(template: str, path: str) -> bool:
    """Whether a path is one of a flat path's: each `{name}` is a segment, up to its `:verb`."""
    for expected, given in zip(template.split("/"), path.split("/"), strict=True):
        if not expected.startswith("{"):
            if expected != given:
                return False
            continue
        verb = expected.partition("}")[2]
        name = given.removesuffix(verb)
        if not given.endswith(verb) or not name or (":" in name and expected != "{projectsId}"):
            return False
    return True


def _int_enums(exchange: Exchange) -> bool:
    return ("$alt", _INT_ENUMS) in exchange.query


def _json(text: str | bytes) -> object:
    """The content of a JSON text; of another text, what no schema takes."""

    def refuse(constant: str) -> object:
        raise ValueError(constant)

    try:
        return json.loads(text, parse_constant=refuse)
    except ValueError:
        return b"no JSON"


def _envelope(content: object, status: int) -> Iterator[str]:
    """What is wrong with an error's envelope (AIP-193)."""
    error = content.get("error") if isinstance(content, dict) else None
    if not isinstance(error, dict) or set(content) != {"error"}:  # type: ignore[call-overload]
        yield "answer: it is no error's envelope"
        return
    strange = set(error) - {"code", "message", "status", "details"}
    if strange or error.get("code") != status or not isinstance(error.get("message"), str):
        yield f"answer.error: {_short(error)} is not how Google's APIs write an error"
    if error.get("status") not in code_pb2.Code.keys():  # noqa: SIM118 - it is no mapping
        yield f"answer.error.status: {_short(error.get('status'))} is none of its values"


def _short(value: object) -> str:
    text = value.decode() if isinstance(value, bytes) else json.dumps(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _matching(pattern: str) -> Callable[[object], bool]:
    compiled = re.compile(pattern, re.ASCII)
    return lambda value: isinstance(value, str) and compiled.fullmatch(value) is not None


def _whole(bits: int, *, signed: bool = True, text: bool = False) -> Callable[[object], bool]:
    """Whether a value is an integer of that many bits; 64-bit ones are strings in JSON."""
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1)) if signed else (0, 2**bits)

    def test(value: object) -> bool:
        if text:
            written = isinstance(value, str) and re.fullmatch(r"-?\d{1,20}", value, re.ASCII)
            return bool(written) and low <= int(str(value)) < high
        return type(value) is int and low <= value < high

    return test


def _is_number(value: object) -> bool:
    if value in ("NaN", "Infinity", "-Infinity"):
        return True
    return type(value) in (int, float) and math.isfinite(float(str(value)))


def _is_base64(value: object) -> bool:
    try:
        return isinstance(value, str) and base64.b64decode(value, validate=True) is not None
    except binascii.Error:
        return False


_IS: Mapping[str, Callable[[object], bool]] = {
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "int32": _whole(32),
    "uint32": _whole(32, signed=False),
    "int64": _whole(64, text=True),
    "uint64": _whole(64, signed=False, text=True),
    "float": _is_number,
    "double": _is_number,
    "byte": _is_base64,
    "google-datetime": _matching(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z"),
    "google-duration": _matching(r"-?\d{1,12}(\.\d{1,9})?s"),
    "google-fieldmask": _matching(r"\*|[a-z][A-Za-z0-9.]*(,[a-z][A-Za-z0-9.]*)*"),
}
"""By format, or by type where there is none: whether a JSON value is one."""
