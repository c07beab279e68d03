"""The short form of `make life`: some sequences on each API."""

from __future__ import annotations

from tests.life.__main__ import run_share

SEEDS = range(2, 7)
STEPS = 20


def test_no_surprise_in_whatever_order_things_happen(api: str) -> None:
    report = run_share(api, SEEDS, STEPS)
    assert report.violations == []
    # A machine that does nothing finds nothing.
    assert report.trainings > len(SEEDS)
    assert report.effects["deleted"] > 0
