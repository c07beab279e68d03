"""What a migration keeps beside a state."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from automl_plan.errors import StateUnwritable
from automl_plan.state.document import State
from automl_plan.state.migrating import keep_former
from automl_plan.state.store import write_state


def test_the_former_state_is_on_disk_before_anything_follows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Content first, then its name: a power cut in between leaves no empty file behind."""
    path = tmp_path / "s.json"
    write_state(path, State("lineage", 3, "automl:projects/p/locations/us-central1"))
    done: list[tuple[str, str]] = []
    fsync, replace = os.fsync, os.replace

    def synced(descriptor: int) -> None:
        fsync(descriptor)
        there = os.fstat(descriptor)
        named = (tmp_path, *tmp_path.iterdir())
        (name,) = [each.name for each in named if os.path.samestat(each.stat(), there)]
        done.append(("on disk", name))

    def replaced(source: Any, target: Any) -> None:
        replace(source, target)
        done.append(("named", Path(target).name))

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "replace", replaced)
    kept = keep_former(path)
    monkeypatch.undo()
    assert done == [
        ("on disk", f"{kept.name}.new"),
        ("named", kept.name),
        ("on disk", path.parent.name),
    ]
    assert kept.read_bytes() == path.read_bytes()
    assert kept.stat().st_mode & 0o777 == 0o600
    assert {each.name for each in tmp_path.iterdir()} == {path.name, kept.name}


def test_a_former_state_that_cannot_be_kept(tmp_path: Path) -> None:
    path = tmp_path / "s.json"
    write_state(path, State("lineage", 3))
    (tmp_path / "s.json.before-migration").mkdir()
    with pytest.raises(StateUnwritable) as caught:
        keep_former(path)
    assert caught.value.where == f"{path}.before-migration"
    assert {each.name for each in tmp_path.iterdir()} == {"s.json", "s.json.before-migration"}
