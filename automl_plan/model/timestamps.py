"""Times as states, plan files and messages write them."""

from __future__ import annotations

from datetime import UTC, datetime


def rfc3339(moment: datetime, timespec: str = "seconds") -> str:
    """Format a time (UTC), as `2026-11-26T08:15:00Z`."""
    return moment.isoformat(timespec=timespec).removesuffix("+00:00") + "Z"


def utc_now() -> str:
    """Return the time by this machine's clock (RFC 3339, UTC, whole seconds)."""
    return rfc3339(datetime.now(UTC))
