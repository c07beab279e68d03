"""Fingerprints of data in Cloud Storage: by listing folders, equal to those of local data."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from automl_plan.data.sources import SourceReader
from automl_plan.errors import PermissionDenied, SourceError
from automl_plan.providers.registry import open_provider
from tests.conftest import StartEmulator
from tests.providers.service import Received, Reply, Service, answer, failure

ROWS = "TRAIN,gs://b/{0}/0.png,rose\nTEST,gs://b/{0}/deep er/1.png,tulip\nTEST,gs://b/2.png\n"
LOCAL_ROWS = "TRAIN,x/0.png,rose\nTEST,x/deep er/1.png,tulip\nTEST,2.png\n"
IMAGES = {"x/0.png": b"0", "x/deep er/1.png": b"1", "2.png": b"2"}


def md5(data: bytes) -> str:
    return base64.b64encode(hashlib.md5(data).digest()).decode()


@pytest.fixture
def reader(service: Service, tmp_path: Path) -> Iterator[SourceReader]:
    environ = {"STORAGE_EMULATOR_HOST": service.url, "AUTOML_EMULATOR_HOST": "elsewhere:1"}
    made = open_provider("automl", {"project": "p"}, tmp_path, environ)
    with SourceReader(tmp_path, made.data_access) as opened:
        yield opened
    made.close()


class Bucket:
    """`gs://b` as Cloud Storage's JSON API shows it, a few objects on each page."""

    def __init__(self, csv: str, images: dict[str, dict[str, str]], page: int = 2) -> None:
        self.csv, self.images, self.page = csv, images, page

    def __call__(self, request: Received) -> Reply:
        if request.query.get("alt") == "media":
            return Reply(200, self.csv.encode(), {"Content-Type": "text/csv"})
        prefix, start = request.query["prefix"], int(request.query.get("pageToken", "0"))
        delimiter = request.query.get("delimiter")
        found = [
            {"name": name, **fields}
            for name, fields in sorted(self.images.items())
            if name.startswith(prefix) and not (delimiter and delimiter in name[len(prefix) :])
        ]
        following = start + self.page
        more = {"nextPageToken": str(following)} if following < len(found) else {}
        return answer({"kind": "storage#objects", "items": found[start:following], **more})


def hashed(images: dict[str, bytes]) -> dict[str, dict[str, str]]:
    return {name: {"md5Hash": md5(data), "generation": "1"} for name, data in images.items()}


def test_the_same_as_local_data(service: Service, reader: SourceReader, tmp_path: Path) -> None:
    service.default = Bucket(ROWS.format("x"), hashed(IMAGES))
    for name, data in IMAGES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(data)
    (tmp_path / "d.csv").write_text(LOCAL_ROWS)
    remote = reader.read(["gs://b/a folder/d.csv"])
    assert (remote.examples, remote.labelled_examples) == (3, 2)
    assert remote == reader.read(["d.csv"])
    assert service.received[0].path == "/storage/v1/b/b/o/a%20folder%2Fd.csv"
    assert service.received[0].query == {"alt": "media"}


def test_folders_are_listed_never_each_image_asked_for(
    service: Service, reader: SourceReader
) -> None:
    images = {f"x/{n}.png": b"%d" % n for n in range(25)} | {f"y/{n}": b"" for n in range(50)}
    rows = "".join(f"TRAIN,gs://b/x/{n}.png,a\n" for n in range(25))
    service.default = Bucket(rows, hashed(images), page=10)
    assert reader.read(["gs://b/d.csv"]).examples == 25
    listed = service.received[1:]
    assert [r.path for r in listed] == ["/storage/v1/b/b/o"] * 3
    assert {r.query["prefix"] for r in listed} == {"x/"}
    assert {r.query["maxResults"] for r in listed} == {"1000"}


def test_the_place_does_not_matter(service: Service, reader: SourceReader) -> None:
    service.default = Bucket(ROWS.format("x"), hashed(IMAGES))
    first = reader.read(["gs://b/d.csv"])
    moved = {name.replace("x/", "y/"): data for name, data in IMAGES.items()}
    service.default = Bucket(ROWS.format("y"), hashed(moved))
    assert reader.read(["gs://b/moved.csv"]) == first
    service.default = Bucket(ROWS.format("y"), hashed({**moved, "2.png": b"changed"}))
    reader.objects.clear()  # as they are now
    assert reader.read(["gs://b/moved.csv"]).fingerprint != first.fingerprint


def test_composed_objects_have_no_md5(service: Service, reader: SourceReader) -> None:
    row = "TRAIN,gs://b/2.png,a\n"
    found = []
    for version in ({"crc32c": "A", "generation": "1"}, {"crc32c": "A", "generation": "2"}):
        service.default = Bucket(row, {"2.png": version})
        reader.objects.clear()
        found.append(reader.read(["gs://b/d.csv"]).fingerprint)
    assert found[0] != found[1]


def test_images_that_are_not_there(service: Service, reader: SourceReader) -> None:
    service.default = Bucket(ROWS.format("x"), hashed({"2.png": b"2", "x/0.pngs": b""}))
    with pytest.raises(SourceError) as caught:
        reader.read(["gs://b/d.csv"])
    assert caught.value.message.splitlines() == [
        "2 images can't be read:",
        "  gs://b/d.csv:1: There is no object gs://b/x/0.png.",
        "  gs://b/d.csv:2: There is no object gs://b/x/deep er/1.png.",
    ]


def test_a_bucket_that_is_not_there(service: Service, reader: SourceReader) -> None:
    service.replies = [Reply(200, b"TRAIN,gs://c/1.png,a\n"), failure(404, "NOT_FOUND")]
    with pytest.raises(SourceError, match=r"gs://b/d\.csv:1: There is no object gs://c/1\.png"):
        reader.read(["gs://b/d.csv"])


def test_a_csv_that_is_not_there(service: Service, reader: SourceReader) -> None:
    service.replies = [Reply(404, b"No such object: b/d.csv")]
    with pytest.raises(SourceError, match="There is no such object") as caught:
        reader.read(["gs://b/d.csv"])
    assert caught.value.where == "gs://b/d.csv"


def test_a_csv_that_may_not_be_read(service: Service, reader: SourceReader) -> None:
    service.replies = [failure(403, "PERMISSION_DENIED", "robot has no storage.objects.get")]
    with pytest.raises(PermissionDenied, match=r"robot has no storage\.objects\.get"):
        reader.read(["gs://b/d.csv"])


@pytest.mark.parametrize("source", ["gs://", "gs://b", "gs://b/", "gs:///x"])
def test_what_names_no_object(service: Service, reader: SourceReader, source: str) -> None:
    with pytest.raises(SourceError) as caught:
        reader.read([source])
    assert caught.value.where == source
    assert service.received == []


def test_a_csv_that_is_too_large(service: Service, reader: SourceReader) -> None:
    service.replies = [Reply(200, b"x" * 100_000_001)]
    with pytest.raises(SourceError, match="100 MB"):
        reader.read(["gs://b/d.csv"])
    assert len(service.received) == 1


def test_against_the_emulator(start_emulator: StartEmulator, tmp_path: Path) -> None:
    emulator = start_emulator()
    for name, data in IMAGES.items():
        for root in (emulator.bucket_root / "b", tmp_path):
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(data)
    (emulator.bucket_root / "b" / "d.csv").write_text(ROWS.format("x"))
    (tmp_path / "d.csv").write_text(LOCAL_ROWS)
    environ = {"AUTOML_EMULATOR_HOST": emulator.url.removeprefix("http://")}
    provider = open_provider("automl", {"project": "p"}, tmp_path, environ)
    with SourceReader(tmp_path, provider.data_access) as reader:
        assert reader.read(["gs://b/d.csv"]) == reader.read(["d.csv"])
    provider.close()
