"""Text from outside can't act on a terminal, and tables keep their columns."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl_plan.output.style import PLAIN, Style, clean, columns, duration, moment
from automl_plan.output.values import shown

ANYTHING = st.text(st.characters(), max_size=40)
"""Lone surrogates too: file names that are no UTF-8 hold them."""


@given(ANYTHING)
def test_clean_text_is_printable_and_one_line(text: str) -> None:
    assert clean(text).isprintable()
    assert clean(clean(text)) == clean(text)
    clean(text).encode()


@given(st.recursive(ANYTHING | st.integers() | st.none(), st.lists))
def test_values_are_printable_and_short(value: object) -> None:
    text = shown(value)  # type: ignore[arg-type]  # hypothesis gives JSON without a type
    assert text.isprintable()
    assert len(text) <= 200


@given(st.lists(st.tuples(ANYTHING, ANYTHING), max_size=5))
def test_a_table_has_a_line_for_each_row(rows: list[tuple[str, str]]) -> None:
    cells = [tuple(clean(cell) for cell in row) for row in rows]
    assert len(columns(("A", "B"), cells).splitlines()) == len(rows) + 1


def test_wide_letters_and_accents_keep_the_columns() -> None:
    table = columns(("NAME", "N"), [("数字", "1"), ("cafe\u0301", "2"), ("ab\nid", "3")])
    assert table == "NAME  N\n数字  1\ncafe\u0301  2\nab    3\nid\n"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.04, "0.0s"),
        (4.21, "4.2s"),
        (59.94, "59.9s"),
        (59.97, "1m00s"),
        (90, "1m30s"),
        (3599.7, "1h00m"),
        (86_460, "24h01m"),
    ],
)
def test_duration(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("time", "text"),
    [
        (None, "-"),
        ("", "-"),
        ("2026-11-23T14:05:07Z", "2026-11-23 14:05:07Z"),
        ("2026-11-23T14:05:07.123456Z", "2026-11-23 14:05:07Z"),
        ("today", "today"),
    ],
)
def test_moment(time: str | None, text: str) -> None:
    assert moment(time) == text


def test_colour_only_where_it_is_wanted() -> None:
    assert PLAIN.red("gone") == "gone"
    assert Style(colour=True).red("gone") == "\x1b[31mgone\x1b[0m"
    assert Style(colour=True).red("") == ""
