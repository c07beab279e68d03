"""JSON values, and the types of documents: how they are written as JSON and read again."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias, TypeVar

import msgspec
from msgspec import Meta, Struct

from automl_plan.model.address import Address

if TYPE_CHECKING:
    Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
else:
    Json = Any  # msgspec takes no type that refers to itself

Attributes: TypeAlias = Mapping[str, Json]
"""The attributes of a resource in the configuration's own form (snake_case, nested)."""
Count: TypeAlias = Annotated[int, Meta(ge=0, le=2**63 - 1)]
"""No recorded number is larger."""
Number: TypeAlias = Annotated[int, Meta(ge=0, le=2**63 - 1, extra_json_schema={"minimum": 1})]
"""Of a version; counted from 1."""
Time: TypeAlias = Annotated[str, Meta(extra_json_schema={"pattern": "^[0-9]{4}-"})]
"""RFC 3339."""
ObjectId: TypeAlias = Annotated[str, Meta(pattern="^[A-Za-z0-9_-]{1,128}$")]
MOST_SECONDS = 10**9
"""Some 30 years."""
Seconds: TypeAlias = (
    Annotated[int, Meta(ge=0, le=MOST_SECONDS)] | Annotated[float, Meta(ge=0, le=MOST_SECONDS)]
)
Dollars: TypeAlias = Annotated[int, Meta(ge=0, le=10**12)] | Annotated[float, Meta(ge=0, le=10**12)]
Measured: TypeAlias = Annotated[int, Meta(ge=0)] | Annotated[float, Meta(ge=0)]
Real: TypeAlias = int | float
"""A number that is written again as it was read."""
T = TypeVar("T")


class Document(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A part of a document: its fields are those of the JSON; what has its default is left out."""


_LONGEST = 200
_PLACE = re.compile(r"(.*) - at `(.*)`", re.DOTALL)


class Damaged(ValueError):
    """That a document is not what its type says: what is wrong, and where."""


def written(value: object) -> Any:
    """Return a document as plain JSON values: mappings, lists, texts, numbers."""
    return msgspec.to_builtins(value, enc_hook=_plain)


def laid_out(document: object, *, indent: int) -> bytes:
    """Return the canonical bytes of a document: sorted keys, as `json.dumps` lays them out."""
    text = json.dumps(written(document), sort_keys=True, ensure_ascii=False, allow_nan=False)
    return msgspec.json.format(text.encode(), indent=indent) + b"\n"  # ten times as fast


def read(data: bytes, kind: type[T]) -> T:
    """Return a document of a type. Raises Damaged, and ValueError or RecursionError for no JSON."""
    try:
        return msgspec.json.decode(data, type=kind, dec_hook=_custom)
    except msgspec.ValidationError as error:
        raise Damaged(_located(str(error))) from error
    except msgspec.DecodeError as error:
        raise ValueError(str(error)) from error


def read_plain(data: bytes) -> Any:
    """Return any JSON value. Raises ValueError or RecursionError."""
    try:
        return msgspec.json.decode(data)
    except msgspec.DecodeError as error:
        raise ValueError(str(error)) from error


def _plain(value: object) -> Any:
    if isinstance(value, str):  # an address
        return str(value)
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is no part of a document")


def _custom(kind: type, value: Any) -> Any:
    if kind is Address and isinstance(value, str):
        return Address.parse(value)
    raise ValueError(f"expected {kind.__name__.lower()}")


def _located(message: str) -> str:
    """Return what msgspec says, the place first."""
    found = _PLACE.fullmatch(message)
    what, place = found.groups() if found is not None else (message, "$")
    return f"{place}: {what[:_LONGEST]}"
