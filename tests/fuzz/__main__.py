"""`python -m tests.fuzz`: damaged files and services, on both APIs."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from tests.apis import APIS
from tests.fuzz.files import configurations, data, states_and_plans
from tests.fuzz.running import Report
from tests.fuzz.services import services


def shares(count: int, first: int, jobs: int) -> list[range]:
    """The seeds, for each job its own."""
    seeds = range(first, first + count)
    return [seeds[i::jobs] for i in range(min(jobs, count))]


def main() -> int:
    """0 when nothing crashed, hung or took too much memory."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("--configurations", type=int, default=5_000)
    parser.add_argument("--data", type=int, default=1_000, help="import files")
    parser.add_argument("--states", type=int, default=2_000, help="states and plan files")
    parser.add_argument("--services", type=int, default=500, help="hostile services")
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    parser.add_argument("--jobs", type=int, default=2 * (os.cpu_count() or 1))
    given = parser.parse_args()
    began = time.monotonic()
    work: list[Callable[[], Report]] = [
        partial(configurations, seeds)
        for seeds in shares(given.configurations, given.first, given.jobs)
    ]
    work += [partial(data, seeds) for seeds in shares(given.data, given.first, given.jobs)]
    for api in APIS:
        half = (given.states // 2, given.services // 2)
        work += [
            partial(states_and_plans, api, s) for s in shares(half[0], given.first, given.jobs)
        ]
        work += [partial(services, api, s) for s in shares(half[1], given.first, given.jobs)]
    report = Report()
    with ThreadPoolExecutor(given.jobs) as pool:  # each thread waits for processes of its own
        for found in pool.map(lambda share: share(), work):
            report.add(found)
            for fault in found.faults:
                print(f"{fault}\n", flush=True)
    print(totals(report, time.monotonic() - began))
    return 1 if report.faults else 0


def totals(report: Report, seconds: float) -> str:
    """The lines that sum it up."""
    tried = " · ".join(f"{name} {count:,}" for name, count in sorted(report.tried.items()))
    codes = " · ".join(f"{code}: {count:,}" for code, count in sorted(report.codes.items()))
    return (
        f"{tried} · faults {len(report.faults)} · most memory {report.peak_kilobytes // 1000} MB · "
        f"{seconds:.0f} s\nexit codes {codes}"
    )


if __name__ == "__main__":
    sys.exit(main())
