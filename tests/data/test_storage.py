"""Data in Cloud Storage: the CSV is fetched once, images are looked for by listing folders."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

import pytest

from automl_plan.data.dataset_kinds import DatasetKind
from automl_plan.data.lint import Linted, Linter
from automl_plan.data.source_files import SourceFiles
from automl_plan.data.sources import SourceReader
from automl_plan.providers.data_access import DataAccess
from automl_plan.providers.google.capabilities import LIMITS
from automl_plan.providers.google.storage import Storage
from tests.providers.service import Received, Reply, Service, answer, failure

CSV = (
    "TRAIN,gs://b/x/0.png,rose\nTEST,gs://b/x/1.png,tulip\nTRAIN,gs://b/x/gone.png,rose\n"
    "TEST,gs://b/x/same.png,rose\nTRAIN,gs://b/x/large.png,rose\nTRAIN,gs://b/x/empty.png,rose\n"
)


def stored(name: str, content: bytes, size: int | None = None) -> dict[str, str]:
    md5 = base64.b64encode(hashlib.md5(content).digest()).decode()
    return {"name": name, "md5Hash": md5, "size": str(len(content) if size is None else size)}


OBJECTS = [
    stored("x/0.png", b"0"),
    stored("x/1.png", b"1"),
    stored("x/same.png", b"0"),
    stored("x/large.png", b"large", 30_000_001),
    stored("x/empty.png", b""),
]
"""Nothing else of an object is asked for: no image is read."""


def lint(url: str, directory: Path, source: str) -> Linted:
    storage = Storage.at(url, None)
    try:
        with SourceFiles(directory, lambda: storage) as files:
            linter = Linter(files.open, LIMITS, directory=directory, storage=lambda: storage)
            return linter.lint(source, [source], DatasetKind.MULTICLASS)
    finally:
        storage.close()


def bucket(request: Received) -> Reply:
    if request.query.get("alt") == "media":
        return Reply(200, CSV.encode(), {"Content-Type": "text/csv"})
    return answer({"items": OBJECTS})


def test_objects_are_looked_for_by_lists(tmp_path: Path) -> None:
    with Service() as service:
        service.default = bucket
        linted = lint(service.url, tmp_path, "gs://b/x/data.csv")
        assert len(service.received) == 2
    found = {(each.line, each.rule) for each in linted.findings}
    assert {each for each in found if not each[1].startswith(("label-", "set-"))} == {
        (3, "image-missing"),
        (4, "content-in-two-sets"),
        (5, "image-size"),
        (6, "image-unreadable"),
    }
    (said,) = linted.unchecked
    assert "6 images in Cloud Storage" in said


def test_what_can_not_be_reached_is_said(tmp_path: Path) -> None:
    (tmp_path / "local.csv").write_text(CSV, encoding="utf-8")
    with Service() as service:
        service.default = lambda _: failure(403, "PERMISSION_DENIED", "No access to b.")
        linted = lint(service.url, tmp_path, "local.csv")
        assert len(service.received) == 1
        unread = lint(service.url, tmp_path, "gs://b/x/data.csv")
    assert "image-missing" not in linted.counts
    assert "No access to b." in linted.unchecked[0]
    assert unread.counts == {"csv-unreadable": 1}


@pytest.mark.parametrize("name", ["../outside.csv", "missing.csv", "folder.csv"])
def test_sources_lie_below_the_directory(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder.csv").mkdir()
    linted = lint("http://127.0.0.1:1", tmp_path, name)
    assert linted.counts == {"csv-unreadable": 1}


def test_a_plan_lists_and_fetches_once(tmp_path: Path) -> None:
    """What was read to fingerprint data is not asked for again by the lint."""
    found = [each for each in OBJECTS if each["name"] != "x/empty.png"]
    rows = "TRAIN,gs://b/x/0.png,rose\nTEST,gs://b/x/1.png,tulip\n"

    def served(request: Received) -> Reply:
        if request.query.get("alt") == "media":
            return Reply(200, rows.encode(), {"Content-Type": "text/csv"})
        return answer({"items": found})

    with Service() as service:
        service.default = served
        storage = Storage.at(service.url, None)
        with SourceReader(tmp_path, DataAccess(storage)) as reader:
            data = reader.read(["gs://b/x/data.csv"])
            linter = Linter(
                reader.files.open,
                LIMITS,
                directory=tmp_path,
                storage=lambda: storage,
                objects=reader.objects,
            )
            linted = linter.lint("d", ["gs://b/x/data.csv"], DatasetKind.MULTICLASS)
        storage.close()
        assert len(service.received) == 2
    assert linted.data == data.counts
