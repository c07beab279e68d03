"""Uploads into the emulator's buckets: what is refused, and what stays of it."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import RunningEmulator, StartEmulator


@pytest.fixture(scope="module")
def emulator(start_shared_emulator: StartEmulator) -> RunningEmulator:
    started = start_shared_emulator()
    (started.bucket_root / "bucket").mkdir()
    (started.bucket_root.parent / "outside").mkdir()
    (started.bucket_root / "bucket" / "link").symlink_to(started.bucket_root.parent / "outside")
    return started


def insert(emulator: RunningEmulator, data: bytes, kind: str = "", **query: str) -> int:
    """The status of an upload."""
    url = f"{emulator.url}/upload/storage/v1/b/bucket/o"
    headers = {"Content-Type": kind} if kind else {}
    return requests.post(url, params=query, data=data, headers=headers, timeout=20).status_code


def test_a_lost_answer(start_emulator: StartEmulator) -> None:
    emulator = start_emulator(faults=["objects.insert:drop-after:1"])
    (emulator.bucket_root / "bucket").mkdir()
    again = {"uploadType": "media", "name": "lost", "ifGenerationMatch": "0"}
    with pytest.raises(requests.ConnectionError):
        insert(emulator, b"content", **again)
    assert insert(emulator, b"content", **again) == 412
    assert (emulator.bucket_root / "bucket" / "lost").read_bytes() == b"content"


def test_only_one_of_many_is_the_first(emulator: RunningEmulator) -> None:
    def put(number: int) -> int:
        data = b"%d" % number * 100_000
        return insert(emulator, data, uploadType="media", name="raced", ifGenerationMatch="0")

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(put, range(8))) == [200] + [412] * 7
    content = (emulator.bucket_root / "bucket" / "raced").read_bytes()
    assert content == content[:1] * 100_000


@pytest.mark.parametrize(
    ("status", "query"),
    [
        (501, {"uploadType": "resumable", "name": "a"}),
        (501, {"name": "a"}),
        (501, {"uploadType": "media", "name": "a", "ifMetagenerationMatch": "1"}),
        (400, {"uploadType": "media"}),
        (400, {"uploadType": "media", "name": "a", "ifGenerationMatch": "x"}),
        (400, {"uploadType": "media", "name": "link/a"}),
        (400, {"uploadType": "media", "name": "a\0"}),
        (400, {"uploadType": "multipart", "name": "a"}),
    ],
)
def test_what_is_refused(emulator: RunningEmulator, status: int, query: dict[str, str]) -> None:
    assert insert(emulator, b"x", **query) == status
    assert list((emulator.bucket_root.parent / "outside").iterdir()) == []
    assert not (emulator.bucket_root / "bucket" / "a").exists()


def related(metadata: bytes, content: bytes) -> bytes:
    return b"--B\r\n\r\n" + metadata + b"\r\n--B\r\n\r\n" + content + b"\r\n--B--"


@pytest.mark.parametrize(
    "metadata",
    [
        b"",
        b"[]",
        b"{",
        b"{}",
        b'{"name": 1}',
        b'{"name": "\\ud800"}',
        b'{"name": "x", "md5Hash": "1"}',
    ],
)
def test_metadata_that_is_none(emulator: RunningEmulator, metadata: bytes) -> None:
    kind = "multipart/related; boundary=B"
    assert insert(emulator, related(metadata, b"x"), kind, uploadType="multipart") == 400


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.text(max_size=12)
    | st.sampled_from(["a/b", "..", "a/../b", "~", "con", "é", "x" * 300]),
    content=st.binary(max_size=40).filter(lambda data: b"\r\n--B" not in data),
)
def test_any_name(emulator: RunningEmulator, name: str, content: bytes) -> None:
    """It is there and can be read by its name, or it is refused."""
    metadata = json.dumps({"name": name}).encode()
    body = related(metadata, content)
    status = insert(emulator, body, "multipart/related; boundary=B", uploadType="multipart")
    assert status in (200, 400, 500)
    assert (status == 500) == (status != 400 and len(name.encode()) > 255)
    if status == 200:
        url = f"{emulator.url}/storage/v1/b/bucket/o/{quote(name, safe='')}"
        assert requests.get(url, params={"alt": "media"}, timeout=20).content == content
        url = f"{emulator.url}/storage/v1/b/bucket/o"
        listed = requests.get(url, params={"prefix": name}, timeout=20).json()["items"]
        assert name in [item["name"] for item in listed]
