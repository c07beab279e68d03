"""Who lost the lock sends nothing more and writes nothing: a few moments of each run."""

from __future__ import annotations

from pathlib import Path

from tests.chaos.fencing import strike_all

MOMENTS = 5


def test_who_lost_the_lock_sends_and_writes_nothing(tmp_path: Path, api: str) -> None:
    def some(boundaries: int) -> range:
        assert boundaries > 50
        return range(boundaries // (MOMENTS + 1), boundaries, boundaries // (MOMENTS + 1))

    assert strike_all(api, tmp_path, some) == []
