"""Every value of every reading changes what the service answers, and what it says holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from automl_plan.emulator.errors import StartError
from automl_plan.emulator.reading import Reading
from automl_plan.emulator.readings import READINGS, parse_readings
from tests.emulator.walk import Answers, OtherAnswer, take


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Answers:
    """What a service answers by its defaults."""
    return take(tmp_path_factory.mktemp("recorded"), {})


@pytest.mark.parametrize(
    ("reading", "value"),
    [
        pytest.param(each, value, id=f"{each.name}={value}")
        for each in READINGS
        for value in each.values
        if value != each.recorded
    ],
)
def test_a_value_changes_an_answer(
    tmp_path: Path, recorded: Answers, reading: Reading, value: str
) -> None:
    """Else the walk lacks the request that shows it: add it in walk.py."""
    with pytest.raises(OtherAnswer):
        take(tmp_path, {reading.name: value}, recorded)


def test_the_walk_is_repeatable(tmp_path: Path, recorded: Answers) -> None:
    """What else differs would pass for the effect of a reading."""
    assert take(tmp_path, {}, recorded) == recorded


@pytest.mark.parametrize("reading", READINGS, ids=lambda each: each.name)
def test_a_reading_is_told_whole(reading: Reading) -> None:
    assert len(reading.values) >= 2
    assert {reading.recorded, reading.former} <= reading.values.keys()
    assert reading.sources


def test_names_are_not_used_twice() -> None:
    assert len({each.name for each in READINGS}) == len(READINGS)


@pytest.mark.parametrize("text", ["nonsense=1", "int64=roman", "int64", ""])
def test_what_is_no_reading_is_refused(text: str) -> None:
    with pytest.raises(StartError, match=r"(There is no reading|can't be)"):
        parse_readings([text])
