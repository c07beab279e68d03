"""One count: the lint, advice, plans and the service count the same images of the same rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automl_plan.data.dataset_kinds import DatasetKind
from automl_plan.data.lint import Linter
from automl_plan.emulator.readings import Readings
from automl_plan.emulator.training.import_files import read_file
from automl_plan.emulator.training.import_rows import RowReader, row_rules
from automl_plan.emulator.training.types import Problem
from automl_plan.model.source_data import DataCounts
from automl_plan.providers.google.capabilities import LIMITS
from tests.data.test_sources import read

LABELS = st.lists(st.sampled_from(["cat", "dog", "bird"]), max_size=3)
ROWS = st.lists(
    st.tuples(
        st.sampled_from(["TRAIN", "VALIDATION", "TEST", "UNASSIGNED"]),
        st.integers(0, 9),
        LABELS,
        st.integers(0, 4),
    ),
    min_size=1,
    max_size=30,
)
CONTENTS = st.lists(st.sampled_from([b"GIF89a1", b"GIF89a2", b"GIF89a3"]), min_size=10, max_size=10)


def written(
    directory: Path, kind: DatasetKind, rows: Sequence[tuple[str, int, list[str], int]]
) -> None:
    lines = []
    for use, image, labels, corner in rows:
        line = [use, f"{image}.gif", *labels]
        if kind is DatasetKind.DETECTION:
            box = [f"0.{corner}", "0.1", "", "", "0.9", "0.9", "", ""] if labels else [""] * 8
            line = [use, f"{image}.gif", *(labels or [""])[:1], *box]
        lines.append(",".join(line) + "\n")
    (directory / "d.csv").write_text("".join(lines), encoding="utf-8")


def counted(directory: Path, kind: DatasetKind) -> DataCounts:
    linter = Linter(lambda source: (directory / source).open("rb"), LIMITS, directory=directory)
    return linter.lint("d", ["d.csv"], kind).data


@settings(max_examples=60)
@given(st.sampled_from([DatasetKind.MULTILABEL, DatasetKind.DETECTION]), ROWS, CONTENTS)
def test_all_count_the_same(
    kind: DatasetKind, rows: Sequence[tuple[str, int, list[str], int]], contents: Sequence[bytes]
) -> None:
    with TemporaryDirectory() as name:
        directory = Path(name)
        for number, content in enumerate(contents):
            (directory / f"{number}.gif").write_bytes(content)
        written(directory, kind, rows)
        boxes = kind is DatasetKind.DETECTION
        data = counted(directory, kind)
        assert data == read(directory, boxes=boxes).counts
        problem = Problem.IMAGE_OBJECT_DETECTION if boxes else Problem.IMAGE_CLASSIFICATION
        imported = read_file(
            "d.csv",
            RowReader(problem, multilabel=True, rules=row_rules(Readings(), vertex=False)),
            lambda uri: directory / uri,
        )
    labels = Counter(
        label
        for example in imported.examples
        for label in {*example.labels, *(box.label for box in example.boxes)}
    )
    assert data.images == len(imported.examples)
    assert {each.label: each.examples for each in data.labels} == labels


@pytest.mark.parametrize(
    ("kind", "rows", "images", "examples"),
    [
        (DatasetKind.MULTILABEL, ["i{n}.gif,cat,cat"] * 5, 5, 5),
        (DatasetKind.MULTILABEL, ["i{n}.gif,cat", "i{n}.gif,cat"] * 5, 10, 10),
        (DatasetKind.DETECTION, ["TRAIN,i{half}.gif,cat,0.{n},.1,,,1,1,,"] * 8, 2, 2),
        (DatasetKind.MULTICLASS, ["same{n}.gif,cat"] * 4, 1, 1),
    ],
)
def test_what_stands_several_times_counts_once(
    tmp_path: Path, kind: DatasetKind, rows: list[str], images: int, examples: int
) -> None:
    lines = [row.format(n=number, half=number % 2) for number, row in enumerate(rows)]
    for number in range(len(lines)):
        (tmp_path / f"i{number}.gif").write_bytes(b"GIF89a%d" % number)
        (tmp_path / f"same{number}.gif").write_bytes(b"GIF89a")
    (tmp_path / "d.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    data = counted(tmp_path, kind)
    assert (data.images, [each.examples for each in data.labels]) == (images, [examples])
    assert data == read(tmp_path, boxes=kind is DatasetKind.DETECTION).counts


@pytest.mark.parametrize("fast", [True, False])
def test_a_label_that_stands_twice_in_a_row_is_told(tmp_path: Path, fast: bool) -> None:
    rows = [f"TRAIN,i{number}.gif,cat,dog,cat" for number in range(40)]
    (tmp_path / "d.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    linter = Linter(lambda source: (tmp_path / source).open("rb"), LIMITS, fast=fast)
    for kind, more in (
        (DatasetKind.MULTILABEL, {}),
        (DatasetKind.MULTICLASS, {"several-labels": 40}),
    ):
        found = linter.lint("d", ["d.csv"], kind).counts
        assert {rule: found[rule] for rule in ("row-repeated", *more)} == {
            "row-repeated": 40,
            **more,
        }
    (tmp_path / "d.csv").write_text("TRAIN,1.gif,cat,cat\n", encoding="utf-8")
    assert "several-labels" not in linter.lint("d", ["d.csv"], DatasetKind.MULTICLASS).counts
