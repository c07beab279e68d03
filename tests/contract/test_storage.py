"""Google's own storage client against the emulator's buckets."""

from __future__ import annotations

import base64
import hashlib
import random
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from google.api_core.exceptions import BadRequest, NotFound, PreconditionFailed
from google.auth.credentials import AnonymousCredentials
from google.cloud.storage import Client

from tests.conftest import RunningEmulator, StartEmulator

LARGEST = 8 * 1024 * 1024
"""Bytes up to which the client uploads in one request."""


@pytest.fixture(scope="module")
def emulator(start_shared_emulator: StartEmulator) -> RunningEmulator:
    started = start_shared_emulator()
    (started.bucket_root / "bucket").mkdir()
    return started


@pytest.fixture(scope="module")
def bucket(emulator: RunningEmulator) -> Iterator[Any]:
    client: Any = Client(
        project="p",
        credentials=AnonymousCredentials(),  # type: ignore[no-untyped-call] # google-auth's gap
        client_options={"api_endpoint": emulator.url},
    )
    yield client.bucket("bucket")
    client.close()


def test_an_upload_that_is_tried_again(bucket: Any, emulator: RunningEmulator) -> None:
    fault = {"fault": "objects.insert:503:1"}
    requests.post(f"{emulator.url}/emulator/v1/faults", json=fault, timeout=20).raise_for_status()
    blob = bucket.blob("first/é 1.txt")
    blob.upload_from_string("small", if_generation_match=0)
    assert bucket.blob("first/é 1.txt").download_as_bytes() == b"small"
    md5 = base64.b64encode(hashlib.md5(b"small").digest()).decode()
    assert (blob.size, blob.md5_hash) == (5, md5)


@pytest.mark.parametrize("checksum", ["md5", "crc32c", None])
@pytest.mark.parametrize("size", [0, 1, LARGEST])
def test_what_is_uploaded_is_downloaded(bucket: Any, size: int, checksum: str | None) -> None:
    content = random.Random(size).randbytes(size)
    blob = bucket.blob(f"sizes/{size}-{checksum}.png")
    blob.upload_from_string(content, content_type="image/png", checksum=checksum)
    assert bucket.blob(blob.name).download_as_bytes() == content
    found = bucket.get_blob(blob.name)
    assert (found.size, found.generation) == (size, blob.generation)


def test_what_looks_like_a_boundary(bucket: Any) -> None:
    content = b"--==\r\n\r\n--===============0==--\r\n\r\n"
    blob = bucket.blob("boundary")
    blob.upload_from_string(content)
    assert bucket.blob("boundary").download_as_bytes() == content


def test_preconditions(bucket: Any) -> None:
    blob = bucket.blob("once")
    blob.upload_from_string(b"first", if_generation_match=0)
    first = blob.generation
    with pytest.raises(PreconditionFailed):
        bucket.blob("once").upload_from_string(b"second", if_generation_match=0)
    assert bucket.blob("once").download_as_bytes() == b"first"
    bucket.blob("once").upload_from_string(b"third", if_generation_match=first)
    with pytest.raises(PreconditionFailed):
        bucket.blob("once").upload_from_string(b"fourth", if_generation_match=first)
    assert bucket.blob("once").download_as_bytes() == b"third"
    bucket.blob("once").upload_from_string(b"fifth")
    assert bucket.blob("once").download_as_bytes() == b"fifth"


def test_lists(bucket: Any, emulator: RunningEmulator) -> None:
    for name in ("list/b", "list/a", "list/c/d"):
        bucket.blob(name).upload_from_string(name)
    found = list(bucket.client.list_blobs("bucket", prefix="list/", page_size=2))
    assert [blob.name for blob in found] == ["list/a", "list/b", "list/c/d"]
    drafts = [path for path in emulator.bucket_root.iterdir() if path.name != "bucket"]
    assert drafts == []


def test_a_bucket_that_is_not_there(bucket: Any) -> None:
    with pytest.raises(NotFound, match="bucket does not exist"):
        bucket.client.bucket("nothing").blob("a").upload_from_string(b"")


@pytest.mark.parametrize(
    "name", ["../a", "a/../../b", "/a", "a//b", "./a", "a/", "list/c", "once/a"]
)
def test_names_that_no_file_can_have(bucket: Any, emulator: RunningEmulator, name: str) -> None:
    for needed in ("list/c/d", "once"):
        bucket.blob(needed).upload_from_string(b"")
    with pytest.raises(BadRequest):
        bucket.blob(name).upload_from_string(b"x", if_generation_match=0)
    assert [path.name for path in emulator.bucket_root.iterdir()] == ["bucket"]
