"""The form of a state on disk."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl_plan.config.schema import read_schema
from automl_plan.errors import StateForeign, StateUnreadable
from automl_plan.model.history import KEPT, EndedOperation, remember
from automl_plan.state.document import State, decode, encode
from tests.state.strategies import ended, states

SCHEMA = jsonschema.Draft7Validator(read_schema("state"))


@given(states)
def test_what_is_written_is_read_again(state: State) -> None:
    data = encode(state)
    assert decode(data, where="x") == state
    assert encode(decode(data, where="x")) == data
    SCHEMA.validate(json.loads(data))


@given(states)
def test_order_changes_no_byte(state: State) -> None:
    turned = State(
        state.lineage,
        state.serial,
        state.provider,
        dict(reversed(list(state.resources.items()))),
        {
            step: dict(reversed(list(kept.items())))
            for step, kept in reversed(list(state.history.items()))
        },
        dict(reversed(list(state.outbox.items()))),
    )
    assert encode(turned) == encode(state)


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_no_bytes_end_in_a_traceback(data: bytes) -> None:
    with pytest.raises(StateUnreadable):
        decode(data, where="x")


@given(states, st.data())
def test_a_torn_file_is_known_as_torn(state: State, data: st.DataObject) -> None:
    whole = encode(state)
    cut = data.draw(st.integers(0, len(whole) - 2))
    with pytest.raises(StateUnreadable) as caught:
        decode(whole[:cut], where="digits.json")
    assert caught.value.where == "digits.json"


def good() -> dict[str, Any]:
    entry = {
        "current": {"id": "ICN1", "attributes": {}},
        "operations": [{"step": "train", "token": "t", "started": "2026-01-01T00:00:00Z"}],
    }
    return {
        "format_version": 2,
        "lineage": "l",
        "serial": 3,
        "provider": None,
        "resources": {"model.m": entry},
        "history": {"train": {"ab12": {"ended": "2026-01-01T00:00:00Z", "seconds": 60.5}}},
        "outbox": {
            "ended-ab12": {
                "kind": "ended",
                "when": "2026-01-01T00:00:00Z",
                "address": "model.m",
                "action": "train",
                "text": "It ended.",
                "to": ["ops"],
            }
        },
    }


@pytest.mark.parametrize(
    "damage",
    [
        lambda d: d.pop("lineage"),
        lambda d: d.pop("serial"),
        lambda d: d.pop("resources"),
        lambda d: d.update(serial=-1),
        lambda d: d.update(serial="3"),
        lambda d: d.update(serial=True),
        lambda d: d.update(lineage=None),
        lambda d: d.update(provider=4),
        lambda d: d.update(surprise=1),
        lambda d: d.update(resources=[]),
        lambda d: d["resources"].update({"nothing": {}}),
        lambda d: d["resources"].update({"model.m": []}),
        lambda d: d["resources"]["model.m"].update(surprise=1),
        lambda d: d["resources"]["model.m"].update(others={}),
        lambda d: d["resources"]["model.m"]["current"].pop("id"),
        lambda d: d["resources"]["model.m"]["current"].update(id=7),
        lambda d: d["resources"]["model.m"]["current"].update(attributes=[]),
        lambda d: d["resources"]["model.m"]["current"].update(examples=1.5),
        lambda d: d["resources"]["model.m"]["operations"][0].update(step="explode"),
        lambda d: d["resources"]["model.m"]["operations"][0].pop("token"),
        lambda d: d.update(outbox=[]),
        lambda d: d["outbox"].update(x=[]),
        lambda d: d["outbox"]["ended-ab12"].update(kind="lunch"),
        lambda d: d["outbox"]["ended-ab12"].update(surprise=1),
        lambda d: d["outbox"]["ended-ab12"].update(to="ops"),
        lambda d: d["outbox"]["ended-ab12"].update(to=[1]),
        lambda d: d["outbox"]["ended-ab12"].update(seconds="3"),
        lambda d: d["outbox"]["ended-ab12"].pop("text"),
        lambda d: d["outbox"]["ended-ab12"].update(object_id=4),
        lambda d: d.update(history=[]),
        lambda d: d["history"].update(explode={}),
        lambda d: d["history"].update(train=[]),
        lambda d: d["history"]["train"].update(x=3),
        lambda d: d["history"]["train"]["ab12"].update(surprise=1),
        lambda d: d["history"]["train"]["ab12"].pop("ended"),
        lambda d: d["history"]["train"]["ab12"].update(ended="yesterday"),
        lambda d: d["history"]["train"]["ab12"].update(seconds=-1),
        lambda d: d["history"]["train"]["ab12"].update(seconds=True),
        lambda d: d["history"]["train"]["ab12"].update(problem="tables"),
        lambda d: d["history"]["train"]["ab12"].update(examples=1.5),
        lambda d: d["history"]["train"]["ab12"].update(budget_milli_node_hours=-1),
        lambda d: d["history"]["train"]["ab12"].update(model_type=4),
    ],
)
@pytest.mark.parametrize("version", [1, 2])
def test_the_schema_and_the_reader_refuse_alike(damage: Any, version: int) -> None:
    document = {**good(), "format_version": version}
    SCHEMA.validate(document)
    decode(json.dumps(document).encode(), where="x")
    damage(document)
    assert not SCHEMA.is_valid(document)
    with pytest.raises(StateUnreadable):
        decode(json.dumps(document).encode(), where="x")


def test_a_state_without_a_history_is_as_it_was() -> None:
    document = good()
    del document["history"]
    state = decode(json.dumps(document).encode(), where="x")
    assert state.history == {}
    assert b"history" not in encode(state)


@given(states, ended)
def test_a_history_keeps_the_newest(state: State, entry: EndedOperation) -> None:
    history = {step: dict(kept) for step, kept in state.history.items()}
    step = entry.work.step
    for number in range(KEPT):
        remember(history, f"key {number}", entry)
    assert list(history[step]) == [f"key {number}" for number in range(KEPT)]
    others = {s: kept for s, kept in history.items() if s is not step}
    assert others == {s: kept for s, kept in state.history.items() if s is not step}


def test_a_newer_format_asks_for_an_upgrade() -> None:
    document = {**good(), "format_version": 3}
    with pytest.raises(StateUnreadable, match="format 3") as caught:
        decode(json.dumps(document).encode(), where="x")
    assert "Upgrade" in (caught.value.hint or "")


@pytest.mark.parametrize("version", [0, -1, True, None, "1", "2.0", [2]])
def test_what_is_no_format_is_refused(version: Any) -> None:
    document = {**good(), "format_version": version}
    assert not SCHEMA.is_valid(document)
    with pytest.raises(StateUnreadable, match="format") as caught:
        decode(json.dumps(document).encode(), where="x")
    assert "Upgrade" not in (caught.value.hint or "")


def test_a_state_of_the_former_format_is_written_in_the_present_one() -> None:
    state = decode(json.dumps({**good(), "format_version": 1}).encode(), where="x")
    assert json.loads(encode(state)) == {**good(), "format_version": 2}


def test_a_state_belongs_to_one_provider() -> None:
    State(provider=None).check_provider("local:x")
    State(provider="local:x").check_provider("local:x")
    with pytest.raises(StateForeign, match=r"automl:y.*local:x"):
        State(provider="automl:y").check_provider("local:x")
