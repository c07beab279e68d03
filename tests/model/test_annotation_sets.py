"""Which annotation set is trained on: never one that may hold something else than is declared."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from automl_plan.model.annotation_sets import (
    AnnotationSet,
    AnnotationSets,
    newest,
    set_name,
    unclear_text,
)

DATA = "v1:" + "0123456789abcdef" * 2
MOMENTS = st.integers(0, 3).map(
    lambda second: (datetime(2026, 12, 1, tzinfo=UTC) + timedelta(seconds=second)).isoformat()
)
SETS = st.lists(
    st.builds(
        AnnotationSet,
        id=st.integers(1, 9).map(str),
        name=st.sampled_from([set_name(DATA), set_name("v1:ff"), "theirs"]),
        fits=st.booleans(),
        labels=st.none() | st.integers(0, 2),
        created=st.none() | MOMENTS,
    ),
    max_size=4,
    unique_by=lambda each: each.id,
).map(tuple)


@given(SETS, st.none() | MOMENTS, st.sampled_from([DATA, None]))
def test_one_set_is_chosen_only_if_no_other_can_be_meant(
    sets: tuple[AnnotationSet, ...], imported: str | None, data: str | None
) -> None:
    before = None if imported is None else newest([AnnotationSet("0", "", True, 0, imported)])
    found = AnnotationSets(sets, before).candidates(data)
    usable = [each for each in sets if each.fits]
    if len(found) != 1:
        assert list(found) == usable
        return
    (chosen,) = found
    others = [each for each in usable if each is not chosen]
    named = data is not None and chosen.name == set_name(data)
    assert chosen.fits
    assert (
        not others
        or (named and chosen.name not in {each.name for each in others})
        or (
            before is not None
            and all(newest([each]) <= before < newest([chosen]) for each in others)
        )
    )


def test_sets_are_named_with_what_is_known_of_them() -> None:
    sets = [AnnotationSet(str(i), f"set {i}", True, i, None) for i in range(7)]
    text = unclear_text(sets)
    assert text.startswith("it has 7 annotation sets")
    assert "set 0 (0, 0 labels); set 1 (1, 1 label); " in text
    assert "set 4 (4, 4 labels) and 2 more." in text
    assert "made 2026" in unclear_text(
        [AnnotationSet("1", "x", True, None, "2026-12-01T00:00:00Z")]
    )
