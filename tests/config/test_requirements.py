"""Requirements as JSON, and back."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl_plan.model.json import Attributes
from automl_plan.model.requirements import Metric, Requirements

SHARES = st.floats(0, 1)
MINIMA = st.dictionaries(st.sampled_from(Metric), SHARES)
REQUIREMENTS = st.builds(
    Requirements,
    overall=MINIMA,
    each_label=MINIMA,
    labels=st.dictionaries(st.text(max_size=5), MINIMA, max_size=3),
    threshold=SHARES,
    not_worse_than_current=st.none() | SHARES,
    confidence=st.none() | st.floats(0.5, 1, exclude_max=True),
)


@given(REQUIREMENTS)
def test_they_come_back_as_they_were(requirements: Requirements) -> None:
    text = json.dumps(requirements.to_json())
    assert Requirements.from_json(json.loads(text)) == requirements


@given(MINIMA, MINIMA, st.data())
def test_equal_ones_give_equal_text(
    overall: dict[Metric, float], each: dict[Metric, float], data: st.DataObject
) -> None:
    def shuffled(minima: dict[Metric, float]) -> dict[Metric, float]:
        return dict(data.draw(st.permutations(list(minima.items()))))

    one = Requirements(overall=overall, each_label=each, labels={"a": each, "b": overall})
    other = Requirements(
        overall=shuffled(overall),
        each_label=shuffled(each),
        labels={"b": shuffled(overall), "a": shuffled(each)},
    )
    assert one == other
    assert json.dumps(one.to_json()) == json.dumps(other.to_json())


@pytest.mark.parametrize(
    "content",
    [
        {"au_prc": "0.9"},
        {"au_prc": True},
        {"threshold": None},
        {"confidence": []},
        {"each_label": {"accuracy": 0.5}},
        {"each_label": [0.5]},
        {"labels": {"a": 0.5}},
        {"labels": ["a"]},
    ],
)
def test_what_are_none(content: Attributes) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        Requirements.from_json(content)
