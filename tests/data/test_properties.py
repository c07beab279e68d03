"""What must always hold: the fast path finds what the slow one does, and clean data is clean."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from io import BytesIO

from hypothesis import example, given
from hypothesis import strategies as st

from automl_plan.data.csv_rows import blocks, with_line_feeds
from automl_plan.data.dataset_kinds import DatasetKind
from automl_plan.data.lint import Linted, Linter
from automl_plan.data.spilled_records import Digests, repeated
from automl_plan.providers.google.capabilities import LIMITS
from tests.data.proof.case import FEW_EXAMPLES, clean

GOOD = {
    DatasetKind.MULTICLASS: [
        "TRAIN,a/1.jpg,cat",
        "gs://b/c/2.jpeg,dog",
        ",a/longer.png",
        "TEST,x.bmp,a",
    ],
    DatasetKind.MULTILABEL: [
        "TRAIN,a/1.jpg,cat,dog",
        "a/2.png,a,b,c",
        "VALIDATE,gs://b/3333.jpg,cat,",
    ],
    DatasetKind.DETECTION: [
        "TRAIN,a/1.jpg,cat,.1,.2,,,0.5,1,,",
        "TEST,a/1.jpg,cat,.1,.2,.5,.2,.5,.9,.1,.9",
        "TEST,gs://b/2.png,,,,,,,,,",
    ],
}
FIELDS = st.one_of(
    st.sampled_from(
        ["", "TRAIN", "test", "cat", "=cat", "a/1.jpg", "/a.jpg", "../b.jpg", "gs://b/c.png"]
    ),
    st.sampled_from(["x.pdf", ".jpg", "a/.jpeg", " a.jpg", "0", "1", "0.5", ".75", "1.", "-1"]),
    st.text(st.sampled_from('ab._/:"\r\n\t, \x00\xe9=.jpg'), max_size=12),
)
LINES = st.lists(FIELDS, max_size=12).map(",".join)


def lint(content: bytes, kind: DatasetKind, name: str = "a.csv", *, fast: bool = True) -> Linted:
    return Linter(lambda _: BytesIO(content), LIMITS, fast=fast).lint(name, [name], kind)


def rows(kind: DatasetKind) -> st.SearchStrategy[list[str]]:
    good = st.sampled_from(GOOD[kind])
    return st.lists(st.one_of(good, good, good, LINES), max_size=60)


KINDS_AND_ROWS = st.sampled_from(DatasetKind).flatmap(
    lambda kind: st.tuples(st.just(kind), rows(kind))
)


@given(KINDS_AND_ROWS, st.sampled_from(["a.csv", "gs://b/a.csv"]), st.booleans())
@example((DatasetKind.MULTICLASS, ["TRAIN", "b.jpg,cat", "TRAIN,a/3.jpg,cat"]), "a.csv", False)
@example((DatasetKind.MULTICLASS, ["TRAIN,a/1.jpg,cat"] * 20 + ['TRAIN,"a']), "a.csv", False)
@example((DatasetKind.MULTICLASS, ["TRAIN,a/1.pdf,cat.jpg"] * 20), "a.csv", False)
@example((DatasetKind.MULTICLASS, ["TRAIN,/a/1.jpg,Baked goods"] * 20), "a.csv", False)
def test_the_fast_path_finds_what_the_slow_one_does(
    written: tuple[DatasetKind, Sequence[str]], name: str, latin: bool
) -> None:
    kind, lines = written
    content = "\n".join(lines).encode("latin-1" if latin else "utf-8")
    fast, slow = (lint(content, kind, name, fast=chosen) for chosen in (True, False))
    assert fast == slow


@given(st.sampled_from(DatasetKind), st.integers(0, 10_000))
def test_clean_data_is_clean(kind: DatasetKind, seed: int) -> None:
    case = clean(kind, seed, FEW_EXAMPLES)
    linted = case.lint()
    assert linted.findings == ()
    assert (linted.rows, linted.images) == (len(case.rows), len(case.rows))


@given(st.text("ab\r\n").map(str.encode), st.integers(1, 9))
def test_blocks_are_the_lines_of_a_file(content: bytes, size: int) -> None:
    whole = content.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if whole and not whole.endswith(b"\n"):
        whole += b"\n"
    found = list(blocks(BytesIO(content), size))
    assert b"".join(found) == content
    assert b"".join(map(with_line_feeds, found)) == whole


@given(st.lists(st.integers(-50, 50).map(lambda n: n << 56), max_size=200), st.integers(0, 40_000))
def test_what_stands_more_than_once_is_found_in_memory_and_in_files(
    values: list[int], more: int
) -> None:
    values = [value for value in values if -(1 << 63) <= value < 1 << 63]
    with closing(Digests()) as digests:
        digests.add_all(values)
        digests.add_all(range(1, more))
        several = repeated(digests)
    every = [*values, *range(1, more)]
    assert several.distinct == len(set(every))
    assert several.digests == {value for value in values if every.count(value) > 1}
