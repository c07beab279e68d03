"""an object can have only one address, whatever is recorded."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from automl_plan.errors import StateConflict
from automl_plan.model.address import dataset_address, model_address
from automl_plan.model.recorded import RecordedResource
from automl_plan.state.document import State, encode
from automl_plan.state.store import StateStore
from tests.state.test_store import resource


def test_an_object_is_recorded_under_one_address(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    with StateStore(path).open() as session:
        session.record(resource("a", "ICN1"))
        with pytest.raises(StateConflict, match=r"ICN1 is recorded as dataset\.a"):
            session.record(resource("b", "ICN1"))
        assert sorted(map(str, session.state.resources)) == ["dataset.a"]
        session.record(resource("a", "ICN2"))
        session.record(resource("b", "ICN1"))
    assert len(StateStore(path).read().resources) == 2


def test_a_model_may_have_the_id_of_a_dataset(tmp_path: Path) -> None:
    with StateStore(tmp_path / "state.json").open() as session:
        session.record(resource("a", "ICN1"))
        session.record(replace(resource("a", "ICN1"), address=model_address("a")))


def test_a_move_is_one_step(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    with StateStore(path).open() as session:
        session.record(resource("a", "ICN1"))
        journal = path.with_name("state.json.journal")
        before = journal.read_bytes().splitlines()
        session.move(resource("b", "ICN1"), dataset_address("a"))
        assert len(journal.read_bytes().splitlines()) == len(before) + 1
        assert sorted(map(str, StateStore(path).read().resources)) == ["dataset.b"]
        with pytest.raises(StateConflict):
            session.record(resource("a", "ICN1"))


def test_a_state_that_holds_an_object_twice_is_read_and_can_be_put_right(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    both = {r.address: r for r in (resource("a", "ICN1"), resource("b", "ICN1"))}
    path.write_bytes(encode(State(lineage="0" * 32, serial=1, resources=both)))
    with StateStore(path).open() as session:
        session.record(resource("a", "ICN1"))
        with pytest.raises(StateConflict):
            session.record(resource("c", "ICN1"))
        session.record(RecordedResource(dataset_address("a")))
        with pytest.raises(StateConflict):
            session.record(resource("a", "ICN1"))
    assert sorted(map(str, StateStore(path).read().resources)) == ["dataset.b"]
