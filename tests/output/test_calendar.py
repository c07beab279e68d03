"""The ends of models' lives as a calendar, read as a calendar reads it."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from automl_plan.model.address import model_address
from automl_plan.model.live import LiveModel
from automl_plan.model.ownership import Claim, Ownership
from automl_plan.output.expiry import calendar_ics, calendar_text, content, folded, text
from automl_plan.output.style import PLAIN, clean
from automl_plan.providers.google.capabilities import LIFESPAN
from automl_plan.workspace.inventory import ModelRow
from tests.output.golden import matches_golden
from tests.output.ics import read, unescaped, unfolded
from tests.output.rows import MODELS, NOW
from tests.output.scenes import HOSTILE

IDENTITY = "local:projects/local/locations/us-central1"
ANYTHING = st.text(st.characters(), max_size=200)
"""Lone surrogates and controls too."""
PRINTABLE = ANYTHING.map(clean)


def one(name: str = "m", model_id: str = "ICN1", created: str = "2020-01-01T00:00:00Z") -> ModelRow:
    """An unmanaged model."""
    live = LiveModel(model_id, name, "ICN2", None, expires=LIFESPAN.end_of(created))
    return ModelRow(live, Ownership(Claim.UNMANAGED), current=False, dataset=None)


def test_the_list() -> None:
    assert matches_golden("models-calendar", calendar_text(MODELS, NOW, PLAIN))
    assert calendar_text((), NOW, PLAIN) == "No models expire.\n"


def test_the_file() -> None:
    data = calendar_ics(MODELS, IDENTITY, NOW)
    assert matches_golden("models-calendar-ics", data.decode().replace("\r\n", "\n"))
    assert data.count(b"\n") == data.count(b"\r\n")
    assert not re.search(rb"[^\r]\n|\r[^\n]", data)


def test_what_a_calendar_reads() -> None:
    calendar = read(calendar_ics(MODELS, IDENTITY, NOW))
    assert (calendar.name, calendar.properties["VERSION"]) == ("VCALENDAR", "2.0")
    assert calendar.properties["PRODID"]
    former, current, hostile, young = calendar.components
    for event in calendar.components:
        assert event.name == "VEVENT"
        assert event.properties["DTSTAMP"] == "20210310T080000Z"
        assert re.fullmatch(r"[0-9a-f-]{36}", event.properties["UID"])
        (alarm,) = event.components
        assert alarm.name == "VALARM"
        assert (alarm.properties["ACTION"], alarm.properties["TRIGGER"]) == ("DISPLAY", "-P60D")
        assert alarm.text("DESCRIPTION") == event.text("SUMMARY") + " in 60 days"
    assert current.properties["DTSTART;VALUE=DATE"] == "20210402"
    assert current.properties["DTEND;VALUE=DATE"] == "20210403"
    assert current.text("SUMMARY") == "model.flowers expires"
    assert "数字 (ICN42)" in current.text("DESCRIPTION")
    assert "\nAdd `retrain: {before_expiry: 30d}` to" in current.text("DESCRIPTION")
    assert former.text("SUMMARY") == "model.flowers (former) expires"
    assert hostile.text("SUMMARY") == f"{clean(HOSTILE)} expires"
    assert young.properties["DTSTART;VALUE=DATE"] == "20220901"


def test_an_event_is_the_same_one_whenever_it_is_written() -> None:
    def uid(row: ModelRow, identity: str = IDENTITY) -> str:
        (event,) = read(calendar_ics([row], identity, NOW)).components
        return event.properties["UID"]

    ours = Ownership(Claim.RECORDED, model_address("m"))
    renamed = replace(one("another"), ownership=ours, current=True)
    assert uid(one()) == uid(renamed)
    assert len({uid(one()), uid(one(model_id="ICN3")), uid(one(), "automl:projects/p")}) == 3


def test_a_calendar_without_events() -> None:
    assert read(calendar_ics((), IDENTITY, NOW)).components == []


@pytest.mark.parametrize(
    ("created", "day"),
    [("0001-01-01T00:00:00Z", "00020701"), ("9998-06-30T23:00:00Z", "99991230")],
)
def test_the_first_and_the_last_days(created: str, day: str) -> None:
    (event,) = read(calendar_ics([one(created=created)], IDENTITY, NOW)).components
    assert event.properties["DTSTART;VALUE=DATE"] == day
    assert event.properties["DTEND;VALUE=DATE"] > day


@given(ANYTHING, ANYTHING)
def test_no_name_breaks_a_file(name: str, model_id: str) -> None:
    row = one(name, model_id)
    (event,) = read(calendar_ics([row], IDENTITY, NOW)).components
    assert event.text("SUMMARY") == f"{clean(name)} expires"
    assert event.text("DESCRIPTION").startswith(f"Model {clean(name)} ({clean(model_id)}) expires ")


@given(st.lists(PRINTABLE, min_size=1, max_size=4).map("\n".join))
def test_escaped_text_means_what_was_written(value: str) -> None:
    assert unescaped(text(value)) == value


@given(st.lists(st.text("aé数😀\\;,: ", min_size=1, max_size=200).map("X".__add__), min_size=1))
def test_folded_lines_are_the_lines(lines: list[str]) -> None:
    assert list(unfolded(content(lines))) == lines


@pytest.mark.parametrize("letter", ["a", "é", "数", "😀"])
def test_lines_are_as_long_as_they_may_be(letter: str) -> None:
    size = len(letter.encode())
    first, second, *_ = folded(letter * 80).split(b"\r\n")
    assert 75 - size < len(first) <= 75
    assert second.startswith(b" ")
    assert folded(letter * (75 // size)).count(b"\r\n") == 0
