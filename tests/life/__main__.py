"""`python -m tests.life`: sequences by seed, on both APIs."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed

from tests.apis import APIS
from tests.life.report import Report, missing, totals
from tests.life.sequence import run
from tests.life.zygote import Zygote


def run_share(
    api: str, seeds: Sequence[int], steps: int, passed_over: frozenset[str] = frozenset()
) -> Report:
    """Sequences one after the other, in a process of their own."""
    found, zygote = Report(), Zygote()
    try:
        for seed in seeds:
            one = run(api, seed, steps, zygote, passed_over)
            found.add(one)
            for violation in one.violations:
                print(f"{violation}\n", flush=True)
    finally:
        zygote.close()
    return found


def run_all(api: str, seeds: range, steps: int, jobs: int, passed_over: frozenset[str]) -> Report:
    """All sequences of an API."""
    found = Report()
    with ThreadPoolExecutor(jobs) as pool:  # each thread waits for processes of its own
        shares = [
            pool.submit(run_share, api, seeds[i::jobs], steps, passed_over) for i in range(jobs)
        ]
        for share in as_completed(shares):
            found.add(share.result())
    return found


def main() -> int:
    """0 when nothing was violated, and nothing that a machine of this length does was left out."""
    parser = argparse.ArgumentParser(prog="python -m tests.life")
    parser.add_argument("--api", choices=APIS, action="append", help="only this one")
    parser.add_argument("--seeds", type=int, default=100, help="how many sequences")
    parser.add_argument("--first", type=int, default=1, help="the seed of the first one")
    parser.add_argument("--seed", type=int, help="only this one")
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument(
        "--pass-over", action="append", default=[], metavar="RULE", help="do not hold this rule"
    )
    given = parser.parse_args()
    passed_over = frozenset(given.pass_over)
    seeds = range(given.first, given.first + given.seeds)
    if given.seed is not None:
        seeds = range(given.seed, given.seed + 1)
    well = True
    for api in given.api or APIS:
        began = time.monotonic()
        report = run_all(api, seeds, given.steps, min(given.jobs, len(seeds)), passed_over)
        print(totals(api, report, time.monotonic() - began), flush=True)
        for name in missing(api, report) if len(seeds) >= 100 else ():
            print(f"{api}: never happened: {name}", flush=True)
            well = False
        well = well and not report.violations
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
