"""States that were lost, torn, or could not be written: what is told, and what brings them back."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from msgspec.structs import replace

from automl_plan.errors import (
    StateForeign,
    StateLocked,
    StateUnreadable,
    StateUnwritable,
    UsageError,
)
from automl_plan.model.address import dataset_address
from automl_plan.model.recorded import RecordedObject, RecordedResource
from automl_plan.state.replace import begin_new, push
from automl_plan.state.store import StateStore

DIGITS = dataset_address("digits")


def record(path: Path, *ids: str) -> None:
    """One run for each id, which records it."""
    for object_id in ids:
        with StateStore(path).open() as session:
            current = RecordedObject(object_id, {})
            session.record(RecordedResource(DIGITS, current=current))


def current(path: Path) -> str | None:
    found = StateStore(path).read().resources.get(DIGITS)
    return found.current.id if found and found.current else None


@pytest.mark.parametrize("torn", [b"", b'{"format_version": 1, "lin'])
def test_a_torn_file_names_the_sound_copy(tmp_path: Path, torn: bytes) -> None:
    path = tmp_path / "state.json"
    record(path, "ICN1", "ICN2")
    path.write_bytes(torn)
    with pytest.raises(StateUnreadable) as caught:
        StateStore(path).read()
    assert "automl-plan state push" in (caught.value.hint or "")
    push(path, tmp_path / "state.json.backup")
    assert current(path) == "ICN1"
    assert (tmp_path / "state.json.damaged").read_bytes() == torn


def test_a_missing_file_is_not_an_empty_one_while_its_backup_is_there(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    record(path, "ICN1", "ICN2")
    path.unlink()
    with pytest.raises(StateUnreadable, match="missing"):
        StateStore(path).read()
    push(path, tmp_path / "state.json.backup")
    assert current(path) == "ICN1"


def test_what_is_pushed_must_be_of_this_state_and_no_older(tmp_path: Path) -> None:
    path, other = tmp_path / "state.json", tmp_path / "other.json"
    record(path, "ICN1", "ICN2")
    record(other, "ICN3")
    with pytest.raises(StateForeign):
        push(path, other)
    with pytest.raises(UsageError, match="older"):
        push(path, tmp_path / "state.json.backup")
    with pytest.raises(StateUnreadable):
        push(path, tmp_path / "nothing.json")
    assert current(path) == "ICN2"
    record(path, "ICN4")
    with StateStore(path).open(), pytest.raises(StateLocked):
        push(path, path)


def test_a_new_state_takes_nobody_s_place(tmp_path: Path) -> None:
    path = tmp_path / "kept" / "state.json"
    state = begin_new(path)
    assert StateStore(path).read() == replace(state, resources={})
    with pytest.raises(UsageError):
        begin_new(path)


def test_what_can_not_be_written_is_kept_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere, place, away = tmp_path / "elsewhere", tmp_path / "place", tmp_path / "away"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    path = place / "state.json"
    record(path, "ICN1")
    session = StateStore(path).open()
    session.record(RecordedResource(DIGITS, current=RecordedObject("ICN2", {})))
    place.rename(away)
    with pytest.raises(StateUnwritable) as caught:
        session.close()
    kept = re.search(r"automl-plan state push (\S+)", caught.value.hint or "")
    assert kept is not None
    assert Path(kept[1]).parent == elsewhere
    assert Path(kept[1]).stat().st_mode & 0o777 == 0o600
    away.rename(place)
    push(path, Path(kept[1]))
    assert current(path) == "ICN2"


def test_what_can_be_kept_nowhere_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "place"
    for variable in ("TMPDIR", "TMP", "TEMP", "HOME"):
        monkeypatch.setenv(variable, str(place))
    monkeypatch.setattr("tempfile.tempdir", None)
    place.mkdir()
    monkeypatch.chdir(place)
    session = StateStore(place / "state.json").open()
    session.record(RecordedResource(DIGITS, current=RecordedObject("ICN2", {})))
    (place / "state.json.lock").unlink()
    (place / "state.json.journal").unlink()
    place.rmdir()
    with pytest.raises(StateUnwritable, match="state can't be written"):
        session.close()
