"""How long a model lives.

"The maximum lifespan of a custom model is 18 months", after which it must be trained again
("Training Cloud-hosted models", Google).
"""

from __future__ import annotations

import calendar
from datetime import datetime, timedelta

MONTHS = 18
WARNING = timedelta(days=60)
"""From how long before its end a model is warned of."""


def expires(created: datetime) -> datetime:
    """When a model that was created then ends: so many calendar months later."""
    years, month = divmod(created.month - 1 + MONTHS, 12)
    year = created.year + years
    day = min(created.day, calendar.monthrange(year, month + 1)[1])
    return created.replace(year=year, month=month + 1, day=day)
