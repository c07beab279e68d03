"""The service's own clock, as its answers tell it."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime


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
        except ValueError:
            return
        if told.tzinfo is None:
            return
        with self._lock:
            self._heard = (told.astimezone(UTC), time.monotonic())

    def now(self) -> datetime:
        """What time it is there; by this machine's clock while nothing was heard."""
        with self._lock:
            heard = self._heard
        if heard is None:
            return datetime.now(UTC)
        told, at = heard
        return told + timedelta(seconds=time.monotonic() - at)
