"""Findings before their lines are known, and the words for them."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable
from typing import TypeAlias

from msgspec import Struct

KeyPath: TypeAlias = tuple[str, ...]
"""The keys that lead to a value; an item of a list is named by its index."""

READING_RULES = {
    "directory": "The configuration is a directory that can be read.",
    "no-configuration": "The directory holds automl-plan.yaml or a *.automl.yaml.",
    "file-name": "Files that declare datasets and models have a name that is read.",
    "unreadable-file": "Every configuration file is a regular file that can be read.",
    "file-size": "A file has at most 10 MB.",
    "encoding": "Files are UTF-8.",
    "yaml-syntax": "Files are YAML 1.2, one document each.",
    "yaml-key": "Keys are text.",
    "yaml-number": "Numbers are finite, have no leading zero and at most 18 digits.",
    "yaml-tag": "Only the tags of YAML's core schema are used.",
    "yaml-alias": "Aliases name a finished anchor and add at most 100,000 nodes to a file.",
    "yaml-depth": "Values are nested at most 50 levels deep.",
    "duplicate-key": "A key occurs once in a mapping.",
    "declared-twice": "A name, the provider and the state are declared once in all files.",
    "name": "Names are a letter, then letters, digits, _ and - (no - in variables), at most 63.",
    "unknown-key": "Every key is known.",
    "missing-key": "Required keys are present.",
    "missing-budget": "The train budget is always written: training costs real money.",
    "base-model": "Only models for image classification have a base model.",
    "wrong-type": "Values have the type that is expected.",
    "not-allowed": "Values are among the allowed ones.",
    "exactly-one": "Of mutually exclusive keys, exactly one is present.",
    "variable-syntax": "References are ${var.NAME}; $${ is a literal ${.",
    "undefined-variable": "References name declared variables.",
    "undeclared-variable": "Values are given to declared variables only.",
    "variable-without-value": "Every variable has a default or is given a value.",
    "variable-type": "A variable's value has its declared type.",
    "variable-cycle": "Defaults of variables do not refer to each other in a cycle.",
    "variable-size": "Text with variables filled in stays within the size limit.",
}
"""Rules that are checked while reading, before the named rules: id and meaning."""


class Finding(Struct, frozen=True):
    """One error, at a path of the merged configuration (or of `file`, when given)."""

    path: KeyPath
    rule: str
    message: str
    hint: str | None = None
    at_key: bool = False
    """Point at the key, not at its value."""
    file: str | None = None


def visible(text: str) -> str:
    """The text with each character that does not print replaced by one that does.

    Lengths stay equal, so that columns still fit.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        c if c.isprintable() else chr(0x2400 + ord(c)) if c < " " else "\N{REPLACEMENT CHARACTER}"
        for c in text
    )


def quoted(value: object) -> str:
    """A value as it is shown in messages: short, on one line."""
    if isinstance(value, str):
        text = visible(value if len(value) <= 80 else value[:79] + "…")
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    return json.dumps(value)


def to_quote(written: str | None) -> str:
    """Return what to write where a string is expected and another scalar was read."""
    if written is None:
        return "write it in quotes"
    if "${" in written:
        return "declare the variable with type: string, and quote its values"
    return f'write "{visible(written)}", in quotes'


def listed(words: Iterable[str], last: str = "or") -> str:
    """`a, b or c`."""
    *rest, final = words
    return f"{', '.join(rest)} {last} {final}" if rest else final


class Suggester:
    """Suggests similar names. Stops after 100 words: it is slow among many names."""

    def __init__(self, candidates: Iterable[str]) -> None:
        self._candidates = list(candidates)
        self._left = 100

    def __call__(self, word: str) -> str | None:
        """The candidate nearest to `word`, if one is near."""
        self._left -= 1
        if self._left < 0 or len(word) > 100:
            return None
        snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", word).replace("-", "_").lower()
        close = difflib.get_close_matches(snake, self._candidates, n=1) or (
            difflib.get_close_matches(word, self._candidates, n=1)
        )
        if close:
            return close[0]
        longer = [c for c in self._candidates if len(snake) > 2 and c.startswith(snake)]
        return longer[0] if len(longer) == 1 else None

    def hint(self, word: str, otherwise: str | None = None) -> str | None:
        """Return `did you mean …?`, or the fallback when nothing is near."""
        near = self(word)
        return otherwise if near is None else f"did you mean {quoted(near)}?"
