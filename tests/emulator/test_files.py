"""What import and export may reach on the disk, and Cloud Storage's view of the buckets."""

import base64
import hashlib
import os
from pathlib import Path
from typing import Any

import pytest
import requests
from PIL import Image

from tests.conftest import RunningEmulator, StartEmulator

PARENT = "v1/projects/p/locations/us-central1"


@pytest.fixture
def emulator(start_emulator: StartEmulator, tmp_path: Path) -> RunningEmulator:
    """An emulator with a bucket, files, and a secret outside of both."""
    files, buckets = tmp_path / "files", tmp_path / "buckets"
    for folder in (files, buckets / "bucket" / "sub"):
        folder.mkdir(parents=True)
    (tmp_path / "outside").mkdir()
    for number, folder in enumerate((files, buckets / "bucket", tmp_path / "outside")):
        Image.new("L", (4, 4), number).save(folder / "a.png")
        (folder / "a.csv").write_text("TRAIN,a.png,x\n")
    (files / "link.csv").symlink_to(tmp_path / "outside" / "a.csv")
    (files / "loop.csv").symlink_to(files / "loop.csv")
    (files / "folder").symlink_to(tmp_path / "outside")
    (buckets / "bucket" / "link.png").symlink_to(tmp_path / "outside" / "a.png")
    (buckets / "linked").symlink_to(tmp_path / "outside")
    return start_emulator(files_root=files, bucket_root=buckets, time_scale=1_000_000.0)


def post(emulator: RunningEmulator, path: str, body: object) -> Any:
    """The operation that a call began, when it is done."""
    answer = requests.post(f"{emulator.url}/{path}", json=body, timeout=20)
    assert answer.ok, answer.text
    name = answer.json()["name"]
    return requests.post(f"{emulator.url}/v1/{name}:wait", json={}, timeout=20).json()


def import_data(emulator: RunningEmulator, *uris: str) -> Any:
    """The finished import of CSV files into a new dataset."""
    kind = {"imageClassificationDatasetMetadata": {"classificationType": 2}}
    made = post(emulator, f"{PARENT}/datasets", {"displayName": "d", **kind})
    source = {"inputConfig": {"gcsSource": {"inputUris": uris}}}
    return post(emulator, f"v1/{made['response']['name']}:importData", source)


def test_relative_paths_and_buckets_can_be_read(emulator: RunningEmulator) -> None:
    (emulator.files_root / "both.csv").write_text("TEST,a.png,x\nTEST,gs://bucket/a.png,y\n")
    assert "response" in import_data(emulator, "both.csv", "gs://bucket/a.csv")


@pytest.mark.parametrize(
    "uri",
    [
        "../outside/a.csv",
        "folder/a.csv",
        "link.csv",
        "loop.csv",
        "missing.csv",
        "sub/../../outside/a.csv",
        "gs://bucket/../../outside/a.csv",
        "gs://../outside/a.csv",
        "gs://linked/a.csv",
        "gs://bucket/%2e%2e/a.csv",
        "gs://nothing/a.csv",
        "gs://bucket",
        "file:///etc/passwd",
        "http://localhost/a.csv",
        "s3://bucket/a.csv",
        "x" * 1500 + ".csv",
    ],
)
def test_nothing_else_can_be(emulator: RunningEmulator, uri: str) -> None:
    done = import_data(emulator, uri)
    assert done["error"]["code"] == 3
    assert uri in done["error"]["message"]


def test_absolute_paths_are_refused(emulator: RunningEmulator) -> None:
    path = str(emulator.files_root / "a.csv")
    assert import_data(emulator, path)["error"]["code"] == 3


def test_rows_that_lead_out_are_failures(emulator: RunningEmulator) -> None:
    outside = emulator.files_root.parent / "outside" / "a.png"
    rows = ["a.png", "gs://bucket/a.png", "gs://bucket/link.png", "../outside/a.png"]
    rows += [f"gs://bucket/sub/{number}.png" for number in range(3)]
    for number in range(3):
        image = Image.new("L", (4, 4), 100 + number)
        image.save(emulator.bucket_root / "bucket" / "sub" / f"{number}.png")
    text = "".join(f"TRAIN,{row},x\n" for row in [*rows, str(outside), "folder/a.png"])
    (emulator.files_root / "rows.csv").write_text(text)
    done = import_data(emulator, "rows.csv")
    failures = [each["message"] for each in done["metadata"]["partialFailures"]]
    assert [text.partition(": ")[0] for text in failures] == [
        "rows.csv line 3",
        "rows.csv line 4",
        "rows.csv line 8",
        "rows.csv line 9",
    ]


def get(emulator: RunningEmulator, path: str, **query: str) -> requests.Response:
    """A GET below /storage/v1/b/."""
    return requests.get(f"{emulator.url}/storage/v1/b/{path}", params=query, timeout=20)


def test_an_objects_metadata_and_bytes(emulator: RunningEmulator) -> None:
    file = emulator.bucket_root / "bucket" / "sub" / "o.bin"
    file.write_bytes(b"content")
    os.utime(file, ns=(0, 1_700_000_000_123_456_789))
    found = get(emulator, "bucket/o/sub%2Fo.bin").json()
    md5 = base64.b64encode(hashlib.md5(b"content").digest()).decode()
    assert found["kind"] == "storage#object"
    assert (found["name"], found["bucket"], found["size"]) == ("sub/o.bin", "bucket", "7")
    assert (found["generation"], found["md5Hash"]) == ("1700000000123456789", md5)
    assert found["updated"] == "2023-11-14T22:13:20.123Z"
    media = get(emulator, "bucket/o/sub%2Fo.bin", alt="media")
    assert (media.content, media.headers["Content-Type"]) == (
        b"content",
        "application/octet-stream",
    )

    file.write_bytes(b"changed")
    changed = get(emulator, "bucket/o/sub%2Fo.bin").json()
    assert changed["generation"] != found["generation"]
    assert changed["md5Hash"] != md5


@pytest.mark.parametrize(
    "path",
    [
        "bucket/o/missing",
        "bucket/o/sub",
        "bucket/o/link.png",
        "bucket/o/..%2F..%2Foutside%2Fa.png",
        "bucket/o/%2Fetc%2Fpasswd",
        "bucket/o/a.png%00",
        "linked/o/a.png",
        "%2E%2E/o/outside%2Fa.png",
        "nothing/o",
    ],
)
def test_objects_that_are_not_there(emulator: RunningEmulator, path: str) -> None:
    prepared = requests.Request("GET", f"{emulator.url}/storage/v1/b/{path}").prepare()
    with requests.Session() as session:
        answer = session.send(prepared, timeout=20)
    assert answer.status_code == 404
    error = answer.json()["error"]
    assert (error["code"], error["errors"][0]["reason"]) == (404, "notFound")


def test_lists_by_prefix_and_page(emulator: RunningEmulator) -> None:
    for name in ("b", "c", "é"):
        (emulator.bucket_root / "bucket" / "sub" / name).write_text(name)
    names, token = [], ""
    while True:
        page = get(emulator, "bucket/o", prefix="sub/", maxResults="2", pageToken=token).json()
        assert page["kind"] == "storage#objects"
        names += [item["name"] for item in page["items"]]
        token = page.get("nextPageToken", "")
        if not token:
            break
    assert names == ["sub/b", "sub/c", "sub/é"]
    assert "items" not in get(emulator, "bucket/o", prefix="zzz").json()
    every = [item["name"] for item in get(emulator, "bucket/o").json()["items"]]
    assert "link.png" not in every
    assert get(emulator, "bucket/o", pageToken="!").status_code == 400
    assert get(emulator, "bucket/o", maxResults="0").status_code == 400
