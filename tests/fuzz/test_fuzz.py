"""The short form of `make fuzz`: some of each kind."""

from __future__ import annotations

from tests.fuzz.files import configurations, data, states_and_plans
from tests.fuzz.services import services


def test_damaged_configurations() -> None:
    assert configurations(range(1, 61)).faults == []


def test_damaged_import_files() -> None:
    assert data(range(1, 41)).faults == []


def test_damaged_states_and_plan_files(api: str) -> None:
    assert states_and_plans(api, range(1, 21)).faults == []


def test_hostile_services(api: str) -> None:
    assert services(api, range(1, 9), drips=False).faults == []
