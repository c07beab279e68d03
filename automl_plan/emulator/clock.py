"""The service's clock, which tests advance, and its times as stored: microseconds since 1970."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = 86_400
_SECOND = 1_000_000


def to_micros(instant: datetime) -> int:
    """Return a time as it is stored: in microseconds since 1970."""
    since = instant - _EPOCH
    return (since.days * _DAY + since.seconds) * _SECOND + since.microseconds


def from_micros(micros: int) -> datetime:
    """Return the time that was stored."""
    return _EPOCH + timedelta(microseconds=micros)


DEFAULT_TIME_SCALE = 3600.0
"""Simulated hours pass this many times faster than real ones: a simulated hour takes a second."""

MAX_AHEAD_SECONDS = 10**10
"""The most that the clock can be ahead of the real one: some 300 years."""


class Clock:
    """The service's time, in UTC, and the speed of simulated hours."""

    def __init__(self, time_scale: float = DEFAULT_TIME_SCALE) -> None:
        if not time_scale > 0:
            raise ValueError("The time scale must be above 0.")
        self._scale = time_scale
        self._ahead = timedelta()
        self._changed = threading.Condition()

    @property
    def ahead(self) -> timedelta:
        """How far the clock is ahead of the real one."""
        return self._ahead

    def now(self) -> datetime:
        """Return the current time."""
        return datetime.now(UTC) + self._ahead

    def advance(self, seconds: float) -> datetime:
        """Advance the clock by real seconds, wake all waits, and return the new time.

        Raises ValueError when the clock can't go that far, or would go back.
        """
        with self._changed:
            if not 0 <= seconds <= MAX_AHEAD_SECONDS - self._ahead.total_seconds():
                raise ValueError(f"It must be from 0 to {MAX_AHEAD_SECONDS} seconds in total.")
            self._ahead += timedelta(seconds=seconds)
            self._changed.notify_all()
            return self.now()

    def after(self, start: datetime, simulated_hours: float) -> datetime:
        """Return the time at which that many simulated hours have passed since `start`."""
        return start + timedelta(hours=simulated_hours / self._scale)

    def hours(self, start: datetime, end: datetime) -> float:
        """Return the simulated hours between two times; 0 when `end` is before `start`."""
        return max(0.0, (end - start) / timedelta(hours=1) * self._scale)

    def wait_until(self, instant: datetime, interrupted: Callable[[], bool]) -> bool:
        """Wait for a time; return False if `interrupted` becomes true first (see `wake`)."""
        with self._changed:
            while not interrupted():
                remaining = (instant - self.now()).total_seconds()
                if remaining <= 0:
                    return True
                self._changed.wait(min(remaining, threading.TIMEOUT_MAX))
            return False

    def wake(self) -> None:
        """Make all waits check `interrupted` again."""
        with self._changed:
            self._changed.notify_all()
