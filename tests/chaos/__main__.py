"""`python -m tests.chaos`: all schedules, by the tool and by the naive client, on both APIs.

Prints the schedules that were not right, a line of totals for each API, and one of both.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from tests.apis import APIS
from tests.chaos.arms import Arm, Score
from tests.chaos.schedules import (
    Schedule,
    at_every_boundary,
    by_seed,
    of_a_later_stage,
    with_faults,
)
from tests.chaos.world import MAKE, World
from tests.chaos.zygote import Zygote


def run_share(api: str, share: int, shares: int, seeds: range, step: int) -> tuple[Score, Score]:
    """Every so-many-th schedule, on an emulator of its own: the tool's score, the naive one's."""
    scores = []
    with tempfile.TemporaryDirectory() as folder:
        world, zygote = World(Path(folder), api), Zygote()
        try:
            for naive in (False, True):
                arm = Arm(world, zygote, Path(folder) / "runs", naive=naive)
                arm.measure()
                score = Score()
                for schedule in schedules_of(api, arm, seeds, step)[share::shares]:
                    one = arm.run(schedule)
                    score.add(one)
                    for line in one.faulty if not naive else ():
                        print(line, flush=True)
                scores.append(score)
        finally:
            zygote.close()
            world.close()
    return scores[0], scores[1]


def schedules_of(api: str, arm: Arm, seeds: range, step: int) -> list[Schedule]:
    """All schedules, in an order in which every share has some of each kind."""
    first = arm.boundaries[MAKE]
    return [
        *at_every_boundary(first, arm.writes, step),
        *with_faults(api, first, step),
        *(by_seed(api, seed, first, arm.writes) for seed in seeds),
        *(
            schedule
            for stage, boundaries in arm.boundaries.items()
            if stage != MAKE
            for schedule in of_a_later_stage(api, stage, boundaries, step)
        ),
    ]


def totals(name: str, tool: Score, naive: Score, seconds: float) -> str:
    """The line that sums it up."""
    return f"{name}: " + " · ".join(
        (
            f"schedules {tool.schedules} ({tool.struck} struck a run)",
            f"duplicates {tool.duplicates} (naive: {naive.duplicates})",
            f"orphans {tool.orphans} (naive: {naive.orphans})",
            f"dollars wasted {tool.wasted_usd:g} (naive: ${naive.wasted_usd:,.2f})",
            f"{seconds:.0f} s",
        )
    )


def run_all(api: str, jobs: int, seeds: range, step: int) -> tuple[Score, Score]:
    """All schedules on one API."""
    tool, naive = Score(), Score()
    with ThreadPoolExecutor(jobs) as pool:  # each thread waits for processes of its own
        shares = [pool.submit(run_share, api, share, jobs, seeds, step) for share in range(jobs)]
        for finished in as_completed(shares):
            ours, theirs = finished.result()
            tool.add(ours)
            naive.add(theirs)
    return tool, naive


def main() -> int:
    """0 when the tool was right in all schedules, and the naive client wasn't on any API."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos")
    parser.add_argument("--api", choices=APIS, action="append", help="only this one")
    parser.add_argument("--seeds", default="1..200", help="random schedules, as FIRST..LAST")
    parser.add_argument("--step", type=int, default=1, help="only every so-many-th boundary")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    given = parser.parse_args()
    first, last = map(int, given.seeds.split(".."))
    began = time.monotonic()
    all_tool, all_naive, well = Score(), Score(), True
    for api in given.api or APIS:
        started = time.monotonic()
        tool, naive = run_all(api, given.jobs, range(first, last + 1), given.step)
        print(totals(api, tool, naive, time.monotonic() - started), flush=True)
        well = well and not tool.faulty and naive.duplicates > 0
        all_tool.add(tool)
        all_naive.add(naive)
    print(totals("in all", all_tool, all_naive, time.monotonic() - began))
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
