"""What the server takes and refuses as HTTP, whatever the API."""

import http.client
import json
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from tests.conftest import RunningEmulator, StartEmulator

PATH = "/v1/projects/p/locations/us-central1/datasets"


@pytest.fixture(scope="module")
def emulator(start_shared_emulator: StartEmulator) -> RunningEmulator:
    return start_shared_emulator()


@pytest.fixture
def connection(emulator: RunningEmulator) -> Iterator[http.client.HTTPConnection]:
    found = http.client.HTTPConnection("127.0.0.1", urlsplit(emulator.url).port or 0, timeout=20)
    yield found
    found.close()


def ask(
    connection: http.client.HTTPConnection, headers: dict[str, str], method: str = "GET"
) -> tuple[int, str]:
    """Status and error status of an answer to a request with these headers."""
    connection.request(method, PATH, headers=headers)
    answer = connection.getresponse()
    body = json.loads(answer.read())
    return answer.status, body.get("error", {}).get("status", "")


@pytest.mark.parametrize("host", ["localhost:1", "127.0.0.1", "LOCALHOST", "[::1]:80"])
def test_hosts_that_name_this_machine(connection: http.client.HTTPConnection, host: str) -> None:
    assert ask(connection, {"Host": host}) == (200, "")


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "localhost@evil.example", "", "[", "0.0.0.0"]
)
def test_other_hosts_are_refused(connection: http.client.HTTPConnection, host: str) -> None:
    assert ask(connection, {"Host": host}) == (403, "PERMISSION_DENIED")


def test_web_pages_are_refused(connection: http.client.HTTPConnection) -> None:
    for origin in ("https://evil.example", "null"):
        assert ask(connection, {"Origin": origin}) == (403, "PERMISSION_DENIED")
    assert ask(connection, {"Origin": "http://localhost:3000"}) == (200, "")


def test_a_connection_is_kept(connection: http.client.HTTPConnection) -> None:
    ask(connection, {})
    first = connection.sock
    ask(connection, {"Host": "evil.example"})
    ask(connection, {}, "DELETE")
    assert connection.sock is first


def test_bodies_that_cannot_be_read(emulator: RunningEmulator) -> None:
    port = urlsplit(emulator.url).port
    for header in (
        "Content-Length: 99999999999",
        "Content-Length: x",
        "Transfer-Encoding: chunked",
    ):
        with socket.create_connection(("127.0.0.1", port), timeout=20) as raw:
            raw.sendall(f"POST {PATH} HTTP/1.1\r\nHost: localhost\r\n{header}\r\n\r\n".encode())
            with raw.makefile("rb") as answer:
                text = answer.read().decode()
        assert text.startswith("HTTP/1.1 400 ")
        assert "Connection: close" in text


@pytest.mark.parametrize("body", ["{", "[]", "\x00", '{"a":' * 5000, '"x"', "NaN"])
def test_bodies_that_are_no_messages(connection: http.client.HTTPConnection, body: str) -> None:
    connection.request("POST", PATH, body=body)
    answer = connection.getresponse()
    error = json.loads(answer.read())["error"]
    assert (answer.status, error["status"]) == (400, "INVALID_ARGUMENT")


@pytest.mark.parametrize("sent", [b"", b'{"displayName": "cut", "imageClassification'])
def test_a_request_that_is_cut_off_has_no_effect(emulator: RunningEmulator, sent: bytes) -> None:
    address = ("127.0.0.1", urlsplit(emulator.url).port or 0)
    with socket.create_connection(address, timeout=20) as cut:
        head = f"PATCH {PATH}/ICN1 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 200\r\n\r\n"
        cut.sendall(head.encode() + sent)
        cut.shutdown(socket.SHUT_WR)
        text = cut.makefile("rb").read().decode()
    assert text.startswith("HTTP/1.1 400 ")
    assert "The request is incomplete." in text


def test_unknown_paths_and_methods(connection: http.client.HTTPConnection) -> None:
    for method, path in (("GET", "/"), ("PUT", PATH), ("GET", f"{PATH}/x:y"), ("GET", "//x")):
        connection.request(method, path)
        answer = connection.getresponse()
        assert json.loads(answer.read())["error"]["status"] == "NOT_FOUND"


@pytest.mark.parametrize(
    "request_",
    [
        b"GET http://[ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        b"GET http://[::1/v1 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        b"POST http://]@[/?a=%ff HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 3\r\n\r\nabc",
        *(
            b"POST /v1/x HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %s\r\n\r\n" % length
            for length in (b"9" * 5000, b"-1", b"+1", b"1_0", b"\xb2", b"1 1", b"x", b"0x1")
        ),
    ],
    ids=lambda request: request[:24].decode("latin-1"),
)
def test_odd_requests_are_answered(emulator: RunningEmulator, request_: bytes) -> None:
    log = emulator.data_dir / "emulator.log"
    with socket.create_connection(("127.0.0.1", urlsplit(emulator.url).port or 0), 20) as plain:
        plain.sendall(request_)
        answer = http.client.HTTPResponse(plain)
        answer.begin()
        assert answer.status == 400
        assert json.loads(answer.read())["error"]["status"] == "INVALID_ARGUMENT"
        answer.close()
    assert not log.exists() or "Traceback" not in log.read_text(encoding="utf-8")
