"""Stops a run, takes its lock away, lets a second run end, and lets the first go on.

`python -m tests.chaos.fencing [--api API] [--every N]` strikes at every N-th boundary: before and
after what is sent, and before and after what is written.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.apis import APIS
from tests.chaos.boundaries import STOP
from tests.chaos.world import Truth, World
from tests.chaos.zygote import Command, Outcome, Zygote

APPLY = ("apply", "--auto-approve")
LOCKED = 4
"""The exit code of a run without the lock."""


def force_unlock(zygote: Zygote, directory: Path) -> None:
    """As the manual says."""
    command = Command(("force-unlock", "--auto-approve"), str(directory))
    outcome = zygote.run(command)
    assert "locked" in outcome.output, outcome.output  # it may have none yet, or any more


def remove(_: Zygote, directory: Path) -> None:
    """By hand."""
    lock_of(directory).unlink(missing_ok=True)


def move(_: Zygote, directory: Path) -> None:
    """Out of the way, where it stays locked."""
    if lock_of(directory).exists():
        lock_of(directory).rename(directory / "moved")


def replace(_: Zygote, directory: Path) -> None:
    """With a copy, as a program that synchronises files does."""
    if lock_of(directory).exists():
        copy = directory / "copy"
        copy.write_bytes(lock_of(directory).read_bytes())
        copy.rename(lock_of(directory))


def lock_of(directory: Path) -> Path:
    return directory / "state" / "state.json.lock"


WAYS: tuple[Callable[[Zygote, Path], None], ...] = (force_unlock, remove, move, replace)


class Fencing:
    """Both runs, on one service."""

    def __init__(self, world: World, zygote: Zygote, directory: Path) -> None:
        self._world = world
        self._zygote = zygote
        self._directory = directory
        outcome, self._usual, _ = self._apply("usual", Command(APPLY, ""))
        assert outcome.code == 0, outcome.output
        self.boundaries = outcome.boundaries

    def strike(self, at: int, take: Callable[[Zygote, Path], None]) -> Iterator[str]:
        """What is wrong after a run was stopped at a boundary and its lock taken in some way."""
        name = f"at-{at}-{take.__name__}"
        directory = self._made(name)
        first = self._run(directory, STOP, at)
        if not first.stopped:
            return  # it came to its end with fewer boundaries
        take(self._zygote, directory)
        second = self._run(directory)
        state = (directory / "state" / "state.json").read_bytes()
        first = self._zygote.go_on(first)
        if second.code != 0:
            yield f"{name}: the second run ended with {second.code}:\n{second.output}"
        stale = first.code == 1 and "Plan again." in first.output
        if not (stale or first.code in (0, LOCKED)) or "Traceback" in first.output:
            yield f"{name}: the first run ended with {first.code}:\n{first.output}"
        if (directory / "state" / "state.json").read_bytes() != state:
            yield f"{name}: the first run wrote the state of the second"
        if left := list(directory.rglob("*emergency*")):
            yield f"{name}: the first run kept {left}"
        found = self._world.truth(name)
        if _counts(found) != _counts(self._usual):
            yield f"{name}: {found}\n  not {self._usual}\n{first.output}\n---\n{second.output}"
        plan = self._zygote.run(Command(("plan", "--detailed-exitcode"), str(directory)))
        if plan.code != 0:
            yield f"{name}: the next plan:\n{plan.output}"

    def _apply(self, name: str, command: Command) -> tuple[Outcome, Truth, Path]:
        directory = self._made(name)
        outcome = self._run(directory, command.action, command.at)
        return outcome, self._world.truth(name), directory

    def _made(self, name: str) -> Path:
        directory = self._directory / name
        directory.mkdir()
        self._world.project(directory, name)
        return directory

    def _run(self, directory: Path, action: str | None = None, at: int = 0) -> Outcome:
        return self._zygote.run(Command(APPLY, str(directory), action=action, at=at))


def _counts(truth: Truth) -> tuple[object, ...]:
    """What must be as without any second run."""
    sizes = (len(truth.datasets), len(truth.models), len(truth.endpoints))
    return truth.trainings, truth.usd, truth.deployed, truth.most_nodes, sizes


def strike_all(api: str, directory: Path, moments: Callable[[int], range]) -> list[str]:
    """What is wrong after strikes at some of so many boundaries, by each way in turn."""
    world, zygote = World(directory / "world", api), Zygote()
    try:
        fencing = Fencing(world, zygote, directory)
        return [
            fault
            for number, at in enumerate(moments(fencing.boundaries))
            for fault in fencing.strike(at, WAYS[number % len(WAYS)])
        ]
    finally:
        zygote.close()
        world.close()


def main() -> None:
    """Strike at every N-th boundary."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--api", choices=APIS, action="append")
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--first", type=int, default=1)
    told = parser.parse_args()
    os.environ["NO_COLOR"] = "1"
    wrong = []
    for api in told.api or APIS:
        with tempfile.TemporaryDirectory() as directory:
            moments = lambda most: range(told.first, most + 1, told.every)  # noqa: E731
            wrong += (faults := strike_all(api, Path(directory), moments))
        print(f"{api}: {len(faults)} faults")
    print("\n\n".join(wrong))
    raise SystemExit(bool(wrong))


if __name__ == "__main__":
    main()
