"""The short form of `make chaos`: some schedules of each kind."""

from __future__ import annotations

from tests.chaos.__main__ import run_share


def test_nothing_is_paid_twice_and_nothing_is_lost(api: str) -> None:
    tool, naive = run_share(api, 0, 1, range(1, 3), step=150)
    assert tool.faulty == []
    assert (tool.duplicates, tool.orphans, tool.wasted_usd, tool.unfinished) == (0, 0, 0.0, 0)
    assert tool.struck > tool.schedules / 3
    # The same schedules must hurt a client that takes no care, or they prove nothing.
    assert naive.duplicates > 0
    assert naive.wasted_usd > 0
