"""What the service accepts as labels (proto: Dataset.labels, Model.labels)."""

from __future__ import annotations

import re
import unicodedata

MAX_LENGTH = 64
"""Unicode characters, of keys and of values."""

_ASCII = re.compile(r"[a-z0-9_-]*")
_LETTERS = ("Ll", "Lo")
"""Lowercase letters, and letters of scripts that have no case."""


def key_problem(key: str) -> str | None:
    """Why this can't be a key; None when it can."""
    if not key:
        return "it is empty"
    if unicodedata.category(key[0]) not in _LETTERS:
        return "it does not start with a lowercase letter"
    return value_problem(key)


def value_problem(value: str) -> str | None:
    """Why this can't be a value; None when it can."""
    if len(value) > MAX_LENGTH:
        return f"it has {len(value):,} characters, more than {MAX_LENGTH}"
    if _ASCII.fullmatch(value):
        return None
    for c in value:
        if c not in "_-" and unicodedata.category(c) not in (*_LETTERS, "Nd"):
            if unicodedata.category(c) == "Lu":
                return f'"{c}" is not lowercase'
            return f"it holds {unicodedata.name(c, f'U+{ord(c):04X}').lower()}"
    return None
