"""A rule that is softened, or off, takes no row away from the other rules."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from copy import deepcopy
from functools import cache
from io import BytesIO

import pytest
from msgspec import Struct

from automl_plan.data.dataset_kinds import DatasetKind
from automl_plan.data.lint import Linter
from automl_plan.data.lint_rule import Severity
from automl_plan.data.lint_rules import REFUSED
from automl_plan.providers.google.capabilities import LIMITS
from tests.data.proof.case import FEW_EXAMPLES, Case, clean
from tests.data.proof.defects import DEFECTS, Defect
from tests.data.proof.image_defects import IMAGE_DEFECTS, with_images
from tests.depth import DEEP

SOFTENED = (Severity.OFF, Severity.WARNING, Severity.NOTICE)
_ON_ROWS = {
    "row-shape", "ml-use", "index-column", "no-image", "image-path", "image-type", "label-syntax",
    "label-injection", "several-labels", "box-label", "box-vertices", "box-coordinates", "box-size",
}  # fmt: skip
ON_ROWS = [
    pytest.param(defect, kind, id=f"{defect.rule}-{defect.put.__name__}-{kind}")
    for defect in DEFECTS
    if defect.rule in _ON_ROWS
    for kind in defect.kinds
]
"""Each way to break a rule on single rows."""
_NO_ROWS = {"csv-unreadable", "csv-empty", "json-line", "json-annotations"}
"""There are no rows, or they are those of JSON Lines, which the other defects are not put into."""
_HIDES = {"csv-syntax", "csv-encoding"}
"""An open quote or UTF-16 hides the rows that follow, with what breaks the softened rule."""
_ON_LABELS = {f"label-{rule}" for rule in ("minimum", "balance")} | {
    f"label-not-in-{name}" for name in ("train", "validation", "test")
}
_ON_WHOLE = {"unlabelled-rows", "set-empty", "label-documented"} | {
    f"label-under-{n}" for n in (10, 100, 1000)
}


def test_all_rules_on_rows_are_softened() -> None:
    assert {param.values[0].rule for param in ON_ROWS} == _ON_ROWS <= REFUSED  # type: ignore[union-attr]


@pytest.mark.parametrize(("defect", "kind"), ON_ROWS)
def test_every_softening_against_every_other_defect(defect: Defect, kind: DatasetKind) -> None:
    """Rows that break the other rule break the softened one, too, and so do three more rows.

    In `make test` the softenings take turns, in `make test-deep` each meets each other defect.
    """
    severities = itertools.cycle(SOFTENED)
    for other in with_others(kind):
        both = with_more(other, defect)
        if both is None:
            continue
        for severity in SOFTENED if DEEP else (next(severities),):
            linted = both.lint(severities={defect.rule: severity})
            told = {(each.rule, each.line) for each in linted.findings}
            lost = {each for each in other.case.expected if each[0] == other.rule} - told
            assert not lost, (other.rule, severity)
            if other.rule not in _HIDES:
                assert (defect.rule in linted.counts) == (severity is not Severity.OFF)


class Other(Struct, frozen=True):
    """Data with a defect."""

    rule: str
    case: Case
    changed: Mapping[int, set[int]]
    """The fields of rows that are other ones than without it, by the row."""


@cache
def with_others(kind: DatasetKind) -> list[Other]:
    """Data of a kind with each defect that leaves rows."""
    found = []
    images = with_images(kind, seed=1)
    rows = clean(kind, 1, FEW_EXAMPLES)
    for defect in (*DEFECTS, *IMAGE_DEFECTS):
        if kind in defect.kinds and defect.rule not in _NO_ROWS:
            before = images if defect in IMAGE_DEFECTS else rows
            case = deepcopy(before)
            defect.put(case)
            pairs = enumerate(zip(before.rows, case.rows, strict=False))
            changed = {place: _changed(*pair) for place, pair in pairs}
            found.append(Other(defect.rule, case, changed))
    return found


def with_more(other: Other, defect: Defect) -> Case | None:
    """The same with a defect in more rows, and in those that have one; None where that undoes it.

    What it undoes is another case: there the other rule has nothing to say.
    """
    if defect.rule == other.rule:
        return None
    if other.rule in _ON_LABELS and "label" in defect.rule:
        return None  # one more label of few images
    case = deepcopy(other.case)
    first = len(case.rows)
    for row in case.rows[-4:-1]:
        path = f"images/more{len(case.rows)}.{row[1].rpartition('.')[2]}"
        if row[1] in case.images:
            case.images[path] = case.images[row[1]] + b"more"
        if row[1].startswith("gs://"):
            path = f"gs://bucket/{path}"
        case.rows.append([row[0], path, *row[2:]])
    case.only = list(range(first, len(case.rows)))
    broken = [line - 1 for _, line in other.case.expected if 1 < line <= first]
    inside = deepcopy(case)
    inside.only = [*broken, *case.only]
    if broken and not case.raw and _put(inside, defect) and _is_kept(other, case, inside):
        return inside
    return case if _put(case, defect) and _is_kept(other, case, case) else None


def _is_kept(other: Other, before: Case, after: Case) -> bool:
    """Whether what the other rule looks at is what it was."""
    for place, rows in enumerate(zip(other.case.rows, after.rows, strict=False)):
        more, broken = _changed(*rows), other.changed.get(place, set(range(11)))
        if more & broken or (more and broken and len(rows[0]) != len(rows[1])):
            return False
        if (before.images or other.rule in _ON_WHOLE) and more:
            return False
    return True


def _changed(one: Sequence[str], other: Sequence[str]) -> set[int]:
    pairs = itertools.zip_longest(one, other)
    return {place for place, (a, b) in enumerate(pairs) if a != b}


def _put(case: Case, defect: Defect) -> bool:
    before = deepcopy(case.rows)
    name = case.name
    try:
        defect.put(case)
    except IndexError:  # the other one left no such field
        return False
    if case.name != name and (case.images or ("header-line", 1) in case.expected):
        return False  # it moves all rows to Cloud Storage
    assert case.only is not None
    return all(before[place] != case.rows[place] for place in case.only)


BOXES = [b"UNASSIGNED,data/0.bmp,cat,.1,.1,,,.5,.5,,\n"] * 30
CLASSES = [b"data/missing0.png,Baked\x07goods\n"] * 60


@pytest.mark.parametrize("severity", SOFTENED)
@pytest.mark.parametrize(
    ("rows", "kind", "rule"),
    [
        (CLASSES, DatasetKind.MULTICLASS, "label-syntax"),
        (BOXES, DatasetKind.DETECTION, "image-type"),
    ],
)
def test_where_all_rows_break_it(
    rows: list[bytes], kind: DatasetKind, rule: str, severity: Severity
) -> None:
    linter = Linter(lambda _: BytesIO(b"".join(rows)), LIMITS, {rule: severity})
    linted = linter.lint("a", ["a.csv"], kind)
    assert (linted.rows, linted.images, linted.unchecked) == (len(rows), 1, ())
    assert linted.counts["row-repeated"] == len(rows) - 1
    assert linted.counts.get(rule, 0) == (0 if severity is Severity.OFF else len(rows))


def test_what_is_not_checked_has_its_number() -> None:
    """Whatever the severity is: of rows that are refused, and of those that can't be read."""
    rows = b'TRAIN,0.png,cat\nTRAIN,1.png,=b\nTRAIN,"2"x.png,cat\nTRAIN,,cat\nTRAIN,\xe4.png,cat\n'
    off = dict.fromkeys(("csv-syntax", "csv-encoding", "no-image"), Severity.OFF)
    linted = Linter(lambda _: BytesIO(rows), LIMITS, off).lint(
        "a", ["a.csv"], DatasetKind.MULTICLASS
    )
    assert linted.unchecked == (
        "images, labels and sets of 1 row with errors",
        "1 row that can't be read",
        "labels and sets of 1 row without an image",
    )
    assert linted.images == 2
    whole = Linter(lambda _: BytesIO(b"\xff\xfeT"), LIMITS, off).lint(
        "a", ["a.csv"], DatasetKind.MULTICLASS
    )
    assert (whole.findings, whole.unchecked) == ((), ("a.csv from line 1 on",))
