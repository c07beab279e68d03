"""The service's own clock, as its answers tell it."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

_LAST_YEAR = 9000
"""A date past it is no time of day, and what is added to it may be past the calendar."""


class ServiceClock:
    """Follows the `Date` of HTTP answers (RFC 9110). Safe to use from several threads.

    A wrong clock on this machine then neither hides the end of a model's life nor makes one up.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._heard: tuple[datetime, float] | None = None

    def hear(self, date: str | None) -> None:
        """Take the date of an answer; one that is missing or no date is passed over."""
        if not date:
            return
        try:
            told = parsedate_to_datetime(date)
            if told.tzinfo is None:
                return
            told = told.astimezone(UTC)
        except (ValueError, OverflowError):  # the last day of the calendar may have no UTC
            return
        if told.year > _LAST_YEAR:
            return
        with self._lock:
            self._heard = (told, time.monotonic())

    def now(self) -> datetime:
        """What time it is there; by this machine's clock while nothing was heard."""
        with self._lock:
            heard = self._heard
        if heard is None:
            return datetime.now(UTC)
        told, at = heard
        return told + timedelta(seconds=time.monotonic() - at)
