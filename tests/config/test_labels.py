"""Labels of resources: what `validate` lets pass, the service takes; so are our own labels."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl_plan.emulator.limits import label_faults
from automl_plan.model.address import Address
from automl_plan.model.ownership_labels import ADDRESS, differing_labels, expected_labels, owner
from automl_plan.model.recorded import RecordedObject
from automl_plan.providers.google.capabilities import label_grammar

AUTOML, VERTEX = label_grammar(digit_first=False), label_grammar(digit_first=True)
LINEAGE = "0123456789abcdef" * 2
TEXTS = st.one_of(
    st.text(st.sampled_from("az09_-äж中Aä́é\u0301 \ud800"), max_size=4),
    st.builds(
        lambda text, size: (text * size)[:size],
        st.sampled_from(["a", "ж", "中", "𐐨", "1a", "é"]),
        st.integers(30, 66),
    ),
)


@given(TEXTS, TEXTS, st.booleans())
def test_what_validate_lets_pass_the_service_takes(key: str, value: str, vertex: bool) -> None:
    grammar = VERTEX if vertex else AUTOML
    if grammar.key_problem(key) is None and grammar.value_problem(value) is None:
        assert label_faults({key: value}, digit_first=vertex) == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a" * 63, None),
        ("a" * 64, "it has 64 characters, more than 63"),
        ("1" * 63, None),
        ("ж" * 63, None),
        ("中" * 42, None),
        ("中" * 43, "it has 129 bytes in UTF-8, more than 127"),
        ("a" + "ж" * 62 + "a", "it has 64 characters, more than 63"),
        ("1team", None),
    ],
)
def test_bounds_of_keys_and_values(text: str, problem: str | None) -> None:
    assert VERTEX.key_problem(text) == VERTEX.value_problem(text) == problem
    faults = [label_faults(labels, digit_first=True) for labels in ({text: ""}, {"a": text})]
    assert [not found for found in faults] == [not problem, not problem]


def test_a_key_starts_with_a_digit_at_vertex_only() -> None:
    assert AUTOML.key_problem("1team") == "it does not start with a lowercase letter"
    assert label_faults({"1team": ""}, digit_first=False) != []
    assert label_faults({"1team": ""}, digit_first=True) == []


@pytest.mark.parametrize("length", [1, 36, 37, 38, 39, 63])
def test_ownership_labels_of_long_names_are_labels(length: int) -> None:
    address = Address.parse(f"dataset.{'d' * length}")
    found = expected_labels(LINEAGE, address, RecordedObject("1", {}), protected=False)
    assert label_faults(found) == []
    assert owner(found) is not None
    # Version 0.1 wrote a character more of names that are longer: that is no drift.
    before = {**found, ADDRESS: f"{found[ADDRESS]}{'d' * (length > 37)}"}
    assert differing_labels(found, before, replaced=False) == {}
