"""Measures the rules of the data lint on rows: `python -m tests.benchmarks.lint_speed [ROWS]`.

Rows a second of generated data of each kind, and the memory that it takes.
"""

from __future__ import annotations

import argparse
import random
import resource
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from msgspec import Struct
from msgspec.structs import replace

from automl_plan.data.dataset_kinds import DatasetKind
from automl_plan.data.lint import Linter
from automl_plan.data.lint_reader import LintReader
from automl_plan.providers.google.capabilities import LIMITS
from tests.data.proof.case import LABELS

_AT_ONCE = 100_000
_BOXES_OF_AN_IMAGE = 5
_NO_LIMIT = 1 << 62


class Speed(Struct, frozen=True):
    """What a lint of generated rows took, without the time to generate them."""

    kind: DatasetKind
    rows: int
    seconds: float
    """By the clock."""
    cpu_seconds: float
    """Of this process: what counts where the machine is busy with other work, too."""
    row_cpu_seconds: float
    """What the rules on single rows take by themselves, without those that compare rows."""
    peak_bytes: int
    """Of the whole process, at its highest."""


def main() -> None:
    """Measure each kind, one after the other."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rows", type=int, nargs="?", default=1_000_000)
    rows: int = parser.parse_args().rows
    for kind in DatasetKind:
        taken = speed(kind, rows, seed=1)
        print(
            f"{kind}: {rows:,} rows in {taken.seconds:.1f} s, {rows / taken.seconds:,.0f} rows/s "
            f"({taken.cpu_seconds:.1f} s of CPU, {rows / taken.cpu_seconds:,.0f} rows/s; the rules "
            f"on single rows alone {rows / taken.row_cpu_seconds:,.0f} rows/s); peak memory "
            f"{taken.peak_bytes / 1e6:,.0f} MB"
        )


def speed(kind: DatasetKind, rows: int, seed: int) -> Speed:
    """Lint generated rows of a temporary file, with all rules on rows and on the whole."""
    limits = replace(LIMITS[kind.problem], images_at_most=_NO_LIMIT, boxes_at_most=_NO_LIMIT)
    limits = replace(limits, csv_bytes=_NO_LIMIT)
    with TemporaryDirectory() as directory:
        path = Path(directory, "rows.csv")
        with path.open("wb") as file:
            for part in _rows(kind, rows, seed):
                file.write(part)
        with path.open("rb") as file:
            reader = LintReader(kind, LIMITS[kind.problem], (0, "a.csv"), None, (), _complain)
            row_cpu = time.process_time()
            reader.read(file)
            row_cpu = time.process_time() - row_cpu
        linter = Linter(lambda _: path.open("rb"), limits={kind.problem: limits})
        clock, cpu = time.perf_counter(), time.process_time()
        linted = linter.lint("rows.csv", ["rows.csv"], kind)
        seconds, cpu_seconds = time.perf_counter() - clock, time.process_time() - cpu
    if linted.rows != rows or linted.has_errors:
        raise AssertionError(f"clean rows were found to be wrong: {linted.findings[:3]}")
    unit = 1 if sys.platform == "darwin" else 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    return Speed(kind, rows, seconds, cpu_seconds, row_cpu, peak)


def _complain(rule: str, line: int, message: str, _column: int) -> None:
    raise AssertionError(f"clean rows were found to be wrong: {rule} in line {line}: {message}")


def _rows(kind: DatasetKind, rows: int, seed: int) -> Iterator[bytes]:
    chance = random.Random(f"{kind} {seed}")
    uses = chance.choices(("TRAIN",) * 8 + ("VALIDATION", "TEST"), k=9_973)
    labels = chance.choices(LABELS, k=9_967)
    for start in range(0, rows, _AT_ONCE):
        lines = []
        for number in range(start, min(start + _AT_ONCE, rows)):
            image = number // _BOXES_OF_AN_IMAGE if kind is DatasetKind.DETECTION else number
            line = (
                f"{uses[image % 9_973]},gs://bucket/images/{image:09}.jpg,{labels[number % 9_967]}"
            )
            if kind is DatasetKind.DETECTION:
                left = number % _BOXES_OF_AN_IMAGE
                line += f",0.{left}25,0.2,,,0.{left + 3}75,0.8125,,"
            lines.append(line)
        yield "\n".join([*lines, ""]).encode()


if __name__ == "__main__":
    main()
