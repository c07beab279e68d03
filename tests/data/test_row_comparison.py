"""What a change of sources takes away, told by the rows that were imported."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automl_plan.data.row_comparison import compare
from automl_plan.model.source_data import SourceChanges, SourceRow
from tests.depth import times


def row(number: int, use: str = "TRAIN", *labels: str, path: str | None = None) -> SourceRow:
    content = b64encode(hashlib.md5(b"%d" % number).digest()).decode().rstrip("=")
    return SourceRow(content, use, path or f"{number}.png", labels)


def compared(
    before: Sequence[SourceRow], now: Sequence[SourceRow], *, boxes: bool = False
) -> SourceChanges:
    return compare(lambda: before, lambda: now, boxes=boxes)


CAT = row(1, "TRAIN", "cat")
BOX = ("cat", "0.1", "0.2", "", "", "0.3", "0.4")


@pytest.mark.parametrize(
    ("before", "now", "found"),
    [
        ([CAT], [CAT], (0, 0, 0)),
        ([CAT, row(2, "TEST", "dog")], [row(2, "TEST", "dog"), CAT], (0, 0, 0)),
        ([CAT], [row(1, "TRAIN", "cat", path="elsewhere.png")], (0, 0, 0)),
        ([CAT, CAT], [CAT], (0, 0, 0)),
        ([CAT], [CAT, row(2, "TRAIN", "dog")], (1, 0, 0)),
        ([CAT], [], (0, 1, 0)),
        ([CAT], [row(2, "TRAIN", "cat")], (1, 1, 0)),
        ([CAT], [row(1, "TRAIN", "dog")], (0, 0, 1)),
        ([CAT], [row(1, "TEST", "cat")], (0, 0, 1)),
        ([CAT], [row(1, "UNASSIGNED", "cat")], (0, 0, 1)),
        ([CAT], [row(1, "TRAIN")], (0, 0, 1)),
        ([row(1, "TRAIN")], [CAT], (0, 0, 0)),
        ([CAT], [row(1, "TRAIN", "cat", "pet")], (0, 0, 0)),
        ([row(1, "TRAIN", "cat", "pet")], [CAT], (0, 0, 1)),
        ([row(1, "TRAIN", "cat", "pet")], [CAT, row(1, "TRAIN", "pet")], (0, 0, 0)),
    ],
)
def test_kinds_of_changes(
    before: list[SourceRow], now: list[SourceRow], found: tuple[int, int, int]
) -> None:
    changes = compared(before, now)
    assert (changes.added, changes.removed, changes.relabelled) == found
    assert changes.only_adds is (found[1:] == (0, 0))


@pytest.mark.parametrize(
    ("before", "now", "relabelled"),
    [
        ([BOX], [BOX], 0),
        ([BOX], [BOX, ("dog", *BOX[1:])], 0),
        ([BOX], [("dog", *BOX[1:])], 1),
        ([BOX], [(*BOX[:-1], "0.5")], 1),
        ([BOX, ("dog", *BOX[1:])], [BOX], 1),
        ([()], [BOX], 0),
        ([BOX], [()], 1),
    ],
)
def test_boxes_are_told_apart_by_where_they_are(
    before: list[tuple[str, ...]], now: list[tuple[str, ...]], relabelled: int
) -> None:
    then = [row(1, "TRAIN", *box) for box in before]
    there = [row(1, "TRAIN", *box) for box in now]
    changes = compared(then, there, boxes=True)
    assert (changes.added, changes.removed, changes.relabelled) == (0, 0, relabelled)


def test_the_first_few_are_named_in_the_order_of_the_rows() -> None:
    before = [row(n, "TRAIN", "cat") for n in range(20)]
    now = [row(n, "TEST" if n % 2 else "TRAIN", "dog") for n in range(10, 20)]
    changes = compared(before, now)
    assert (changes.added, changes.removed, changes.relabelled) == (0, 10, 10)
    assert changes.removed_samples == ("0.png", "1.png", "2.png")
    assert changes.relabelled_samples == (
        "10.png: TRAIN cat -> TRAIN dog",
        "11.png: TRAIN cat -> TEST dog",
        "12.png: TRAIN cat -> TRAIN dog",
    )


ROWS = st.lists(
    st.builds(
        lambda number, use, labels: row(number, use, *labels),
        st.integers(0, 4),
        st.sampled_from(["TRAIN", "TEST"]),
        st.lists(st.sampled_from(["cat", "dog", "pet"]), max_size=2),
    ),
    max_size=8,
)


def facts(rows: Sequence[SourceRow]) -> dict[str, set[str]]:
    """By image, what an import would add."""
    found: dict[str, set[str]] = {}
    for each in rows:
        found.setdefault(each.content, set()).update({f"set {each.use}", *each.labels})
    return found


@settings(max_examples=times(75, 450))
@given(ROWS, ROWS)
def test_what_only_adds_contains_all_that_was_there(
    before: list[SourceRow], now: list[SourceRow]
) -> None:
    then, there, changes = facts(before), facts(now), compared(before, now)
    assert changes.added == len(there.keys() - then.keys())
    assert changes.removed == len(then.keys() - there.keys())
    kept = [content for content in then if content in there]
    assert changes.relabelled == sum(not then[c] <= there[c] for c in kept)
    assert compared(before, [*before, *now]).only_adds


def test_more_rows_than_are_kept_in_memory() -> None:
    before = [row(n, "TRAIN", "cat") for n in range(40_000)]
    now = [row(n, "TRAIN", "dog" if n == 70 else "cat") for n in range(10, 40_010)]
    changes = compared(before, now)
    assert (changes.added, changes.removed, changes.relabelled) == (10, 10, 1)
    assert changes.removed_samples == ("0.png", "1.png", "2.png")
    assert changes.relabelled_samples == ("70.png: TRAIN cat -> TRAIN dog",)
