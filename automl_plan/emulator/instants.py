"""Instants as they are stored: microseconds since 1970."""

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = 86_400
_SECOND = 1_000_000


def to_micros(instant: datetime) -> int:
    """Microseconds since 1970, as times are stored."""
    since = instant - _EPOCH
    return (since.days * _DAY + since.seconds) * _SECOND + since.microseconds


def from_micros(micros: int) -> datetime:
    """The instant that `to_micros` was given."""
    return _EPOCH + timedelta(microseconds=micros)
