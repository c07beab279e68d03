"""What is said of data: what holds for all data, and each verdict once."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from automl_plan.model.address import model_address
from automl_plan.model.model_types import Problem
from automl_plan.model.source_data import DataCounts, LabelCounts
from automl_plan.planning import adequacy
from automl_plan.planning.adequacy import (
    MOST_LABELS,
    Adequacy,
    Advice,
    unknown,
)
from automl_plan.planning.scorecards import Figures, Role, Scorecard
from automl_plan.providers.google.capabilities import LIMITS
from tests.documents import read_again

NUMBERS = st.integers(0, 3_000) | st.integers(0, 30)
LABELS = st.lists(
    st.builds(
        LabelCounts,
        label=st.text("abcdeé ", min_size=1, max_size=80),
        train=NUMBERS,
        validation=NUMBERS,
        test=NUMBERS,
        unassigned=NUMBERS,
    ),
    max_size=30,
    unique_by=lambda label: label.label,
)
COUNTS = st.builds(
    DataCounts,
    labels=LABELS.map(tuple),
    images=NUMBERS,
    unlabelled=NUMBERS,
    boxes=st.booleans(),
    refused=NUMBERS,
)
RANK = {Adequacy.NOT_ADEQUATE: 0, Adequacy.ADEQUATE: 1, Adequacy.GOOD: 2}


def advise(counts: DataCounts, card: Scorecard | None = None) -> Advice:
    problem = Problem.IMAGE_OBJECT_DETECTION if counts.boxes else Problem.IMAGE_CLASSIFICATION
    return adequacy.advise(counts, LIMITS[problem], card)


def of(*labels: LabelCounts) -> DataCounts:
    return DataCounts(labels, images=sum(label.examples for label in labels))


def label(name: str, train: int, validation: int = 0, test: int = 0, free: int = 0) -> LabelCounts:
    return LabelCounts(name, train, validation, test, free)


@given(COUNTS)
def test_a_verdict_has_its_reasons_and_a_change(counts: DataCounts) -> None:
    advice = advise(counts)
    graver = [reason.rule for reason in advice.reasons]
    assert (advice.verdict is Adequacy.NOT_ADEQUATE) == bool(
        {"label-minimum", "label-under-10"} & {*graver}
    )
    if advice.verdict is not Adequacy.GOOD:
        assert advice.change
        assert advice.reasons
    assert [*advice.labels] != [] or not counts.labels
    assert {each.label for each in advice.labels} == {each.label for each in counts.labels}


@given(COUNTS, st.data())
def test_examples_spread_over_all_sets_never_make_it_worse(
    counts: DataCounts, data: st.DataObject
) -> None:
    """Of each label as many more; more of one label alone may upset the balance."""
    more = data.draw(st.integers(1, 2_000))
    grown = tuple(
        replace(
            each,
            train=each.train + more,
            validation=each.validation + more,
            test=each.test + more,
        )
        for each in counts.labels
    )
    assert RANK[advise(replace(counts, labels=grown)).verdict] >= RANK[advise(counts).verdict]


@given(COUNTS)
def test_it_is_kept_in_a_plan_of_bounded_size(counts: DataCounts) -> None:
    advice = advise(counts).at_most(MOST_LABELS)
    assert read_again(advice) == advice
    assert len(advice.labels) <= MOST_LABELS
    assert advice.label_count == len(counts.labels)


@pytest.mark.parametrize(
    ("counts", "verdict", "change"),
    [
        (of(), "not adequate", "add images of 2 labels, at least 10 of each"),
        (of(label("cat", 50)), "not adequate", "add images of another label, at least 10 of each"),
        (
            of(label("cat", 50), label("dog", 4)),
            "not adequate",
            "add 6 images of label dog (4 of 10)",
        ),
        (
            of(label("cat", 0, free=50), label("dog", 0, free=40)),
            "adequate",
            "add 60 images of label dog (40 of 100)",
        ),
        (
            of(label("cat", 800, 100, 0), label("dog", 800, 100, 0)),
            "adequate",
            "assign about 10% of the images to TEST, or leave all UNASSIGNED",
        ),
        (
            of(label("cat", 800, 100, 100), label("dog", 900, 100, 0)),
            "adequate",
            "assign examples of dog to TEST",
        ),
        (
            of(label("cat", 0, free=150_000), label("dog", 0, free=1_200)),
            "adequate",
            "add 300 images of label dog (1,200 of 1,500)",
        ),
        (of(label("cat", 0, free=2_000), label("dog", 0, free=1_000)), "good", None),
    ],
)
def test_verdicts(counts: DataCounts, verdict: str, change: str | None) -> None:
    advice = advise(counts)
    assert (advice.verdict, advice.change) == (verdict, change)


def card(recalls: dict[str | None, float]) -> Scorecard:
    figures = tuple(
        Figures(label=name, examples=10, recall=recall, au_prc=recall)
        for name, recall in recalls.items()
    )
    return Scorecard(model_address("digits"), "ICN1", Role.CURRENT, 0.5, figures, 2, (), None, None)


def test_few_examples_and_low_recall_come_first() -> None:
    counts = of(label("few", 200), label("fewer", 150), label("many", 5_000))
    advice = advise(counts, card({None: 0.9, "few": 0.4, "fewer": 0.95, "many": 0.2}))
    assert [each.label for each in advice.labels] == ["few", "fewer", "many"]
    assert advice.evaluated == "model.digits version 2"
    assert any(reason.rule == "few-and-low-recall" for reason in advice.reasons)


def test_what_nobody_knows_is_no_verdict() -> None:
    advice = unknown("the service reports no labels")
    assert advice.verdict is Adequacy.UNKNOWN
    assert read_again(advice) == advice
