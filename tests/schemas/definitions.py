"""JSON Schemas (draft-07) of msgspec types, with descriptions from docstrings and field strings."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import msgspec
from msgspec import UNSET
from msgspec import inspect as types
from msgspec.structs import fields

from automl_plan.model.address import NAME_PATTERN, Address

Schema = dict[str, Any]

CUSTOM: Mapping[type, tuple[str, Schema]] = {
    Address: ("address", {"type": "string", "pattern": rf"^(dataset|model)\.{NAME_PATTERN}$"}),
}
"""Types that msgspec does not know: the name and the schema of their definition."""


_MOST = 2**63 - 1
"""A bound that only says that a number fits into 64 bits."""


class Definitions:
    """The definitions of one schema file, filled by the types that it asks for.

    A struct is an object without further keys. All its fields are required, but for those that
    `omit_defaults` leaves out. The description of a definition is the first paragraph of the
    docstring of its class, that of a property the string under its field, or
    `msgspec.Meta(description=…)`, which goes first.
    """

    def __init__(self, names: Mapping[type, str] | None = None) -> None:
        """`names` are definitions that are not named by their class: `RecordedObject` is
        `recorded-object` else."""
        self.entries: dict[str, Schema] = {}
        self._names = dict(names or {})
        self._owners: dict[str, type] = {}

    def of(self, kind: Any) -> Schema:
        """Return the schema of a type; a struct is added and referred to."""
        return self._schema(types.type_info(kind))

    def inline(self, struct: type) -> Schema:
        """Return the schema of a struct itself, for the root of a file."""
        info = types.type_info(struct)
        assert isinstance(info, types.StructType)
        return self._object(info)

    def _schema(self, info: types.Type) -> Schema:
        match info:
            case types.Metadata():
                schema, more = self._schema(info.type), info.extra_json_schema or {}
                # Draft-07 ignores what stands beside a reference.
                narrows = "$ref" in schema and "pattern" in more
                return {**({"allOf": [schema]} if narrows else schema), **more}
            case types.StructType(array_like=True):
                return _tuple([self._schema(field.type) for field in info.fields])
            case types.StructType():
                return self._reference(info.cls, lambda: self._object(info))
            case types.CustomType() if info.cls in CUSTOM:
                name, schema = CUSTOM[info.cls]
                self._names.setdefault(info.cls, name)
                return self._reference(info.cls, lambda: dict(schema))
            case types.UnionType():
                return _any_of([self._schema(each) for each in info.types])
            case types.DictType():
                return self._mapping(info)
            case types.TupleType():
                return _tuple([self._schema(each) for each in info.item_types])
            case (
                types.CollectionType()
                | types.ListType()
                | types.VarTupleType()
                | types.SetType()
                | types.FrozenSetType()
            ):
                return {"type": "array", "items": self._schema(info.item_type), **_lengths(info)}
            case _:
                return _plain(info)

    def _object(self, info: types.StructType) -> Schema:
        omits = info.cls.__struct_config__.omit_defaults
        properties: dict[str, Schema] = {}
        required = []
        if info.tag_field is not None:
            properties[info.tag_field] = {"const": info.tag}
            required.append(info.tag_field)
        strings = field_strings(info.cls)
        unset = {each.name for each in fields(info.cls) if each.default is UNSET}
        for field in info.fields:
            value = self._schema(field.type)
            optional = not field.required and (omits or field.name in unset)
            if omits and not field.required:
                value = _without_null(value)
                if value == {"type": "boolean"}:
                    value = {"const": not field.default}
            if field.name in strings:
                value = {"description": _without_none(strings[field.name], optional), **value}
            properties[field.encode_name] = value
            if not optional:
                required.append(field.encode_name)
        schema: Schema = {"type": "object", "additionalProperties": False}
        description = docstring(info.cls)
        if description:
            schema = {"description": description, **schema}
        if required:
            schema["required"] = required
        return {**schema, "properties": properties}

    def _mapping(self, info: types.DictType) -> Schema:
        schema: Schema = {"type": "object"}
        keys = self._schema(info.key_type)
        if keys != {"type": "string"}:
            schema["propertyNames"] = keys
        values = self._schema(info.value_type)
        if values:
            schema["additionalProperties"] = values
        return schema

    def _reference(self, kind: type, make: Any) -> Schema:
        name = self._names.get(kind) or _kebab(kind.__name__)
        if self._owners.setdefault(name, kind) is not kind:
            raise ValueError(f"{name}: {kind} and {self._owners[name]} have one name; give `names`")
        if name not in self.entries:
            self.entries[name] = {}  # of a type that refers to itself
            self.entries[name] = make()
        return {"$ref": f"#/definitions/{name}"}


def _tuple(items: list[Schema]) -> Schema:
    size = len(items)
    return {"type": "array", "items": items, "minItems": size, "maxItems": size}


def _plain(info: types.Type) -> Schema:
    """Return the schema of what is neither a struct nor holds other types."""
    match info:
        case types.AnyType() | types.RawType():
            return {}
        case types.NoneType():
            return {"type": "null"}
        case types.BoolType():
            return {"type": "boolean"}
        case types.IntType() | types.FloatType():
            bounds = {
                "minimum": info.ge,
                "exclusiveMinimum": info.gt,
                "maximum": info.le,
                "exclusiveMaximum": info.lt,
            }
            name = "integer" if isinstance(info, types.IntType) else "number"
            given = {key: v for key, v in bounds.items() if v not in (None, _MOST)}
            return {"type": name, **given}
        case types.StrType():
            pattern = {} if info.pattern is None else {"pattern": info.pattern}
            return {"type": "string", **pattern, **_lengths(info)}
        case types.DateTimeType():
            return {"type": "string", "format": "date-time"}
        case types.EnumType():
            return {"enum": [member.value for member in info.cls]}
        case types.LiteralType():
            values = list(info.values)
            return {"const": values[0]} if len(values) == 1 else {"enum": values}
        case _:
            raise TypeError(f"{info} has no schema; see CUSTOM")


def _any_of(schemas: list[Schema]) -> Schema:
    """Return the schema of what fits one of several, as short as it can be said."""
    covered = [{**each, "type": "integer"} for each in schemas if each.get("type") == "number"]
    schemas = [each for each in schemas if each not in covered]
    if {} in schemas:
        return {}
    rest = [each for each in schemas if each != {"type": "null"}]
    if len(rest) == 1 and len(schemas) == 2:
        only = rest[0]
        if isinstance(only.get("type"), str):
            return {**only, "type": [only["type"], "null"]}
        if "enum" in only:
            return {**only, "enum": [*only["enum"], None]}
    if all(each.keys() == {"type"} and isinstance(each["type"], str) for each in schemas):
        names = list(dict.fromkeys(each["type"] for each in schemas))
        return {"type": names if len(names) > 1 else names[0]}
    return schemas[0] if len(schemas) == 1 else {"anyOf": schemas}


def _without_null(schema: Schema) -> Schema:
    """Return the schema of a field that is left out where it is null."""
    if isinstance(schema.get("type"), list):
        names = [each for each in schema["type"] if each != "null"]
        return {**schema, "type": names[0] if len(names) == 1 else names}
    if "enum" in schema:
        return {**schema, "enum": [each for each in schema["enum"] if each is not None]}
    if "anyOf" in schema:
        kept = [each for each in schema["anyOf"] if each != {"type": "null"}]
        rest = {key: value for key, value in schema.items() if key != "anyOf"}
        return {**rest, **_any_of(kept)}
    return schema


def _lengths(info: Any) -> Schema:
    least, most = ("minLength", "maxLength")
    if not isinstance(info, types.StrType):
        least, most = ("minItems", "maxItems")
    lengths = {least: info.min_length, most: info.max_length}
    return {key: value for key, value in lengths.items() if value is not None}


def _kebab(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", name.lstrip("_")).lower()


def docstring(struct: type) -> str:
    """Return the first paragraph of the docstring of a class of its own, on one line."""
    text = inspect.cleandoc(struct.__dict__.get("__doc__") or "")
    return _line(text.partition("\n\n")[0])


@cache
def field_strings(struct: type) -> dict[str, str]:
    """Return the strings under the fields of a struct and of those that it extends, by field."""
    found: dict[str, str] = {}
    for each in reversed(struct.__mro__):
        if issubclass(each, msgspec.Struct) and each is not msgspec.Struct:
            found |= dict(_strings_of(each))
    return found


def _strings_of(struct: type) -> Iterator[tuple[str, str]]:
    (body,) = ast.parse(textwrap.dedent(inspect.getsource(struct))).body
    assert isinstance(body, ast.ClassDef)
    for field, after in zip(body.body, body.body[1:], strict=False):
        if not isinstance(field, ast.AnnAssign) or not isinstance(field.target, ast.Name):
            continue
        match after:
            case ast.Expr(value=ast.Constant(value=str(text))):
                yield field.target.id, _line(text)


def _without_none(text: str, optional: bool) -> str:
    """Return a description in the words of JSON."""
    word = "absent" if optional else "null"
    text = re.sub(r"(^|\. )None\b", lambda found: found[1] + word.capitalize(), text)
    return re.sub(r"\bNone\b", word, text)


def _line(text: str) -> str:
    return " ".join(text.split())
