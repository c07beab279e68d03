"""Eighteen calendar months."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl_plan.model.lifespan import WARNING, days_left, soon
from automl_plan.providers.google.capabilities import LIFESPAN

INSTANTS = st.datetimes(datetime(1, 1, 1), datetime(9998, 6, 30), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis adds the zone


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("created", "end"),
    [
        ("2020-01-01", "2021-07-01"),
        ("2020-07-15T10:11:12.000013", "2022-01-15T10:11:12.000013"),
        ("2020-08-31", "2022-02-28"),
        ("2022-08-29", "2024-02-29"),
        ("2022-08-31", "2024-02-29"),
        ("2020-12-31T23:59:59", "2022-06-30T23:59:59"),
    ],
)
def test_month_ends_are_clamped(created: str, end: str) -> None:
    assert LIFESPAN.expires(at(created)) == at(end)


@given(INSTANTS)
def test_it_is_the_same_day_so_many_months_later(created: datetime) -> None:
    end = LIFESPAN.expires(created)
    assert (end.year - created.year) * 12 + end.month - created.month == LIFESPAN.months
    assert end.timetz() == created.timetz()
    assert end.day <= created.day
    if end.day < created.day:
        assert (end + timedelta(days=1)).day == 1


@given(INSTANTS, INSTANTS)
def test_who_is_older_does_not_live_longer(one: datetime, other: datetime) -> None:
    assert (LIFESPAN.expires(one) <= LIFESPAN.expires(other)) or one > other


@given(INSTANTS, INSTANTS)
def test_whole_days_are_left(created: datetime, now: datetime) -> None:
    end = LIFESPAN.expires(created)
    left = days_left(end, now)
    assert timedelta(days=left) <= end - now < timedelta(days=left + 1)
    assert (left < 0) == (end < now)
    assert soon(end, now) == (end <= now + WARNING)


@pytest.mark.parametrize("created", ["9998-07-01", "9999-12-31"])
def test_the_calendar_has_an_end(created: str) -> None:
    with pytest.raises(OverflowError):
        LIFESPAN.expires(at(created))
