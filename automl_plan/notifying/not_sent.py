"""Why a try failed, and what all ways of sending share."""

from __future__ import annotations

from collections.abc import Mapping

SECONDS = 10.0
"""That one try waits for an answer."""


class NotSent(Exception):
    """Why a message was not taken. The text holds no address and no secret."""


def from_environment(variable: str | None, environ: Mapping[str, str]) -> str:
    """What a variable of the environment holds. Raises NotSent when it is not set."""
    value = environ.get(variable or "")
    if not value:
        raise NotSent(f"{variable} is not set in the environment")
    return value
