"""Read proto3 JSON bodies: known fields only, enums and int64 in either form."""

import base64
import binascii
import json
import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from automl_plan.emulator.errors import Code, ServiceError
from automl_plan.emulator.http import Request
from automl_plan.emulator.wire.surface import Message, is_default, unimplemented

_HALF_CHARACTER = re.compile("[\ud800-\udfff]")
_SNAKE = re.compile(r"_([a-z0-9])")


def body_fields(request: Request, path: str) -> "Fields":
    """Return the fields of a request body, which may be empty; `path` names it in errors."""
    message = request.called.message if request.called else None
    if not request.body.strip():
        return Fields({}, path, message)
    try:
        content = json.loads(request.body)
    except (ValueError, RecursionError) as error:
        raise ServiceError(
            Code.INVALID_ARGUMENT, f"Invalid JSON payload received. {_first_line(error)}"
        ) from error
    if not isinstance(content, dict):
        raise ServiceError(
            Code.INVALID_ARGUMENT, "Invalid JSON payload received. Root element must be a message."
        )
    return Fields(content, path, message)


class Fields:
    """The fields of a message, read one by one; `finish` refuses those that were not read.

    `message` is what Google's API says of it; without, there are only the fields that are read.
    """

    def __init__(
        self, content: Mapping[str, Any], path: str, message: Message | None = None
    ) -> None:
        self._path = path
        self._message = message
        self._values: dict[str, Any] = {}
        self._read: set[str] = set()
        for key, value in content.items():
            name = camel(key)
            if name in self._values:
                raise self._fault(key, "The field is given twice.")
            self._values[name] = value

    def has(self, name: str) -> bool:
        """Return whether the field is given and not null; counts as read."""
        self._read.add(name)
        return self._values.get(name) is not None

    def ignore(self, *names: str) -> None:
        """Accept fields without reading them: those that only the service sets."""
        self._read.update(names)

    def ignore_known(self) -> None:
        """Accept all fields that Google's message has, whatever their values."""
        self._read.update(self._message.fields if self._message else ())

    def text(self, name: str, default: str = "") -> str:
        """Return a string."""
        found: str | None = self._value(name, _is_text, "TYPE_STRING")
        return default if found is None else found

    def integer(self, name: str) -> int | None:
        """Return an int32 or int64, given as a number or as a string."""
        if not self.has(name):
            return None
        value = self._values[name]
        if isinstance(value, str) and re.fullmatch(r"-?\d{1,19}", value, re.ASCII):
            return int(value)
        if isinstance(value, float) and value.is_integer() and abs(value) < 2**63:
            return int(value)
        if isinstance(value, bool) or not isinstance(value, int) or abs(value) >= 2**63:
            raise self._invalid(name, "TYPE_INT64")
        return value

    def number(self, name: str) -> float | None:
        """Return a finite number."""
        if not self.has(name):
            return None
        value = self._values[name]
        if not isinstance(value, bool) and isinstance(value, int | float):
            try:
                found = float(value)
            except OverflowError:
                found = math.inf
            if math.isfinite(found):
                return found
        raise self._invalid(name, "TYPE_DOUBLE")

    def enum(self, name: str, values: Mapping[str, int]) -> int:
        """Return the number of an enum, given by name or number; 0 when it isn't given."""
        if not self.has(name):
            return 0
        value = self._values[name]
        if isinstance(value, str) and value in values:
            return values[value]
        if not isinstance(value, bool) and isinstance(value, int) and value in values.values():
            return value
        raise self._invalid(name, "TYPE_ENUM")

    def named_enum(self, name: str, values: Mapping[str, int]) -> str:
        """Return the name of an enum, given by name or number; "" when it isn't given.

        A name is returned as it is, as it may be newer than the numbers that are known.
        """
        value = self._values.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool):
            self._read.add(name)
            names = {number: each for each, number in values.items()}
            if value not in names:
                raise self._invalid(name, "TYPE_ENUM")
            return names[int(value)]
        return self.text(name)

    def octets(self, name: str) -> bytes:
        """Return bytes, given in base64 of either alphabet, with or without padding."""
        text = self.text(name).rstrip("=").replace("-", "+").replace("_", "/")
        try:
            return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
        except (binascii.Error, ValueError) as error:
            raise self._fault(name, "Base64 decoding failed.") from error

    def texts(self, name: str) -> list[str]:
        """Return a list of strings."""
        found: list[str] | None = self._value(name, _list_of(str), "TYPE_STRING")
        return found or []

    def mapping(self, name: str) -> dict[str, str]:
        """Return a map of strings to strings."""
        found: dict[str, str] | None = self._value(
            name,
            lambda value: isinstance(value, dict) and _list_of(str)([*value.values()]),
            "TYPE_STRING",
        )
        return found or {}

    def message(self, name: str) -> "Fields | None":
        """Return a nested message, which may be empty; None when it isn't given."""
        found = self._value(name, lambda value: isinstance(value, dict), "TYPE_MESSAGE")
        return None if found is None else Fields(found, self.path(name), self._inner(name))

    def messages(self, name: str) -> "list[Fields]":
        """Return a list of messages."""
        found = self._value(name, _list_of(dict), "TYPE_MESSAGE")
        inner = self._inner(name)
        return [
            Fields(item, f"{self.path(name)}[{i}]", inner) for i, item in enumerate(found or [])
        ]

    def counts(self, name: str) -> dict[str, int]:
        """Return a map of strings to int32s."""
        found = self.message(name)
        if found is None:
            return {}
        return {key: self._whole(name, value) for key, value in found.raw.items()}

    @property
    def raw(self) -> Mapping[str, Any]:
        """The message as it was given, with names in camel case; counts as read."""
        self._read.update(self._values)
        return self._values

    def flag(self, name: str) -> bool:
        """Return a bool; false when it isn't given."""
        return bool(self._value(name, lambda value: isinstance(value, bool), "TYPE_BOOL"))

    def _value(self, name: str, is_valid: Callable[[Any], bool], expected: str) -> Any:
        """The value of a field, of the expected type; None when it isn't given."""
        if not self.has(name):
            return None
        value = self._values[name]
        if not is_valid(value):
            raise self._invalid(name, expected)
        return value

    def _whole(self, name: str, value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or abs(value) >= 2**31:
            raise self._invalid(name, "TYPE_INT32")
        return value

    def path(self, name: str) -> str:
        """Return the path of a field as errors show it, such as `dataset.display_name`."""
        return f"{self._path}.{snake(name)}" if self._path else snake(name)

    def finish(self) -> None:
        """Refuse fields that were not read: unknown ones, and set ones that the service lacks.

        A field that Google's message has may be given if it has its default value, or is one that
        only the service sets.
        """
        known = self._message.fields if self._message else {}
        left = [name for name in self._values if name not in self._read]
        unknown = [name for name in left if name not in known]
        if unknown:
            at = f" at '{self._path}'" if self._path else ""
            raise self._fault(unknown[0], f'Unknown name "{unknown[0]}"{at}: Cannot find field.')
        for name in left:
            if self._message and not self._message.is_output(name):
                self._refuse_set(self._message, name)

    def _refuse_set(self, message: Message, name: str) -> None:
        """Refuse a field that the service lacks, unless it has its default value."""
        value, inner = self._values[name], message.of(name)
        if isinstance(value, dict) and inner is not None:
            Fields(value, self.path(name), inner).finish()
        elif not is_default(message.fields[name], value):
            raise unimplemented(f"{message.name}.{name} (here '{self.path(name)}')")

    def _inner(self, name: str) -> Message | None:
        return self._message.of(name) if self._message else None

    def _invalid(self, name: str, expected: str) -> ServiceError:
        value = json.dumps(self._values[name])[:100]
        return self._fault(name, f"Invalid value at '{self.path(name)}' ({expected}), {value}")

    def _fault(self, name: str, text: str) -> ServiceError:
        detail: dict[str, object] = {
            "@type": "type.googleapis.com/google.rpc.BadRequest",
            "fieldViolations": [{"field": self.path(name), "description": text}],
        }
        return ServiceError(
            Code.INVALID_ARGUMENT, f"Invalid JSON payload received. {text}", [detail]
        )


def _is_text(value: object) -> bool:
    return isinstance(value, str) and not _HALF_CHARACTER.search(value)


def _list_of(kind: type) -> Callable[[object], bool]:
    return lambda value: isinstance(value, list) and all(isinstance(each, kind) for each in value)


def camel(name: str) -> str:
    """Return `displayName` for `display_name`; a camel-case name stays as it is."""
    return _SNAKE.sub(lambda match: match[1].upper(), name)


def snake(name: str) -> str:
    """Return `display_name` for `displayName`."""
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower()


def _first_line(error: BaseException) -> str:
    return str(error).partition("\n")[0][:200] or "It is nested too deeply."
