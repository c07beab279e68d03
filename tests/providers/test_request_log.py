"""What is told of requests at the level debug, and what never is."""

from __future__ import annotations

import logging
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl_plan.errors import InvalidArgument, ProviderError
from automl_plan.providers.google.http_session import described
from automl_plan.providers.google.transport import HttpTransport
from tests.providers.service import NO_ANSWER, Service, answer, failure
from tests.providers.test_transport import Renewable

SECRET = "s3cret"


@pytest.fixture
def transport(service: Service) -> HttpTransport:
    return HttpTransport(service.url, Renewable(), sleep=lambda _: None)


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [re.sub(r"[\d.]+ (m?s)$", r"N \1", record.getMessage()) for record in caplog.records]


def test_each_request_with_its_outcome_time_and_retry(
    service: Service, transport: HttpTransport, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "automl_plan.requests")
    service.replies = [
        failure(503, "UNAVAILABLE"),
        NO_ANSWER,
        failure(401, "UNAUTHENTICATED"),
        answer({"name": SECRET}),
        failure(400, "INVALID_ARGUMENT", SECRET),
    ]
    transport.get("/v1/models", {"pageSize": "5", "filter": SECRET})
    with pytest.raises(InvalidArgument):
        transport.once("POST", "/v1/models", {"displayName": SECRET})
    assert lines(caplog) == [
        "GET /v1/models?filter&pageSize: 503 in N ms",
        "GET /v1/models: try 2 of 5 in N s",
        "GET /v1/models?filter&pageSize: ConnectionError in N ms",
        "GET /v1/models: try 3 of 5 in N s",
        "GET /v1/models?filter&pageSize: 401 in N ms",
        "GET /v1/models?filter&pageSize: 200 in N ms",
        "POST /v1/models: 400 in N ms",
    ]
    assert SECRET not in caplog.text
    assert "secret-token" not in caplog.text


def test_an_answer_that_is_cut_off_is_told(
    service: Service, transport: HttpTransport, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "automl_plan.requests")
    service.default = lambda _: answer({"a": "b" * 100})
    with pytest.raises(ProviderError):
        transport.get_bytes("/v1/x", limit=10)
    assert lines(caplog) == ["GET /v1/x: 200 AnswerTooLarge in N ms"]


def test_nothing_is_told_unless_it_is_asked_for(
    transport: HttpTransport, caplog: pytest.LogCaptureFixture
) -> None:
    transport.get("/v1/models")
    assert not caplog.records


@given(st.text(), st.dictionaries(st.sampled_from(["filter", "name"]), st.just(SECRET)))
def test_values_are_not_shown_nor_what_moves_a_cursor(path: str, query: dict[str, str]) -> None:
    shown = described("GET", f"{path}?token={SECRET}", query)
    assert SECRET not in shown
    assert shown.isprintable()
