"""How long a model can be used after its training."""

from __future__ import annotations

import calendar
from datetime import MAXYEAR, datetime, timedelta

from msgspec import Struct

from automl_plan.model.timestamps import instant_of

WARNING = timedelta(days=60)
"""From how long before it expires a model is warned of."""


class Lifespan(Struct, frozen=True):
    """How long models of a provider can be used."""

    months: int
    """Calendar months."""
    shortest_days: int
    """The fewest days that these months can be."""

    @property
    def shortest(self) -> timedelta:
        """The shortest time from a training to the expiry of its model."""
        return timedelta(days=self.shortest_days)

    def expires(self, created: datetime) -> datetime:
        """Return when a model that was created then expires.

        A day that the last month does not have is its last one. OverflowError after the year 9998.
        """
        years, month = divmod(created.month - 1 + self.months, 12)
        year = created.year + years
        if year > MAXYEAR:
            raise OverflowError("That is past the calendar.")
        day = min(created.day, calendar.monthrange(year, month + 1)[1])
        return created.replace(year=year, month=month + 1, day=day)

    def end_of(self, create_time: str | None) -> datetime | None:
        """Return when a model expires (UTC); None when its creation time is unknown."""
        created = instant_of(create_time)
        try:
            return None if created is None else self.expires(created)
        except OverflowError:
            return None


def days_left(ends: datetime, now: datetime) -> int:
    """The whole days that are left; below 0 when the life is over."""
    return (ends - now).days


def soon(ends: datetime, now: datetime) -> bool:
    """Whether it is time to warn: the end is near, or past."""
    return ends - now <= WARNING
