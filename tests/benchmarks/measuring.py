"""Runs a command as a whole process and tells what it took."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median


@dataclass(frozen=True, slots=True)
class Taken:
    """What one run took: wall-clock seconds, and the peak of its resident memory in bytes."""

    seconds: float
    peak: int


def run(command: Sequence[str], directory: Path, environ: Mapping[str, str]) -> Taken:
    """Run a command that must succeed. Raises subprocess.CalledProcessError."""
    log = directory / "bench.log"
    timed = [sys.executable, "-S", "-E", str(Path(__file__).with_name("timed.py"))]
    done = subprocess.run(
        [*timed, str(log), *command],
        cwd=directory,
        env=environ,
        stdout=subprocess.PIPE,
        check=True,
    )
    told = json.loads(done.stdout)
    if told["code"]:
        said = log.read_text(encoding="utf-8", errors="replace")[-2_000:]
        raise subprocess.CalledProcessError(told["code"], command, output=said)
    return Taken(told["seconds"], told["peak"])


@dataclass(frozen=True, slots=True)
class Figure:
    """Several runs of the same thing."""

    runs: tuple[Taken, ...]

    @property
    def seconds(self) -> float:
        """The median."""
        return median(each.seconds for each in self.runs)

    @property
    def peak(self) -> int:
        """The median, in bytes."""
        return int(median(each.peak for each in self.runs))


def exponent(points: Mapping[int, float]) -> float | None:
    """b of seconds = a * size**b by least squares of the logarithms; None for fewer than two."""
    logs = [(math.log(size), math.log(seconds)) for size, seconds in sorted(points.items())]
    if len(logs) < 2:
        return None
    x, y = sum(a for a, _ in logs) / len(logs), sum(b for _, b in logs) / len(logs)
    above = sum((a - x) * (b - y) for a, b in logs)
    below = sum((a - x) * (a - x) for a, _ in logs)
    return above / below
