"""Every format of import files, for every kind of dataset, on every provider: the same data.

The same images are written as a CSV with and without sets, as JSON Lines, and as several objects
that a wildcard names; with images that are local files or objects. The reader counts the same, the
lint finds no error, what is staged has the same rows, and the service imports the same.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct

from automl_plan.data.dataset_kinds import DatasetKind
from automl_plan.data.import_rows import ImportRow, read_rows, rows_of
from automl_plan.data.lint import Linter
from automl_plan.data.lint_rule import Severity
from automl_plan.data.sources import SourceReader
from automl_plan.data.staging import CONVERTED, stage
from automl_plan.errors import SourceError
from automl_plan.model.address import dataset_address
from automl_plan.model.desired import DesiredDataset
from automl_plan.model.live import LiveDataset
from automl_plan.model.model_types import ClassificationType, Problem
from automl_plan.providers.google.automl.capabilities import AUTOML
from automl_plan.providers.google.vertex.capabilities import VERTEX
from automl_plan.providers.protocol import Provider
from automl_plan.providers.registry import open_provider
from tests.conftest import RunningEmulator, StartEmulator
from tests.depth import times

ML_USE = "aiplatform.googleapis.com/ml_use"


class Item(Struct):
    """An image and what it is labelled with."""

    use: str
    image: str
    labels: Sequence[str] = ()
    boxes: Sequence[tuple[str, float, float, float, float]] = ()


KINDS: dict[DatasetKind, list[Item]] = {
    DatasetKind.MULTICLASS: [
        Item("TRAIN", "0.png", ["Baked goods"]),
        Item("TEST", "1.png", ["salad"]),
        Item("VALIDATION", "2.png", ["salad"]),
        Item("UNASSIGNED", "3.png"),
    ],
    DatasetKind.MULTILABEL: [
        Item("TRAIN", "0.png", ["Käse", "salad"]),
        Item("TEST", "1.png", ["salad", "l" * 128]),
        Item("UNASSIGNED", "2.png", ["salad"]),
    ],
    DatasetKind.DETECTION: [
        Item("TRAIN", "0.png", boxes=[("cat", 0.1, 0.0, 0.5, 1.0), ("dog", 3e-05, 0.1, 0.5, 0.9)]),
        Item("TEST", "1.png", boxes=[("Baked goods", 0.25, 0.25, 0.75, 0.75)]),
        Item("UNASSIGNED", "2.png"),
    ],
}


def as_csv(items: Sequence[Item], kind: DatasetKind, spell: Callable[[str], list[str]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for item in items:
        start = [*spell(item.use), item.image]
        if kind is not DatasetKind.DETECTION:
            writer.writerow([*start, *item.labels])
        for label, x0, y0, x1, y1 in item.boxes:
            writer.writerow([*start, label, x0, y0, "", "", x1, y1, "", ""])
        if kind is DatasetKind.DETECTION and not item.boxes:
            writer.writerow([*start, *[""] * 9])
    return text.getvalue()


def as_json(items: Sequence[Item], kind: DatasetKind) -> str:
    lines = []
    for item in items:
        line: dict[str, object] = {"imageGcsUri": item.image}
        if item.use != "UNASSIGNED":
            words = {"TRAIN": "training", "TEST": "test", "VALIDATION": "validation"}
            line["dataItemResourceLabels"] = {ML_USE: words[item.use]}
        names = [
            {"displayName": label, "annotationResourceLabels": {"a": "b"}} for label in item.labels
        ]
        if kind is DatasetKind.DETECTION:
            line["boundingBoxAnnotations"] = [
                {"displayName": label, "xMin": x0, "xMax": x1, "yMin": y0, "yMax": y1}
                for label, x0, y0, x1, y1 in item.boxes
            ]
        elif kind is DatasetKind.MULTILABEL:
            line["classificationAnnotations"] = names
        elif names:
            line["classificationAnnotation"] = names[0]
        lines.append(json.dumps(line) + "\n")
    return "".join(lines)


FORMATS = {
    "csv": lambda items, kind: as_csv(items, kind, lambda use: [use]),
    "csv-vertex": lambda items, kind: as_csv(
        items, kind, lambda use: [{"TRAIN": "TRAINING"}.get(use, use)]
    ),
    "csv-no-set": lambda items, kind: as_csv(
        items, kind, lambda use: [use] if use != "UNASSIGNED" else []
    ),
    "jsonl": as_json,
}
WHERE = ("local", "staged", "objects", "wildcard")
"""Local files that the service reads or that are uploaded; objects; objects by a wildcard."""


class Place(Struct):
    """A service, its bucket, and the directory of a configuration that it reads."""

    emulator: RunningEmulator
    directory: Path

    @property
    def bucket(self) -> Path:
        return self.emulator.bucket_root / "bucket"

    def open(self, api: str, *, staging: bool) -> Provider:
        path = "/vertex" if api == "vertex" else ""
        settings = {"project": "p", "endpoint": f"{self.emulator.url}{path}"}
        if staging:
            settings["staging_bucket"] = "gs://bucket/staged"
        return open_provider(api, settings, self.directory, {})


@pytest.fixture(scope="module")
def place(start_shared_emulator: StartEmulator, tmp_path_factory: pytest.TempPathFactory) -> Place:
    directory = tmp_path_factory.mktemp("work")
    emulator = start_shared_emulator(files_root=directory, time_scale=1_000_000.0)
    made = Place(emulator, directory)
    made.bucket.mkdir()
    for folder in (directory, made.bucket):
        for number in range(4):
            (folder / f"{number}.png").write_bytes(b"image %d" % number)
    return made


def put(place: Place, kind: DatasetKind, format_: str, where: str) -> str:
    """Write the data of a kind in a format, and return the source that names it."""
    items = KINDS[kind]
    suffix = "jsonl" if format_ == "jsonl" else "csv"
    folder = place.directory / f"{kind}-{format_}"
    source = f"{folder.name}/d.{suffix}"
    if where in ("objects", "wildcard"):
        items = [Item(i.use, f"gs://bucket/{i.image}", i.labels, i.boxes) for i in items]
        folder = place.bucket / f"{kind}-{format_}-{where}"
        source = f"gs://bucket/{folder.name}/{'d-?' if where == 'wildcard' else 'd'}.{suffix}"
    folder.mkdir(exist_ok=True)
    if where != "wildcard":
        (folder / f"d.{suffix}").write_text(FORMATS[format_](items, kind), encoding="utf-8")
        return source
    for number, some in enumerate((items[:1], items[1:])):
        (folder / f"d-{number}.{suffix}").write_text(FORMATS[format_](some, kind), encoding="utf-8")
    return source


def declared(kind: DatasetKind, source: str) -> DesiredDataset:
    multi = kind is DatasetKind.MULTILABEL
    return DesiredDataset(
        address=dataset_address("d"),
        display_name="d",
        problem=kind.problem,
        classification_type=None
        if kind is DatasetKind.DETECTION
        else (ClassificationType.MULTILABEL if multi else ClassificationType.MULTICLASS),
        sources=(source,),
    )


def imported(provider: Provider, dataset: DesiredDataset, directory: Path) -> tuple[object, ...]:
    """Import a dataset, and return its counts, the rows that were sent, and what is live."""
    operation = provider.create_dataset(dataset, {})
    while not operation.done:
        operation = provider.operation(operation.id)
    assert operation.result_id is not None
    boxes = dataset.problem is Problem.IMAGE_OBJECT_DETECTION
    with SourceReader(directory, provider.data_access) as reader:
        data = reader.read(dataset.sources, boxes=boxes)
        uris = stage(reader, dataset.sources, data)
        rows = [(r.use, r.image.rpartition("/")[2], *r.labels) for r in reader.rows(uris)]
        assert reader.read(uris, boxes=boxes).fingerprint == data.fingerprint
    started = provider.import_data(dataset, operation.result_id, uris, data)
    while not started.done:
        time.sleep(0.005)
        started = provider.operation(started.id)
    assert (started.error, started.partial_failures) == (None, ())
    live: LiveDataset = provider.dataset(operation.result_id)
    return data, sorted(rows), live.example_count


@pytest.mark.parametrize("where", WHERE)
@pytest.mark.parametrize("kind", KINDS)
def test_all_formats_are_the_same_data(
    place: Place, api: str, kind: DatasetKind, where: str
) -> None:
    provider = place.open(api, staging=where == "staged" or (api == "automl" and where != "local"))
    limits = {"automl": AUTOML, "vertex": VERTEX}[api].limits
    results = {}
    try:
        for format_ in FORMATS:
            dataset = declared(kind, put(place, kind, format_, where))
            results[format_] = imported(provider, dataset, place.directory)
            with SourceReader(place.directory, provider.data_access) as reader:
                linter = Linter(
                    reader.files.open,
                    limits,
                    directory=place.directory,
                    storage=lambda: provider.data_access.storage,
                    decode=False,
                    expand=reader.files.expand,
                )
                linted = linter.lint("d", dataset.sources, kind)
            wrong = {f.rule for f in linted.findings if f.severity is Severity.ERROR}
            assert wrong <= {"label-under-10", "image-unreadable"}, format_
            assert linted.data.images == len(KINDS[kind])
    finally:
        provider.close()
    data, rows, live = results["csv"]
    assert live == len(KINDS[kind])
    for format_, found in results.items():
        read, staged, there = found
        assert (read, there) == (data, live), format_
        if where == "staged":
            assert staged == rows


@pytest.mark.parametrize("where", ["local", "staged"])
@pytest.mark.parametrize("kind", [DatasetKind.MULTICLASS, DatasetKind.MULTILABEL])
def test_a_folder_is_imported_as_its_csv(
    place: Place, api: str, kind: DatasetKind, where: str
) -> None:
    """An image of two labels is in the folders of both; sets are folders above the labels."""
    items = [Item(i.use, i.image, sorted(i.labels)) for i in KINDS[kind] if i.labels]
    start = place.directory / f"photos-{kind}-{where}-{api}"
    for item in items:
        for label in item.labels:
            folder = start / item.use.lower() / label
            folder.mkdir(parents=True, exist_ok=True)
            (folder / item.image).write_bytes((place.directory / item.image).read_bytes())
    (place.directory / f"{start.name}.csv").write_text(
        as_csv(items, kind, lambda use: [use]), encoding="utf-8"
    )
    provider = place.open(api, staging=where == "staged")
    try:
        one, other = (
            imported(provider, declared(kind, source), place.directory)
            for source in (f"{start.name}/", f"{start.name}.csv")
        )
    finally:
        provider.close()
    assert (one[0], one[2]) == (other[0], other[2])
    if where == "staged":
        assert one[1] == other[1]


@pytest.mark.parametrize("kind", KINDS)
def test_kinds_are_guessed_from_any_format(kind: DatasetKind, tmp_path: Path) -> None:
    for format_, write in FORMATS.items():
        name = "d.jsonl" if format_ == "jsonl" else "d.csv"
        (tmp_path / name).write_text(write(KINDS[kind], kind), encoding="utf-8")
        linted = Linter(lambda source: (tmp_path / source).open("rb"), VERTEX.limits).lint(
            name, [name], None
        )
        assert linted.kind is kind, format_
        assert not set(linted.counts) & {"json-line", "json-annotations", "row-shape"}


def test_a_service_without_the_format_gets_a_csv(place: Place) -> None:
    """Beside what the provider keeps, as the service reads files of this machine."""
    provider = place.open("automl", staging=False)
    source = put(place, DatasetKind.DETECTION, "jsonl", "local")
    with SourceReader(place.directory, provider.data_access) as reader:
        data = reader.read([source], boxes=True)
        [made] = stage(reader, [source], data)
        assert stage(reader, [source], data) == (made,)
    provider.close()
    assert made.startswith(f"{CONVERTED}/")
    assert (place.directory / made).read_text() == (
        "TRAIN,0.png,cat,0.1,0.0,,,0.5,1.0,,\n"
        "TRAIN,0.png,dog,3e-05,0.1,,,0.5,0.9,,\n"
        "TEST,1.png,Baked goods,0.25,0.25,,,0.75,0.75,,\n"
        "UNASSIGNED,2.png,,,,,,,,,\n"
    )


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("gs://bucket/nothing-*.csv", "There is no object of such a name."),
        ("gs://nothing/*.csv", "There is no object of such a name."),
        ("gs://bucket/*/d.csv", "A wildcard can be in the last part of the name only."),
        ("gs://bucket/a/**.csv", "A wildcard can be in the last part of the name only."),
    ],
)
def test_wildcards_that_name_nothing(place: Place, source: str, message: str) -> None:
    provider = place.open("automl", staging=False)
    with SourceReader(place.directory, provider.data_access) as reader:
        with pytest.raises(SourceError) as caught:
            reader.read([source])
        assert (caught.value.where, caught.value.message) == (source, message)
        linted = Linter(reader.files.open, VERTEX.limits, expand=reader.files.expand).lint(
            "d", [source], None
        )
        assert list(linted.counts) == ["csv-unreadable"]
        assert linted.findings[0].file == source
    provider.close()


def test_an_object_may_have_the_name_of_a_wildcard(place: Place) -> None:
    (place.bucket / "w").mkdir()
    for name, label in (("a*.csv", "cat"), ("ab.csv", "dog")):
        (place.bucket / "w" / name).write_text(f"gs://bucket/0.png,{label}\n")
    provider = place.open("automl", staging=False)
    with SourceReader(place.directory, provider.data_access) as reader:
        assert reader.expanded(["gs://bucket/w/a*.csv"]) == ("gs://bucket/w/a*.csv",)
        both = ("gs://bucket/w/a*.csv", "gs://bucket/w/ab.csv")
        assert reader.expanded(["gs://bucket/w/a*", "gs://bucket/w/ab.csv"]) == both
    provider.close()


VERTEX_PAGE = """\
test,gs://b/filename1.jpeg,Tomato,0.3,0.3,,,0.7,0.6,,
training,gs://b/filename2.gif,Tomato,0.8,0.2,,,1.0,0.4,,
gs://b/filename2.gif
gs://b/filename3.png,Baked goods,0.5,0.5,0.8,0.5,0.8,0.8,0.5,0.8
TRAINING,gs://b/filename4.bmp,Salad,0.8,0.8,0.5,0.5,0.8,0.5,0.5,0.8
VALIDATION,gs://b/filename5.ico,Salad,0.1,0.2,0.9,0.3,0.8,0.9,0.2,0.8
gs://b/update/47287864829918906
"""
"""The forms of rows of Vertex AI's page on object detection, in words of our own."""


@pytest.mark.parametrize("fast", [True, False])
def test_what_each_provider_says_of_documented_rows(fast: bool) -> None:
    def rules(limits_of: str, text: str, kind: DatasetKind) -> set[str]:
        limits = {"automl": AUTOML, "vertex": VERTEX}[limits_of].limits
        linted = Linter(lambda _: io.BytesIO(text.encode()), limits, fast=fast).lint(
            "d.csv", ["d.csv"], kind
        )
        return {rule for rule in linted.counts if not rule.startswith(("label-under", "label-not"))}

    assert rules("vertex", VERTEX_PAGE, DatasetKind.DETECTION) == set()
    assert rules("automl", VERTEX_PAGE, DatasetKind.DETECTION) == {
        "box-vertices",
        "image-type",
        "label-documented",
        "ml-use-spelling",
        "set-documented",
        "sets-differ",
    }
    labels = "".join(f"x/{n}.png,Baked goods\nx/{n}a.webp,0\n" for n in range(20))
    assert rules("vertex", labels, DatasetKind.MULTICLASS) == {
        "image-type-documented",
        "label-documented",
    }
    assert rules("automl", labels, DatasetKind.MULTICLASS) == {"label-documented"}


@pytest.mark.parametrize("count", [1, 2, 3, 4, 300])
def test_labels_that_are_not_documented_are_one_finding(count: int) -> None:
    """With their number and the first few: a set of digits is warned of once."""
    text = "".join(f"x/{n}.png,{n % count}\nx/{n}b.png,cat\n" for n in range(300))
    linted = Linter(lambda _: io.BytesIO(text.encode()), VERTEX.limits).lint(
        "d.csv", ["d.csv"], DatasetKind.MULTICLASS
    )
    (found,) = [f for f in linted.findings if f.rule == "label-documented"]
    told = {
        1: "the label '0' is not",
        2: "2 labels ('0', '1'): none is",
        3: "3 labels ('0', '1', '2'): none is",
        4: "4 labels ('0', '1', '2' and 1 more): none is",
        300: "300 labels ('0', '1', '2' and 297 more): none is",
    }[count]
    assert found.message.startswith(f"{told} a text that begins with a letter, as ")
    assert (found.line, linted.counts["label-documented"]) == (1, 1)


ANY = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3)
ANNOTATION: st.SearchStrategy[dict[str, object]] = st.fixed_dictionaries(
    {},
    optional={
        "displayName": st.sampled_from(["cat", "Baked goods", "", "\0", "l" * 129]) | ANY,
        "xMin": st.sampled_from([0, 0.1, 1, 2, -1]) | ANY,
        "yMax": st.sampled_from([0, 0.5, 1]) | ANY,
        "annotationResourceLabels": st.just({}) | ANY,
        "x_min": ANY,
    },
)
LINE: st.SearchStrategy[dict[str, object]] = st.fixed_dictionaries(
    {"imageGcsUri": st.sampled_from(["a.png", "gs://b/c", "gs://b", ""]) | ANY},
    optional={
        "classificationAnnotation": ANNOTATION | ANY,
        "classificationAnnotations": st.lists(ANNOTATION, max_size=3) | ANY,
        "boundingBoxAnnotations": st.lists(ANNOTATION, max_size=3) | ANY,
        "dataItemResourceLabels": st.sampled_from([{ML_USE: "test"}, {ML_USE: "x"}]) | ANY,
    },
)
LINES = st.lists(LINE.map(json.dumps).map(str.encode) | st.binary(max_size=40), max_size=6)


@settings(max_examples=times(60, 2_000))
@given(LINES)
def test_any_json_lines_are_rows_or_faults(lines: list[bytes]) -> None:
    content = b"\n".join(lines)
    read = list(read_rows("d.jsonl", io.BytesIO(content)))
    rows = [row for row in read if isinstance(row, ImportRow) and not row.faults]
    for kind in DatasetKind:
        linted = Linter(lambda _: io.BytesIO(content), VERTEX.limits).lint(
            "d.jsonl", ["d.jsonl"], kind
        )
        assert linted.rows == len(read)
    try:
        assert list(rows_of(["d.jsonl"], lambda _: io.BytesIO(content))) == rows
        assert len(rows) == len(read)
    except SourceError:
        assert len(rows) < len(read)


def test_bad_lines_are_named() -> None:
    lines = [
        '{"imageGcsUri": "a.png", "classificationAnnotation": {"displayName": "x"}}',
        "",
        "{",
        '{"imageGcsUri": "a.png", "boundingBoxAnnotations": [{"displayName": "x", "xmin": 1}]}',
        '{"image": "a.png"}',
        '{"imageGcsUri": "a.png", "classificationAnnotation": {}, "classificationAnnotations": []}',
        '{"imageGcsUri": "a.png", "dataItemResourceLabels": {"%s": "trian"}}' % ML_USE,  # noqa: UP031
        '{"imageGcsUri": ""}',
        '{"imageGcsUri": "a\\u0000.png"}',
        "\xe4",
        "[" * 5_000,
        '{"imageGcsUri": "b.png", "classificationAnnotations": [{"displayName": "y"}]}',
    ]
    content = "\n".join(lines).encode("latin-1")
    linted = Linter(lambda _: io.BytesIO(content), VERTEX.limits).lint(
        "d.jsonl", ["d.jsonl"], DatasetKind.MULTICLASS
    )
    found = {(f.line, f.rule) for f in linted.findings if not f.rule.startswith("label-")}
    assert found == {
        *((line, "json-line") for line in (3, 4, 5, 6, 9, 10, 11)),
        (7, "ml-use"),
        (8, "no-image"),
        (12, "json-annotations"),
    }
    assert (linted.rows, linted.images) == (11, 2)
    told = [f.message for f in linted.findings if f.rule == "json-line"]
    assert told == [
        "the object does not end on its line",
        "the key 'xmin' is not one of the schema, at boundingBoxAnnotations[0]",
        "the key 'image' is not one of the schema",
        "the object has annotations of several kinds",
        "the line has a NUL character",
        "the line is no JSON object (byte 0)",
        "the line begins a list: each line has an object of its own, without commas",
    ]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('{"imageGcsUri": 5}', "a number in place of a text, at imageGcsUri"),
        ('{"imageGcsUri": "a", "boundingBoxAnnotations": {}}', "an object in place of a list, at "),
        ('{"imageGcsUri": "a", "boundingBoxAnnotations": [{"xMin": "1_0"}]}', "a text in place of"),
        ('{"imageGcsUri": "a", "boundingBoxAnnotations": [{"xMin": NaN}]}', "a text has half of"),
        ('{"imageGcsUri": "\\ud800"}', "a text has half of a surrogate pair"),
        ('{"displayName": "a"}', "the key 'displayName' is not one of the schema"),
        ("{}", "the key 'imageGcsUri' is missing"),
        ("5", "a number in place of an object"),
        ("TRAIN,a.png,cat", "the line is no JSON object (byte 0)"),
    ],
)
def test_what_a_line_lacks_is_said_in_words(line: str, told: str) -> None:
    linted = Linter(lambda _: io.BytesIO(line.encode()), VERTEX.limits).lint(
        "d.jsonl", ["d.jsonl"], DatasetKind.DETECTION
    )
    (found,) = (f.message for f in linted.findings if f.rule == "json-line")
    assert found.startswith(told)
    assert "`" not in found


@pytest.mark.parametrize("name", ["d.csv", "d.jsonl"])
@pytest.mark.parametrize(
    ("content", "what"),
    [
        (gzip.compress(b"TRAIN,a.png,cat", mtime=0), "compressed by gzip"),
        (b"PK\x03\x04\x14\0", "a workbook of a spreadsheet"),
        (b"\x89PNG\r\n\x1a\n", "a PNG image"),
        ("TRAIN,a.png,cat".encode("utf-16"), "UTF-16"),
    ],
)
def test_a_file_that_is_no_text_is_named(name: str, content: bytes, what: str) -> None:
    linted = Linter(lambda _: io.BytesIO(content), VERTEX.limits).lint(name, [name], None)
    (found,) = linted.findings
    assert found.message.startswith(f"the file is {what}")


def test_a_box_that_was_rounded_to_minus_zero_is_one() -> None:
    box = {"displayName": "cat", "xMin": -0.0, "yMin": 0, "xMax": 0.5, "yMax": 1}
    line = json.dumps({"imageGcsUri": "a.png", "boundingBoxAnnotations": [box]})
    (row,) = rows_of(["d.jsonl"], lambda _: io.BytesIO(line.encode()))
    assert row.fields[3:5] == ["0.0", "0"]
