"""A service that never ends its answer, or answers what was not asked: each ends in an error.

No assertion knows the time: the limits are the transport's, and the server goes on for ever.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import count

import pytest
from msgspec.structs import replace

from automl_plan.errors import AutomlPlanError, TransportError
from automl_plan.providers.google.credentials import NoCredentials
from automl_plan.providers.google.transport import AnswerEndless, HttpTransport, Limits
from tests.providers.service import Received, Reply, Service, answer

LIMITS = Limits(
    silence=0.4,
    answer=0.4,
    content=0.4,
    begun=10.0,
    tries=0.0,
    list=30.0,
    pages=20,
    list_bytes=10_000,
    slow=0.1,
)
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
LISTS = [
    ("/v1/projects/p/locations/us-central1/models", "model"),
    ("/v1/projects/p/locations/us-central1/models", "models"),
]
"""As AutoML v1 and as Vertex AI name them."""
SECRET = "topsecret"


@pytest.fixture
def transport(service: Service) -> Iterator[HttpTransport]:
    made = HttpTransport(service.url, NoCredentials(), sleep=lambda _: None, limits=LIMITS)
    yield made
    made.close()


def drip(start: bytes, each: bytes, seconds: float = 0.02) -> Callable[[], Iterator[bytes]]:
    """A start, and then the same for ever."""

    def pieces() -> Iterator[bytes]:
        yield start
        while True:
            yield each
            time.sleep(seconds)

    return pieces


ENDLESS = {
    "a body with a length": drip(HEAD + b"Content-Length: 100000\r\n\r\n{", b" "),
    "a body in chunks": drip(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
    "a body until the connection ends": drip(HEAD + b"\r\n{", b" "),
    "a status line": drip(b"HTTP/1.1 200 ", b"O"),
    "header lines": drip(HEAD, b"X: y\r\n", 0.05),
    "one header line": drip(HEAD + b"X: ", b"y"),
    "interim answers": drip(b"", b"HTTP/1.1 100 Continue\r\n\r\n", 0.1),
    "interim answers without a pause": drip(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 100, 0.0),
    "an interim answer with a drip of headers": drip(b"HTTP/1.1 100 Continue\r\n", b"X: y\r\n"),
}


@pytest.mark.parametrize(("path", "key"), LISTS, ids=["automl", "vertex"])
@pytest.mark.parametrize("pieces", ENDLESS.values(), ids=ENDLESS)
def test_an_answer_without_an_end(
    pieces: Callable[[], Iterator[bytes]],
    path: str,
    key: str,
    service: Service,
    transport: HttpTransport,
    caplog: pytest.LogCaptureFixture,
) -> None:
    service.default = lambda _: Reply(pieces=pieces, hang_up=True)
    with caplog.at_level(logging.WARNING), pytest.raises(AnswerEndless) as caught:
        list(transport.pages(path, key))
    assert caught.value.message.startswith("127.0.0.1 ")
    assert (caught.value.where, caught.value.sent) == (f"GET {path}", True)
    assert len(service.received) == 1, "a second one would not end either"
    assert len(caplog.messages) <= 1


@pytest.mark.parametrize("pieces", ENDLESS.values(), ids=ENDLESS)
def test_an_answer_that_comes_too_slowly(
    pieces: Callable[[], Iterator[bytes]], service: Service
) -> None:
    """Long before an answer that comes as it should would have to end."""
    service.default = lambda _: Reply(pieces=pieces, hang_up=True)
    limits = Limits(begun=0.2, tries=0.0)
    with (
        closing(HttpTransport(service.url, NoCredentials(), limits=limits)) as transport,
        pytest.raises(AnswerEndless, match=r"less than|without an end"),
    ):
        transport.get("/v1/x")


@pytest.mark.parametrize("pieces", ENDLESS.values(), ids=ENDLESS)
def test_nor_does_a_write_wait_for_ever(
    pieces: Callable[[], Iterator[bytes]], service: Service, transport: HttpTransport
) -> None:
    service.default = lambda _: Reply(pieces=pieces, hang_up=True)
    with pytest.raises(TransportError) as caught:
        transport.once("POST", "/v1/x", {})
    assert (caught.value.sent, caught.value.accepted) == (True, False)
    assert len(service.received) == 1


def test_somebody_is_told_that_the_service_is_slow(
    service: Service, transport: HttpTransport, caplog: pytest.LogCaptureFixture
) -> None:
    pieces = drip(HEAD + b"Content-Length: 100000\r\n\r\n{", b" ")
    service.default = lambda _: Reply(pieces=pieces, hang_up=True)
    for _ in range(2):
        with caplog.at_level(logging.WARNING), pytest.raises(AnswerEndless):
            transport.get("/v1/x")
    [said] = caplog.messages
    assert said.startswith("127.0.0.1 is slow. GET /v1/x: ")


def test_a_silent_service(service: Service, transport: HttpTransport) -> None:
    service.default = lambda _: Reply(pieces=drip(b"", b"", 0.01), hang_up=True)
    with pytest.raises(TransportError, match="did not answer within"):
        transport.get("/v1/x")


def test_what_arrives_in_time_is_read_as_before(service: Service, transport: HttpTransport) -> None:
    body = b'{"model": [{"n": 1}]}'

    def pieces() -> Iterator[bytes]:
        yield b"HTTP/1.1 100 Continue\r\n\r\n" * 3
        yield HEAD + b"Content-Length: %d\r\n\r\n" % len(body)
        for place in range(len(body)):
            yield body[place : place + 1]

    service.default = lambda _: Reply(pieces=pieces)
    for _ in range(3):
        assert list(transport.pages("/v1/x", "model")) == [{"n": 1}]
    assert service.connections == 1


@pytest.mark.parametrize(("path", "key"), LISTS, ids=["automl", "vertex"])
@pytest.mark.parametrize("most", [3, 100], ids=["empty pages", "pages"])
@pytest.mark.parametrize("size", [0, 1, 1000])
def test_a_list_without_an_end(size: int, most: int, path: str, key: str, service: Service) -> None:
    number = count()

    def reply(_: Received) -> Reply:
        place = next(number)
        items = [{"name": f"{place}{'x' * size}"}] if size else []
        return answer({key: items, "nextPageToken": f"t{place}"})

    service.default = reply
    limits = replace(LIMITS, empty_pages=most)
    transport = HttpTransport(service.url, NoCredentials(), limits=limits)
    with pytest.raises(AnswerEndless, match=r"has sent [0-9]+ pages of a list") as caught:
        list(transport.pages(path, key))
    assert caught.value.where == f"GET {path}"
    assert len(service.received) <= (most if size == 0 and most < LIMITS.pages else LIMITS.pages)
    transport.close()


def test_the_same_page_under_another_token(service: Service, transport: HttpTransport) -> None:
    number = count()
    service.default = lambda _: answer({"m": [{"n": 1}], "nextPageToken": f"t{next(number)}"})
    with pytest.raises(TransportError, match="the same page of a list again"):
        list(transport.pages("/v1/x", "m"))
    assert len(service.received) == 2


NO_LISTS: dict[str, bytes] = {
    "nothing": b"",
    "blanks": b" \n",
    "null": b"null",
    "a list": b"[]",
    "a text": b'"models"',
    "HTML": b"<html>topsecret</html>",
    "an error": b'{"error": {"code": 403, "message": "Not for you."}}',
    "an error that is a text": b'{"error": "topsecret"}',
    "another object": b'{"password": "topsecret"}',
    "items that are no list": b'{"KEY": {"name": "topsecret"}}',
    "items that are false": b'{"KEY": false}',
    "items that are no objects": b'{"KEY": ["topsecret"]}',
    "a token that is a number": b'{"nextPageToken": 7}',
    "too deep": b"[" * 100_000,
    "no text": b"\xff\xfe",
}


@pytest.mark.parametrize(("path", "key"), LISTS, ids=["automl", "vertex"])
@pytest.mark.parametrize("body", NO_LISTS.values(), ids=NO_LISTS)
def test_what_is_no_list(
    body: bytes, path: str, key: str, service: Service, transport: HttpTransport
) -> None:
    service.default = lambda _: Reply(200, body.replace(b"KEY", key.encode()))
    with pytest.raises(TransportError) as caught:
        list(transport.pages(path, key))
    assert caught.value.where == f"GET {path}"
    assert SECRET not in f"{caught.value.message}{caught.value.hint}"
    if b"Not for you" in body:
        assert "403 Not for you." in caught.value.message


@pytest.mark.parametrize("body", [b"{}", b'{"KEY": null}', b'{"KEY": []}', b'{"unreachable": []}'])
@pytest.mark.parametrize("key", ["model", "models"])
def test_an_empty_list(body: bytes, key: str, service: Service, transport: HttpTransport) -> None:
    service.default = lambda _: Reply(200, body.replace(b"KEY", key.encode()))
    assert list(transport.pages("/v1/x", key)) == []


def test_an_operation_may_have_an_error(service: Service, transport: HttpTransport) -> None:
    failed = {"name": "operations/1", "done": True, "error": {"code": 3, "message": "No."}}
    service.default = lambda _: answer(failed)
    assert transport.get("/v1/operations/1") == failed


@pytest.mark.parametrize("status", [200, 301, 404, 418, 500])
@pytest.mark.parametrize("body", [b"topsecret", b"<p>topsecret</p>", b'{"a": "topsecret"}', b"[1]"])
def test_nothing_of_another_body_is_shown(
    status: int, body: bytes, service: Service, transport: HttpTransport
) -> None:
    """An endpoint that a pull request names may be a host that only the runner can reach."""

    def reply(_: Received) -> Reply:
        return Reply(status, body)

    service.default = reply
    with pytest.raises(AutomlPlanError) as caught:
        list(transport.pages("/v1/x", "models"))
    told = f"{caught.value.message}{caught.value.where}{caught.value.hint}"
    assert SECRET not in told
    if status != 200:
        assert str(status) in told


@pytest.mark.parametrize("length", ["²", "9" * 5000, "-1", "x"])
def test_odd_lengths(length: str, service: Service, transport: HttpTransport) -> None:
    head = HEAD + f"Content-Length: {length}\r\nConnection: close\r\n\r\n".encode("latin-1")
    service.default = lambda _: Reply(raw=head + b"{}", hang_up=True)
    assert transport.get("/v1/x") == {}


@pytest.mark.parametrize("seconds", ["nan", "inf", "-1", "1_0", "٣", "9" * 5000, "1e400", "x"])
def test_odd_times_to_wait(seconds: str, service: Service, transport: HttpTransport) -> None:
    raw = f"HTTP/1.1 503 No\r\nRetry-After: {seconds}\r\nContent-Length: 0\r\n\r\n".encode()
    service.default = lambda _: Reply(raw=raw)
    with pytest.raises(AutomlPlanError, match="HTTP 503"):
        transport.get("/v1/x")
