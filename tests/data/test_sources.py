"""Fingerprints of local data: what changes them and what does not, and what can't be read."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from automl_plan.data.source_files import MAX_CSV_BYTES
from automl_plan.data.sources import SourceReader
from automl_plan.errors import SourceError
from automl_plan.model.source_data import LabelCounts, SourceData
from automl_plan.providers.data_access import DataAccess
from automl_plan.providers.google.credentials import NoCredentials
from automl_plan.providers.google.storage import Storage
from automl_plan.providers.google.transport import HttpTransport


def read(directory: Path, *sources: str, boxes: bool = False) -> SourceData:
    storage = Storage(HttpTransport("http://storage.invalid", NoCredentials()))
    try:
        return SourceReader(directory, DataAccess(storage)).read(sources or ("d.csv",), boxes=boxes)
    finally:
        storage.close()


@dataclass(frozen=True)
class Example:
    use: str
    image: bytes
    labels: tuple[str, ...]


def fingerprint(examples: Sequence[Example], folder: str = "images", first: int = 0) -> SourceData:
    """What is read of examples whose images are numbered from `first` in a folder."""
    with TemporaryDirectory() as name:
        directory = Path(name)
        (directory / folder).mkdir(parents=True)
        rows = []
        for number, example in enumerate(examples, first):
            path = f"{folder}/{number}.png"
            (directory / path).write_bytes(example.image)
            rows.append(",".join([example.use, path, *example.labels]) + "\n")
        (directory / "d.csv").write_text("".join(rows), encoding="utf-8")
        return read(directory)


def sums(data: SourceData) -> tuple[str, int, int, int]:
    """All but what there is of each label."""
    return data.fingerprint, data.examples, data.labelled_examples, data.assigned_examples


EXAMPLES = st.lists(
    st.builds(
        Example,
        st.sampled_from(["TRAIN", "VALIDATION", "TEST", "UNASSIGNED"]),
        st.binary(max_size=4),
        st.lists(st.sampled_from(["rose", "tulip", "ä"]), max_size=2, unique=True).map(tuple),
    ),
    min_size=1,
    max_size=6,
    unique=True,
)
few = settings(max_examples=40)


@few
@given(EXAMPLES.flatmap(lambda es: st.tuples(st.just(es), st.permutations(es))))
def test_order_and_names_change_nothing(both: tuple[list[Example], list[Example]]) -> None:
    examples, shuffled = both
    # An image whose rows name several sets counts for the first.
    assert sums(fingerprint(examples)) == sums(fingerprint(shuffled, folder="a/b c", first=77))


@pytest.mark.parametrize("boxes", [False, True])
def test_more_rows_than_are_kept_in_memory(tmp_path: Path, boxes: bool) -> None:
    """Seventy thousand of two images, each twice."""
    for image in ("a", "b"):
        (tmp_path / f"{image}.png").write_bytes(image.encode())
    rows = [
        f"{use},{image}.png,{'x' if boxes else number}" + (f",0,0,{number},1\n" if boxes else "\n")
        for image, use in (("a", "TRAIN"), ("b", "TEST"))
        for number in range(17_500)
    ]

    def read_rows(all_rows: Sequence[str]) -> SourceData:
        (tmp_path / "d.csv").write_text("".join(all_rows), encoding="utf-8")
        return read(tmp_path, boxes=boxes)

    once, twice = read_rows(rows), read_rows([*rows, *reversed(rows)])
    assert once == twice
    assert read_rows(rows[1:]).fingerprint != once.fingerprint
    assert once.counts is not None
    by_label = {each.label: (each.train, each.test) for each in once.counts.labels}
    assert by_label == ({"x": (1, 1)} if boxes else {str(n): (1, 1) for n in range(17_500)})


def test_a_large_file_that_changes_while_it_is_read(tmp_path: Path) -> None:
    csv = tmp_path / "d.csv"
    csv.write_text("TRAIN,a.png,x\n" * 100_000, encoding="utf-8")
    storage = Storage(HttpTransport("http://storage.invalid", NoCredentials()))
    reader = SourceReader(tmp_path, DataAccess(storage))

    def content(_: str) -> str:
        with csv.open("a", encoding="utf-8") as file:
            file.write("TRAIN,a.png,y\n")
        return "md5:a"

    with pytest.raises(SourceError, match="changed while it was read"):
        reader.data_of(["d.csv"], content)


@few
@given(EXAMPLES, st.data())
def test_whatever_else_changes_is_seen(examples: list[Example], data: st.DataObject) -> None:
    number = data.draw(st.integers(0, len(examples) - 1))
    old = examples[number]
    new = data.draw(
        st.sampled_from(
            [
                replace(old, use="TEST" if old.use != "TEST" else "TRAIN"),
                replace(old, image=old.image + b"!"),
                replace(old, labels=(*old.labels, "more")),
                replace(old, labels=("other",)),
            ]
        )
    )
    assume(new not in examples)
    changed = [*examples[:number], new, *examples[number + 1 :]]
    assert fingerprint(changed).fingerprint != fingerprint(examples).fingerprint
    assert fingerprint([*examples, new]).fingerprint != fingerprint(examples).fingerprint


@few
@given(EXAMPLES)
def test_counts(examples: list[Example]) -> None:
    found = fingerprint(examples)
    assert found.fingerprint.startswith("v1:")
    assert found.examples == len({e.image for e in examples})
    assert found.labelled_examples == len({e.image for e in examples if e.labels})
    free = {e.image for e in examples if e.use == "UNASSIGNED"}
    assert found.assigned_examples == len({e.image for e in examples} - free)
    counts = found.counts
    assert counts is not None
    assert counts.images == found.examples
    assert counts.unlabelled == found.examples - found.labelled_examples
    # Whatever stands several times is counted where it stands first.
    sets: dict[str, dict[bytes, str]] = {}
    for example in examples:
        for label in example.labels:
            sets.setdefault(label, {}).setdefault(example.image, example.use.lower())
    assert counts.labels == tuple(
        LabelCounts(label, **Counter(sets[label].values())) for label in sorted(sets)
    )


def test_fingerprints_stay_what_they_are(tmp_path: Path) -> None:
    """States and labels at the service keep them: another one trains models again."""
    write(tmp_path, "TRAIN,0.png,a\nTEST,1.png,b,ä\n,2.png\n")
    told = "v1:dfd2d5ec5762508393480eef7b3341e632d62a1007720c717b6466dbafb5"
    assert read(tmp_path).fingerprint == told


def write(directory: Path, rows: str | bytes, name: str = "d.csv") -> None:
    data = rows.encode() if isinstance(rows, str) else rows
    (directory / name).write_bytes(data)
    for number in range(3):
        (directory / f"{number}.png").write_bytes(b"image %d" % number)


@pytest.mark.parametrize(
    "same",
    [
        "TRAIN,0.png,a\nTEST,1.png,b\n",
        "TEST,1.png,b\r\nTRAIN,0.png,a",
        "TRAIN,0.png,a\n\nTRAIN,0.png,a,,\nTEST,1.png,b\n",
        '"TRAIN","0.png","a"\nTEST,./1.png,b\n',
        "\ufeffTRAINING,0.png,a\nTEST,1.png,b\n",
    ],
)
def test_spellings_of_the_same(tmp_path: Path, same: str) -> None:
    write(tmp_path, "TRAIN,0.png,a\nTEST,1.png,b\n")
    expected = read(tmp_path)
    write(tmp_path, same)
    assert read(tmp_path) == expected


def test_the_set_may_be_left_out(tmp_path: Path) -> None:
    found = []
    for rows in ("UNASSIGNED,0.png,a\n", ",0.png,a\n", "0.png,a\n"):
        write(tmp_path, rows)
        found.append(read(tmp_path).fingerprint)
    assert len(set(found)) == 1


def test_validate_is_validation(tmp_path: Path) -> None:
    write(tmp_path, "VALIDATE,0.png,a\n")
    first = read(tmp_path)
    write(tmp_path, "VALIDATION,0.png,a\n")
    assert read(tmp_path) == first


def test_several_sources_are_one_set_of_data(tmp_path: Path) -> None:
    write(tmp_path, "TRAIN,0.png,a\nTEST,1.png,b\n")
    whole = read(tmp_path)
    write(tmp_path, "TEST,1.png,b\n", "e.csv")
    write(tmp_path, "TRAIN,0.png,a\n")
    assert read(tmp_path, "d.csv", "e.csv") == read(tmp_path, "e.csv", "d.csv") == whole


def test_boxes(tmp_path: Path) -> None:
    rows = "TRAIN,0.png,car,0.1,0.1,,,0.3,0.3,,\nTRAIN,0.png,bike,.7,.6,,,.8,.9,,\n"
    write(tmp_path, rows + "TEST,1.png,,,,,,,,,\n")
    found = read(tmp_path)
    assert (found.examples, found.labelled_examples) == (2, 1)
    write(tmp_path, rows.replace("0.3,0.3", "0.3,0.4") + "TEST,1.png,,,,,,,,,\n")
    assert read(tmp_path).fingerprint != found.fingerprint


def test_no_sources(tmp_path: Path) -> None:
    storage = Storage(HttpTransport("http://storage.invalid", NoCredentials()))
    found = SourceReader(tmp_path, DataAccess(storage)).read([])
    assert (found.examples, found.labelled_examples) == (0, 0)


def test_the_same_everywhere(tmp_path: Path) -> None:
    """States hold fingerprints: another one for the same data would train all models anew."""
    write(tmp_path, "TRAIN,0.png,rose\nTEST,1.png\n")
    expected = "v1:093e7086ca14d2984374cf40123f7891137d2e1945d400106538010885e6"
    assert read(tmp_path).fingerprint == expected


def refused(directory: Path, *sources: str) -> SourceError:
    with pytest.raises(SourceError) as caught:
        read(directory, *sources)
    return caught.value


def test_a_csv_that_is_not_there(tmp_path: Path) -> None:
    error = refused(tmp_path)
    assert (error.where, error.message) == (
        "d.csv",
        "The import file can't be read: No such file or directory.",
    )
    assert "relative to the directory of the configuration" in str(error.hint)


def test_images_that_are_not_there(tmp_path: Path) -> None:
    write(tmp_path, "".join(f"TRAIN,{n}.png,a\n" for n in range(12)))
    error = refused(tmp_path)
    assert error.message.splitlines() == [
        "9 images can't be read:",
        *(
            f"  d.csv:{n + 1}: {n}.png can't be read: No such file or directory."
            for n in range(3, 8)
        ),
        "  … and 4 more",
    ]
    assert error.where == "d.csv:4"


def test_rows_that_are_wrong(tmp_path: Path) -> None:
    write(tmp_path, "TRAIN\nTRAIN,0.png,a\nTRAIN, ,a\nTEST,1.png,a\0b\nTEST,gs://bucket\n")
    assert refused(tmp_path).message.splitlines() == [
        "4 rows can't be read:",
        "  d.csv:1: the row names no image (no-image)",
        "  d.csv:3: the row names no image (no-image)",
        "  d.csv:4: the row has a NUL character (csv-syntax)",
        "  d.csv:5: 'gs://bucket' names no object (image-path)",
    ]


def test_a_field_that_never_ends(tmp_path: Path) -> None:
    write(tmp_path, "TRAIN,0.png,a\nTRAIN," + "x" * 200_000)
    error = refused(tmp_path)
    assert error.where == "d.csv:2"
    assert "field larger than field limit" in error.message


def test_the_ends_of_lines_in_quotes_are_kept(tmp_path: Path) -> None:
    write(tmp_path, 'TRAIN,0.png,"a\r\nb"\r\nTEST,1.png,"a\nb"\rTEST,"2.png",c')
    counts = read(tmp_path).counts
    assert counts is not None
    assert [each.label for each in counts.labels] == ["a\nb", "a\r\nb", "c"]


def test_a_line_that_never_ends(tmp_path: Path) -> None:
    write(tmp_path, "TRAIN,0.png,a\nTRAIN,1.png" + ",x" * 1_000_000)
    error = refused(tmp_path)
    assert error.where == "d.csv:2"
    assert "a line is longer than a megabyte" in error.message


def test_a_csv_that_is_not_utf_8(tmp_path: Path) -> None:
    write(tmp_path, "TRAIN,0.png,ä\n".encode() * 3 + "TRAIN,0.png,ä\n".encode("latin-1"))
    error = refused(tmp_path)
    assert error.where == "d.csv:4"
    assert "the byte 0xe4 is not UTF-8 (csv-encoding)" in error.message


def test_a_csv_that_is_too_large(tmp_path: Path) -> None:
    with (tmp_path / "d.csv").open("wb") as file:
        file.truncate(MAX_CSV_BYTES + 1)
    error = refused(tmp_path)
    assert "100 MB" in error.message
    assert "Split it" in str(error.hint)


@pytest.mark.parametrize("way", ["source", "image"])
@pytest.mark.parametrize("path", ["../secret", "/etc/hostname", "link/secret", "a/../../secret"])
def test_nothing_outside_is_read(tmp_path: Path, path: str, way: str) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    (inside / "a").mkdir()
    (tmp_path / "secret").write_text("TRAIN,0.png,hunter2\n")
    (inside / "link").symlink_to(tmp_path)
    write(inside, f"TRAIN,{path},a\n")
    error = refused(inside, path) if way == "source" else refused(inside)
    assert "leads out of the configuration's directory" in error.message
    assert "hunter2" not in error.message


def test_a_directory_that_is_a_link_itself(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    write(tmp_path / "real", "TRAIN,0.png,a\n")
    assert read(tmp_path / "link") == read(tmp_path / "real")


@pytest.mark.parametrize("way", ["source", "image"])
def test_what_is_not_a_file(tmp_path: Path, way: str) -> None:
    os.mkfifo(tmp_path / "pipe")  # reading it would wait for ever
    (tmp_path / "folder").mkdir()
    write(tmp_path, "TRAIN,pipe,a\nTRAIN,folder,a\n")
    if way == "source":
        (tmp_path / "a.csv").mkdir()
        for source, why in (("pipe", "folder"), ("a.csv", "file")):
            os.mkfifo(tmp_path / f"{source}.csv")
            assert f"It is not a {why}" in refused(tmp_path, source).message
            assert "It is not a file" in refused(tmp_path, f"{source}.csv").message
    else:
        assert refused(tmp_path).message.count("It is not a file") == 2


def test_what_can_t_be_a_path(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    write(tmp_path, f"TRAIN,loop,a\nTRAIN,{'x' * 5000},a\n")
    assert refused(tmp_path).message.startswith("2 images can't be read:")
    assert "can't be a path" in refused(tmp_path, "a\0b").message
