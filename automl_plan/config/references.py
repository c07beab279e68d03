"""References to variables (`${var.x}`) in text, and what stands in their place."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from typing import TypeAlias

from msgspec import Struct, field

from automl_plan.config.findings import Finding, Path, Suggester, quoted
from automl_plan.resources.json import Json

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


class Filler(Struct):
    """Fills in variables' values; what is wrong goes to `found`."""

    declared: Collection[str]
    known: Mapping[str, Scalar]
    failed: Collection[str]
    """Declared variables that have no value, of which that is said elsewhere."""
    found: list[Finding]
    complete: bool
    """Whether all declarations could be read; if not, an undeclared variable is no finding."""
    suggest: Suggester
    """What was meant by a name that nobody declared."""
    unresolved: set[Path] = field(default_factory=set)
    """The paths whose value could not be filled in, and was left as written."""
    _filled: int = 0

    def fill(self, value: Json, path: Path) -> Json:
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

    def text(self, text: str, path: Path) -> Scalar:
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
                message = "with variables filled in, this text becomes too long"
                hint = f"a text has at most {_MAX_TEXT:,} characters"
                self._say(path, "variable-size", message, hint)
                whole = False
                break
        self._filled += size
        if not whole:
            self.unresolved.add(path)
            return text
        return "".join(parts) + text[end:]

    def _value(self, match: re.Match[str], path: Path) -> Scalar | None:
        if match.group() == "$${":
            return "${"
        name: str | None = match.group(1)
        if name is None:
            message = "${ begins a reference that is not one"
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

    def _say(self, path: Path, rule: str, message: str, hint: str | None) -> None:
        self.found.append(Finding(path, rule, message, hint))
