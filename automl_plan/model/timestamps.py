"""Times as services, states, plan files and messages write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def rfc3339(moment: datetime, timespec: str = "seconds") -> str:
    """Format a time (UTC), as `2026-11-26T08:15:00Z`."""
    return moment.isoformat(timespec=timespec).removesuffix("+00:00") + "Z"


def utc_now() -> str:
    """Return the time by this machine's clock (RFC 3339, UTC, whole seconds)."""
    return rfc3339(datetime.now(UTC))


def instant_of(written: str | None) -> datetime | None:
    """Return a time that a service wrote (UTC); None when it is absent, or no time."""
    try:
        found = datetime.fromisoformat(written or "")
        # The service's are all in UTC (google.protobuf.Timestamp), also where they don't say.
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def micros_of(written: str | None) -> int | None:
    """Return a time that a service wrote in microseconds since 1970."""
    found = instant_of(written)
    return None if found is None else (found - _EPOCH) // timedelta(microseconds=1)
