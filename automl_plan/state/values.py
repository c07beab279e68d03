"""What entries of a state and a journal hold, read from JSON: nothing else is taken for it.

Each function gives the value back and raises TypeError or ValueError where it is another one.
"""

from __future__ import annotations

import json
import math
import re
from datetime import datetime
from typing import Any

from automl_plan.model.fields import MOST

_HALF_CHARACTER = re.compile(r"\\u[dD][89a-fA-F]")


def read_json(data: bytes) -> Any:
    """The value of a JSON text. Raises ValueError or RecursionError.

    What Python reads and JSON does not know is refused: numbers that are not finite, and
    escapes that make half a character.
    """
    text = data.decode()
    if _HALF_CHARACTER.search(text):
        raise ValueError("an escape makes half a character")
    return json.loads(text, parse_constant=_finite, parse_float=_finite)


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text:.20} is not a number")
    return number


def text(value: Any) -> str:
    """A text."""
    if not isinstance(value, str):
        raise TypeError(f"{value!r:.60} is not text")
    return value


def optional_text(value: Any) -> str | None:
    """A text, or None."""
    return None if value is None else text(value)


def time(value: Any) -> str:
    """A text that is a time with its zone, from 1970 on."""
    if datetime.fromisoformat(text(value)).tzinfo is None or not "1970" <= value < "9999":
        raise ValueError(f"{value!r:.60} is not a time with its zone")
    return str(value)


def count(value: Any) -> int:
    """A whole number from 0 on that fits into 64 bits."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < MOST:
        raise TypeError(f"{value!r:.60} is not a count")
    return value


def optional_count(value: Any) -> int | None:
    """A count, or None."""
    return None if value is None else count(value)


def amount(value: Any, most: float) -> float:
    """A number from 0 to `most`."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most:
        raise TypeError(f"{value!r:.60} is not a number from 0 to {most:g}")
    return value


def boolean(value: Any) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise TypeError(f"{value!r:.60} is neither true nor false")
    return value


def mapping(value: Any) -> dict[str, Any]:
    """A mapping."""
    if not isinstance(value, dict):
        raise TypeError(f"{value!r:.60} is not a mapping")
    return value


def items(value: Any) -> list[Any]:
    """A list."""
    if not isinstance(value, list):
        raise TypeError(f"{value!r:.60} is not a list")
    return value
