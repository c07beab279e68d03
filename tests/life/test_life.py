"""The short form of `make life`: some sequences on each API."""

from __future__ import annotations

from tests.life.__main__ import run_share

SEEDS = {"automl": range(2, 9), "vertex": range(1, 8)}
STEPS = 20


def test_no_surprise_in_whatever_order_things_happen(api: str) -> None:
    report = run_share(api, SEEDS[api], STEPS)
    assert report.violations == []
    # A machine that does nothing finds nothing.
    assert report.trainings > len(SEEDS[api])
    assert report.effects["deployed"] > 0
