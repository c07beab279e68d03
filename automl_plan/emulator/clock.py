"""The only place of the service that reads time or waits for it."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

DEFAULT_TIME_SCALE = 3600.0
"""Simulated hours pass this many times faster than real ones: a simulated hour takes a second."""


class Clock:
    """The service's time, in UTC, and the speed at which simulated hours pass."""

    def __init__(self, time_scale: float = DEFAULT_TIME_SCALE) -> None:
        if not time_scale > 0:
            raise ValueError("The time scale must be above 0.")
        self._scale = time_scale
        self._changed = threading.Condition()

    def now(self) -> datetime:
        """The instant it is, with microseconds."""
        return datetime.now(UTC)

    def after(self, start: datetime, simulated_hours: float) -> datetime:
        """The instant at which so many simulated hours have passed since `start`."""
        return start + timedelta(hours=simulated_hours / self._scale)

    def wait_until(self, instant: datetime, interrupted: Callable[[], bool]) -> bool:
        """Wait for an instant; False when `interrupted` became true first (see `wake`)."""
        with self._changed:
            while not interrupted():
                remaining = (instant - self.now()).total_seconds()
                if remaining <= 0:
                    return True
                self._changed.wait(min(remaining, threading.TIMEOUT_MAX))
            return False

    def wake(self) -> None:
        """Let all who wait look again at what would interrupt them."""
        with self._changed:
            self._changed.notify_all()
