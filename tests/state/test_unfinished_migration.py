"""Migrations that version 0.1 began and did not end: no other version may work on such a state."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from automl_plan.errors import StateMigrating
from automl_plan.state.document import State, decode
from automl_plan.state.replace import begin_new, push, put_rebuilt
from automl_plan.state.store import StateStore
from tests.state.test_replace import current, record

UNFINISHED = Path(__file__).parent / "unfinished.migrating.json"
"""As version 0.1 left it: one dataset is copied, the service refused to copy the model."""


def begun(directory: Path) -> Path:
    """A state, and beside it a migration of it that was cut off."""
    path = directory / "default.json"
    record(path, "ICN1", "ICN2")
    shutil.copy(UNFINISHED, directory / "default.json.migrating")
    return path


def contents(directory: Path) -> dict[str, bytes]:
    """All but the lock, which says who held it last."""
    return {each.name: each.read_bytes() for each in directory.iterdir() if each.suffix != ".lock"}


@pytest.mark.parametrize(
    "use",
    [
        lambda path: StateStore(path).read(),
        lambda path: StateStore(path).open(),
        lambda path: push(path, path.with_name("default.json.backup")),
        lambda path: put_rebuilt(path, State()),
        begin_new,
    ],
    ids=["read", "open", "push", "rebuild", "new"],
)
def test_nothing_works_on_it(tmp_path: Path, use: Callable[[Path], object]) -> None:
    path = begun(tmp_path)
    before = contents(tmp_path)
    with pytest.raises(StateMigrating) as caught:
        use(path)
    assert caught.value.where == f"{path}.migrating"
    assert "0.1" in (caught.value.hint or "")
    assert "migrate --to vertex" in (caught.value.hint or "")
    assert contents(tmp_path) == before


def test_it_is_usable_once_the_migration_is_gone(tmp_path: Path) -> None:
    path = begun(tmp_path)
    with pytest.raises(StateMigrating):
        StateStore(path).open()
    path.with_name("default.json.migrating").unlink()
    record(path, "ICN3")
    assert current(path) == "ICN3"


def without_providers() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(UNFINISHED.read_bytes())
    del document["migration"]
    return document


def without_calls() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(UNFINISHED.read_bytes())
    for resource in document["resources"].values():
        del resource["operations"]
    return document


@pytest.mark.parametrize("document", [without_providers(), without_calls()])
def test_a_document_of_one_is_no_state(tmp_path: Path, document: dict[str, Any]) -> None:
    with pytest.raises(StateMigrating) as caught:
        decode(json.dumps(document).encode(), where="x.json")
    assert caught.value.where == "x.json"
    pushed, path = tmp_path / "pushed.json", tmp_path / "state.json"
    pushed.write_text(json.dumps(document), encoding="utf-8")
    record(path, "ICN1")
    before = path.read_bytes()
    with pytest.raises(StateMigrating):
        push(path, pushed)
    assert path.read_bytes() == before
