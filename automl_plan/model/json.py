"""The type of a JSON value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
Attributes: TypeAlias = Mapping[str, Json]
"""The attributes of a resource in the configuration's own form (snake_case, nested)."""
