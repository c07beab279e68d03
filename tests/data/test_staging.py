"""Local data for the cloud: what is uploaded, what is imported, and what a failure leaves."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import time
import urllib.request
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import unquote

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from automl_plan.data.sources import SourceReader
from automl_plan.data.staging import parts_of, stage
from automl_plan.errors import SourceError, StagingError, TransportError
from automl_plan.model.address import dataset_address
from automl_plan.model.desired import DesiredDataset
from automl_plan.model.live import Operation, OperationKind
from automl_plan.model.model_types import ClassificationType, Problem
from automl_plan.model.source_data import SourceData
from automl_plan.providers.protocol import Provider
from automl_plan.providers.registry import open_provider
from tests.conftest import RunningEmulator, StartEmulator
from tests.providers.service import Received, Reply, Service, answer

PLACE = "gs://bucket/some/where"
DATASET = DesiredDataset(
    address=dataset_address("d"),
    display_name="shades",
    problem=Problem.IMAGE_CLASSIFICATION,
    classification_type=ClassificationType.MULTILABEL,
    sources=("data/a.csv", "b.csv"),
)


def md5(content: bytes) -> str:
    return hashlib.md5(content).hexdigest()


def import_staged(
    provider: Provider, directory: Path, dataset: DesiredDataset, dataset_id: str, data: SourceData
) -> Operation:
    with SourceReader(directory, provider.data_access) as reader:
        uris = stage(reader, dataset.sources, data)
    return provider.import_data(dataset, dataset_id, uris, data)


# -- both providers, against the embedded service ------------------------------------------------


class Cloud:
    """A provider and an embedded service that has nothing but one bucket."""

    def __init__(self, api: str, emulator: RunningEmulator, directory: Path) -> None:
        self.emulator, self.directory = emulator, directory
        self.bucket = emulator.bucket_root / "bucket"
        self.bucket.mkdir(exist_ok=True)
        path = "/vertex" if api == "vertex" else ""
        self.settings = {"project": "p", "endpoint": f"{emulator.url}{path}"}
        self.api = api
        self.provider = self.opened(PLACE)

    def opened(self, place: str) -> Provider:
        settings = {**self.settings, "staging_bucket": place}
        return open_provider(self.api, settings, self.directory, {})

    def counts(self) -> Mapping[str, int]:
        with urllib.request.urlopen(f"{self.emulator.url}/emulator/v1/calls", timeout=20) as told:
            counts: Mapping[str, int] = json.load(told)["calls"]
        return {name: n for name, n in counts.items() if name.startswith("objects.")}

    def made(self) -> str:
        operation = self.provider.create_dataset(DATASET, {})
        while not operation.done:
            operation = self.provider.operation(operation.id)
        assert operation.result_id is not None
        return operation.result_id

    def read(self, sources: Sequence[str]) -> SourceData:
        with SourceReader(self.directory, self.provider.data_access) as reader:
            return reader.read(sources)

    def import_data(self, dataset_id: str, data: SourceData) -> Operation:
        return import_staged(self.provider, self.directory, DATASET, dataset_id, data)

    def imported(self, dataset_id: str, data: SourceData) -> None:
        operation = self.import_data(dataset_id, data)
        while not operation.done:
            time.sleep(0.01)
            operation = self.provider.operation(operation.id)
        assert (operation.error, operation.partial_failures) == (None, ())

    def files(self) -> dict[str, bytes]:
        """All objects below the staging bucket's prefix."""
        root = self.bucket / "some" / "where"
        return {
            path.relative_to(root).as_posix(): path.read_bytes()
            for path in root.rglob("*")
            if path.is_file()
        }


@pytest.fixture
def cloud(api: str, start_emulator: StartEmulator, tmp_path: Path) -> Iterator[Cloud]:
    emulator = start_emulator(files_root=tmp_path / "nowhere", time_scale=1_000_000.0)
    directory = tmp_path / "work"
    (directory / "data" / "images").mkdir(parents=True)
    for number in range(8):
        (directory / "data" / "images" / f"{number}.PNG").write_bytes(b"image %d" % number)
    (directory / "again.jpeg").write_bytes(b"image 0")
    made = Cloud(api, emulator, directory)
    (made.bucket / "there.png").write_bytes(b"there")
    (directory / "data" / "a.csv").write_text(
        "".join(f"TRAIN,data/images/{n}.PNG,dark\n" for n in range(8))
    )
    (directory / "b.csv").write_text(
        "test,gs://bucket/there.png,light\nTRAIN,again.jpeg,old\n", encoding="utf-8"
    )
    yield made
    made.provider.close()


def test_local_data_is_imported(cloud: Cloud) -> None:
    data = cloud.read(DATASET.sources)
    assert cloud.files() == {}  # to plan uploads nothing
    dataset_id = cloud.made()
    cloud.imported(dataset_id, data)
    assert cloud.provider.dataset(dataset_id).example_count == data.examples == 9

    files = cloud.files()
    images = {name: content for name, content in files.items() if name.startswith("images/")}
    expected = {f"images/{md5(b'image %d' % n)}.png": b"image %d" % n for n in range(8)}
    expected[f"images/{md5(b'image 0')}.jpeg"] = b"image 0"
    assert images == expected
    tables = [content for name, content in files.items() if name.startswith("imports/")]
    train = "training" if cloud.api == "vertex" else "TRAIN"
    assert sorted(tables, key=len)[0].decode() == (
        "test,gs://bucket/there.png,light\n"
        f"{train},{PLACE}/images/{md5(b'image 0')}.jpeg,old\n"  # one image, one URI
    )
    assert f"{train},{PLACE}/images/{md5(b'image 0')}.jpeg,dark\n".encode() in max(tables, key=len)

    # Staged once, the data is the same, and nothing is written again.
    uris = [f"gs://bucket/some/where/{name}" for name in files if name.startswith("imports/")]
    assert cloud.read(uris) == data
    before = cloud.counts()
    another = cloud.made()
    cloud.imported(another, data)
    after = cloud.counts()
    assert after["objects.insert"] == before["objects.insert"]
    assert after["objects.get"] == before["objects.get"]
    assert cloud.files() == files
    assert cloud.provider.dataset(another).example_count == 9


def test_data_that_changed_is_not_imported(cloud: Cloud) -> None:
    data = cloud.read(DATASET.sources)
    dataset_id = cloud.made()
    (cloud.directory / "data" / "images" / "3.PNG").write_bytes(b"another")
    with pytest.raises(SourceError, match="changed while it was uploaded") as caught:
        cloud.import_data(dataset_id, data)
    assert caught.value.where == "data/a.csv, b.csv"
    kinds = {operation.kind for operation in cloud.provider.operations()}
    assert OperationKind.IMPORT_DATA not in kinds


def test_an_upload_that_is_cut_off_goes_on(cloud: Cloud) -> None:
    data = cloud.read(DATASET.sources)
    dataset_id = cloud.made()
    for fault in ("objects.insert:401:4+", "objects.insert:drop-after:2"):
        told = json.dumps({"fault": fault}).encode()
        urllib.request.urlopen(f"{cloud.emulator.url}/emulator/v1/faults", told, 20).close()
    with pytest.raises(StagingError, match="can't be uploaded to gs://bucket: "):
        cloud.import_data(dataset_id, data)
    left = cloud.files()
    assert 0 < len(left) < 9
    clear = urllib.request.Request(f"{cloud.emulator.url}/emulator/v1/faults", method="DELETE")
    urllib.request.urlopen(clear, timeout=20).close()
    before = cloud.counts()["objects.insert"]
    cloud.imported(dataset_id, data)
    assert cloud.counts()["objects.insert"] - before == 9 + 2 - len(left)
    assert cloud.provider.dataset(dataset_id).example_count == 9


def test_what_somebody_else_wrote_is_not_imported(cloud: Cloud) -> None:
    data = cloud.read(DATASET.sources)
    dataset_id = cloud.made()
    name = f"{md5(b'image 5')}.png"
    (cloud.bucket / "some" / "where" / "images").mkdir(parents=True)
    (cloud.bucket / "some" / "where" / "images" / name).write_bytes(b"something else")
    with pytest.raises(StagingError, match="does not match its name") as caught:
        cloud.import_data(dataset_id, data)
    assert f"`gcloud storage rm {PLACE}/images/{name}`" in str(caught.value.hint)


def test_a_bucket_that_is_not_there(cloud: Cloud) -> None:
    provider = cloud.opened("gs://nothing/")
    data = cloud.read(DATASET.sources)
    with pytest.raises(StagingError, match="There is no bucket gs://nothing") as caught:
        import_staged(provider, cloud.directory, DATASET, "1", data)
    provider.close()
    assert caught.value.where == f"provider.{cloud.api}.staging_bucket"
    assert "`gcloud storage buckets create gs://nothing --project p --location us-central1`" in str(
        caught.value.hint
    )


def test_an_image_that_is_too_large(cloud: Cloud) -> None:
    with (cloud.directory / "data" / "images" / "3.PNG").open("wb") as file:
        file.truncate(30_000_001)
    data = cloud.read(DATASET.sources)
    with pytest.raises(SourceError, match=r"3\.PNG is larger than the 30 MB"):
        cloud.import_data("1", data)


def test_without_a_bucket_sources_are_sent_as_they_are(cloud: Cloud) -> None:
    provider = open_provider(cloud.api, dict(cloud.settings), cloud.directory, {})
    (cloud.bucket / "c.csv").write_text("TRAIN,gs://bucket/there.png,light\n")
    dataset = replace(DATASET, sources=("gs://bucket/c.csv",))
    data = cloud.read(dataset.sources)
    import_staged(provider, cloud.directory, dataset, cloud.made(), data)
    provider.close()
    assert cloud.files() == {}


# -- any CSV, against buckets in memory ----------------------------------------------------------


class Buckets:
    """Cloud Storage's lists, downloads and uploads; `objects` by bucket and name."""

    def __init__(self, objects: Mapping[tuple[str, str], bytes]) -> None:
        self.objects = dict(objects)
        self.denied = ""

    def __call__(self, request: Received) -> Reply:
        bucket, _, name = request.path.partition("/storage/v1/b/")[2].partition("/o")
        if "/storage/v1/b/" not in request.path:
            return answer({})
        if request.method == "POST":
            return self._insert(bucket, request)
        if name:
            name = unquote(name[1:])
            return Reply(200, self.objects[bucket, name])
        prefix = request.query["prefix"]
        items = [
            {"name": name, "md5Hash": b64encode(hashlib.md5(content).digest()).decode()}
            for (home, name), content in self.objects.items()
            if home == bucket and name.startswith(prefix) and "/" not in name[len(prefix) :]
        ]
        return answer({"items": items})

    def _insert(self, bucket: str, request: Received) -> Reply:
        assert request.query["ifGenerationMatch"] == "0"
        assert request.query["uploadType"] == "media"
        if self.denied:
            return answer({"error": {"code": 403, "message": self.denied}}, 403)
        key = bucket, request.query["name"]
        if key in self.objects:
            return answer({"error": {"code": 412, "message": "It is there."}}, 412)
        self.objects[key] = request.body
        return answer({"kind": "storage#object"})


FILES = {"a.png": b"a", 'b/ä, "b".JPG': b"b", "b/same.jpeg": b"b", "no extension": b"", "x.é": b"x"}
REMOTE = {("there", "c d/1.png"): b"1", ("there", "2,\n.png"): b"a"}
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=5)
PATHS = st.sampled_from([*FILES, *(f"gs://{bucket}/{name}" for bucket, name in REMOTE)])
USES = st.sampled_from(["TRAIN", "train", "Validate", "VALIDATION", "test", "unassigned", "", None])
BOXES = st.just(["car", "0.1", "0.1", "", "", "0.3", "0.3", "", ""])


@st.composite
def tables(draw: st.DrawFn) -> bytes:
    """An import CSV, as anything may have written it."""
    text = io.StringIO()
    ends = draw(st.sampled_from(["\r\n", "\n"]))
    if ends == "\n":
        writer = csv.writer(text, lineterminator=ends, quoting=csv.QUOTE_ALL)
    else:
        writer = csv.writer(text, lineterminator=ends, quoting=csv.QUOTE_MINIMAL)
    for _ in range(draw(st.integers(1, 5))):
        use = draw(USES)
        path = draw(PATHS)
        # Before an empty field or a file name, a name without an extension may be a wrong set.
        label = st.sampled_from(["cat", "dog"]) if path == "no extension" else TEXT
        labels = draw(st.lists(label, max_size=3) | BOXES)
        writer.writerow([*([] if use is None else [use]), path, *labels])
        text.write(ends * draw(st.integers(0, 2)))
    return (draw(st.sampled_from(["", "\ufeff"])) + text.getvalue()).encode()


def rows_of(table: bytes) -> list[list[str]]:
    text = table.decode("utf-8-sig")
    return [row for row in csv.reader(io.StringIO(text, newline="")) if row]


@pytest.fixture(scope="module")
def storage() -> Iterator[Service]:
    with Service() as running:
        yield running


USES_AT_VERTEX = {
    "TRAIN": ["training"],
    "VALIDATE": ["validation"],
    "VALIDATION": ["validation"],
    "TEST": ["test"],
    "UNASSIGNED": [],
    "": [],
}


@pytest.mark.parametrize("api", ["automl", "vertex"])
@settings(max_examples=40)
@given(written=st.lists(tables(), min_size=1, max_size=3))
def test_the_staged_csvs_mean_the_same(
    storage: Service, api: str, written: Sequence[bytes]
) -> None:
    # As a first line that is a header: words alone, which no reader takes for a row.
    assume(not any(content.startswith(b"no extension,") for content in written))
    buckets = storage.default = Buckets(REMOTE)
    storage.received.clear()
    environ = {"STORAGE_EMULATOR_HOST": storage.url}
    asked = {"project": "p", "endpoint": storage.url, "staging_bucket": "gs://staging"}
    names = [f"{number}.csv" for number in range(len(written))]
    with TemporaryDirectory() as folder:
        for name, content in {**FILES, **dict(zip(names, written, strict=True))}.items():
            (Path(folder) / name).parent.mkdir(exist_ok=True)
            (Path(folder) / name).write_bytes(content)
        provider = open_provider(api, asked, Path(folder), environ)
        with SourceReader(Path(folder), provider.data_access) as reader:
            original = reader.read(names)
        dataset = replace(DATASET, sources=tuple(names))
        with pytest.raises(TransportError, match="names no operation"):  # what the answer lacks
            import_staged(provider, Path(folder), dataset, "1", original)
        (sent,) = [r.json() for r in storage.received if ":import" in r.path]
        uris = (
            sent["inputConfig"]["gcsSource"]["inputUris"]
            if api == "automl"
            else sent["importConfigs"][0]["gcsSource"]["uris"]
        )
        with reader:
            assert reader.read(uris) == original
        provider.close()

    def meant(row: list[str]) -> list[str]:
        column = 0 if row[0] in FILES or row[0].startswith("gs://") else 1
        start = row[:column]
        if api == "vertex":
            start = USES_AT_VERTEX[row[0].upper()] if column else []
        if row[column].startswith("gs://"):
            return [*start, *row[column:]]
        digest = md5(FILES[row[column]])
        named = min(name for home, name in buckets.objects if home == "staging" and digest in name)
        assert buckets.objects["staging", named] == FILES[row[column]]
        return [*start, f"gs://staging/{named}", *row[column + 1 :]]

    wanted: list[list[list[str]]] = []
    for table in written:
        rows = [meant(row) for row in rows_of(table)]
        wanted += [rows] if rows not in wanted else []  # a file is imported once
    staged = [buckets.objects["staging", uri.removeprefix("gs://staging/")] for uri in uris]
    assert [rows_of(table) for table in staged] == wanted


LINES = st.lists(st.from_regex(r"[a-zé]{0,6}\n", fullmatch=True))


@given(LINES, st.integers(1, 20))
def test_parts_are_as_few_as_can_be(lines: list[str], limit: int) -> None:
    parts = list(parts_of(lines, limit))
    assert b"".join(parts) == "".join(lines).encode()
    for part in parts:
        assert part.endswith(b"\n")
        assert len(part) <= limit or part.count(b"\n") == 1
    for part, following in pairwise(parts):
        assert len(part) + following.index(b"\n") + 1 > limit


def test_a_permission_that_is_missing(storage: Service, tmp_path: Path) -> None:
    for number in range(200):
        (tmp_path / f"{number}.png").write_bytes(b"%d" % number)
    (tmp_path / "d.csv").write_text("".join(f"TRAIN,{n}.png,a\n" for n in range(200)))
    buckets = storage.default = Buckets({})
    buckets.denied = "robot@p.iam.gserviceaccount.com does not have storage.objects.create access."
    environ = {"STORAGE_EMULATOR_HOST": storage.url}
    asked = {"project": "p", "endpoint": storage.url, "staging_bucket": "gs://staging"}
    provider = open_provider("vertex", asked, tmp_path, environ)
    with SourceReader(tmp_path, provider.data_access) as reader:
        data = reader.read(["d.csv"])
    storage.received.clear()
    with pytest.raises(StagingError, match=r"robot@p.* does not have storage\.objects") as caught:
        import_staged(provider, tmp_path, replace(DATASET, sources=("d.csv",)), "1", data)
    provider.close()
    assert "add-iam-policy-binding gs://staging --member MEMBER" in str(caught.value.hint)
    assert len(storage.received) < 50  # it is not tried with every image
    assert not [request for request in storage.received if "/v1/projects" in request.path]
