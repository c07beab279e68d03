"""A folder of images is the import CSV that it means: rows, fingerprint, counts and findings."""

from __future__ import annotations

import csv
import hashlib
import io
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from automl_plan.data.dataset_kinds import DatasetKind
from automl_plan.data.folders import drawn_set
from automl_plan.data.import_rows import ImportRow
from automl_plan.data.lint import Linter
from automl_plan.data.source_files import SourceFiles
from automl_plan.data.sources import SourceReader
from automl_plan.errors import SourceError
from automl_plan.model.source_data import SourceData
from automl_plan.providers.data_access import DataAccess
from automl_plan.providers.google.capabilities import LIMITS
from automl_plan.providers.google.credentials import NoCredentials
from automl_plan.providers.google.storage import Storage
from automl_plan.providers.google.transport import HttpTransport
from tests.data.proof.case import no_storage
from tests.data.proof.folder_defects import SOURCE, image, without_sets
from tests.depth import times

SETS = {"": None, "train": "TRAIN", "Validation": "VALIDATION", "TEST": "TEST"}
NAMES = st.sampled_from(["a.png", "B.PNG", "c,d.gif", 'e"f.jpg', "gäh.jpeg", "i j.webp", "k;l.bmp"])
LABELS = st.sampled_from(["cat", "Dog", "Käse", "baked goods", 'a,"b', "=1", "l" * 129, "TRAINS"])


@st.composite
def trees(draw: st.DrawFn) -> dict[str, bytes]:
    """Images by path: in folders of sets or in none, of a label or in folders below one."""
    uses = draw(st.sampled_from([[""], ["train", "Validation", "TEST"], ["TEST"]]))
    place = st.tuples(st.sampled_from(uses), LABELS, st.sampled_from(["", "below"]), NAMES)
    content = st.sampled_from([b"\xff\xd8\xff one", b"\x89PNG\r\n\x1a\n two", b"three", b""])
    paths = st.builds(lambda parts: "/".join(filter(None, parts)), place)
    return draw(st.dictionaries(paths, content, min_size=1, max_size=12))


def write(directory: Path, files: Mapping[str, bytes]) -> None:
    for name, content in files.items():
        path = directory / SOURCE / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def meant(files: Mapping[str, bytes]) -> str:
    """The CSV that is meant, written as a person would: first the images, then their labels."""
    labels: dict[tuple[str, bytes], dict[str, str]] = {}
    for path in sorted(files):
        first, *others = path.split("/")
        use = SETS.get(first) if first in SETS else None
        label = others[0] if use else first
        use = use or drawn_set(hashlib.md5(files[path], usedforsecurity=False).digest())
        labels.setdefault((use, files[path]), {})[path] = label
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    for (use, _), named in labels.items():
        if len(several := sorted(set(named.values()))) > 1:
            rows.writerow([use, SOURCE + min(named), *several])
        else:
            rows.writerows([use, SOURCE + path, label] for path, label in named.items())
    return text.getvalue()


class Reader:
    """What plans and the lint read in one directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def data(self, source: str) -> SourceData:
        return self._reader().read([source])

    def rows(self, source: str) -> list[tuple[str, str, tuple[str, ...]]]:
        rows: Iterator[ImportRow] = self._reader().rows([source])
        return sorted((row.use, row.image, tuple(row.labels)) for row in rows)

    def _reader(self) -> SourceReader:
        storage = Storage(HttpTransport("http://storage.invalid", NoCredentials()))
        return SourceReader(self.directory, DataAccess(storage))

    def rules(self, source: str, kind: DatasetKind) -> tuple[Counter[str], object]:
        """The rules of findings, each as often as it has some, and the counts."""
        with SourceFiles(self.directory, no_storage) as files:
            linter = Linter(files.open, LIMITS, directory=self.directory)
            linted = linter.lint(source, [source], kind)
        of_rows = [f.rule for f in linted.findings if not f.rule.startswith("folder-")]
        return Counter(of_rows), (linted.rows, linted.images, linted.data)


@given(trees(), st.sampled_from([DatasetKind.MULTICLASS, DatasetKind.MULTILABEL]))
@example({"cat/a.png": b"one", "Dog/a.png": b"one"}, DatasetKind.MULTILABEL)
@settings(max_examples=times(25, 1_000))
def test_a_folder_is_the_csv_that_it_means(files: dict[str, bytes], kind: DatasetKind) -> None:
    with TemporaryDirectory() as name:
        reader = Reader(Path(name))
        write(reader.directory, files)
        (reader.directory / "d.csv").write_text(meant(files), encoding="utf-8")
        assert reader.rows(SOURCE) == reader.rows("d.csv")
        assert reader.data(SOURCE) == reader.data("d.csv")
        assert reader.rules(SOURCE, kind) == reader.rules("d.csv", kind)


@given(st.dictionaries(st.integers(0, 99), st.binary(max_size=4), max_size=20), st.binary())
@settings(max_examples=times(20, 500))
def test_another_image_moves_none(images: dict[int, bytes], another: bytes) -> None:
    files = {f"{'cat' if number % 2 else 'dog'}/{number}.png": c for number, c in images.items()}
    with TemporaryDirectory() as name:
        reader = Reader(Path(name))
        write(reader.directory, {"cat/0.png": b"", **files})
        before = {path: use for use, path, _ in reader.rows(SOURCE)}
        write(reader.directory, {"cow/new.png": another})
        after = {path: use for use, path, _ in reader.rows(SOURCE)}
        assert {**before, **after} == {**after, **before}


def test_sets_are_drawn_in_the_shares_of_the_service() -> None:
    digests = [hashlib.md5(b"%d" % n, usedforsecurity=False).digest() for n in range(2_000)]
    drawn = Counter(map(drawn_set, digests))
    assert [round(drawn[use] / 200) for use in ("TRAIN", "VALIDATION", "TEST")] == [8, 1, 1]


def test_nothing_depends_on_the_machine(tmp_path: Path) -> None:
    """Neither the place, nor the order of the folder, nor how a file system composes letters."""
    files = {f"K\u00e4se/{n}.png": b"%d" % n for n in range(9)} | {"dog/1.png": b"dog"}
    found = []
    decomposed = {unicodedata.normalize("NFD", path): files[path] for path in reversed(files)}
    for name, written in (("one", files), ("another", decomposed)):
        reader = Reader(tmp_path / name)
        write(reader.directory, written)
        found.append(reader.data(SOURCE))
        assert {labels for _, _, labels in reader.rows(SOURCE)} == {("K\u00e4se",), ("dog",)}
    assert found[0] == found[1]


def test_a_name_without_a_slash_and_the_directory_itself(tmp_path: Path) -> None:
    reader = Reader(tmp_path)
    write(tmp_path, {"cat/1.png": b"cat", "dog/1.png": b"dog"})
    data = reader.data(SOURCE)
    assert data.examples == 2
    assert reader.data("data/photos") == reader.data("./data//photos/") == data
    assert Reader(tmp_path / SOURCE).data("./") == Reader(tmp_path / SOURCE).data(".") == data


def test_a_plan_stops_at_what_can_not_be_read(tmp_path: Path) -> None:
    """Images that would silently be missing are an error, whatever the lint is told."""
    reader = Reader(tmp_path)
    with pytest.raises(SourceError, match="No such file or directory"):
        reader.data(SOURCE)
    write(tmp_path, {"cat/1.png": b"cat"})
    (tmp_path / SOURCE / "dog").symlink_to("/")
    with pytest.raises(SourceError) as stopped:
        reader.data(SOURCE)
    assert "data/photos/dog: the link leads out of" in stopped.value.message
    assert (stopped.value.where, bool(stopped.value.hint)) == ("data/photos/dog", True)
    (tmp_path / SOURCE / "dog").unlink()
    (tmp_path / SOURCE / "cat" / "2.png").symlink_to("/etc/passwd")
    with pytest.raises(SourceError, match=r"data/photos/cat/2.png: .* leads out of"):
        reader.data(SOURCE)
    (tmp_path / "photos").write_bytes(b"")
    with pytest.raises(SourceError, match="It is not a folder"):
        reader.data("photos")
    (tmp_path / "out").symlink_to("/")
    with pytest.raises(SourceError, match="leads out of"):
        reader.data("out/")


def test_links_below_the_configuration_are_followed(tmp_path: Path) -> None:
    reader = Reader(tmp_path)
    write(tmp_path, {"cat/1.png": b"cat", "dog/1.png": b"dog"})
    data = reader.data(SOURCE)
    (tmp_path / "linked" / "dog").mkdir(parents=True)
    (tmp_path / "linked" / "cat").symlink_to("../data/photos/cat")
    (tmp_path / "linked" / "dog" / "2.png").symlink_to(tmp_path / "data" / "photos" / "dog/1.png")
    assert reader.data("linked/") == data


def test_a_folder_is_read_once_and_stays_as_it_was(tmp_path: Path) -> None:
    """What the sets were drawn by is what the fingerprint has, also when an image is replaced."""
    case = without_sets()
    case.write(tmp_path)
    with SourceFiles(tmp_path, no_storage) as files:
        first = files.open(SOURCE).read()
        (tmp_path / SOURCE / "dog" / "0.png").write_bytes(image("another"))
        (tmp_path / SOURCE / "dog" / "new.png").write_bytes(image("new"))
        assert files.open(SOURCE).read() == first
        assert len(files.contents) == len(case.files)
