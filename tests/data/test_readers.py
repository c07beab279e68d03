"""One reader: the fields of a row are a typed row, or what the lint says of it stops a plan."""

from __future__ import annotations

from io import BytesIO

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import replace

from automl_plan.data.dataset_kinds import DatasetKind
from automl_plan.data.fast_path import RowBatch
from automl_plan.data.import_rows import DOUBTS, ImportRow, NoRow, read_rows, rows_of
from automl_plan.data.label_counts import set_of
from automl_plan.data.lint_reader import LintReader
from automl_plan.errors import SourceError
from automl_plan.providers.google.capabilities import LIMITS
from tests.data.test_properties import KINDS_AND_ROWS


class Kept:
    """The rows that the lint gives to its rules."""

    def __init__(self) -> None:
        self.rows: set[tuple[int, str, str]] = set()

    def add(self, batch: RowBatch) -> None:
        rows = zip(batch.numbers, batch.uses, batch.paths, strict=True)
        self.rows |= {(number, set_of(use), path.decode()) for number, use, path in rows}


@given(KINDS_AND_ROWS, st.sampled_from(["\n", "\r\n", "\r"]), st.booleans())
@example((DatasetKind.MULTICLASS, ["", "a/1.jpg,cat", "", 'TRAIN,"b.jpg",dog']), "\r", True)
@example(
    (DatasetKind.MULTICLASS, ['"a"x.jpg,cat', 'TRAIN,"b.jpg"x,"dog', "TRAIN,c.jpg"]), "\n", False
)
def test_plans_stop_at_what_the_reader_says(
    written: tuple[DatasetKind, list[str]], end: str, marked: bool
) -> None:
    kind, lines = written
    content = end.join(lines).encode("utf-8-sig" if marked else "utf-8")
    read = list(read_rows("a.csv", BytesIO(content)))
    rows = [row for row in read if isinstance(row, ImportRow)]
    stops = [row for row in read if isinstance(row, NoRow)]
    stopped = [row for row in rows if {fault.rule for fault in row.faults} - DOUBTS]
    try:
        assert list(rows_of(["a.csv"], lambda _: BytesIO(content))) == rows
        assert not stops
        assert not stopped
    except SourceError:
        assert stops or stopped
    kept = Kept()
    off = LintReader(
        kind, LIMITS[kind.problem], (0, "a.csv"), None, [kept], lambda *_: None, refused=()
    )
    off.read(BytesIO(content))
    assert (off.rows, off.unreadable) == (len(read), len(stops))
    assert {(line, path) for line, _, path in kept.rows} == {
        (row.line, row.image) for row in rows if row.image
    }


ROWS = [
    ('TRAIN,"a"x.png,cat', "csv-syntax", True),
    ('TRAIN,a.png,"cat', "csv-syntax", True),
    ("ml_use,image", "header-line", True),
    ("# comment", "header-line", False),
    ("TRIAN,a.png,cat", "ml-use", False),
    ("0,TRAIN,a.png,cat", "index-column", False),
    ("TRAIN,,cat", "no-image", False),
    ("TRAIN,gs://b,cat", "image-path", False),
    ("TRAIN;a.png;cat", "csv-delimiter", False),
    ("TRAIN,a.png,c\0t", "csv-syntax", False),
    (b"TRAIN,a.png,\xe4", "csv-encoding", False),
    (b"\xff\xfeT\0", "csv-encoding", False),
]


@pytest.mark.parametrize(("row", "rule", "usable"), ROWS)
def test_a_fault_is_one_fact(row: str | bytes, rule: str, usable: bool) -> None:
    """The reader finds it; the lint reports it at its line, and a plan stops at it, or goes on."""
    content = row.encode() if isinstance(row, str) else row
    found: list[tuple[str, int]] = []
    LintReader(
        DatasetKind.MULTICLASS,
        LIMITS[DatasetKind.MULTICLASS.problem],
        (0, "a.csv"),
        None,
        [],
        lambda rule, line, *_: found.append((rule, line)),
    ).read(BytesIO(content))
    assert (rule, 1) in found
    if usable:
        assert len(list(rows_of(["a.csv"], lambda _: BytesIO(content)))) == 1
        return
    with pytest.raises(SourceError, match=rf"\({rule}\)") as caught:
        list(rows_of(["a.csv"], lambda _: BytesIO(content)))
    assert caught.value.where == "a.csv:1"


@pytest.mark.parametrize(
    "row", [b"TRAIN,a.jpg,cat,0,0,,,0.1,0.1,,", b'TRAIN,a.jpg,"cat",0,0,,,0.1,0.1,,']
)
@pytest.mark.parametrize(("edge", "faults"), [(0.01, []), (0.2, ["box-size"])])
def test_the_shortest_edge_is_the_providers(row: bytes, edge: float, faults: list[str]) -> None:
    """By the fast path, and row by row."""
    limits = replace(LIMITS[DatasetKind.DETECTION.problem], box_edge=edge)
    found: list[str] = []
    LintReader(
        DatasetKind.DETECTION,
        limits,
        (0, "a.csv"),
        None,
        [Kept()],
        lambda rule, *_: found.append(rule),
    ).read(BytesIO(row + b"\n"))
    assert found == faults
