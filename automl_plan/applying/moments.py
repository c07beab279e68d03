"""Moments as the state keeps them."""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> str:
    """Now, by this machine's clock (RFC 3339, UTC, whole seconds)."""
    return datetime.now(UTC).isoformat(timespec="seconds").removesuffix("+00:00") + "Z"
