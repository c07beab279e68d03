"""Differences without DeepDiff are those that it finds."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from automl_plan.planning.compare import deep_differences, differences, flat_differences

SCALARS = (
    st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from([0.0, 1.0, 0.5, "", "1", "a"])
)
NAMES = st.sampled_from(["a", "b", "c", "d", "e"])
MAPPINGS = st.dictionaries(
    NAMES,
    st.recursive(SCALARS, lambda inner: st.dictionaries(NAMES, inner, max_size=5), max_leaves=8),
    max_size=3,
)


@given(MAPPINGS, MAPPINGS)
def test_as_deepdiff_finds_them(before: dict[str, Any], after: dict[str, Any]) -> None:
    for name in before.keys() | after.keys():
        old, new = ({name: side[name]} if name in side else {} for side in (before, after))
        if old != new:
            assert {
                (d.path, repr(d.before), repr(d.after)) for d in flat_differences(old, new)
            } == {(d.path, repr(d.before), repr(d.after)) for d in deep_differences(old, new)}


def test_lists_are_compared_by_deepdiff() -> None:
    (found,) = differences({"sources": ["a.csv", "b.csv"]}, {"sources": ["a.csv", "c.csv"]})
    assert (found.path, found.before, found.after) == ("sources.1", "b.csv", "c.csv")
