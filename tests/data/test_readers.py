"""Rows that the lint takes are read by plans as it reads them: the same sets, images, labels."""

from __future__ import annotations

from io import BytesIO

from hypothesis import example, given
from hypothesis import strategies as st

from automl_plan.data.dataset_kinds import DatasetKind
from automl_plan.data.fast_path import RowBatch
from automl_plan.data.import_rows import rows_of
from automl_plan.data.label_counts import set_of
from automl_plan.data.lint_reader import LintReader
from automl_plan.errors import SourceError
from automl_plan.providers.google.capabilities import LIMITS
from tests.data.test_properties import KINDS_AND_ROWS

Read = list[tuple[int, str, str, tuple[str, ...]]]


class Kept:
    """The rows that the lint gives to its rules."""

    def __init__(self) -> None:
        self.rows: Read = []

    def add(self, batch: RowBatch) -> None:
        for place, number in enumerate(batch.numbers):
            labels = tuple(column[place].decode() for column in batch.labels)
            path = batch.paths[place].decode()
            self.rows.append((number, set_of(batch.uses[place]), path, labels))


def by_lint(content: bytes, kind: DatasetKind) -> tuple[Read, bool]:
    """What is read, and whether that is all."""
    kept = Kept()
    reader = LintReader(kind, LIMITS[kind.problem], 0, None, [kept], lambda *_: None)
    reader.read(BytesIO(content))
    whole = reader.refused == reader.unreadable == 0 and reader.stopped is None
    return sorted(kept.rows), whole


def by_plans(content: bytes, kind: DatasetKind) -> Read:
    rows = []
    for row in rows_of(["a.csv"], lambda _: BytesIO(content)):
        labels = row.labels[:1] if kind is DatasetKind.DETECTION else row.labels
        different = tuple(dict.fromkeys(label for label in labels if label))
        rows.append((row.line, row.use, row.image, different))
    return sorted(rows)


@given(KINDS_AND_ROWS, st.sampled_from(["\n", "\r\n", "\r"]), st.booleans())
@example((DatasetKind.MULTICLASS, ["", "a/1.jpg,cat", "", 'TRAIN,"b.jpg",dog']), "\r", True)
def test_both_readers_read_the_same(
    written: tuple[DatasetKind, list[str]], end: str, marked: bool
) -> None:
    kind, lines = written
    content = end.join(lines).encode("utf-8-sig" if marked else "utf-8")
    read, whole = by_lint(content, kind)
    try:
        planned = by_plans(content, kind)
    except SourceError:
        return
    if whole:
        assert read == planned


@given(KINDS_AND_ROWS)
def test_what_the_lint_takes_plans_can_read(written: tuple[DatasetKind, list[str]]) -> None:
    kind, lines = written
    content = "\n".join(lines).encode()
    read, whole = by_lint(content, kind)
    if whole:
        assert len(by_plans(content, kind)) == len(read)
