"""What a plain YAML scalar means, and durations such as `12h`, `30d`, `6w`."""

from __future__ import annotations

import math
import re
from datetime import timedelta

_CONSTANTS: dict[str, bool | None] = {
    "": None,
    **dict.fromkeys(("~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_FIRST = frozenset("~nNtTfF+-.0123456789")
_INTEGER = re.compile(r"[-+]?[0-9]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_LEADING_ZEROS = re.compile(r"([-+]?)0+(?=[0-9])")
_MAX_DIGITS = 18


class NotANumber(ValueError):
    """A text has the form of a number and can't be used as one; `hint` says what to write."""

    def __init__(self, message: str, hint: str = "quote it if it is meant as a string") -> None:
        super().__init__(message)
        self.hint = hint


def resolve(text: str) -> bool | int | float | str | None:
    """The value of a plain scalar, after the core schema of YAML 1.2.

    So `no`, `on`, `yes`, `1_000`, `12:30` and dates are text. `0o7` and `0x1F` are text too,
    though the core schema reads them as 7 and 31: YAML 1.1 tools read other numbers there or
    none, and what a training costs should not depend on that. For the same reason a number with a
    leading zero is none. Raises NotANumber for it, and for numbers that JSON or 64 bits can't
    hold.
    """
    if not text:
        return None
    if text[0] not in _FIRST:
        return text
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if _INTEGER.fullmatch(text):
        _check_leading_zero(text)
        if len(text.lstrip("+-")) > _MAX_DIGITS:
            raise NotANumber(f"a number of more than {_MAX_DIGITS} digits")
        return int(text)
    if _FLOAT.fullmatch(text):
        _check_leading_zero(text)
        number = float(text)
        if not math.isfinite(number):
            raise NotANumber("a number that is too large")
        return number
    if _NOT_FINITE.fullmatch(text):
        raise NotANumber(f"{text} is not a number that can be used here")
    return text


def _check_leading_zero(text: str) -> None:
    if _LEADING_ZEROS.match(text):
        shown = text if len(text) <= _MAX_DIGITS else text[:_MAX_DIGITS] + "…"
        plain = _LEADING_ZEROS.sub(r"\1", shown, count=1)
        raise NotANumber(
            f"the number {shown} has a leading zero, which other tools read as octal",
            f'write {plain}, or "{shown}" in quotes if it is meant as a string',
        )


_DURATION = re.compile(r"([1-9][0-9]{0,5})([hdw])")
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
TO_WRITE = "write a whole number and a unit: 12h, 30d or 6w"


def parse_duration(text: str) -> timedelta | None:
    """The duration that a text says; None when it says none."""
    match = _DURATION.fullmatch(text)
    return None if match is None else int(match[1]) * _UNITS[match[2]]
