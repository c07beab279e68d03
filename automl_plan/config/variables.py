"""Variables: their values, and the references to them (`${var.x}`) in text."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import TypeAlias

from msgspec import Struct, field

from automl_plan.config.findings import Finding, KeyPath, Suggester, quoted, to_quote, visible
from automl_plan.config.scalars import NotANumber
from automl_plan.config.scalars import resolve as resolve_scalar
from automl_plan.model.json import Json

Scalar: TypeAlias = str | int | float | bool

_MAX_TEXT = 32_768
"""No text of a configuration may be longer (a description has 25,000 characters at most)."""
_MAX_TEXT_IN_ALL = 50_000_000

_REFERENCE = re.compile(r"\$\$\{|\$\{(?:var\.([A-Za-z_][A-Za-z0-9_]*)\})?")


def referred(value: Json) -> set[str]:
    """The names of the variables that a text refers to."""
    if not isinstance(value, str):
        return set()
    return {name for name in _REFERENCE.findall(value) if name}


class Interpolator(Struct):
    """Fills in variables' values; what is wrong goes to `found`."""

    declared: Collection[str]
    known: Mapping[str, Scalar]
    failed: Collection[str]
    """Declared variables that have no value, of which that is said elsewhere."""
    found: list[Finding]
    complete: bool
    """Whether all declarations could be read; if not, an undeclared variable is no finding."""
    suggest: Suggester
    """Suggests declared names for undeclared ones."""
    unresolved: set[KeyPath] = field(default_factory=set)
    """The paths whose value could not be filled in, and was left as written."""
    _filled: int = 0

    def fill(self, value: Json, path: KeyPath) -> Json:
        """The value with all references in it replaced; the same object when it has none."""
        if isinstance(value, str):
            return self.text(value, path) if "${" in value else value
        if isinstance(value, dict):
            new = {key: self.fill(inner, (*path, key)) for key, inner in value.items()}
            return new if any(new[key] is not value[key] for key in new) else value
        if isinstance(value, list):
            items = [self.fill(inner, (*path, str(i))) for i, inner in enumerate(value)]
            return items if any(a is not b for a, b in zip(items, value, strict=True)) else value
        return value

    def text(self, text: str, path: KeyPath) -> Scalar:
        """A text with its references replaced; the variable's own value when it is nothing else."""
        parts: list[str] = []
        size = end = 0
        whole = True
        for match in _REFERENCE.finditer(text):
            value = self._value(match, path)
            if value is None:
                whole = False
                continue
            if match.span() == (0, len(text)) and match.group(1):
                return value
            plain = value if isinstance(value, str) else json.dumps(value)
            parts += (text[end : match.start()], plain)
            end = match.end()
            size += len(parts[-1]) + len(parts[-2])
            if size > _MAX_TEXT or self._filled + size > _MAX_TEXT_IN_ALL:
                message = "with variables filled in, this string is too long"
                hint = f"a string has at most {_MAX_TEXT:,} characters"
                self._say(path, "variable-size", message, hint)
                whole = False
                break
        self._filled += size
        if not whole:
            self.unresolved.add(path)
            return text
        return "".join(parts) + text[end:]

    def _value(self, match: re.Match[str], path: KeyPath) -> Scalar | None:
        if match.group() == "$${":
            return "${"
        name: str | None = match.group(1)
        if name is None:
            message = "${ begins an invalid reference"
            to_write = "write ${var.NAME} for the value of a variable, $${ for a literal ${"
            self._say(path, "variable-syntax", message, to_write)
            return None
        if name in self.known:
            return self.known[name]
        if name not in self.declared and self.complete:
            message = f"no variable {quoted(name)} is declared"
            hint = self.suggest.hint(name, f"declare it under variables: {{{name}: …}}")
            self._say(path, "undefined-variable", message, hint)
        return None

    def _say(self, path: KeyPath, rule: str, message: str, hint: str | None) -> None:
        self.found.append(Finding(path, rule, message, hint))


_ENVIRONMENT = "AUTOML_PLAN_VAR_"
ScalarText: TypeAlias = Callable[[KeyPath, str | None], str | None]
"""Returns how the value at a path (of a file, when given) is written, if as a plain scalar."""
_A_TYPE = {
    "string": "a string",
    "integer": "an integer",
    "number": "a number",
    "boolean": "true or false",
}


class VariableValue(Struct, frozen=True):
    """A value given to a variable from outside."""

    value: Json
    place: str
    """The file's name as messages use it, or the flag or environment variable."""
    as_text: bool
    """Whether it came as text, to be read by the variable's type."""

    def finding(self, name: str, rule: str, message: str, hint: str | None) -> Finding:
        """A finding at the place where the value is given."""
        return Finding(
            (name,), rule, message, hint, at_key=rule != "variable-type", file=self.place
        )


class Values(Struct):
    """The variables' values; `failed` ones have none, and it is said why."""

    known: dict[str, Scalar] = field(default_factory=dict)
    failed: set[str] = field(default_factory=set)


def from_command_line(variables: Mapping[str, str]) -> dict[str, VariableValue]:
    """The values of `--var`."""
    return {
        name: VariableValue(value, f"--var {visible(name)}", True)
        for name, value in variables.items()
    }


def from_file(content: Mapping[str, Json], file: str) -> dict[str, VariableValue]:
    """The values that a var-file gives."""
    return {name: VariableValue(value, file, False) for name, value in content.items()}


def from_environment(
    names: Mapping[str, Json], environ: Mapping[str, str]
) -> dict[str, VariableValue]:
    """The values that the environment gives to declared variables; it may hold others."""
    return {
        name: VariableValue(environ[_ENVIRONMENT + name], _ENVIRONMENT + name, True)
        for name in names
        if _ENVIRONMENT + name in environ
    }


def written_values(values: Mapping[str, Scalar]) -> dict[str, str | None]:
    """Return each value as it is written, by name; None for a text, which may be secret."""
    return {
        name: None if isinstance(value, str) else json.dumps(value)
        for name, value in sorted(values.items())
    }


def resolve(
    declared: Mapping[str, Json],
    broken: Collection[str],
    given: Mapping[str, VariableValue],
    found: list[Finding],
    *,
    complete: bool,
    written: ScalarText,
) -> Interpolator:
    """Give each declared variable its value, and return what fills them in.

    `broken` names the variables whose declaration is wrong, `given` holds the values that
    count by the order of precedence. What is wrong goes to `found`; when the declarations are
    not `complete` (a file could not be read), a missing one is not.
    """
    values = Values(failed=set(broken))
    suggest = Suggester(declared)
    interpolator = Interpolator(declared, values.known, values.failed, found, complete, suggest)
    from_default: dict[str, Mapping[str, Json]] = {}
    for name, value in given.items():
        if name not in declared and complete:
            message = f"no variable {quoted(name)} is declared"
            hint = suggest.hint(name, "declare it under variables, or do not set it")
            found.append(value.finding(name, "undeclared-variable", message, hint))
    for name, declaration in declared.items():
        if name in values.failed or not isinstance(declaration, dict):
            continue
        if name in given:
            _take(name, declaration, given[name], written, values, found)
        elif "default" in declaration:
            from_default[name] = declaration
        else:
            values.failed.add(name)
            message = f"the variable {quoted(name)} has no value"
            hint = f"set it with --var {name}=…, a --var-file, {_ENVIRONMENT}{name} or a default"
            path = ("variables", name)
            found.append(Finding(path, "variable-without-value", message, hint, at_key=True))
    for name in _in_order(from_default, values, found):
        _take_default(name, from_default[name], written, values, interpolator)
    return interpolator


def _take(
    name: str,
    declaration: Mapping[str, Json],
    given: VariableValue,
    written: ScalarText,
    values: Values,
    found: list[Finding],
) -> None:
    kind = str(declaration.get("type", "string"))
    value = given.value
    if given.as_text and isinstance(value, str):
        value = _read(value, kind)
    typed = _typed(value, kind)
    if typed is not None:
        values.known[name] = typed
        return
    values.failed.add(name)
    # The value is not shown: what the environment holds may be secret.
    message = f"the value of the variable {quoted(name)} is not {_A_TYPE[kind]}"
    hint = f"the variable has the type {kind}"
    if given.as_text and kind in ("integer", "number"):
        hint += ": write digits only, without blanks, _ or leading zeros"
    elif kind == "string" and isinstance(value, bool | int | float):
        hint = to_quote(written((name,), given.place))
    found.append(given.finding(name, "variable-type", message, hint))


def _take_default(
    name: str,
    declaration: Mapping[str, Json],
    written: ScalarText,
    values: Values,
    interpolator: Interpolator,
) -> None:
    path: KeyPath = ("variables", name, "default")
    kind = str(declaration.get("type", "string"))
    value = interpolator.fill(declaration["default"], path)
    typed = _typed(value, kind)
    if path in interpolator.unresolved:
        values.failed.add(name)
    elif typed is not None:
        values.known[name] = typed
    else:
        values.failed.add(name)
        message = f"the default {quoted(value)} is not {_A_TYPE[kind]}"
        kinds = ("boolean", "integer", "number", "string")
        fitting = next(k for k in kinds if _typed(value, k) is not None)
        other = to_quote(written(path, None)) if kind == "string" else "write another default"
        hint = f"{other}, or write type: {fitting}"
        interpolator.found.append(Finding(path, "variable-type", message, hint))


def _read(text: str, kind: str) -> Json:
    """A text given for a variable, read by the variable's type; unchanged where it can't be."""
    if kind == "boolean":
        return {"true": True, "false": False}.get(text, text)
    if kind in ("integer", "number"):
        try:
            number = resolve_scalar(text)
        except NotANumber:
            return text
        # A text is an integer by its form, too: 8e3 is none.
        if type(number) is int or (kind == "number" and type(number) is float):
            return number
    return text


def _typed(value: Json, kind: str) -> Scalar | None:
    """The value as one of this type; None when it is none."""
    if kind == "string":
        return value if isinstance(value, str) else None
    if kind == "boolean":
        return value if isinstance(value, bool) else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if kind == "integer" and isinstance(value, float):
        return int(value) if value.is_integer() else None
    return value


def _in_order(
    from_default: Mapping[str, Mapping[str, Json]], values: Values, found: list[Finding]
) -> Iterator[str]:
    """The variables that take their default, each after those that its default refers to."""
    waits_for = {
        name: {other for other in referred(declaration["default"]) if other in from_default}
        for name, declaration in from_default.items()
    }
    needed_by: dict[str, list[str]] = {}
    for name, others in waits_for.items():
        for other in others:
            needed_by.setdefault(other, []).append(name)
    ready = [name for name, others in waits_for.items() if not others]
    while ready:
        name = ready.pop()
        del waits_for[name]
        yield name
        for other in needed_by.get(name, ()):
            waits_for[other].discard(name)
            if not waits_for[other]:
                ready.append(other)
    values.failed.update(waits_for)
    for cycle in _cycles(waits_for):
        message = f"these variables refer to each other in a cycle: {' → '.join(cycle)}"
        path = ("variables", cycle[0], "default")
        found.append(Finding(path, "variable-cycle", message, "give one of them a plain default"))


def _cycles(waits_for: Mapping[str, set[str]]) -> Iterator[list[str]]:
    """One circle for each group of variables that wait for each other."""
    visited: set[str] = set()
    for start in sorted(waits_for):
        way: dict[str, int] = {}
        name = start
        while name not in visited:
            visited.add(name)
            way[name] = len(way)
            name = min(waits_for[name])
        if name in way:
            cycle = list(way)[way[name] :]
            shown = [*cycle[:5], "…"] if len(cycle) > 6 else cycle
            yield [*shown, name]
