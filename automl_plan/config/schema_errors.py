"""Errors of `jsonschema` as findings in plain words."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from automl_plan.config.findings import Finding, KeyPath, Suggester, listed, quoted, to_quote
from automl_plan.config.prices import most_usd
from automl_plan.config.schema import types_of
from automl_plan.model.capabilities import Capabilities, Providers
from automl_plan.model.model_types import Problem

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError

_EXPECTED = {
    "object": "a mapping",
    "array": "a list",
    "string": "a string",
    "boolean": "true or false",
    "null": "nothing",
    "number": "a number",
    "integer": "an integer",
}
_BOOLEAN_WORDS = {"yes": "true", "on": "true", "no": "false", "off": "false"}
_GROUPED = re.compile(r"[-+]?(?:[0-9]{1,18}|[0-9]{1,3}(?:[_,][0-9]{3}){1,5})")
"""An integer as people write it; what else it might mean is not guessed."""
_TO_WRITE = {
    "classification_type": (
        "write classification_type: MULTICLASS (at most one label per image) or MULTILABEL"
    ),
    "dataset": "write dataset: and the name of a dataset that is declared under datasets",
    "local": "write local: {path: state/default.json}",
    "path": "write path: state/default.json",
}


def explain(
    error: ValidationError,
    base: KeyPath,
    written: Callable[[KeyPath], str | None],
    capabilities: Capabilities,
    providers: Providers,
) -> Iterator[Finding]:
    """Yield the findings of an error; `base` is the path of the checked value.

    `written` returns how the value at a path is written, if as a plain scalar.
    """
    path = (*base, *map(str, error.absolute_path))
    if error.validator == "type":
        yield _wrong_type(error, path, written(path))
    elif error.validator == "required":
        yield from _missing_keys(error, path, capabilities, providers)
    else:
        yield from _BY_KEYWORD[str(error.validator)](error, path)


def _unknown_keys(error: ValidationError, path: KeyPath) -> Iterator[Finding]:
    schema: Any = error.schema
    instance: Any = error.instance
    known = schema["properties"]
    suggest = Suggester(known)
    for key in instance:
        if key in known:
            continue
        if key == "base_model_id" and path[-1] == Problem.IMAGE_OBJECT_DETECTION:
            yield Finding(
                (*path, key),
                "base-model",
                "object detection has no base models",
                "remove base_model_id",
                at_key=True,
            )
            continue
        keys = f"the keys here are {', '.join(known)}" if known else "no keys are allowed here"
        message = f"unknown key {quoted(key)}"
        hint = suggest.hint(key, keys)
        yield Finding((*path, key), "unknown-key", message, hint, at_key=True)


def _missing_keys(
    error: ValidationError, path: KeyPath, can: Capabilities, providers: Providers
) -> Iterator[Finding]:
    instance: Any = error.instance
    required: Any = error.validator_value
    for key in required:
        if key in instance:
            continue
        if key == can.budget_unit.field and path[-1] in can.model_types:
            yield _missing_budget(instance, path, can)
        else:
            message = f"the key {quoted(key)} is missing"
            in_provider = len(path) > 1 and path[0] == "provider"
            hints = providers[path[1]].setting_hints if in_provider else _TO_WRITE
            yield Finding(path, "missing-key", message, hints.get(key), at_key=True)


def _missing_budget(instance: Any, path: KeyPath, can: Capabilities) -> Finding:
    problem, unit = Problem(path[-1]), can.budget_unit
    name = instance.get("model_type", can.default_model_types[problem])
    types = can.model_types[problem]
    model_type = types.get(name if isinstance(name, str) else "")
    if model_type is None:
        model_type = types[can.default_model_types[problem]]
    default, least = model_type.default_budget, model_type.min_budget
    price = most_usd(can, problem, model_type.name, default)
    return Finding(
        path,
        "missing-budget",
        f"{unit.field} is missing: without it, training would use the service's"
        f" default of {unit.text(default)}, up to {price}",
        f"write {unit.field}: {unit.written(least)} (the minimum,"
        f" up to {most_usd(can, problem, model_type.name, least)}) or more",
        at_key=True,
    )


def _wrong_type(error: ValidationError, path: KeyPath, written: str | None) -> Finding:
    expected: Any = error.validator_value
    kinds = [expected] if isinstance(expected, str) else [k for k in expected if k != "null"]
    value: Any = error.instance
    hint = None
    if "string" in kinds and isinstance(value, bool | int | float):
        hint = to_quote(written)
    elif isinstance(value, str):
        if "boolean" in kinds and value.lower() in _BOOLEAN_WORDS:
            hint = f"write {_BOOLEAN_WORDS[value.lower()]}"
        elif {"integer", "number"} & set(kinds) and _GROUPED.fullmatch(value):
            hint = f"write {int(re.sub('[_,]', '', value))}"
    elif kinds == ["array"] and isinstance(value, dict | int | float | bool):
        hint = "write a list: - …"
    elif kinds == ["object"] and value is None:
        hint = "write {}, or the keys of this mapping"
    if kinds == ["array"] and isinstance(value, str):
        hint = f"write [{quoted(value)}]"
    message = f"expected {listed(_EXPECTED[k] for k in kinds)}, found {_found(value)}"
    return Finding(path, "wrong-type", message, hint)


def _found(value: Any) -> str:
    return "nothing" if value is None else quoted(value)


def _not_allowed(error: ValidationError, path: KeyPath) -> Iterator[Finding]:
    allowed: Any = error.validator_value
    value: Any = error.instance
    message = f"{_found(value)} is not allowed here"
    suggest = Suggester(allowed)
    near = None
    if isinstance(value, str):
        near = next((word for word in allowed if word.lower() == value.lower()), suggest(value))
    hint = f"write {listed(allowed)}"
    if near is not None:
        hint = f"did you mean {quoted(near)}? {hint}"
    yield Finding(path, "not-allowed", message, hint)


def _exactly_one(error: ValidationError, path: KeyPath) -> Iterator[Finding]:
    instance: Any = error.instance
    if not isinstance(instance, dict):
        return  # that it is no mapping is said already
    schemas: Any = error.validator_value
    choice: list[str] = [schema["required"][0] for schema in schemas]
    written = [key for key in choice if key in instance]
    if written:
        message = f"{listed(written, 'and')} are mutually exclusive"
        hint = f"keep exactly one of {listed(choice, 'and')}"
        yield Finding((*path, written[1]), "exactly-one", message, hint, at_key=True)
        return
    schema: Any = error.schema
    suggest = Suggester(choice)
    if not any(suggest(key) for key in instance if key not in schema["properties"]):
        # Else it is there, misspelt, and that is said.
        message = f"one of {listed(choice, 'and')} is missing"
        yield Finding(path, "exactly-one", message, f"write {listed(choice)}", at_key=True)


def _no_alternative(error: ValidationError, path: KeyPath) -> Iterator[Finding]:
    schemas: Any = error.validator_value
    kinds = listed(_EXPECTED[kind] for schema in schemas for kind in types_of(schema))
    allowed = [
        choice
        for schema in schemas
        for choice in schema.get("enum")
        or [f"{{{', '.join(f'{k}: …' for k in schema['required'])}}}"]
    ]
    message = f"expected {kinds}, found {_found(error.instance)}"
    yield Finding(path, "wrong-type", message, f"write {listed(allowed)}")


def _out_of_bounds(error: ValidationError, path: KeyPath) -> Iterator[Finding]:
    schema: Any = error.schema
    least, above = schema.get("minimum"), schema.get("exclusiveMinimum")
    lower = f"more than {above}" if least is None else f"at least {least}"
    bounds = f"write {lower}, at most {schema['maximum']:,}"
    yield Finding(path, "not-allowed", f"{quoted(error.instance)} is out of range", bounds)


def _empty(_: ValidationError, path: KeyPath) -> Iterator[Finding]:
    yield Finding(path, "not-allowed", "this string is empty", "write a value, or remove the key")


_BY_KEYWORD: Mapping[str, Callable[[ValidationError, KeyPath], Iterator[Finding]]] = {
    "additionalProperties": _unknown_keys,
    "enum": _not_allowed,
    "oneOf": _exactly_one,
    "anyOf": _no_alternative,
    "exclusiveMinimum": _out_of_bounds,
    "minimum": _out_of_bounds,
    "maximum": _out_of_bounds,
    "minLength": _empty,
}
