"""`python -m tests.chaos`: all schedules, by the tool and by the naive client.

Prints one line a minute, the schedules that were not right, and the totals.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from tests.chaos.arms import Arm, Score
from tests.chaos.schedules import Schedule, at_every_boundary, by_seed, with_faults
from tests.chaos.world import World
from tests.chaos.zygote import Zygote


def run_share(share: int, shares: int, seeds: range, step: int) -> tuple[Score, Score]:
    """Every so-many-th schedule, on an emulator of its own: the tool's score, the naive one's."""
    scores = []
    with tempfile.TemporaryDirectory() as folder:
        world, zygote = World(Path(folder)), Zygote()
        try:
            for naive in (False, True):
                arm = Arm(world, zygote, Path(folder) / "runs", naive=naive)
                arm.measure()
                score = Score()
                for schedule in schedules_of(arm, seeds, step)[share::shares]:
                    one = arm.run(schedule)
                    score.add(one)
                    for line in one.faulty if not naive else ():
                        print(line, flush=True)
                scores.append(score)
        finally:
            zygote.close()
            world.close()
    return scores[0], scores[1]


def schedules_of(arm: Arm, seeds: range, step: int) -> list[Schedule]:
    """All schedules, in an order in which every share has some of each kind."""
    return [
        *at_every_boundary(arm.boundaries, arm.writes, step),
        *with_faults(arm.boundaries, step),
        *(by_seed(seed, arm.boundaries, arm.writes) for seed in seeds),
    ]


def totals(tool: Score, naive: Score) -> str:
    """The line that sums it up."""
    return " · ".join(
        (
            f"schedules {tool.schedules} ({tool.struck} struck a run)",
            f"duplicates {tool.duplicates} (naive: {naive.duplicates})",
            f"orphans {tool.orphans} (naive: {naive.orphans})",
            f"dollars wasted {tool.wasted_usd:g} (naive: ${naive.wasted_usd:,.2f})",
        )
    )


def main() -> int:
    """0 when the tool was right in all schedules, and the naive client wasn't."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos")
    parser.add_argument("--seeds", default="1..200", help="random schedules, as FIRST..LAST")
    parser.add_argument("--step", type=int, default=1, help="only every so-many-th boundary")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    given = parser.parse_args()
    first, last = map(int, given.seeds.split(".."))
    began = time.monotonic()
    tool, naive = Score(), Score()
    seeds = range(first, last + 1)
    with ThreadPoolExecutor(given.jobs) as pool:  # each thread waits for processes of its own
        shares = [
            pool.submit(run_share, share, given.jobs, seeds, given.step)
            for share in range(given.jobs)
        ]
        for finished in as_completed(shares):
            ours, theirs = finished.result()
            tool.add(ours)
            naive.add(theirs)
    print(f"{totals(tool, naive)} · {time.monotonic() - began:.0f} s")
    return 1 if tool.faulty or not naive.duplicates else 0


if __name__ == "__main__":
    sys.exit(main())
