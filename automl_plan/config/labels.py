"""What the service accepts as labels of resources.

The bounds are those of its own answer: "Label keys must start with a letter or number, must be
less than 64 characters in length, and must be less that 128 bytes in length when encoded in
UTF-8" (github.com/statmike/vertex-ai-mlops/issues/6). So Vertex AI says; AutoML's proto allows one
character more, and no digit first.
"""

from __future__ import annotations

import re
import unicodedata

MAX_LENGTH = 63
"""Unicode characters, of keys and of values."""
MAX_BYTES = 127
"""Of their UTF-8."""

_ASCII = re.compile(r"[a-z0-9_-]*")
_LETTERS = ("Ll", "Lo")
"""Lowercase letters, and letters of scripts that have no case."""
_DIGITS = "Nd"


def key_problem(key: str, *, digit_first: bool) -> str | None:
    """Why this can't be a key; None when it can. `digit_first`: whether it may start with one."""
    if not key:
        return "it is empty"
    first = unicodedata.category(key[0])
    if first not in _LETTERS and not (digit_first and first == _DIGITS):
        return f"it does not start with a lowercase letter{' or a digit' * digit_first}"
    return value_problem(key)


def value_problem(value: str) -> str | None:
    """Why this can't be a value; None when it can."""
    if len(value) > MAX_LENGTH:
        return f"it has {len(value):,} characters, more than {MAX_LENGTH}"
    if _ASCII.fullmatch(value):
        return None
    for c in value:
        if c not in "_-" and unicodedata.category(c) not in (*_LETTERS, _DIGITS):
            if unicodedata.category(c) == "Lu":
                return f'"{c}" is not lowercase'
            return f"it holds {unicodedata.name(c, f'U+{ord(c):04X}').lower()}"
    size = len(value.encode())
    if size > MAX_BYTES:
        return f"it has {size:,} bytes in UTF-8, more than {MAX_BYTES}"
    return None
