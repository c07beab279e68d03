"""How long a model lives: it serves for 18 months after its creation, and not a day more.

The months are those of the product's documentation ("Training Cloud-hosted models", Google).
What becomes of a model then is not told; here it stays listed, and can't serve.
"""

import calendar
from datetime import datetime

MONTHS = 18


def expired(created: datetime, now: datetime) -> bool:
    """Whether the life of a model that was created then is over."""
    years, month = divmod(created.month - 1 + MONTHS, 12)
    year = created.year + years
    day = min(created.day, calendar.monthrange(year, month + 1)[1])
    return now >= created.replace(year=year, month=month + 1, day=day)
