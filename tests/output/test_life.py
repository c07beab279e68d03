"""How long models have still to live, for people and programs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from automl_plan.output.documents.inventory import ModelsList
from automl_plan.output.expiry import expiry_time, life_text, life_warnings
from automl_plan.output.inventory import models_text
from automl_plan.output.style import PLAIN, Style, width_of
from automl_plan.providers.google.capabilities import LIFESPAN
from tests.output.rows import MODELS, NOW
from tests.output.schema import content

COLOURED = Style(colour=True)


@pytest.mark.parametrize(
    ("left", "text"),
    [
        (timedelta(days=-400), "expired"),
        (timedelta(), "expired"),
        (timedelta(seconds=1), "in less than a day"),
        (timedelta(days=1), "in 1 day"),
        (timedelta(days=23, hours=23), "in 23 days"),
        (timedelta(days=60), "in 60 days"),
        (timedelta(days=60, seconds=1), None),
        (timedelta(days=540), None),
    ],
)
def test_what_is_said_of_an_end(left: timedelta, text: str | None) -> None:
    ends = NOW + left
    day = str(ends.date())
    assert life_text(ends, NOW, PLAIN) == (day if text is None else f"{day}\n{text}")


def test_an_end_that_nobody_knows() -> None:
    assert life_text(None, NOW, PLAIN) == "-"
    assert expiry_time(None) is None


def test_what_is_near_is_yellow_and_what_is_past_is_red() -> None:
    near, past = NOW + timedelta(days=3), NOW - timedelta(days=3)
    assert life_text(near, NOW, COLOURED) == f"{near.date()}\n\x1b[33min 3 days\x1b[0m"
    assert life_text(past, NOW, COLOURED) == f"{past.date()}\n\x1b[31mexpired\x1b[0m"


def test_colours_keep_the_columns() -> None:
    coloured, plain = (models_text(MODELS, NOW, style).splitlines() for style in (COLOURED, PLAIN))
    assert "\x1b[33m" in "".join(coloured)
    assert [width_of(line) for line in coloured] == [width_of(line) for line in plain]


def test_only_ends_that_are_near_are_warned_of() -> None:
    warnings = life_warnings(MODELS, NOW, PLAIN)
    assert [line.split(" expire")[0].rpartition(" ")[2] for line in warnings.splitlines()] == [
        "(ICN41)",
        "(ICN42)",
        "(ICN7)",
    ]
    assert life_warnings(MODELS, datetime(2019, 11, 9, tzinfo=UTC), PLAIN) == ""


def test_programs_are_told_of_each() -> None:
    listed = content(ModelsList.of(MODELS, NOW))["models"]
    assert [(each["id"], each["expires"], each["expires_in_days"]) for each in listed] == [
        ("ICN42", "2021-04-02T08:00:00Z", 23),
        ("ICN41", "2020-07-02T08:00:00Z", -251),
        ("ICN7", "2021-05-08T08:00:00Z", 59),
        ("ICN8", "2022-09-01T08:00:00Z", 540),
        ("ICN9", None, None),
    ]


@pytest.mark.parametrize(
    ("told", "ends"),
    [
        ("2020-08-31T23:30:00.123456789Z", "2022-02-28T23:30:00Z"),
        ("2020-08-31T23:30:00-02:00", "2022-03-01T01:30:00Z"),
        ("2020-08-31T23:30:00", "2022-02-28T23:30:00Z"),
        ("0001-01-01T00:00:00Z", "0002-07-01T00:00:00Z"),
        ("0001-01-01T00:00:00+14:00", None),
        ("9998-07-01T00:00:00Z", None),
        ("9999-12-31T23:59:59Z", None),
        ("2020", None),
        ("", None),
        (None, None),
    ],
)
def test_whatever_time_the_service_tells(told: str | None, ends: str | None) -> None:
    assert expiry_time(LIFESPAN.end_of(told)) == ends
