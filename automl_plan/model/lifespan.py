"""How long a model lives.

"The maximum lifespan of a custom model is 18 months", after which it must be trained again
("Training Cloud-hosted models", Google).
"""

from __future__ import annotations

import calendar
from datetime import MAXYEAR, UTC, datetime, timedelta

MONTHS = 18
SHORTEST = timedelta(days=546)
"""The shortest life: 18 calendar months are 546 to 550 days."""
WARNING = timedelta(days=60)
"""From how long before its end a model is warned of."""


def expires(created: datetime) -> datetime:
    """When a model that was created then ends: so many calendar months later.

    A day that the last month does not have is its last one. OverflowError after the year 9998.
    """
    years, month = divmod(created.month - 1 + MONTHS, 12)
    year = created.year + years
    if year > MAXYEAR:
        raise OverflowError("That is past the calendar.")
    day = min(created.day, calendar.monthrange(year, month + 1)[1])
    return created.replace(year=year, month=month + 1, day=day)


def is_over(create_time: str | None, now: datetime | None) -> bool:
    """Whether the life of a model is known to have ended; False where a time is not known."""
    ends = end_of(create_time)
    return ends is not None and now is not None and ends <= now


def days_left(ends: datetime, now: datetime) -> int:
    """The whole days that are left; below 0 when the life is over."""
    return (ends - now).days


def soon(ends: datetime, now: datetime) -> bool:
    """Whether it is time to warn: the end is near, or past."""
    return ends - now <= WARNING


def birth_of(create_time: str | None) -> datetime | None:
    """When a model was created (UTC), as the service tells it; None when it does not."""
    try:
        created = datetime.fromisoformat(create_time or "")
        # The service's are all in UTC (google.protobuf.Timestamp), also where they don't say.
        return (created if created.tzinfo else created.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def end_of(create_time: str | None) -> datetime | None:
    """When a model's life ends (UTC), by the time of its creation; None when that is not told."""
    created = birth_of(create_time)
    try:
        return None if created is None else expires(created)
    except OverflowError:
        return None
