"""Files whose rows begin otherwise: plans and the lint say the same of them, at the same line."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl_plan.data.dataset_kinds import DatasetKind
from automl_plan.data.lint import Linter, kind_by_looks
from automl_plan.data.lint_rule import Severity
from automl_plan.data.lint_rules import RULES
from automl_plan.data.row_layout import HINTS, no_row, no_set, other_delimiter
from automl_plan.errors import SourceError
from automl_plan.providers.google.capabilities import LIMITS
from tests.data.test_sources import read

CASES = [
    ("TRAIN,img/0.png,cat\nTRIAN,img/4.png,dog\n", "ml-use", 2, "'TRIAN' is none of TRAIN"),
    ("7,img/4.png,dog\n", "ml-use", 1, "is it the number of the row?"),
    ("0,TRAIN,x.png,red\n1,TEST,y.png,red\n", "index-column", 1, "a number of its own"),
    ("x.png;cat\n", "csv-delimiter", 1, "by semicolons"),
    ("TRAIN;x.png;cat\n", "csv-delimiter", 1, "by semicolons"),
    (";x.png;cat\n", "csv-delimiter", 1, "by semicolons"),
    ('"TRAIN";"x.png";"cat"\n', "csv-delimiter", 1, "by semicolons"),
    ("TRAIN;x.png;cat;0,1;0,1;;;0,5;0,5;;\n", "csv-delimiter", 1, "by semicolons"),
    ("0;TRAIN;x.png;cat\n", "csv-delimiter", 1, "by semicolons"),
    ("TRAIN\tx.png\tcat\n", "csv-delimiter", 1, "by tabs"),
    ("gs://b/x.png|cat\n", "csv-delimiter", 1, "by vertical bars"),
    ("# comment\nTRAIN,x.png,cat\n", "header-line", 1, "the line is a comment"),
    ("#by hand, 2024\nTRAIN,x.png,cat\n", "header-line", 1, "the line is a comment"),
    ("sep=,\nTRAIN,x.png,cat\n", "header-line", 1, "a spreadsheet"),
    ("sep=;\nTRAIN;x.png;cat\n", "header-line", 1, "a spreadsheet"),
    ("\n\nimage,label\nx.png,cat\n", "header-line", 3, "names columns"),
    (",ml_use,path,label\n0,TRAIN,x.png,red\n", "header-line", 1, "names columns"),
]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize(("rows", "rule", "line", "message"), CASES)
def test_plans_and_the_lint_say_the_same(
    tmp_path: Path, rows: str, rule: str, line: int, message: str, end: str
) -> None:
    data = rows.replace("\n", end).encode()
    linted = Linter(lambda _: BytesIO(data), LIMITS).lint("d", ["d.csv"], DatasetKind.MULTICLASS)
    found = next(each for each in linted.findings if each.rule == rule)
    assert (found.line, found.hint) == (line, RULES[rule].hint)
    assert message in found.message
    (tmp_path / "d.csv").write_bytes(data)
    with pytest.raises(SourceError) as caught:
        read(tmp_path)
    assert (caught.value.where, caught.value.hint) == (f"d.csv:{line}", found.hint)
    assert f"d.csv:{line}: {found.message} ({rule})" in caught.value.message


def test_an_index_that_is_allowed_takes_nothing_away() -> None:
    rows = b"0,TRAIN,x.png,red\n1,TRAIN,y.pdf,red\n2,TRAIN,z.png,=b\n"
    lint = Linter(lambda _: BytesIO(rows), LIMITS, {"index-column": Severity.OFF}).lint
    linted = lint("d", ["d.csv"], DatasetKind.MULTICLASS)
    found = {(each.rule, each.line, each.column) for each in linted.findings}
    assert {("image-type", 2, 9), ("label-injection", 3, 15)} <= found
    assert linted.images == 1


NAMES = ["TRAIN,a;b.png,cat", "a|b.png,cat", "#1.png,cat", "1.png,2", "x/sep=.png,a", "7/8.png,a"]


@pytest.mark.parametrize("row", NAMES)
def test_names_of_images_may_look_like_it(row: str) -> None:
    fields = row.split(",")
    assert (no_row(fields), other_delimiter(fields), no_set(fields)) == (None, None, None)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize(
    ("row", "kind"),
    [
        ("TRAIN,{n}.png,cat", DatasetKind.MULTICLASS),
        ("{n}.png,cat,dog", DatasetKind.MULTILABEL),
        ("{n}.png,cat,cat", DatasetKind.MULTICLASS),
        ("{n},TRAIN,{n}.png,cat", DatasetKind.MULTICLASS),
        ("TRAIN,{n}.png,cat,.1,.1,,,.5,.5,,", DatasetKind.DETECTION),
    ],
)
def test_kinds_by_the_looks_of_rows(row: str, kind: DatasetKind, end: str) -> None:
    data = end.join(row.format(n=n) for n in range(30)).encode()
    for before in (b"", b"\xef\xbb\xbf", b"# comment" + end.encode()):
        whole = before + data
        assert kind_by_looks(lambda _: BytesIO(whole), ["a.csv"]) is kind  # noqa: B023


@given(st.lists(st.text(st.sampled_from('#;|\t,=sep.pngTRAIN0/ "')), min_size=1, max_size=4))
def test_any_row_has_a_layout(fields: list[str]) -> None:
    for look in (no_row, other_delimiter, no_set):
        assert look(fields) is None or isinstance(look(fields), str)
    assert set(HINTS) <= set(RULES)
