"""The transport against a server that misbehaves: what is sent how often, and what is said."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from automl_plan import __version__
from automl_plan.errors import (
    InvalidArgument,
    NotFound,
    ProviderError,
    ResourceExhausted,
    StateLocked,
    TransportError,
    Unauthenticated,
    Unavailable,
    Unknown,
)
from automl_plan.providers.google.credentials import NoCredentials
from automl_plan.providers.google.transport import A_MOMENT, TRIES, HttpTransport
from tests.providers.service import NO_ANSWER, Reply, Service, answer, failure

TRUNCATED = Reply(raw=b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"a": ', hang_up=True)
RESET = "reset"


class Renewable:
    """Credentials of a service that is not Google's: a new token whenever one is refused."""

    def __init__(self) -> None:
        self.number = 1

    def headers(self, url: str) -> dict[str, str]:
        return {"Authorization": f"Bearer secret-token-{self.number}"}

    def renew(self) -> bool:
        self.number += 1
        return True


@pytest.fixture
def pauses() -> list[float]:
    """The seconds that the transport wanted to sleep; it does not."""
    return []


@pytest.fixture
def transport(service: Service, pauses: list[float]) -> Iterator[HttpTransport]:
    made = HttpTransport(service.url, NoCredentials(), sleep=pauses.append)
    yield made
    made.close()


def test_a_read(service: Service, transport: HttpTransport) -> None:
    service.replies = [answer({"a": 1})]
    assert transport.get("/v1/x", {"filter": "", "pageSize": "2"}) == {"a": 1}
    request = service.received[0]
    assert (request.method, request.path) == ("GET", "/v1/x")
    assert request.query == {"filter": "", "pageSize": "2"}
    assert request.headers["user-agent"] == f"automl-plan/{__version__}"
    assert "authorization" not in request.headers


def test_a_connection_is_used_again_for_reads(service: Service, transport: HttpTransport) -> None:
    for _ in range(5):
        transport.get("/v1/x")
    assert service.connections == 1


@pytest.mark.parametrize(
    "first",
    [
        NO_ANSWER,
        TRUNCATED,
        Reply(raw=b"gibberish\r\n\r\n", hang_up=True),
        Reply(raw=b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", hang_up=True),
        failure(429, "RESOURCE_EXHAUSTED"),
        failure(500, "INTERNAL"),
        Reply(502, b"<html>Bad Gateway</html>"),
        failure(503, "UNAVAILABLE"),
        failure(504, "DEADLINE_EXCEEDED"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "DELETE", "PATCH", "POST"])
def test_what_may_be_repeated_is(
    service: Service, transport: HttpTransport, method: str, first: Reply
) -> None:
    service.replies = [first, first, answer({"name": "x"})]
    body = None if method == "GET" else {"a": 1}
    assert transport.repeatable(method, "/v1/x", body) == {"name": "x"}
    assert [r.method for r in service.received] == [method] * 3
    assert len({r.body for r in service.received}) == 1


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (NO_ANSWER, TransportError),
        (RESET, TransportError),
        (TRUNCATED, TransportError),
        (Reply(body=b"<html>hello</html>"), TransportError),
        (Reply(body=b"[]"), TransportError),
        (Reply(body=b"[" * 100_000), TransportError),
        (Reply(302, b"", {"Location": "/elsewhere"}), Unknown),
        (failure(400, "INVALID_ARGUMENT"), InvalidArgument),
        (failure(401, "UNAUTHENTICATED"), Unauthenticated),
        (failure(429, "RESOURCE_EXHAUSTED", Retry_After="0"), ResourceExhausted),
        (failure(503, "UNAVAILABLE"), Unavailable),
        (Reply(504, b"gateway"), ProviderError),
    ],
)
def test_what_must_not_be_repeated_is_sent_once(
    service: Service,
    transport: HttpTransport,
    pauses: list[float],
    reply: Reply | str,
    error: type[ProviderError],
) -> None:
    if isinstance(reply, Reply):
        service.replies = [reply]
    else:
        service.resets = 1
    with pytest.raises(error) as caught:
        transport.once("POST", "/v1/x", {"a": 1})
    assert caught.value.where == "POST /v1/x"
    # A reset may come while the connection is made: then it is certain that nothing was sent.
    if isinstance(caught.value, TransportError) and reply != RESET:
        assert caught.value.sent
    assert service.connections == 1
    assert len(service.received) == (0 if reply == RESET else 1)
    assert pauses == []


@pytest.mark.parametrize("hang_up", [False, True])
def test_what_is_paid_for_gets_a_connection_of_its_own(
    service: Service, transport: HttpTransport, hang_up: bool
) -> None:
    """One that is kept alive may be closed by the service just as it is used again."""
    service.replies = [Reply(hang_up=hang_up), Reply(), Reply()]
    transport.get("/v1/x")
    transport.once("POST", "/v1/x", {})
    transport.once("POST", "/v1/x", {})
    assert [r.connection for r in service.received] == [1, 2, 3]


def test_what_costs_nothing_takes_a_connection_that_has_just_answered(
    service: Service,
) -> None:
    now = 0.0
    transport = HttpTransport(service.url, NoCredentials(), clock=lambda: now)
    with closing(transport):
        transport.get("/v1/x")
        now += A_MOMENT / 2
        transport.once("POST", "/v1/x", {}, paid=False)
        now += A_MOMENT
        transport.once("POST", "/v1/x", {}, paid=False)
    assert [r.connection for r in service.received] == [1, 1, 2]


def test_a_stale_connection_does_not_fail_a_read(
    service: Service, transport: HttpTransport
) -> None:
    service.replies = [Reply(hang_up=True), answer({"a": 1})]
    transport.get("/v1/x")
    assert transport.get("/v1/x") == {"a": 1}


def test_it_gives_up(service: Service, transport: HttpTransport, pauses: list[float]) -> None:
    service.default = lambda _: failure(503, "UNAVAILABLE", "Try later.")
    with pytest.raises(Unavailable, match=r"Try later\."):
        transport.get("/v1/x")
    assert len(service.received) == TRIES
    assert len(pauses) == TRIES - 1
    assert all(0 <= pause <= 0.25 * 2**n for n, pause in enumerate(pauses, 1))


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 412, 501])
def test_what_will_not_pass_is_asked_once(
    service: Service, transport: HttpTransport, status: int
) -> None:
    service.default = lambda _: Reply(status, b"")
    with pytest.raises(ProviderError):
        transport.get("/v1/x")
    assert len(service.received) == 1


def retry_info(delay: str) -> Reply:
    detail = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay}
    error = {"code": 429, "message": "Slow.", "status": "RESOURCE_EXHAUSTED", "details": [detail]}
    return answer({"error": error}, 429)


def after(header: str) -> Callable[[], Reply]:
    return lambda: failure(429, "RESOURCE_EXHAUSTED", Retry_After=header)


def until(seconds: int) -> Callable[[], Reply]:
    """A date that is reckoned from when the test runs."""

    def reply() -> Reply:
        moment = datetime.now(UTC) + timedelta(seconds=seconds)
        return failure(503, "UNAVAILABLE", Retry_After=format_datetime(moment, usegmt=True))

    return reply


@pytest.mark.parametrize(
    ("reply", "low", "high"),
    [
        (after("17"), 17, 17),
        (until(50), 1, 50),
        (lambda: retry_info("12.5s"), 12.5, 12.5),
        (after("soon"), 0, 0.5),
        (after("nan"), 0, 0.5),
        (after("-3"), 0, 0.5),
    ],
)
def test_it_waits_as_long_as_it_is_asked_to(
    service: Service,
    transport: HttpTransport,
    pauses: list[float],
    reply: Callable[[], Reply],
    low: float,
    high: float,
) -> None:
    service.replies = [reply()]
    transport.get("/v1/x")
    assert len(pauses) == 1
    assert low <= pauses[0] <= high


def test_it_does_not_wait_longer_than_a_minute_in_all(
    service: Service, transport: HttpTransport, pauses: list[float]
) -> None:
    service.default = lambda _: failure(429, "RESOURCE_EXHAUSTED", Retry_After="25")
    with pytest.raises(ResourceExhausted) as caught:
        transport.get("/v1/x")
    assert caught.value.retry_after == 25
    assert pauses == [25, 25]


def test_an_answer_past_the_limit_is_not_read_and_not_asked_for_again(
    service: Service, transport: HttpTransport
) -> None:
    service.default = lambda _: Reply(body=b"x" * 2_000_000)
    with pytest.raises(TransportError, match="larger than 1,000,000 bytes"):
        transport.get_bytes("/v1/x", limit=1_000_000)
    assert len(service.received) == 1
    assert len(transport.get_bytes("/v1/x", limit=2_000_000)) == 2_000_000


@pytest.mark.parametrize("call", ["get", "once"])
def test_nothing_listens(call: str, pauses: list[float]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    transport = HttpTransport(f"http://127.0.0.1:{port}", NoCredentials(), sleep=pauses.append)
    with pytest.raises(TransportError, match="nothing was sent") as caught:
        _ = transport.get("/v1/x") if call == "get" else transport.once("POST", "/v1/x", {})
    assert caught.value.sent is False
    assert len(pauses) == (TRIES - 1 if call == "get" else 0)
    transport.close()


def test_a_name_that_does_not_resolve() -> None:
    transport = HttpTransport("http://nowhere.invalid", NoCredentials())
    with pytest.raises(TransportError, match=r"nowhere\.invalid could be made") as caught:
        transport.once("POST", "/v1/x", {})
    assert caught.value.sent is False
    transport.close()


def test_a_proxy_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    monkeypatch.setenv("http_proxy", f"http://user:hunter2@127.0.0.1:{port}")
    transport = HttpTransport("http://service.invalid", NoCredentials())
    with pytest.raises(TransportError) as caught:
        transport.once("POST", "/v1/x", {})
    assert caught.value.sent is False
    assert "hunter2" not in f"{caught.value} {caught.value.hint}"
    transport.close()


def test_a_proxy_is_used_for_other_hosts_but_not_for_loopback(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Service() as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        for url in (service.url, "http://service.invalid"):
            transport = HttpTransport(url, NoCredentials())
            transport.get("/v1/x")
            transport.close()
        assert len(service.received) == 1
        assert [r.headers["host"] for r in proxy.received] == ["service.invalid"]


@pytest.mark.parametrize("call", ["get", "once"])
def test_a_refused_token_is_renewed_once(service: Service, call: str) -> None:
    transport = HttpTransport(service.url, Renewable())
    service.replies = [failure(401, "UNAUTHENTICATED"), answer({"a": 1})]
    found = transport.get("/v1/x") if call == "get" else transport.once("POST", "/v1/x", {})
    assert found == {"a": 1}
    tokens = [r.headers["authorization"] for r in service.received]
    assert tokens == ["Bearer secret-token-1", "Bearer secret-token-2"]
    transport.close()


def test_a_token_that_stays_refused(service: Service) -> None:
    transport = HttpTransport(service.url, Renewable())
    service.default = lambda _: failure(401, "UNAUTHENTICATED")
    with pytest.raises(Unauthenticated, match="No") as caught:
        transport.once("POST", "/v1/x", {})
    assert len(service.received) == 2
    assert "gcloud auth application-default login" in str(caught.value.hint)
    transport.close()


def test_only_http_401_proves_that_nothing_was_done(service: Service) -> None:
    transport = HttpTransport(service.url, Renewable())
    service.default = lambda _: failure(500, "UNAUTHENTICATED")
    with pytest.raises(Unauthenticated):
        transport.once("POST", "/v1/x", {})
    assert len(service.received) == 1
    transport.close()


@pytest.mark.parametrize(
    "reply",
    [
        Reply(502, b"Refused: Authorization: Bearer secret-token-1\x1b[31m and more"),
        Reply(200, b"<p>You sent: authorization: bearer secret-token-1</p>"),
        failure(400, "INVALID_ARGUMENT", "Unknown header: Bearer secret-token-1\x1b]0;x\x07"),
        NO_ANSWER,
    ],
)
def test_no_message_has_a_token_or_an_escape(service: Service, reply: Reply) -> None:
    transport = HttpTransport(service.url, Renewable())
    service.default = lambda _: reply
    with pytest.raises(ProviderError) as caught:
        transport.once("POST", "/v1/x", {})
    told = f"{caught.value} {caught.value.where} {caught.value.hint} {caught.value!r}"
    assert "secret-token" not in told
    assert "\x1b" not in told
    assert caught.value.__cause__ is None
    transport.close()


def test_redirects_are_not_followed(service: Service, transport: HttpTransport) -> None:
    with Service() as elsewhere:
        service.replies = [Reply(307, b"", {"Location": f"{elsewhere.url}/v1/x"})]
        with pytest.raises(Unknown):
            transport.get("/v1/x")
        assert elsewhere.received == []


def test_netrc_adds_nothing(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path_factory.mktemp("home") / "netrc"
    file.write_text("machine service.invalid login me password hunter2\n")
    monkeypatch.setenv("NETRC", str(file))
    with Service() as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        transport = HttpTransport("http://service.invalid", NoCredentials())
        transport.get("/v1/x")
        assert "authorization" not in proxy.received[0].headers
        transport.close()


def test_all_pages(service: Service, transport: HttpTransport) -> None:
    service.replies = [
        answer({"model": [{"n": 1}, {"n": 2}], "nextPageToken": "t/+="}),
        answer({"nextPageToken": "u"}),
        answer({"model": [{"n": 3}], "nextPageToken": ""}),
    ]
    assert [m["n"] for m in transport.pages("/v1/x", "model", {"pageSize": "2"})] == [1, 2, 3]
    assert [r.query.get("pageToken") for r in service.received] == [None, "t/+=", "u"]
    assert {r.query["pageSize"] for r in service.received} == {"2"}


@pytest.mark.parametrize(
    "page",
    [
        {"model": [], "nextPageToken": "same"},
        {"model": [], "nextPageToken": ["a"]},
        {"model": {"name": "x"}},
        {"model": ["x"]},
        {"model": 7},
    ],
)
def test_strange_pages(service: Service, transport: HttpTransport, page: object) -> None:
    service.default = lambda _: answer(page)
    with pytest.raises(TransportError) as caught:
        list(transport.pages("/v1/x", "model"))
    assert caught.value.where == "GET /v1/x"
    assert len(service.received) <= 2


def test_many_threads_share_it(service: Service, transport: HttpTransport) -> None:
    at_once = threading.Barrier(8)

    def together(_: object) -> Reply:
        at_once.wait(20)
        return Reply()

    service.default = together
    call: Callable[[int], object] = lambda n: transport.get(f"/v1/{n}")  # noqa: E731
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(call, range(16))) == [{}] * 16
    assert {r.path for r in service.received} == {f"/v1/{n}" for n in range(16)}
    assert service.connections == 8


def test_an_empty_answer_is_an_empty_object(service: Service, transport: HttpTransport) -> None:
    service.replies = [Reply(200, b"")]
    assert transport.repeatable("POST", "/v1/x:cancel") == {}
    assert service.received[0].headers["content-length"] == "0"


def test_a_missing_object(service: Service, transport: HttpTransport) -> None:
    service.replies = [failure(404, "NOT_FOUND", "The model does not exist.")]
    with pytest.raises(NotFound, match=r"The model does not exist\.") as caught:
        transport.get("/v1/x")
    assert (caught.value.http_status, caught.value.where) == (404, "GET /v1/x")
    assert json.loads(service.received[0].body or b"null") is None


def test_a_quota_holds_all_workers_back(service: Service, pauses: list[float]) -> None:
    service.replies = [failure(429, "RESOURCE_EXHAUSTED", Retry_After="3")]
    transport = HttpTransport(service.url, NoCredentials(), sleep=pauses.append)
    with ThreadPoolExecutor(1) as pool:
        pool.submit(transport.get, "/v1/a").result()
        pool.submit(transport.once, "POST", "/v1/b", {}).result()
    own, others = pauses
    assert own == 3
    assert 2 < others <= 3


def test_a_long_pause_is_said_aloud(
    service: Service, transport: HttpTransport, caplog: pytest.LogCaptureFixture
) -> None:
    service.replies = [failure(503, "UNAVAILABLE", "Down.", Retry_After="17"), answer({})]
    transport.get("/v1/x")
    assert [record.getMessage() for record in caplog.records] == [
        "Down. Trying again in 17 seconds."
    ]


WRITES: dict[str, Callable[[HttpTransport], object]] = {
    "paid": lambda transport: transport.once("POST", "/v1/x", {"a": 1}),
    "unpaid": lambda transport: transport.once("POST", "/v1/x", {}, paid=False),
    "repeatable": lambda transport: transport.repeatable("PATCH", "/v1/x", {"a": 1}),
    "without a body": lambda transport: transport.repeatable("DELETE", "/v1/x"),
    "an upload": lambda transport: transport.upload("/v1/x", b"a" * 100_000, "image/png", {}),
    "an empty upload": lambda transport: transport.upload("/v1/x", b"", "image/png", {}),
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_what_may_not_be_sent_any_more_is_not(
    service: Service, transport: HttpTransport, write: Callable[[HttpTransport], object]
) -> None:
    allowed = True
    asked = []

    def check() -> None:
        asked.append(service.connections)
        if not allowed:
            raise StateLocked("no")

    transport.fence(check)
    write(transport)
    assert asked[0] == 0, "before the connection is made"
    assert len(service.received) == 1
    allowed = False
    with pytest.raises(StateLocked):
        write(transport)
    assert transport.get("/v1/x") == {}
    assert [request.method for request in service.received][1:] == ["GET"]


@pytest.mark.parametrize("tries", [1, 2, 3])
def test_each_try_is_checked(service: Service, transport: HttpTransport, tries: int) -> None:
    def check() -> None:
        if len(service.received) == tries:
            raise StateLocked("no")

    transport.fence(check)
    service.default = lambda _: failure(503, "UNAVAILABLE")
    with pytest.raises(StateLocked):
        transport.repeatable("PATCH", "/v1/x", {"a": 1})
    assert len(service.received) == tries


def test_the_body_stays_here_when_it_may_not_be_sent_once_the_connection_is_there(
    service: Service, transport: HttpTransport
) -> None:
    checks = []

    def check() -> None:
        checks.append(1)
        if len(checks) == 2:
            raise StateLocked("no")

    transport.fence(check)
    with pytest.raises(StateLocked):
        transport.once("POST", "/v1/x", {"a": 1})
    assert [request.body for request in service.received] in ([], [b""])
