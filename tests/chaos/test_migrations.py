"""The short form of `python -m tests.chaos.migrations`: some of the schedules of a migration."""

from __future__ import annotations

from tests.chaos.migrations import run_share


def test_a_migration_that_is_struck_goes_on_and_copies_nothing_twice() -> None:
    schedules, struck, wrong = run_share(0, 1, step=150)
    assert wrong == []
    assert struck > schedules / 3
