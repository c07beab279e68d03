"""The published schemas, and the check of a configuration against the one of configurations."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from automl_plan.config.findings import KeyPath
from automl_plan.model.capabilities import BUDGET, ProviderDefinition
from automl_plan.model.json import Json
from automl_plan.model.model_types import Problem

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError


def config_schema() -> dict[str, Json]:
    """The configuration's JSON Schema (draft-07); a new copy each time."""
    return read_schema("config")


def read_schema(name: str) -> dict[str, Json]:
    """The schema of `schemas/NAME.schema.json`; a new copy each time."""
    file = f"{name}.schema.json"
    package = Path(__file__).parent.parent
    installed = package / "schemas" / file
    # A checkout (an editable install too) keeps the schemas beside the package.
    found = installed if installed.is_file() else package.parent / "schemas" / file
    schema: dict[str, Json] = json.loads(found.read_text(encoding="utf-8"))
    return schema


def paths_of_error(error: ValidationError, base: KeyPath) -> list[KeyPath]:
    """The paths of what an error says is wrong; `base` is the path of the checked value."""
    path = (*base, *map(str, error.absolute_path))
    schema: Any = error.schema
    instance: Any = error.instance
    match error.validator:
        case "required":
            return []  # what is missing can't be left out
        case "additionalProperties":
            return [(*path, key) for key in instance if key not in schema["properties"]]
        case "oneOf":
            choice = [key for inner in schema["oneOf"] for key in inner["required"]]
            written = instance if isinstance(instance, dict) else {}
            return [(*path, key) for key in choice if key in written]
        case _:
            return [path]


def prune_invalid(value: Json, path: KeyPath, broken: Collection[KeyPath]) -> Json:
    """Return a copy of the value at a path without everything that is broken below it.

    A list with a broken item becomes empty: findings on its items go by their index.
    """
    if isinstance(value, dict):
        return {
            key: prune_invalid(inner, (*path, key), broken)
            for key, inner in value.items()
            if (*path, key) not in broken
        }
    if isinstance(value, list):
        return [] if any((*path, str(i)) in broken for i in range(len(value))) else value
    return value


Check: TypeAlias = Callable[[Any], bool]
# A schema is JSON of any form; Json would ask for a check at each step into it.
Schema: TypeAlias = dict[str, Any]
Compile: TypeAlias = Callable[[Schema], Check]

_NO_SETTINGS: Schema = {
    "type": ["object", "null"],
    "additionalProperties": False,
    "properties": {},
}
_REFERENCE = {"$ref": "#/definitions/reference"}
_NOT_COMPILED = frozenset(
    # `properties` is read with `additionalProperties`, which every mapping of the schema has.
    ("title", "description", "default", "examples", "$comment", "properties", "x-rule")
)
_LIMITS = ("pattern", "enum", "minimum", "maximum", "minLength", "maxLength", "maxProperties")
_LIMITS_OF_RULES = frozenset((*_LIMITS, "propertyNames"))

_TYPES: Mapping[str, Check] = {
    "object": lambda v: isinstance(v, dict),
    "array": lambda v: isinstance(v, list),
    "string": lambda v: isinstance(v, str),
    "boolean": lambda v: isinstance(v, bool),
    "null": lambda v: v is None,
    "number": lambda v: isinstance(v, int | float) and not isinstance(v, bool),
    "integer": lambda v: (
        (isinstance(v, int) and not isinstance(v, bool))
        or (isinstance(v, float) and v.is_integer())
    ),
}


class SchemaValidator:
    """The shapes of the sections' entries, by the name of their definition in the schema."""

    def __init__(self) -> None:
        definitions: Any = config_schema()["definitions"]
        self._definitions: dict[str, Schema] = _for_tool(definitions)
        self._compiled: dict[str, Check] = {}
        self.digest = hashlib.sha256(json.dumps(definitions, sort_keys=True).encode()).hexdigest()
        """Identifies this schema."""

    def knows(self, provider: str) -> bool:
        """Whether the schema has a block for a provider."""
        return provider in self._definitions["provider"]["properties"]

    def add(self, provider: ProviderDefinition) -> None:
        """Accept the blocks of a provider, and budgets in its unit."""
        name, settings = provider.name, provider.settings_schema
        unit = provider.capabilities({}).budget_unit.field
        section, model = self._definitions["provider"], self._definitions["model"]["properties"]
        section["properties"][name] = {"$ref": f"#/definitions/{name}"}
        section["oneOf"].append({"required": [name]})
        self._definitions[name] = _for_tool(settings or _NO_SETTINGS)
        if provider.training_schema is not None:
            model[name] = _for_tool(provider.training_schema)
        for problem in Problem:
            kind = model[problem]
            kind["properties"] = {
                unit if key == BUDGET else key: schema for key, schema in kind["properties"].items()
            }
            kind["required"] = [unit if key == BUDGET else key for key in kind["required"]]
        self._compiled.clear()

    def accepts(self, definition: str, value: Json) -> bool:
        """Whether a value has the shape of a definition."""
        return self._check_of(definition)(value)

    def errors(self, definition: str, value: Json) -> Iterator[ValidationError]:
        """What is wrong with a value, by `jsonschema`."""
        from jsonschema import Draft7Validator

        schema = {"$ref": f"#/definitions/{definition}", "definitions": self._definitions}
        for error in Draft7Validator(schema).iter_errors(value):
            yield from _of_the_meant(error)

    def defaults(self, definition: str) -> dict[str, Json]:
        """The defaults of a mapping's keys."""
        properties = self._definitions[definition]["properties"]
        return {key: s["default"] for key, s in properties.items() if "default" in s}

    def _check_of(self, definition: str) -> Check:
        if definition not in self._compiled:
            self._compiled[definition] = self._compile(self._definitions[definition])
        return self._compiled[definition]

    def _compile(self, schema: Schema) -> Check:
        if "$ref" in schema:  # in draft-07, nothing beside it counts
            return self._check_of(schema["$ref"].removeprefix("#/definitions/"))
        checks = [
            _KEYWORDS[keyword](schema, self._compile)
            for keyword in schema
            if keyword not in _NOT_COMPILED
        ]
        return checks[0] if len(checks) == 1 else lambda value: all(c(value) for c in checks)


def _type(schema: Schema, _: Compile) -> Check:
    names = schema["type"]
    if isinstance(names, str):
        return _TYPES[names]
    types = [_TYPES[name] for name in names]
    return lambda value: any(is_type(value) for is_type in types)


def _mapping(schema: Schema, compiled: Compile) -> Check:
    inner = {key: compiled(s) for key, s in schema.get("properties", {}).items()}
    additional = schema["additionalProperties"]
    other = compiled(additional) if additional else lambda _: False
    return lambda value: (
        not isinstance(value, dict)
        or all(inner.get(key, other)(item) for key, item in value.items())
    )


def _required(schema: Schema, _: Compile) -> Check:
    keys = schema["required"]
    return lambda value: not isinstance(value, dict) or all(key in value for key in keys)


def _one_of(schema: Schema, compiled: Compile) -> Check:
    checks = [compiled(inner) for inner in schema["oneOf"]]
    return lambda value: sum(check(value) for check in checks) == 1


def _any_of(schema: Schema, compiled: Compile) -> Check:
    checks = [compiled(inner) for inner in schema["anyOf"]]
    return lambda value: any(check(value) for check in checks)


def _items(schema: Schema, compiled: Compile) -> Check:
    item = compiled(schema["items"])
    return lambda value: not isinstance(value, list) or all(map(item, value))


def _enum(schema: Schema, _: Compile) -> Check:
    allowed = schema["enum"]
    return lambda value: isinstance(value, str) and value in allowed


def _above(schema: Schema, _: Compile) -> Check:
    above = schema["exclusiveMinimum"]
    return lambda value: not _TYPES["number"](value) or above < value


def _least(schema: Schema, _: Compile) -> Check:
    least = schema["minimum"]
    return lambda value: not _TYPES["number"](value) or least <= value


def _most(schema: Schema, _: Compile) -> Check:
    most = schema["maximum"]
    return lambda value: not _TYPES["number"](value) or value <= most


def _length(schema: Schema, _: Compile) -> Check:
    least = schema["minLength"]
    return lambda value: not isinstance(value, str) or len(value) >= least


_KEYWORDS: Mapping[str, Callable[[Schema, Compile], Check]] = {
    "type": _type,
    "additionalProperties": _mapping,
    "required": _required,
    "oneOf": _one_of,
    "anyOf": _any_of,
    "items": _items,
    "enum": _enum,
    "exclusiveMinimum": _above,
    "minimum": _least,
    "maximum": _most,
    "minLength": _length,
}
"""The keywords that the schema uses; one that is not here fails at the first use, loudly."""


def types_of(schema: Schema) -> Sequence[str]:
    """The types of the values that a schema allows; one that lists values lists texts."""
    types: str | list[str] = schema.get("type", "string" if "enum" in schema else [])
    return [types] if isinstance(types, str) else types


def _of_the_meant(error: ValidationError) -> Iterator[ValidationError]:
    """What is wrong by the alternative that the value has the type of; else the error itself."""
    alternatives: Any = error.validator_value
    meant = [
        index
        for index, schema in enumerate(alternatives if error.validator == "anyOf" else ())
        if any(_TYPES[name](error.instance) for name in types_of(schema))
    ]
    if not meant:
        yield error
    for inner in error.context or ():
        if inner.relative_schema_path[0] in meant:
            yield from _of_the_meant(inner)


def _for_tool(schema: Any) -> Any:
    """The schema without references to variables and without the limits that rules check."""
    if isinstance(schema, list):
        return [_for_tool(inner) for inner in schema]
    if not isinstance(schema, dict):
        return schema
    if _REFERENCE in schema.get("anyOf", ()):
        others = [inner for inner in schema["anyOf"] if inner != _REFERENCE]
        schema = {key: value for key, value in schema.items() if key != "anyOf"}
        schema |= others[0] if len(others) == 1 else {"anyOf": others}
    if schema.get("$comment", "").startswith("rules:"):
        schema = {key: value for key, value in schema.items() if key not in _LIMITS_OF_RULES}
    return {key: _for_tool(value) for key, value in schema.items()}
