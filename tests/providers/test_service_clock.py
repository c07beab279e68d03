"""The service's time, told by the `Date` of its answers."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl_plan.errors import NotFound
from automl_plan.providers.google.credentials import NoCredentials
from automl_plan.providers.google.http_session import ServiceClock
from automl_plan.providers.google.transport import HttpTransport
from automl_plan.providers.registry import open_provider
from tests.conftest import StartEmulator
from tests.emulator.test_clock import DAY, advance
from tests.providers.service import Service, answer, failure

LONG_AGO = datetime(2001, 2, 3, 4, 5, 6, tzinfo=UTC)
SOON = timedelta(minutes=5)
"""No test takes longer."""
TOLD = format_datetime(LONG_AGO, usegmt=True)


@pytest.fixture
def transport(service: Service) -> Iterator[HttpTransport]:
    made = HttpTransport(service.url, NoCredentials())
    yield made
    made.close()


def is_here(told: datetime) -> bool:
    """Whether it is the time of this machine."""
    return abs(told - datetime.now(UTC)) < SOON


def test_it_is_this_machines_before_any_answer(transport: HttpTransport) -> None:
    assert is_here(transport.now())


def test_it_goes_on_from_the_last_answer(service: Service, transport: HttpTransport) -> None:
    later = format_datetime(LONG_AGO + timedelta(days=1), usegmt=True)
    service.replies = [answer({}, Date=TOLD), answer({}, Date=later)]
    transport.get("/v1/x")
    first = transport.now()
    assert LONG_AGO <= first <= transport.now() < LONG_AGO + SOON
    assert first.utcoffset() == timedelta()
    transport.once("POST", "/v1/x", {})
    assert LONG_AGO + timedelta(days=1) <= transport.now() < LONG_AGO + timedelta(days=1) + SOON


def test_an_error_tells_it_too(service: Service, transport: HttpTransport) -> None:
    service.replies = [failure(404, "NOT_FOUND", Date=TOLD)]
    with pytest.raises(NotFound):
        transport.get("/v1/x")
    assert LONG_AGO <= transport.now() < LONG_AGO + SOON


NO_DATES = (
    *("", "yesterday", "Sat, 03 Feb 2001 25:05:06 GMT", "Sat, 03 Feb 99999 04:05:06 GMT", "0"),
    "Sat, 03 Feb 2001 04:05:06 -0000",  # which says that nobody knows where
    "Fri, 31 Dec 9999 23:59:59 -2300",
    "Fri, 31 Dec 9999 23:59:59 GMT",
    "Sat, 03 Feb 2001 04:05:06 +" + "9" * 5000,
)


@pytest.mark.parametrize("date", NO_DATES, ids=lambda date: date[:24])
def test_what_is_no_date_is_passed_over(
    service: Service, transport: HttpTransport, date: str
) -> None:
    service.replies = [answer({}, Date=date), answer({}, Date=TOLD), answer({}, Date=date)]
    transport.get("/v1/x")
    assert is_here(transport.now())
    for _ in range(2):
        transport.get("/v1/x")
    assert LONG_AGO <= transport.now() < LONG_AGO + SOON


def test_an_answer_without_a_date_is_passed_over(
    service: Service, transport: HttpTransport
) -> None:
    service.replies = [answer({}, Date=TOLD), answer({})]
    for _ in range(2):
        transport.get("/v1/x")
    assert LONG_AGO <= transport.now() < LONG_AGO + SOON


def test_many_threads_may_ask(service: Service, transport: HttpTransport) -> None:
    service.default = lambda _: answer({}, Date=TOLD)

    def ask(_: int) -> datetime:
        transport.get("/v1/x")
        return transport.now()

    with ThreadPoolExecutor(8) as pool:
        assert all(LONG_AGO <= told < LONG_AGO + SOON for told in pool.map(ask, range(64)))


@given(st.text(max_size=60))
def test_no_text_stops_it(date: str) -> None:
    clock = ServiceClock()
    clock.hear(date)
    assert clock.now().tzinfo is UTC


def test_the_emulators_own_clock_counts(start_emulator: StartEmulator) -> None:
    emulator = start_emulator()
    settings = {"project": "p", "location": "us-central1", "endpoint": emulator.url}
    provider = open_provider("automl", settings, emulator.files_root, {})
    try:
        assert is_here(provider.now())
        there = advance(emulator, 600 * DAY)
        provider.models()
        assert there - timedelta(seconds=1) <= provider.now() < there + SOON
    finally:
        provider.close()
