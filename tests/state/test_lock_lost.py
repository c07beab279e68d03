"""A session whose lock was taken away: it writes nothing, and keeps nothing elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from automl_plan.errors import StateLocked
from automl_plan.model.address import dataset_address
from automl_plan.model.recorded import RecordedObject, RecordedResource
from automl_plan.state.store import StateStore


def _break(path: Path) -> None:
    StateStore(path).break_lock()


def _move(path: Path) -> None:
    lock_of(path).rename(path.with_name("moved"))


def _replace(path: Path) -> None:
    copy = path.with_name("copy")
    copy.write_bytes(lock_of(path).read_bytes())
    copy.rename(lock_of(path))


def _take(path: Path) -> None:
    """As a second run: it has the lock, and has ended."""
    _break(path)
    with StateStore(path).open(command="apply"):
        pass


def _remake(path: Path) -> None:
    """The whole directory is another one."""
    path.parent.rename(path.parent.with_name("former"))
    path.parent.mkdir()
    with StateStore(path).open():
        pass


WAYS = (_break, _move, _replace, _take, _remake)


def lock_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.lock")


def resource(name: str) -> RecordedResource:
    return RecordedResource(dataset_address(name), current=RecordedObject(f"ICN-{name}", {}))


def names(path: Path) -> list[str]:
    return sorted(str(address) for address in StateStore(path).read().resources)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    place = tmp_path / "state" / "s.json"
    with StateStore(place).open() as session:
        session.record(resource("before"))
    return place


@pytest.mark.parametrize("take", WAYS)
@pytest.mark.parametrize("recorded", [True, False])
def test_nothing_is_written_any_more(
    path: Path,
    take: Callable[[Path], None],
    recorded: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(path.parent.parent)
    session = StateStore(path).open()
    if recorded:
        session.record(resource("mine"))
    session.check()
    take(path)
    assert not session.held
    left = names(path) if take is not _remake else []
    with StateStore(path).open() as second:
        second.record(resource("theirs"))
        with pytest.raises(StateLocked, match="lost the lock of the state, which is") as caught:
            session.record(resource("late"))
        assert caught.value.exit_code == 4
        with pytest.raises(StateLocked):
            session.close()
        second.record(resource("theirs-too"))
    assert names(path) == sorted([*left, "dataset.theirs", "dataset.theirs-too"])
    kept = {each.name for each in path.parent.iterdir()} - {"copy", "moved"}
    assert kept <= {"s.json", "s.json.lock", "s.json.backup"}
    assert not list(path.parent.parent.glob("*emergency*"))


@pytest.mark.parametrize("take", WAYS)
def test_what_changes_nothing_ends_well(path: Path, take: Callable[[Path], None]) -> None:
    with StateStore(path).open():
        take(path)


def test_a_session_that_is_over_holds_nothing(path: Path) -> None:
    session = StateStore(path).open()
    session.check()
    session.close()
    assert not session.held
    with pytest.raises(StateLocked):
        session.check()


def test_a_journal_that_was_begun_is_not_written_by_two(path: Path) -> None:
    """The second run finds a journal without steps: the first has it open still."""
    first = StateStore(path).open()
    first.record(resource("mine"))
    journal = path.with_name("s.json.journal")
    head, *_ = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(head)
    _break(path)
    second = StateStore(path).open()
    second.record(resource("theirs"))
    before = journal.read_bytes()
    with pytest.raises(StateLocked):
        first.record(resource("late"))
    assert journal.read_bytes() == before
    with pytest.raises(StateLocked):
        first.close()
    second.close()
    assert names(path) == ["dataset.before", "dataset.theirs"]


def test_who_waits_for_a_lock_gets_the_one_that_is_there(path: Path) -> None:
    """The file is removed while somebody waits for it: the system would go on to wait for that."""
    first = StateStore(path).open()
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(StateStore(path).open, timeout=20.0)
        time.sleep(0.3)
        _break(path)
        second = asked.result(20.0)
    assert second.held
    assert not first.held
    with pytest.raises(StateLocked):
        StateStore(path).open()
    second.close()
    first.close()
