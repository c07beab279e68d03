"""Durations as the configuration writes them: `12h`, `30d`, `6w`."""

from __future__ import annotations

import re
from datetime import timedelta

_DURATION = re.compile(r"([1-9][0-9]{0,5})([hdw])")
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
TO_WRITE = "write a whole number and a unit: 12h, 30d or 6w"


def parse_duration(text: str) -> timedelta | None:
    """The duration that a text says; None when it says none."""
    match = _DURATION.fullmatch(text)
    return None if match is None else int(match[1]) * _UNITS[match[2]]
